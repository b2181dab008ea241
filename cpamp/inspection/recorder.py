"""Results and log entries on their way to the store, without anybody waiting for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from cpamp.errors import StoreUnavailable
from cpamp.store import Store
from cpamp.store import inspection as stored
from cpamp.store.inspection import LogEntry, Result, Run
from cpamp.usage.redact import redact

# The panel translates what follows this.
MESSAGES = "monitoring.server_codex_inspection_log_message_"
REDACTED = "[redacted]"
_SECRET = ("token", "secret", "authorization", "key")
# What others wrote may hold a secret anywhere.
_FOREIGN_TEXTS = ("error", "body", "reason")


def entry(level: str, message: str, now_ms: int, detail: dict[str, Any]) -> LogEntry:
    """A log entry without secrets; `message` is a key of the panel's, whole or below `MESSAGES`."""
    name = message if "." in message else f"{MESSAGES}{message}"
    return LogEntry(level, name, redacted(detail), now_ms)


def redacted(value: Any, name: str = "") -> Any:
    """A copy of a detail without what a secret could be (section 7)."""
    if _secret(name):
        return REDACTED
    if isinstance(value, dict):
        return {key: redacted(member, str(key)) for key, member in value.items()}
    if isinstance(value, list):
        return [redacted(member) for member in value]
    return redact(value) if name in _FOREIGN_TEXTS and isinstance(value, str) else value


def _secret(name: str) -> bool:
    return name != "triggerKey" and any(word in name.lower() for word in _SECRET)


@attrs.define(eq=False)
class Recorder:
    """Stores what one run finds, all that is there in one transaction after the other."""

    _store: Store
    run_id: int
    _now_ms: Callable[[], int]
    # Results that the store has not taken yet, by account.
    unsaved: dict[str, Result] = attrs.field(factory=dict, init=False)
    _results: dict[str, Result] = attrs.field(factory=dict, init=False)
    # Why the store did not take something last.
    _trouble: str = attrs.field(default="", init=False)
    _listed: Run | None = attrs.field(default=None, init=False)
    _logs: list[LogEntry] = attrs.field(factory=list, init=False)
    _flushing: Deferred[None] | None = attrs.field(default=None, init=False)
    _waiting: list[Deferred[None]] = attrs.field(factory=list, init=False)
    _log: Logger = attrs.field(factory=Logger, init=False)

    def log(self, level: str, message: str, **detail: Any) -> None:
        """Add a log entry."""
        self._logs.append(entry(level, message, self._now_ms(), detail))
        self._flush()

    def listed(self, run: Run) -> None:
        """What CPA lists has been counted."""
        self._listed = run
        self._flush()

    def add(self, result: Result) -> None:
        """Add a result, or what has become of one."""
        self._results[result.account_key] = result
        self._flush()

    async def settled(self) -> None:
        """Wait until all is stored that the store takes."""
        while self._flushing is not None:
            turn: Deferred[None] = Deferred()
            self._waiting.append(turn)
            await turn

    async def again(self) -> int:
        """Try once more to store what could not be; returns how many results are left."""
        self._logs += [self._not_written(result) for result in self.unsaved.values()]
        self._results = {**self.unsaved, **self._results}
        self._flush()
        await self.settled()
        return len(self.unsaved)

    def _not_written(self, result: Result) -> LogEntry:
        detail = {
            "fileName": result.file_name,
            "displayAccount": result.display_account,
            "retryScheduled": True,
            "error": self._trouble,
        }
        return entry("error", "result_write_failed", self._now_ms(), detail)

    def _flush(self) -> None:
        if self._flushing is None:
            self._flushing = Deferred.fromCoroutine(self._write_all())
            self._flushing.addErrback(
                lambda f: self._log.failure("an inspection can't be recorded", failure=f)
            )
            self._flushing.addCallback(self._flushed)

    def _flushed(self, _: Any) -> None:
        self._flushing = None
        waiting, self._waiting = self._waiting, []
        for turn in waiting:
            turn.callback(None)

    async def _write_all(self) -> None:
        while self._results or self._logs or self._listed:
            listed, self._listed = self._listed, None
            results, self._results = self._results, {}
            logs, self._logs = self._logs, []
            rows = list(results.values())
            try:
                ids = await self._store.write(
                    stored.record, self.run_id, rows, logs, self._now_ms(), listed
                )
            except StoreUnavailable as problem:
                self.unsaved.update(results)
                self._trouble = problem.message
                self._log.warn("results are not stored: {reason}", reason=problem.message)
                continue
            for result, number in zip(rows, ids, strict=True):
                result.id = number
                self.unsaved.pop(result.account_key, None)
