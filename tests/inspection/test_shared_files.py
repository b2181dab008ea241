"""Files that hold several credentials: changed whole, in parts, or not at all (contract, 6.5)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred

from cpamp.cpa.errors import PluginConflict
from cpamp.errors import Problem
from cpamp.inspection.account import accounts_of
from cpamp.inspection.targets import TargetGone
from cpamp.simulator.credentials import PLUGIN_CHILD
from tests.inspection.fixture import BY_KEY, DEACTIVATED, EXHAUSTED, HEALTHY, Case
from tests.inspection.running import by_account
from tests.inspection.world import World, world

FILE = "both.json"
STATUS = "PATCH /v0/management/auth-files/status"
DELETE = "DELETE /v0/management/auth-files"
GOOD, FULL, DEAD = (200, HEALTHY), (200, EXHAUSTED), (402, DEACTIVATED)
ONE, TWO = BY_KEY["f01"], BY_KEY["f03"]
CHILD = {"plugin_child": True}


def prepare(w: World, *ids: str, answers: tuple[Any, ...] = (FULL, FULL), **more: Any) -> None:
    """One file with two credentials of these runtime ids."""
    entries = zip((ONE, TWO), ids, strict=True)
    w.cpa.auth_files = [{**case.entry(file=FILE, id=id), **more} for case, id in entries]
    w.cpa.api_rules.rules = [rule(*pair) for pair in zip((ONE, TWO), answers, strict=True)]


def rule(case: Case, answer: tuple[int, Any]) -> dict[str, Any]:
    reply = {"status": answer[0], "body": answer[1]}
    return {"match": {"auth_index": case.index}, "reply": reply}


def selectors(w: World) -> list[tuple[str, bool]]:
    """What CPA was asked to switch, and whether off."""
    bodies = [json.loads(note["body"]) for note in w.calls(STATUS)]
    return [(body["name"], body["disabled"]) for body in bodies]


@ensureDeferred
async def test_what_a_file_stands_for_is_changed_with_it_alone(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        # The first row is the file's own, the second was expanded from it.
        prepare(w, FILE, "child", answers=(FULL, GOOD))
        found = by_account(await w.inspect(workers=1, autoActionMode="disable"))
        assert (found["f03"]["action"], found["f01"]["actionStatus"]) == ("keep", "needs_review")
        assert selectors(w) == []
        w.cpa.api_rules.rules = [rule(ONE, FULL), rule(TWO, FULL)]
        found = by_account(await w.inspect(workers=1, autoActionMode="disable"))
        assert {r["actionStatus"] for r in found.values()} == {"success", "skipped"}
        assert selectors(w) == [(FILE, True)]
        assert len(await w.held()) == 2


@ensureDeferred
async def test_children_of_a_plugin_are_changed_by_the_name_of_their_file(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        prepare(w, "child-1", "child-2", **CHILD)
        found = by_account(await w.inspect(workers=1, autoActionMode="disable"))
        assert {r["actionStatus"] for r in found.values()} == {"success", "skipped"}
        assert all(r["disabled"] for r in found.values())
        assert selectors(w) == [("child-1", True), (FILE, True)]
        assert w.disabled() == {"child-1", "child-2"}
        assert len(await w.held()) == 2
        # And back.
        w.cpa.api_rules.rules = [rule(ONE, GOOD), rule(TWO, GOOD)]
        await w.inspect(workers=1, autoActionMode="disable", autoRecoverEnabled=True)
        assert (w.disabled(), await w.held()) == (set(), [])


@ensureDeferred
async def test_a_file_is_not_left_half_changed(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        prepare(w, "a", "b")
        w.cpa.faults.add({"when": {"method": "PATCH", "nth": 2}, "do": {"status": 500}})
        found = by_account(await w.inspect(workers=1, autoActionMode="disable"))
        assert {r["actionStatus"] for r in found.values()} == {"failed"}
        assert selectors(w) == [("a", True), ("b", True), ("a", False)]
        assert (w.disabled(), await w.held()) == (set(), [])


@ensureDeferred
async def test_one_of_two_that_can_be_told_apart(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        prepare(w, "a", "b", answers=(FULL, GOOD))
        await w.inspect(workers=1, autoActionMode="disable")
        assert selectors(w) == [("a", True)]
        assert w.disabled() == {"a"}


@ensureDeferred
async def test_different_verdicts_delete_nothing(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        prepare(w, "a", "b", answers=(DEAD, FULL))
        found = by_account(await w.inspect(workers=1, autoActionMode="delete"))
        assert {r["actionStatus"] for r in found.values()} == {"needs_review"}
        # A sample that has not seen the other one does not delete the file either.
        w.cpa.api_rules.rules = [rule(ONE, DEAD), rule(TWO, DEAD)]
        (result,) = (await w.inspect(workers=1, autoActionMode="delete", sampleSize=1))["results"]
        assert (result["action"], result["actionStatus"]) == ("delete", "needs_review")
        assert w.calls("PATCH") == w.calls("DELETE") == []


CONFLICT = {"status": 409, "body": json.dumps({"error": PLUGIN_CHILD})}


@ensureDeferred
async def test_a_child_that_can_not_be_deleted_goes_with_its_file(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.cpa.auth_files = [ONE.entry(file=FILE, id="child")]
        w.cpa.faults.add({"when": {"method": "DELETE"}, "do": CONFLICT})
        await w.editor.delete(await w.editor.members(FILE))
        assert w.cpa.auth_files == []
        assert len(w.calls(DELETE)) == 2


# what CPA has when it refuses to delete the child, and what comes of it
LATER: list[tuple[list[dict[str, Any]], type[Problem]]] = [
    # The name of the file is the id of another file's credential.
    ([ONE.entry(file=FILE, id="child"), TWO.entry(file="other.json", id=FILE)], PluginConflict),
    # Another account by now.
    ([TWO.entry(file=FILE, id="child")], TargetGone),
    ([], TargetGone),
]


@pytest.mark.parametrize(("later", "kind"), LATER)
@ensureDeferred
async def test_and_only_if_that_harms_nobody_else(
    tmp_path: Path, later: list[dict[str, Any]], kind: type[Problem]
) -> None:
    async with world(tmp_path) as w:
        members = accounts_of([ONE.entry(file=FILE, id="child")])
        w.cpa.auth_files = later
        w.cpa.faults.add({"when": {"method": "DELETE"}, "do": CONFLICT})
        with pytest.raises(kind):
            await w.editor.delete(members)
        assert len(w.calls(DELETE)) == 1
        assert w.cpa.auth_files == later
