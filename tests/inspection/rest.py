"""A world in which the daemon acts by itself: cooldowns, candidates, and their policy."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
from twisted.internet import reactor

from cpamp.inspection.account import Identity
from cpamp.inspection.automation import Automation
from cpamp.inspection.candidates import Candidates
from cpamp.inspection.cooldowns import Cooldowns
from cpamp.inspection.evidence import CODEX_OWNER, Exhaustion
from cpamp.inspection.ownership import Holders
from cpamp.inspection.policy import Policy
from cpamp.settings import Settings, load
from cpamp.usage.event import Event
from tests.inspection import fixture
from tests.inspection.test_evidence import failed
from tests.inspection.world import World, until, world

HOUR_MS = 3_600_000
STATUS = "PATCH /v0/management/auth-files/status"


@attrs.define
class Rest:
    """A world with everything that acts by itself."""

    world: World
    cooldowns: Cooldowns
    candidates: Candidates
    policy: Policy
    automation: Automation

    async def hears(self, events: list[Event]) -> None:
        """Events are collected, and what follows from them is done."""
        self.automation.added(events)
        await until(lambda: self.automation._working is None, "the work")

    async def switches_off_by_itself(self) -> None:
        """From now on accounts that fail are queued, and switched off."""
        wanted = {"authIssueQueueEnabled": True, "authIssueAutoDisableEnabled": True}
        await self.policy.change(wanted)

    async def rows(self) -> list[tuple[str, str, str]]:
        rows = await self.world.store.read(
            lambda c: c.execute("SELECT file_name, state, note FROM quota_cooldowns").fetchall()
        )
        return list(rows)

    def found(self, key: str, in_ms: int = HOUR_MS, **changes: Any) -> Exhaustion:
        case = fixture.BY_KEY[key]
        identity = Identity(f"{key}.json", "codex", case.index, "", f"{key}@example.test")
        at_ms = self.world.now_ms() + in_ms
        return Exhaustion(
            attrs.evolve(identity, **changes),
            CODEX_OWNER,
            "codex_usage_limit_reached",
            "weekly",
            at_ms,
        )


@asynccontextmanager
async def rest(folder: Path, **environ: str) -> AsyncIterator[Rest]:
    async with world(folder) as w:
        w.cpa.auth_files = fixture.entries()
        settings: Settings = load({"USAGE_DATA_DIR": ".", **environ}, folder)
        cooldowns = Cooldowns(
            reactor, w.store, w.editor, Holders((w.claims,)), lambda: True, w.now_ms, w.journal
        )
        holders = Holders((w.claims, cooldowns))
        candidates = Candidates(w.store, w.editor, holders, lambda: True, w.now_ms, w.journal)
        policy = Policy(settings, w.store, w.now_ms)
        automation = Automation(
            reactor, w.store, policy, cooldowns, candidates, lambda: True, w.now_ms
        )
        automation.startService()
        try:
            yield Rest(w, cooldowns, candidates, policy, automation)
        finally:
            await until(lambda: automation._working is None, "the end of the work")
            automation.stopService()


def refused(key: str, code: str = "token_revoked") -> Any:
    event = failed(401, {"error": {"code": code}})
    case = fixture.BY_KEY[key]
    event.who = event.who._replace(
        auth_file_snapshot=f"{key}.json",
        auth_index=case.index,
        account_snapshot=f"{key}@example.test",
    )
    event.event_hash = f"{key}-{code}-{time.monotonic_ns()}"
    return event
