"""The takeovers of this installation, brought to their end beside the daemon's other work."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from cpamp.errors import Problem
from cpamp.store import Store
from cpamp.takeover import progress
from cpamp.takeover.carrier import Carrier, Stopped


@attrs.define(eq=False)
class Takeovers(Service):
    """Continues those that are unfinished, one after the other.

    `database` is ours; `keep_raw` says whether payloads are kept. `load` must be called before
    the start; `done` fires when nothing more is being brought in.
    """

    _reactor: Any
    _store: Store
    _now_ms: Callable[[], int]
    _database: Path
    _keep_raw: bool
    done: Deferred[None] | None = attrs.field(default=None, init=False)
    _carriers: list[Carrier] = attrs.field(factory=list, init=False)
    _log: Logger = attrs.field(factory=Logger, init=False)

    def load(self, conn: sqlite3.Connection) -> None:
        """Read how far each has come."""
        self._carriers = [
            Carrier(self._reactor, self._store, self._now_ms, self._keep_raw, one)
            for one in progress.load(conn)
        ]

    def startService(self) -> None:
        """Go on with them."""
        super().startService()
        self.done = Deferred.fromCoroutine(self._run())
        self.done.addErrback(lambda f: self._log.failure("takeovers have failed", failure=f))

    def stopService(self) -> Deferred[None] | None:
        """Finish the batch in hand; fires then."""
        super().stopService()
        for carrier in self._carriers:
            carrier.stop()
        return self.done

    async def _run(self) -> None:
        for carrier in self._carriers:
            if not carrier.progress.finished and self.running:
                await self._bring(carrier)

    async def _bring(self, carrier: Carrier) -> None:
        source = carrier.progress.source
        self._log.info("events of {source} are brought in", source=source)
        try:
            await carrier.run()
        except Stopped:
            return
        except (Problem, OSError, sqlite3.Error) as error:
            carrier.problem = getattr(error, "message", str(error))
            self._log.error(
                "{source} can't be read: {problem}", source=source, problem=carrier.problem
            )
            return
        after = carrier.progress
        self._log.info(
            "all of {source} is here: {added} events added, {skipped} were here already, "
            "{unreadable} could not be read, {letters} dead letters",
            **attrs.asdict(after),
        )

    def status(self) -> list[dict[str, Any]]:
        """The member of `/status`: one entry for each database that was taken over."""
        return [self._entry(carrier) for carrier in self._carriers]

    def _entry(self, carrier: Carrier) -> dict[str, Any]:
        one = carrier.progress
        entry: dict[str, Any] = {
            "source": one.source,
            "state": "completed" if one.finished else "waiting" if carrier.problem else "running",
            "events": {"read": one.last_id, "of": one.of},
            "added": one.added,
            "skipped": one.skipped,
            "unreadable": one.unreadable,
            "deadLetters": one.letters,
            "startedAtMs": one.begun_at_ms,
            "finishedAtMs": one.finished_at_ms,
        }
        if carrier.problem:
            entry["problem"] = carrier.problem
        if one.replaced:
            entry["goBack"] = how_to_go_back(self._database, one.path)
        return entry


def how_to_go_back(database: Path, aside: Path) -> str:
    """What a person does who wants the existing server again."""
    return (
        f"stop the daemon, move {database.name}, {database.name}-wal and {database.name}-shm in "
        f"{database.parent} away, and give {aside.name} (with -wal and -shm, where they are) "
        f"the name {database.name} again"
    )
