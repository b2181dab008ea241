"""Rules on accounts played through what is kept of the past."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
from pytest_twisted import ensureDeferred

from cpamp.notify.rule import Rule
from cpamp.store import account_log, candidates, cooldowns, inspection
from cpamp.store.account_log import Actor, Note
from cpamp.store.candidates import Candidate
from cpamp.store.cooldowns import Cooldown
from cpamp.store.inspection import Result
from tests.notify.test_notifier import DAY, HOUR, NOW, world

CANDIDATE = Candidate(
    action_type="reauth",
    status="pending",
    provider="codex",
    file_name="a.json",
    auth_index="",
    account_snapshot="a",
    account_id="",
    auth_label="",
    reason_code="token_revoked",
    reason="",
    may_disable=False,
    evidence={},
    first_seen_at_ms=1,
    last_seen_at_ms=1,
    created_at_ms=1,
    updated_at_ms=1,
)
REST = Cooldown(
    file_name="a.json",
    provider="codex",
    auth_index="",
    account_id="",
    account_snapshot="a",
    owner="o",
    reason_code="r",
    window_kind="weekly",
    evidence={},
    state="active",
    mark_ms=0,
    recover_at_ms=1,
    disabled_at_ms=1,
    created_at_ms=1,
)


async def played(w: Any, kind: str, **more: Any) -> Any:
    return await w.notifier.rehearsal.of(Rule.read({"kind": kind, **more}))


@ensureDeferred
async def test_accounts_that_wanted_a_person(tmp_path: Path) -> None:
    async with world(tmp_path) as w:

        def kept(conn: Any) -> None:
            for days, status in ((40, "pending"), (20, "resolved"), (3, "pending")):
                one = attrs.evolve(CANDIDATE, file_name=f"{days}.json", status=status)
                one.created_at_ms = NOW - days * DAY
                candidates.hit(conn, one)

        await w.store.write(kept)
        found = await played(w, "account_needs_person")
        assert found["times_ms"] == [NOW - 20 * DAY, NOW - 3 * DAY]
        assert (found["since_ms"], found["unknown"]) == (None, None)


# when it began, its planned hours, what became of it, its file
RESTS = [
    (NOW - 35 * DAY, 5, "recovered", "a.json"),
    (NOW - 9 * DAY, 5, "recovered", "a.json"),
    # An hour after the end of the one before.
    (NOW - 9 * DAY + 6 * HOUR, 5, "recovered", "a.json"),
    # A person ends it after an hour, and it comes again long before its planned end.
    (NOW - 5 * DAY, 100, "skipped", "b.json"),
    (NOW - 5 * DAY + 9 * HOUR, 100, "active", "b.json"),
    # CPA refused it.
    (NOW - 4 * DAY, 5, "skipped", "c.json"),
]


@ensureDeferred
async def test_accounts_that_were_exhausted(tmp_path: Path) -> None:
    async with world(tmp_path) as w:

        def kept(conn: Any) -> None:
            ids = []
            for at, hours, state, file in RESTS:
                row = attrs.evolve(REST, file_name=file, state=state, disabled_at_ms=at)
                row.recover_at_ms = at + hours * HOUR
                ids.append(cooldowns.add(conn, row))
            told = {"cooldown": ids[-1]}
            no = Note("c.json", "", "disable", Actor.DAEMON, "cooldown", False, evidence=told)
            account_log.add(conn, NOW - 4 * DAY, [no])
            on = Note("b.json", "", "enable", Actor.PERSON, "proxy")
            account_log.add(conn, NOW - 5 * DAY + HOUR, [on])

        await w.store.write(kept)
        begins = [at for at, _, _, _ in RESTS]
        found = await played(w, "account_exhausted", quietMinutes=30)
        assert found["times_ms"] == begins[1:5]
        found = await played(w, "account_exhausted", quietMinutes=120)
        assert found["times_ms"] == [begins[1], *begins[3:5]]


def inspected(conn: Any, days_ago: int, *, codex: int, xai: int, sample: int = 0) -> None:
    """A run that found so many accounts of two of Codex and one of xAI on."""
    at = NOW - days_ago * DAY
    run_id = inspection.begin(conn, "manual", "manual", {"sampleSize": sample}, at)
    run = inspection.read_run(conn, run_id or 0)
    assert run is not None
    run.status, run.finished_at_ms = inspection.COMPLETED, at
    inspection.update(conn, run)
    on = [("codex", codex > 0), ("codex", codex > 1), ("xai", xai > 0)]
    results = [
        Result(run.id, f"{i}", f"{i}.json", "", "", "", "", provider, not enabled, "", "")
        for i, (provider, enabled) in enumerate(on)
    ]
    inspection.record(conn, run.id, results, [], at)


@ensureDeferred
async def test_pools_that_were_low(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        found = await played(w, "pool_low", limit=2)
        assert (found["count"], "inspections" in found["unknown"]) == (None, True)

        def kept(conn: Any) -> None:
            for days_ago, codex, xai in ((6, 2, 1), (5, 1, 1), (4, 1, 0), (3, 2, 1), (2, 1, 1)):
                inspected(conn, days_ago, codex=codex, xai=xai)
            # A sample says nothing of the others.
            inspected(conn, 1, codex=0, xai=0, sample=1)

        await w.store.write(kept)
        found = await played(w, "pool_low", limit=2, provider="codex")
        assert found["times_ms"] == [NOW - 5 * DAY, NOW - 2 * DAY]
        assert (found["since_ms"], found["unknown"]) == (NOW - 6 * DAY, None)
        assert (await played(w, "pool_low", limit=1))["times_ms"] == [NOW - 4 * DAY]
        assert (await played(w, "pool_low", limit=1, provider="claude"))["count"] == 0
