"""People, CPA, providers and the daemon at random: what must hold whatever they do.

We never enable what we did not disable; and we never leave disabled what we disabled and is well.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import attrs
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from twisted.internet.task import Clock

from cpamp.cpa.errors import CpaProblem
from cpamp.errors import CpaUnreachable, Problem, StoreUnavailable
from cpamp.inspection.account import Account, Identity, accounts_of
from cpamp.inspection.cooldowns import Cooldowns
from cpamp.inspection.editor import Editor
from cpamp.inspection.evidence import CODEX_OWNER, Exhaustion
from cpamp.inspection.executing import Executor
from cpamp.inspection.inspector import Inspector
from cpamp.inspection.journal import Journal
from cpamp.inspection.locks import FileLocks
from cpamp.inspection.manual import ManualActions
from cpamp.inspection.ownership import Claims, Holders, among
from cpamp.inspection.probers import Probers
from cpamp.inspection.settings import InspectionSettings
from cpamp.quota.feeds import QuotaFeed
from cpamp.quota.snapshots import Snapshots
from cpamp.simulator.answers import Call
from cpamp.simulator.credentials import switch
from cpamp.simulator.management import management
from cpamp.simulator.server import Simulator
from cpamp.store.database import open_database
from cpamp.store.transaction import transaction
from tests.collect.doubles import finished
from tests.inspection import fixture

START_MS = 1_795_500_000_000
STEP_MS = 60_000
HOUR_MS = 3_600_000
# Few, so that what happens meets what happened before.
KEYS = ("f01", "f02")
ANSWERS: dict[str, dict[str, Any]] = {
    "healthy": {"status": 200, "body": fixture.HEALTHY},
    "exhausted": {"status": 200, "body": fixture.EXHAUSTED},
    "five hours": {"status": 200, "body": fixture.BY_KEY["f06"].body},
    "payment": {"status": 402, "body": "payment_required"},
    "login": {"status": 401, "body": "token is expired"},
    "limited": {"status": 429, "body": "Rate limit reached"},
    "broken": {"status": 503, "body": fixture.HTML},
    "silent": {"error": "request failed"},
}
FAULTS = ("unreachable", "lost answer", "refused", "store", "killed before", "killed after")


class Killed(BaseException):
    """The process is no more: nothing that it would still do happens."""


@attrs.define
class Trouble:
    """What goes wrong at the n-th thing that the daemon does from now on."""

    kind: str = ""
    at: int = 0
    dead: bool = False

    def before(self) -> str:
        """What becomes of the thing that is about to be done."""
        if self.dead:
            raise Killed
        self.at -= 1
        kind = self.kind if self.at == -1 else ""
        if kind == "killed before":
            self.dead = True
            raise Killed
        return kind

    def after(self, kind: str) -> None:
        if kind == "killed after":
            self.dead = True
            raise Killed


@attrs.define
class Cpa:
    """The simulator without a network; knows who switched what last."""

    sim: Simulator
    trouble: Trouble
    owner: dict[str, str] = attrs.field(factory=dict)
    by_hand: bool = False
    wrongs: list[str] = attrs.field(factory=list)

    async def exchange(self, method: str, path: str, body: bytes | None = None, **_: Any) -> bytes:
        kind = self.trouble.before()
        if kind == "unreachable":
            raise CpaUnreachable("connection refused")
        if kind == "refused":
            raise CpaProblem("500 Internal Server Error")
        where, _, query = path.partition("?")
        call = Call(method, where, parse_qs(query), {}, body or b"")
        before = {entry["id"]: entry["disabled"] for entry in self.sim.auth_files}
        answer = management(self.sim, call)
        if method == "PATCH" and answer.status == 200:
            self._judge(call.json(), before)
        self.trouble.after(kind)
        if kind == "lost answer":
            raise CpaUnreachable("connection lost")
        if answer.status >= 300:
            raise CpaProblem(f"{answer.status}")
        return answer.body or b""

    def _judge(self, body: dict[str, Any], before: dict[str, bool]) -> None:
        name, wanted = body["name"], body["disabled"]
        if self.by_hand:
            self.owner[name] = "person"
        elif wanted and not before[name]:
            self.owner[name] = "us"
        elif not wanted and before[name]:
            if self.owner.get(name) != "us":
                self.wrongs.append(f"{name} was disabled by somebody else")
            self.owner[name] = ""

    def entry(self, key: str) -> dict[str, Any] | None:
        found = [e for e in self.sim.auth_files if e["name"] == f"{key}.json"]
        return found[0] if found else None


@attrs.define
class InlineStore:
    """The store's reads and writes, without threads."""

    conn: sqlite3.Connection
    trouble: Trouble

    async def read(self, work: Callable[..., Any], *args: Any) -> Any:
        if self.trouble.dead:
            raise Killed
        return work(self.conn, *args)

    async def write(self, work: Callable[..., Any], *args: Any) -> Any:
        kind = self.trouble.before()
        if kind == "store":
            raise StoreUnavailable("database or disk is full")
        with transaction(self.conn):
            result = work(self.conn, *args)
        self.trouble.after(kind)
        return result


class Everybody(RuleBasedStateMachine):
    """A rule is something that somebody does; a minute passes between two of them."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="cpamp-"))
        open_database(self.folder / "usage.sqlite").close()
        self.now = START_MS
        sim = Simulator(Clock(), key="k", now_ms=lambda: self.now)
        sim.auth_files = [fixture.BY_KEY[key].entry() for key in KEYS]
        sim.api_rules.rules = [
            {
                "match": {"auth_index": fixture.BY_KEY[key].index},
                "reply": dict(ANSWERS["healthy"]),
            }
            for key in KEYS
        ]
        self.cpa = Cpa(sim, Trouble())
        self.begin()

    def begin(self) -> None:
        """A new process on what the last one left."""
        self.cpa.trouble = trouble = Trouble()
        self.conn = sqlite3.connect(self.folder / "usage.sqlite", isolation_level=None)
        store: Any = InlineStore(self.conn, trouble)
        client: Any = self.cpa
        editor = Editor(lambda: client, FileLocks())
        journal = Journal(store, lambda: self.now)
        claims = Claims(store, lambda: self.now, journal)
        self.cooldowns = Cooldowns(
            Clock(), store, editor, Holders((claims,)), lambda: True, lambda: self.now, journal
        )
        self.holders = Holders((claims, self.cooldowns))
        executor = Executor(editor, claims, self.holders, journal)
        self.settings = InspectionSettings()
        self.inspector = Inspector(
            Clock(),
            store,
            editor,
            claims,
            executor,
            Probers(Clock(), lambda: self.now),
            lambda: self.settings,
            lambda: True,
            lambda: self.now,
            QuotaFeed(Clock(), Snapshots(store, lambda: self.now)).results,
        )
        self.manual = ManualActions(store, self.inspector, executor, lambda: True, lambda: self.now)
        self.inspector.running = True  # type: ignore[assignment]

    def do(self, work: Any, fault: tuple[str, int] | None = None) -> Any:
        """Something the daemon does, with what goes wrong meanwhile."""
        trouble = self.cpa.trouble
        trouble.kind, trouble.at = fault or ("", 0)
        try:
            return finished(work)
        except (Problem, Killed):
            return None
        finally:
            trouble.kind = ""
            if trouble.dead:
                self.conn.close()
                self.begin()
            self.now += STEP_MS

    def by_person(self, key: str) -> dict[str, Any] | None:
        """The entry that a person is about to change in CPA itself."""
        self.now += STEP_MS
        entry = self.cpa.entry(key)
        if entry is not None:
            self.cpa.owner[entry["id"]] = "person"
        return entry

    key = st.sampled_from(KEYS)
    fault = st.none() | st.tuples(st.sampled_from(FAULTS), st.integers(0, 16))

    # -- what happens ---------------------------------------------------------------------------

    @rule(key=key, states=st.sampled_from([(True,), (False,), (False, True)]))
    def a_person_switches_in_cpa_itself(self, key: str, states: tuple[bool, ...]) -> None:
        for disabled in states:
            entry = self.by_person(key)
            if entry is not None:
                switch(self.cpa.sim, entry, disabled)

    @rule(key=key, disabled=st.booleans(), fault=fault)
    def a_person_switches_through_us(
        self, key: str, disabled: bool, fault: tuple[str, int] | None
    ) -> None:
        self.now += STEP_MS
        accounts = [a for a in accounts_of(self.cpa.sim.auth_files) if a.file_name == f"{key}.json"]
        self.do(self._passed(accounts, disabled), fault)

    async def _passed(self, accounts: list[Account], disabled: bool) -> None:
        """What the proxy does with such a change."""
        given_up = await self.holders.end(among(accounts))
        for account in accounts:
            body = b'{"name":"%s","disabled":%s}' % (
                account.runtime_id.encode(),
                b"true" if disabled else b"false",
            )
            self.cpa.by_hand = True
            try:
                await self.cpa.exchange("PATCH", "/v0/management/auth-files/status", body)
            except CpaProblem:
                await given_up.restore()
                raise
            finally:
                self.cpa.by_hand = False

    @rule(key=key, disabled=st.booleans())
    def a_file_is_replaced_by_another_account(self, key: str, disabled: bool) -> None:
        entry = self.by_person(key)
        if entry is not None:
            entry["id_token"] = {"chatgpt_account_id": f"acc-{self.now}"}
            switch(self.cpa.sim, entry, disabled)

    @rule(key=key)
    def a_file_is_deleted_or_comes_back(self, key: str) -> None:
        sim, entry = self.cpa.sim, self.by_person(key)
        if entry is not None:
            sim.auth_files.remove(entry)
        else:
            new = fixture.BY_KEY[key].entry()
            sim.auth_files.append(new)
            switch(sim, new, disabled=False)

    @rule(
        answers=st.tuples(*[st.sampled_from(["healthy", "exhausted", "exhausted", *ANSWERS])] * 2),
        mode=st.sampled_from(["disable", "disable", "none"]),
        recover=st.booleans(),
        fault=fault,
    )
    def an_inspection(
        self, answers: tuple[str, str], mode: str, recover: bool, fault: tuple[str, int] | None
    ) -> None:
        for one, answer in zip(self.cpa.sim.api_rules.rules, answers, strict=True):
            one["reply"] = dict(ANSWERS[answer])
        self.inspect(mode, recover, fault)

    def inspect(self, mode: str, recover: bool, fault: tuple[str, int] | None = None) -> Any:
        self.settings = InspectionSettings().merged(
            {"autoActionMode": mode, "autoRecoverEnabled": recover, "usedPercentThreshold": 90}
        )
        return self.do(self.inspector.start("manual", "manual"), fault)

    @rule(key=key, hours=st.sampled_from([1, 5]), fault=fault)
    def a_request_proves_a_quota_used_up(
        self, key: str, hours: int, fault: tuple[str, int] | None
    ) -> None:
        case = fixture.BY_KEY[key]
        who = Identity(f"{key}.json", "codex", case.index, "", f"{key}@example.test")
        found = Exhaustion(who, CODEX_OWNER, "x", "weekly", self.now + hours * HOUR_MS)
        self.do(self.cooldowns.take(found), fault)

    @rule(hours=st.sampled_from([0, 1, 6]), fault=fault)
    def time_passes(self, hours: int, fault: tuple[str, int] | None) -> None:
        self.now += hours * HOUR_MS
        self.do(self.cooldowns.restore_due(), fault)

    # -- what must hold -------------------------------------------------------------------------

    @invariant()
    def only_what_we_disabled_is_enabled(self) -> None:
        assert self.cpa.wrongs == []

    def teardown(self) -> None:
        try:
            self.all_is_well_again()
        finally:
            self.conn.close()
            shutil.rmtree(self.folder)

    def all_is_well_again(self) -> None:
        for one in self.cpa.sim.api_rules.rules:
            one["reply"] = dict(ANSWERS["healthy"])
        for _ in range(3):
            self.now += 6 * HOUR_MS
            self.do(self.cooldowns.restore_due())
            self.inspect("disable", True)
        left = [
            entry["id"]
            for entry in self.cpa.sim.auth_files
            if entry["disabled"] and self.cpa.owner.get(entry["id"]) == "us"
        ]
        with closing(sqlite3.connect(self.folder / "usage.sqlite")) as conn:
            claims = conn.execute("SELECT file_name, state FROM inspection_claims").fetchall()
        assert self.cpa.wrongs == []
        assert left == [], claims


Everybody.TestCase.settings = settings(
    max_examples=50,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestEverybody = Everybody.TestCase
