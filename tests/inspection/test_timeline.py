"""What was done to an account and seen of it: by the daemon, by people, by others."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from pytest_twisted import ensureDeferred

from cpamp.errors import Problem
from cpamp.lab import CPA_KEY, Cpa, Http, Manager
from cpamp.store import account_log, account_timeline
from cpamp.store.account_log import Actor, Note
from cpamp.store.account_timeline import END, Item, Place
from cpamp.store.database import open_database
from tests.daemon import body
from tests.described import Described
from tests.inspection.rest import Rest, refused, rest
from tests.inspection.test_guard import FILES, pair  # noqa: F401
from tests.inspection.test_http import finished

TIMELINE = "/v0/management/monitoring/account-timeline"
RUN = "/v0/management/codex-inspection/run"
NOTICE = """
INSERT INTO notification_log (
    at_ms, rule, rule_name, kind, key, text, over, since_ms, channel, channel_name, status, tries,
    due_ms, sent_ms, error
) VALUES (?, 1, 'resting', ?, ?, 'told', 0, 0, 1, 'chat', 'sent', 1, 0, 0, '')
"""
Done = tuple[str, str, str]


def done(items: Sequence[dict[str, Any]]) -> list[Done]:
    """What was done, by whom, through what; the oldest first."""
    return [(i["action"], i["actor"]["kind"], i["actor"]["means"]) for i in reversed(items)]


def timeline(manager: Manager, file_name: str, **more: str) -> Any:
    query = "".join(f"&{name}={quote(value)}" for name, value in more.items())
    return manager.http.json("GET", f"{TIMELINE}?auth_file_snapshot={quote(file_name)}{query}")


@pytest.mark.usefixtures("lab")
def test_over_http(pair: tuple[Cpa, Manager]) -> None:  # noqa: F811
    cpa, manager = pair
    begun: list[Done] = [
        ("disable", "daemon", "inspection"),
        ("disable", "daemon", "inspection"),
    ]
    items = timeline(manager, "f03.json")["items"]
    assert done(items) == begun
    act, verdict = items
    assert (act["kind"], verdict["kind"], act["done"]) == ("action", "verdict", True)
    assert verdict["reason_code"] == "long_window_exhausted"
    assert verdict["evidence"]["usedPercent"] == 100
    assert act["evidence"]["run"] == verdict["evidence"]["run"]

    # A person enables it here; somebody disables it in CPA itself; the next inspection sees that.
    change = {"name": "f03.json", "disabled": False}
    manager.http.json("PATCH", f"{FILES}/status", change)
    items = timeline(manager, "f03.json")["items"]
    assert done(items) == [*begun, ("enable", "person", "panel")]
    assert items[0]["actor"]["name"] == "admin"
    manager.http.json(
        "PUT", "/usage-service/config", {"config": {"codexInspection": {"autoActionMode": "none"}}}
    )
    look(manager)
    Http(cpa.port, CPA_KEY).json("PATCH", f"{FILES}/status", {**change, "disabled": True})
    look(manager)
    found = [one for one in timeline(manager, "f03.json")["items"] if one["kind"] == "seen"]
    assert done(found) == [("disable", "outside", "inspection")]
    assert found[0]["evidence"]["sinceMs"] < found[0]["at_ms"]

    # What was ours and is no longer.
    Http(cpa.port, CPA_KEY).json("PATCH", f"{FILES}/status", {**change, "name": "f08.json"})
    look(manager)
    items = timeline(manager, "f08.json")["items"]
    assert ("claim_over", "outside", "inspection") in done(items)
    assert ("enable", "outside", "inspection") in done(items)

    # Other changes by people.
    content = b'{"type": "codex", "email": "f03@example.test"}'
    manager.http.request("POST", f"{FILES}?name=f03.json", content)
    manager.http.json("DELETE", f"{FILES}?name=f03.json")
    assert manager.http.request("DELETE", f"{FILES}?name=never.json")[0] == 404
    actions = done(timeline(manager, "f03.json")["items"])
    assert actions[-2:] == [("write", "person", "panel"), ("delete", "person", "panel")]
    assert timeline(manager, "never.json") == {"items": []}
    manager.http.json("DELETE", f"{FILES}?all=true")
    assert done(timeline(manager, "f08.json")["items"])[-1] == ("delete", "person", "panel")

    # Page by page it is the same.
    answer = timeline(manager, "f03.json", limit="2")
    assert Described.by(manager.http).wrong("GET", TIMELINE, answer) == []
    whole, pages, before = timeline(manager, "f03.json")["items"], [], ""
    while True:
        page = timeline(manager, "f03.json", limit="2", **({"before": before} if before else {}))
        pages += page["items"]
        if "next" not in page:
            break
        before = page["next"]
    assert pages == whole
    for query in ("", "?auth_file_snapshot=%20", "?auth_file_snapshot=a&before=x"):
        status, answer = body(manager.http.request("GET", f"{TIMELINE}{query}"))
        assert (status, bool(answer["code"])) == (400, True)
    manager.http.key = "wrong"
    assert manager.http.request("GET", f"{TIMELINE}?auth_file_snapshot=a")[0] == 401


def look(manager: Manager) -> None:
    """One inspection, to its end."""
    finished(manager, manager.http.json("POST", RUN)["run"]["id"])


async def items_of(r: Rest, file_name: str, index: str) -> list[Item]:
    read = account_timeline.read
    items, _ = await r.world.store.read(read, file_name, index, END, 100)
    return list(items)


@ensureDeferred
async def test_cooldowns(tmp_path: Path) -> None:
    async with rest(tmp_path) as r:
        w = r.world
        await r.cooldowns.take(r.found("f01"))
        await w.store.write(_notice, w.now_ms(), "account_exhausted", "f01.json a01")
        w.ahead_ms += 10 * 86_400_000
        await r.cooldowns.restore_due()
        items = await items_of(r, "f01.json", "a01")
        assert [(i.action, i.actor, i.means) for i in reversed(items)] == [
            ("rest", Actor.DAEMON, "cooldown"),
            ("notice", Actor.DAEMON, "notices"),
            ("enable", Actor.DAEMON, "cooldown"),
        ]
        assert items[-1].evidence["windowKind"] == "weekly"
        assert items[-1].reason_code == "codex_usage_limit_reached"

        # The end of one that somebody else has enabled.
        await r.cooldowns.take(r.found("f02"))
        w.entry("f02.json").update(disabled=False, status="active")
        w.ahead_ms += 10 * 86_400_000
        await r.cooldowns.restore_due()
        items = await items_of(r, "f02.json", "")
        assert (items[0].action, items[0].actor) == ("rest_over", Actor.OUTSIDE)
        assert items[0].reason == "enabled already"


@ensureDeferred
async def test_candidates(tmp_path: Path) -> None:
    async with rest(tmp_path) as r:
        w = r.world
        await r.switches_off_by_itself()
        await r.hears([refused("f03")])
        (candidate,) = (await r.candidates.listing("", 1))["items"]
        await w.store.write(_notice, w.now_ms(), "account_needs_person", str(candidate["id"]))
        w.cpa.faults.add({"when": {"method": "DELETE"}, "do": {"status": 500}})
        with pytest.raises(Problem, match="500"):
            await r.candidates.delete(candidate["id"])
        await r.candidates.enable(candidate["id"])
        items = list(reversed(await items_of(r, "f03.json", "a03")))
        found = {(i.action, i.actor, i.means, i.done) for i in items}
        assert found == {
            ("propose", Actor.DAEMON, "queue", True),
            ("disable", Actor.DAEMON, "policy", True),
            ("notice", Actor.DAEMON, "notices", True),
            ("delete", Actor.PERSON, "queue", False),
            ("enable", Actor.PERSON, "queue", True),
        }
        (failed,) = [item for item in items if not item.done]
        assert "500" in failed.reason
        (proposed,) = [item for item in items if item.action == "propose"]
        assert proposed.evidence["statusCode"] == 401


def _notice(conn: sqlite3.Connection, at_ms: int, kind: str, key: str) -> None:
    conn.execute(NOTICE, (at_ms, kind, key))


def test_places(tmp_path: Path) -> None:
    """Items of one moment come in an order that pages keep."""
    chance = random.Random(2)
    path = tmp_path / "usage.sqlite"
    with closing(open_database(path)) as conn:
        for _ in range(60):
            at_ms = chance.randrange(5)
            note = Note("a.json", chance.choice(["", "i"]), "enable", Actor.PERSON, "panel")
            account_log.add(conn, at_ms, [note])
            _notice(conn, chance.randrange(5), "account_exhausted", "a.json i")
            account_log.add(conn, at_ms, [Note("a.json", "j", "enable", Actor.PERSON, "panel")])
        whole, after = account_timeline.read(conn, "a.json", "i", END, 500)
        assert (len(whole), after) == (120, None)
        assert whole == sorted(whole, key=lambda item: item.place, reverse=True)
        pages: list[Item] = []
        place: Place | None = END
        while place is not None:
            page, place = account_timeline.read(conn, "a.json", "i", place, 7)
            pages += page
        assert pages == whole
        account_log.forget_old(conn, account_log.KEPT_MS + 3)
        left, _ = account_timeline.read(conn, "a.json", "i", END, 500)
        assert {item.place.at_ms for item in left if item.place.kind == "action"} == {3, 4}
