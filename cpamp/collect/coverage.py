"""Which minutes were watched (design, "Collection" 6): pure; facts in, runs of minutes out.

A gap is time without a transport. CPA queues meanwhile, for its retention: a gap that ends with a
drained queue has lost only what is older than that. While CPA itself is down there is nothing to
lose but what it had queued, so such a gap is a risk.
"""

from __future__ import annotations

import attrs

from cpamp.store.coverage import Run, merge

MINUTE_MS = 60_000
DOWN = "cpamp was not running"
UNREACHABLE = "CPA could not be reached"
PUBLISHING_OFF = "publishing off"
RESTARTED = "CPA was restarted, and forgot what it had queued"
NOT_DRAINED = "the queue could not be emptied"


@attrs.define
class Coverage:
    """Follows one connection; all points in time are in ms and never go back."""

    retention_ms: int = 60_000
    # Since when nothing watches; None: something does.
    gap_since_ms: int | None = None
    gap_reason: str = ""
    # What may have been lost in the gap although the queue was drained.
    gap_risk: str = ""
    publishing: bool = True
    # Up to here the minutes are judged.
    judged_ms: int = 0
    _connected: bool = False
    _runs: list[Run] = attrs.Factory(list)

    def started(self, now_ms: int, last_ms: int | None) -> None:
        """The process runs; it ran last until `last_ms` (None: never)."""
        self.judged_ms = now_ms if last_ms is None else min(last_ms, now_ms)
        self.gap_since_ms = self.judged_ms
        self.gap_reason = DOWN

    def connected(self, now_ms: int) -> None:
        """A transport works; a gap ends when the queue is drained."""
        self._connected = True

    def drained(self, now_ms: int, problem: str = "") -> None:
        """The queue is taken, or could not be."""
        since, self.gap_since_ms = self.gap_since_ms, None
        if since is None or not self._connected:
            self.gap_since_ms = since
            return
        kept_from = max(now_ms - self.retention_ms, since)
        if kept_from > since:
            self._mark(since, kept_from, self._aged_state, self.gap_reason)
        if problem:
            self._mark(kept_from, now_ms, "at_risk", NOT_DRAINED)
        elif self.gap_risk:
            self._mark(kept_from, now_ms, "at_risk", self.gap_risk)
        self.judged_ms = max(self.judged_ms, kept_from)
        self.gap_reason = self.gap_risk = ""

    @property
    def _aged_state(self) -> str:
        return "at_risk" if self.gap_reason == UNREACHABLE else "lost"

    def lost(self, now_ms: int, reason: str) -> None:
        """No transport works any more."""
        self._connected = False
        if self.gap_since_ms is None:
            self._cover(now_ms)
            self.gap_since_ms = now_ms
            self.gap_reason = reason
        elif self.gap_reason == DOWN:
            pass
        else:
            self.gap_reason = reason

    def dropped(self, now_ms: int) -> None:
        """CPA closed the subscription: the record that did not fit may be gone."""
        self._mark(now_ms, now_ms + 1, "at_risk", "CPA closed the subscription")

    def restarted(self, now_ms: int) -> None:
        """CPA has begun anew."""
        if self.gap_since_ms is not None:
            self.gap_risk = RESTARTED
        self._mark(now_ms, now_ms + 1, "at_risk", RESTARTED)

    def published(self, now_ms: int, on: bool) -> None:
        """CPA was asked whether it publishes."""
        if not on and self.publishing:
            self._cover(now_ms)
        elif on and not self.publishing:
            self._mark(self.judged_ms, now_ms, "lost", PUBLISHING_OFF)
            self.judged_ms = max(self.judged_ms, now_ms)
        self.publishing = on

    def tick(self, now_ms: int) -> None:
        """Time has passed."""
        if now_ms <= self.judged_ms:
            return
        if not self.publishing:
            self._mark(self.judged_ms, now_ms, "lost", PUBLISHING_OFF)
            self.judged_ms = now_ms
        elif self.gap_since_ms is None:
            self._cover(now_ms)
        else:
            # What is older than CPA keeps it is judged already; the rest may still be drained.
            aged = now_ms - self.retention_ms
            start = max(self.judged_ms, self.gap_since_ms)
            if aged > start:
                self._mark(start, aged, self._aged_state, self.gap_reason)
                self.judged_ms = self.gap_since_ms = aged

    def _cover(self, now_ms: int) -> None:
        if now_ms > self.judged_ms:
            self._mark(self.judged_ms, now_ms, "covered", "")
            self.judged_ms = now_ms

    def _mark(self, from_ms: int, to_ms: int, state: str, reason: str) -> None:
        if to_ms > from_ms:
            first, last = from_ms // MINUTE_MS, (to_ms - 1) // MINUTE_MS
            self._runs = merge([*self._runs, Run(first, last, state, reason)])

    def take(self) -> list[Run]:
        """The runs that were judged since the last call."""
        runs, self._runs = self._runs, []
        return runs
