"""What is done by itself, in which groups, and what fits the live credentials (contract, 6)."""

from __future__ import annotations

from typing import Any

import pytest

from cpamp.inspection.account import Account, accounts_of
from cpamp.inspection.plan import Item, automatic, capped, mapped, plan, validate
from cpamp.inspection.settings import InspectionSettings
from cpamp.inspection.targets import changeable_alone, source_row
from cpamp.store.inspection import Result


def result(file: str, index: str = "", action: str = "disable", **more: Any) -> Result:
    """The result of one credential."""
    return Result(
        **{
            "run_id": 1,
            "account_key": f"{file}::{index}",
            "file_name": file,
            "display_account": f"{file}/{index}",
            "account_snapshot": "",
            "auth_index": index,
            "account_id": f"acc-{index}" if index else "",
            "provider": "codex",
            "disabled": False,
            "status": "",
            "state": "",
            "plan_type": "",
            "created_at_ms": 1,
            "action": action,
            **more,
        }
    )


def live(file: str, index: str, id: str = "", **more: Any) -> dict[str, Any]:
    """A credential as CPA lists it."""
    return {
        "name": file,
        "id": id or file,
        "provider": "codex",
        "auth_index": index,
        "account_id": f"acc-{index}",
        **more,
    }


# -- 6.1 ----------------------------------------------------------------------------------------

MODES = ("none", "enable", "disable", "delete")
# suggestion, and what is executed in each mode ("" for nothing)
EXECUTED = [
    ("disable", ("", "", "disable", "disable")),
    ("delete", ("", "", "disable", "delete")),
    ("reauth", ("", "", "", "")),
    ("keep", ("", "", "", "")),
]


@pytest.mark.parametrize("recovers", [False, True])
@pytest.mark.parametrize(("action", "executed"), EXECUTED)
def test_what_is_done_by_itself(action: str, executed: tuple[str, ...], recovers: bool) -> None:
    for mode, wanted in zip(MODES, executed, strict=True):
        settings = InspectionSettings(auto_action_mode=mode, auto_recover=recovers)
        chosen = automatic([result("a", "1", action, auto_recover=True)], settings)
        assert [mapped(one, mode) for one in chosen] == ([wanted] if wanted else []), mode


@pytest.mark.parametrize("mode", MODES)
def test_enabling_asks_for_the_switch_and_for_a_claim_in_every_mode(mode: str) -> None:
    for recovers in (False, True):
        for owned in (False, True):
            settings = InspectionSettings(auto_action_mode=mode, auto_recover=recovers)
            chosen = automatic([result("a", "1", "enable", auto_recover=owned)], settings)
            assert bool(chosen) is (recovers and owned)


# enabled accounts, hits among them, others that are off and hit, whether that is an outage
CAPS = [(5, 5, 0, False), (6, 3, 0, False), (6, 4, 0, True), (8, 4, 4, False), (8, 5, 0, True)]


@pytest.mark.parametrize(("enabled", "hits", "off", "outage"), CAPS)
def test_more_than_half_of_more_than_five_is_an_outage(
    enabled: int, hits: int, off: int, outage: bool
) -> None:
    on = [result("a", str(i), "disable" if i < hits else "keep") for i in range(enabled)]
    others = [result("b", str(i), "delete", disabled=True) for i in range(off)]
    results = [*on, *others]
    assert capped([one for one in results if one.action != "keep"], results) is outage
    back = [result("c", str(i), "enable", disabled=True) for i in range(20)]
    assert not capped(back, [*on, *back])


# -- 6.2 and 6.3 --------------------------------------------------------------------------------

# the results of one file, all of them chosen where they can be; items as (action, members)
# and the number that need a look
GROUPS: list[tuple[list[Result], list[tuple[str, int]], int]] = [
    ([result("f", "1"), result("f", "2", "enable")], [("disable", 1), ("enable", 1)], 0),
    ([result("f", "1"), result("f", "2", "keep")], [("disable", 1)], 0),
    ([result("f", "1", "delete"), result("f", "2", "delete")], [("delete", 2)], 0),
    ([result("f", "1", "delete"), result("f", "2", "keep")], [], 1),
    ([result("f", "1", "delete"), result("f", "2", "reauth")], [], 1),
    ([result("f", "1", "delete"), result("f", "2")], [], 2),
    # One credential, listed twice.
    ([result("f", "1"), result("f", "1")], [("disable", 2)], 0),
    ([result("f", "1"), result("f", "1", "enable")], [], 2),
    # Nobody knows who it is.
    ([result("f", "")], [], 1),
    ([result("f", "", account_snapshot="f")], [], 1),
    ([result("f", "", account_snapshot="a@e.test")], [("disable", 1)], 0),
]


@pytest.mark.parametrize(("results", "items", "reviews"), GROUPS)
def test_groups(results: list[Result], items: list[tuple[str, int]], reviews: int) -> None:
    chosen = [one for one in results if one.action in ("disable", "enable", "delete")]
    planned = plan(results, chosen, lambda one: one.action)
    assert [(item.action, len(item.results)) for item in planned.items] == items
    assert [outcome.status for outcome in planned.outcomes] == ["needs_review"] * reviews


def test_in_mode_disable_a_deletion_is_no_deletion_for_its_file_either() -> None:
    results = [result("f", "1", "delete"), result("f", "2")]
    planned = plan(results, results, lambda one: mapped(one, "disable"))
    assert [item.action for item in planned.items] == ["disable", "disable"]


# -- 6.4 ----------------------------------------------------------------------------------------

OFF = {"disabled": True}
TWO = [live("f", "1", "f-a"), live("f", "2", "f-b")]
# What is expanded from a file that stands for itself.
EXPANDED = [live("f", "1"), live("f", "2", "f-b")]

# items of one file, the live credentials; selectors of what is changed (None: by the file's own
# row), or the status of each result that is settled without
VALIDATIONS: list[tuple[list[Item], list[dict[str, Any]], Any]] = [
    ([Item("disable", (result("f", "1"),))], [live("f", "1")], ["f"]),
    ([Item("disable", (result("f", "1"),))], [], ["failed"]),
    ([Item("disable", (result("f", "1"),))], [live("f", "2")], ["failed"]),
    ([Item("disable", (result("f", "1"),))], [live("f", "1", account_id="x")], ["failed"]),
    ([Item("disable", (result("f", "1"),))], [live("f", "1"), live("f", "1")], ["failed"]),
    ([Item("disable", (result("f", "1"),))], [live("f", "1", **OFF)], ["skipped"]),
    ([Item("enable", (result("f", "1"),))], [live("f", "1")], ["skipped"]),
    ([Item("enable", (result("f", "1"),))], [live("f", "1", **OFF)], ["f"]),
    ([Item("disable", (result("f", "1"),))], TWO, ["f-a"]),
    # Neither the row that stands for the file nor what was expanded from it goes alone.
    ([Item("disable", (result("f", "1"),))], EXPANDED, ["needs_review"]),
    ([Item("disable", (result("f", "2"),))], EXPANDED, ["needs_review"]),
    (
        [Item("disable", (result("f", "1"),)), Item("disable", (result("f", "2"),))],
        EXPANDED,
        [None],
    ),
    ([Item("disable", (result("f", "1"),)), Item("disable", (result("f", "2"),))], TWO, ["f-a"]),
    (
        [Item("disable", (result("f", "1"),)), Item("disable", (result("f", "2"),))],
        [live("f", "1", "f-a", **OFF), live("f", "2", "f-b", **OFF)],
        ["skipped", "skipped"],
    ),
    # A deletion has to be of everybody in the file.
    ([Item("delete", (result("f", "1"),))], [live("f", "1")], ["f"]),
    ([Item("delete", (result("f", "1"),))], TWO, ["needs_review"]),
    ([Item("delete", (result("f", "1"), result("f", "2")))], TWO, ["f-a"]),
    ([Item("delete", (result("f", "1"), result("f", "2")))], TWO[:1], ["failed", "failed"]),
]


@pytest.mark.parametrize(("items", "entries", "wanted"), VALIDATIONS)
def test_what_fits_the_live_credentials(
    items: list[Item], entries: list[dict[str, Any]], wanted: list[Any]
) -> None:
    works, outcomes = validate(items, accounts_of([*entries, live("other", "9")]))
    statuses = ("failed", "skipped", "needs_review")
    if wanted[0] in statuses:
        assert works == []
        assert [outcome.status for outcome in outcomes] == wanted
        return
    (work,) = works
    assert outcomes == []
    assert work.file_name == "f"
    if wanted == [None]:
        assert work.source is not None
        assert work.source.runtime_id == "f"
        assert [account.auth_index for account in work.targets] == ["1", "2"]
    else:
        assert work.source is None
        assert work.targets[0].runtime_id == wanted[0]


def test_a_skip_tells_what_the_credential_is_now() -> None:
    _, (outcome,) = validate(
        [Item("disable", (result("f", "1"),))], accounts_of([live("f", "1", **OFF)])
    )
    assert outcome.disabled is True


# the entries of a file; which of them may change alone, and which stands for the file
ALONE: list[tuple[list[dict[str, Any]], list[bool], int | None]] = [
    ([live("f", "1")], [True], 0),
    ([live("f", "1", "other")], [True], None),
    ([{**live("f", "1"), "id": ""}], [False], None),
    (TWO, [True, True], None),
    (EXPANDED, [False, False], 0),
    ([live("f", "1", "same"), live("f", "2", "same")], [False, False], None),
    ([live("f", "1"), live("f", "2")], [False, False], None),
]


@pytest.mark.parametrize(("entries", "alone", "source"), ALONE)
def test_what_can_be_changed_alone(
    entries: list[dict[str, Any]], alone: list[bool], source: int | None
) -> None:
    members: list[Account] = accounts_of(entries)
    assert [changeable_alone(account, members) for account in members] == alone
    assert source_row(members) is (None if source is None else members[source])
