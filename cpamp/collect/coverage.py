"""Which minutes were watched (design, "Collection" 6): pure; facts in, runs of minutes out.

A gap is time without a transport. CPA queues meanwhile, for its retention: a gap that ends with an
emptied queue has lost only what is older than that. While CPA itself can't be reached there may
have been nothing to lose, so what grows too old then is a risk.

A minute is covered, at risk or lost; of several states the worst holds.
"""

from __future__ import annotations

from typing import NamedTuple

import attrs

from cpamp.store.coverage import Run, merge

MINUTE_MS = 60_000
DEFAULT_RETENTION_MS = 60_000
DOWN = "cpamp was not running"
KILLED = "cpamp was killed, and what came in its last moment may be missing"
STARTING = "collection was starting"
STOPPED = "collection was switched off"
UNREACHABLE = "CPA could not be reached"
PUBLISHING_OFF = "publishing off"
PUBLISHING_FOUND_OFF = "publishing was found off; since when is not known"
RESTARTED = "CPA was restarted, and forgot what it had queued"
NOT_DRAINED = "the queue could not be emptied"
DROPPED = "CPA closed the subscription"
CUT = "a reply of CPA's queue broke off"
CLOCK = "the clock jumped, or the machine slept"
FULL = "neither the store nor the spool took records"


class Stretch(NamedTuple):
    """A part of a gap, from here on; `state` is what becomes of it when CPA keeps it no more."""

    since_ms: int
    reason: str
    state: str


@attrs.define
class Coverage:
    """Follows one connection. Points in time are in ms; facts are told in their order.

    Until the retention is known nothing is judged that depends on it.
    """

    retention_ms: int | None = None
    # Up to here the minutes are judged.
    judged_ms: int = 0
    # Since when nothing watches, and why; empty: something does.
    gap: list[Stretch] = attrs.Factory(list)
    publishing: bool = True
    # When CPA told last whether it publishes, or the start where it has not yet.
    _asked_ms: int = 0
    _asked: bool = False
    _connected: bool = False
    # What may be lost in the gap although the queue was emptied at its end.
    _risk: str = ""
    # The emptying of the queue that waits to be judged, and its problem.
    _drained: tuple[int, str] | None = None
    _runs: list[Run] = attrs.Factory(list)

    # -- facts ----------------------------------------------------------------------------------

    def started(self, now_ms: int, last_ms: int | None, killed_by_ms: int = 0) -> None:
        """The process runs; it ran last until `last_ms` (None: never).

        Where it did not end by itself, it ended between then and `killed_by_ms`.
        """
        since = now_ms if last_ms is None else min(last_ms, now_ms)
        self._mark(since, min(killed_by_ms, now_ms), "at_risk", KILLED)
        self.judged_ms = self._asked_ms = since
        self.gap = [Stretch(since, DOWN, "lost")] if since < now_ms else []
        self.lost(now_ms, STARTING)

    def retained(self, retention_ms: int) -> None:
        """CPA keeps queued records this long."""
        self.retention_ms = retention_ms
        drained, self._drained = self._drained, None
        if drained is not None:
            self._close(*drained)

    def connected(self, now_ms: int) -> None:
        """A transport works; the gap ends when the queue is emptied."""
        self._connected = True

    def drained(self, now_ms: int, problem: str = "") -> None:
        """The queue was emptied, or could not be."""
        if not self.gap or not self._connected:
            return
        if self.retention_ms is None:
            self._drained = (now_ms, problem)
        else:
            self._close(now_ms, problem)

    def lost(self, now_ms: int, reason: str, *, cpa_is_down: bool = False) -> None:
        """No transport works, or no longer."""
        self._connected = False
        self._drained = None
        if not self.gap:
            self._judge(now_ms)
        state = "at_risk" if cpa_is_down else "lost"
        if not self.gap or self.gap[-1][1:] != (reason, state):
            self.gap.append(Stretch(now_ms, reason, state))

    def dropped(self, now_ms: int) -> None:
        """CPA closed the subscription: the record that did not fit may be gone."""
        self._mark(now_ms, now_ms + 1, "at_risk", DROPPED)

    def cut(self, now_ms: int) -> None:
        """A reply of the queue broke off: what it held may be as old as CPA's retention."""
        kept_ms = DEFAULT_RETENTION_MS if self.retention_ms is None else self.retention_ms
        self._mark(now_ms - kept_ms, now_ms + 1, "at_risk", CUT)

    def restarted(self, now_ms: int) -> None:
        """CPA has begun anew."""
        if self.gap:
            self._risk = RESTARTED
        self._mark(now_ms, now_ms + 1, "at_risk", RESTARTED)

    def abandoned(self, now_ms: int) -> None:
        """Records that had arrived could be kept nowhere."""
        self._mark(now_ms, now_ms + 1, "lost", FULL)

    def published(self, now_ms: int, on: bool) -> None:
        """CPA told whether it publishes."""
        since = min(self._asked_ms, self.judged_ms)
        self.tick(now_ms)
        if self.publishing and not on:
            if self._asked:
                self._mark(since, now_ms, "at_risk", PUBLISHING_FOUND_OFF)
            # However soon it is turned on: this minute is not whole.
            self._mark(now_ms if self._asked else since, now_ms + 1, "lost", PUBLISHING_OFF)
            self._advance(now_ms)
        self._asked, self._asked_ms, self.publishing = True, now_ms, on

    def jumped(self, now_ms: int) -> None:
        """The time of day is another than it should be."""
        self._mark(min(self.judged_ms, now_ms), now_ms + 1, "at_risk", CLOCK)
        self.judged_ms = self._asked_ms = now_ms
        if self.gap:
            self.gap = [self.gap[-1]._replace(since_ms=now_ms)]

    def tick(self, now_ms: int) -> None:
        """Time has passed."""
        if not self.publishing:
            self._mark(self.judged_ms, now_ms, "lost", PUBLISHING_OFF)
            self._advance(now_ms)
        elif not self.gap:
            self._judge(now_ms)
        elif self.retention_ms is not None:
            # The rest may still be in the queue.
            self._age(now_ms - self.retention_ms)

    # -- judgement ------------------------------------------------------------------------------

    def _judge(self, now_ms: int) -> None:
        """What was watched until now is covered."""
        if self.publishing:
            self._mark(self.judged_ms, now_ms, "covered", "")
        else:
            self._mark(self.judged_ms, now_ms, "lost", PUBLISHING_OFF)
        self._advance(now_ms)

    def _close(self, now_ms: int, problem: str) -> None:
        """The gap is over; what CPA had still kept of it is here, or is not."""
        assert self.retention_ms is not None
        self._age(now_ms - self.retention_ms)
        if problem or self._risk:
            self._mark(self.judged_ms, now_ms, "at_risk", self._risk or NOT_DRAINED)
            self._advance(now_ms)
        else:
            self._judge(now_ms)
        self.gap, self._risk = [], ""

    def _age(self, until_ms: int) -> None:
        """What lies in the gap before `until_ms` will not come any more."""
        ends = [stretch.since_ms for stretch in self.gap[1:]] + [until_ms]
        for stretch, end in zip(self.gap, ends, strict=True):
            begin, end = max(stretch.since_ms, self.judged_ms), min(end, until_ms)
            self._mark(begin, end, stretch.state, stretch.reason)
        self._advance(until_ms)

    def _advance(self, now_ms: int) -> None:
        self.judged_ms = max(self.judged_ms, now_ms)
        # Stretches that are judged to their end are over.
        while len(self.gap) > 1 and self.gap[1].since_ms <= self.judged_ms:
            del self.gap[0]

    def _mark(self, from_ms: int, to_ms: int, state: str, reason: str) -> None:
        if to_ms > from_ms:
            first, last = from_ms // MINUTE_MS, (to_ms - 1) // MINUTE_MS
            self._runs = merge([*self._runs, Run(first, last, state, reason)])

    # -- what came out --------------------------------------------------------------------------

    @property
    def pending(self) -> list[Run]:
        """The runs that were judged since the last `take`."""
        return list(self._runs)

    def take(self) -> list[Run]:
        """The same; they are the caller's from now on."""
        runs, self._runs = self._runs, []
        return runs

    def give_back(self, runs: list[Run]) -> None:
        """Runs that were taken but could not be kept."""
        self._runs = merge([*runs, *self._runs])
