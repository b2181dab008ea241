"""`/v0/management/events/stream`: what has changed, told as it happens (Server-Sent Events)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, Self

import attrs
import orjson
from twisted.application.service import Service
from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.task import LoopingCall

from cpamp.errors import Problem
from cpamp.web.request import ApiRequest
from cpamp.web.route import Access, Reply, route

PATH = "/v0/management/events/stream"
CONTENT_TYPE = "text/event-stream"
# What is told of the collector's status.
COLLECTOR = ("collector", "mode", "transport", "upstream", "lastError")
# How often it is seen whether anything has changed.
TICK_SECONDS = 1.0
# A client that is told nothing for so long gets a line that means nothing.
HEARTBEAT_SECONDS = 15.0
# A client that takes nothing for so long is dropped.
PATIENCE_SECONDS = 10.0
# How soon a client that was dropped may come again, in ms.
RETRY = b"retry: 2000\n\n"
HEARTBEAT = b": still there\n\n"


class SlowClient(Problem):
    """A client does not take what it is sent; nothing is kept for it."""

    code = "slow_client"


class Writing(Protocol):
    """An answer that is written piece by piece."""

    async def write(self, data: bytes) -> None:
        """Send more; returns when the client has taken enough of it."""


@attrs.frozen
class State:
    """What the stream tells of. `rows` is the id of the newest event, and how many there are.

    `health` is what may keep figures from being whole: of it nothing moves in quiet times.
    """

    rows: int
    collector: Mapping[str, Any]
    prices: int
    aliases: int
    health: Mapping[str, Any]

    @classmethod
    def of(cls, status: Mapping[str, Any], prices: int, aliases: int) -> Self:
        """The state; `status` is what `/status` answers, `prices` and `aliases` are versions."""
        collector = status["collector"]
        told = {name: collector[name] for name in COLLECTOR if name in collector}
        return cls(status["events"], told, prices, aliases, _health(status))


def _health(status: Mapping[str, Any]) -> dict[str, Any]:
    """The store, the columns while they lack events, the key, takeovers, and a gap right now."""
    collector, derived = status["collector"], status["derived"]
    takeovers = [one for one in status["takeovers"] if one["state"] != "completed"]
    return {
        "store": status["store"],
        "derived": {"ready": True} if derived["ready"] else derived,
        "key": collector["key"]["state"],
        "takeovers": [
            {name: one[name] for name in ("source", "state", "events")} for one in takeovers
        ],
        "gap": collector["coverage"].get("gap"),
    }


def messages(told: State | None, since: int | None, now: State) -> bytes:
    """What a client is sent that was told of another state; b"" where there is nothing new.

    `told` is None for one that has just come, and `since` how many rows it knew of then.
    """
    known = since if told is None else told.rows
    parts = []
    if known is None or known != now.rows:
        # Fewer than before: an older copy of the database was put back.
        reset = known is not None and known > now.rows
        first = now.rows + 1 if known is None else 1 if reset else known + 1
        rows: dict[str, Any] = {"rows": now.rows, "added": now.rows + 1 - first}
        if first <= now.rows:
            rows |= {"first_id": first, "last_id": now.rows}
        parts.append(("rows", rows | ({"reset": True} if reset else {})))
    if told is None or told.collector != now.collector:
        parts.append(("collector", dict(now.collector)))
    if told is None or told.prices != now.prices:
        parts.append(("prices", {"version": now.prices}))
    if told is None or told.aliases != now.aliases:
        parts.append(("aliases", {"version": now.aliases}))
    if told is None or told.health != now.health:
        parts.append(("health", dict(now.health)))
    return b"".join(
        b"id: %d\nevent: %b\ndata: %b\n\n" % (now.rows, name.encode(), orjson.dumps(data))
        for name, data in parts
    )


@attrs.define(eq=False)
class Live(Service):
    """Tells every client the difference between what it was told last and what holds now.

    So nothing is kept for a client but that state, however slow it is; `state` is read at most
    once a second.
    """

    _clock: Any
    _state: Callable[[], State]
    _waiting: set[Deferred[None]] = attrs.field(factory=set, init=False)
    _call: LoopingCall | None = attrs.field(default=None, init=False)
    _now: State | None = attrs.field(default=None, init=False)

    def startService(self) -> None:
        """Look for changes from now on."""
        super().startService()
        self._call = LoopingCall(self._tick)
        self._call.clock = self._clock
        self._call.start(TICK_SECONDS)

    def stopService(self) -> None:
        """End all streams."""
        super().stopService()
        if self._call is not None:
            self._call.stop()
        self._wake()

    def _tick(self) -> None:
        before, self._now = self._now, self._state()
        if self._now != before:
            self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, set()
        for one in waiting:
            one.callback(None)

    @route(
        "GET",
        PATH,
        summary="What has changed, as it happens: Server-Sent Events",
        access=Access.READ,
        headers={"Last-Event-ID": "the last event that was received, to go on behind it"},
        produces=("text/event-stream",),
    )
    async def stream(self, request: ApiRequest) -> Any:
        """Until the client goes, or the server."""
        if request.method == b"HEAD":
            return Reply(200, b"", {"Content-Type": CONTENT_TYPE})
        since = last_event_id(request.header("Last-Event-ID"))
        async with request.stream(CONTENT_TYPE, {"X-Accel-Buffering": "no"}) as out:
            await self.follow(out, since)
        return None

    async def follow(self, out: Writing, since: int | None) -> None:
        """Write until the service ends; raises `SlowClient`, and whatever `out` raises."""
        told: State | None = None
        await self._write(out, RETRY)
        while self.running:
            assert self._now is not None
            now = self._now
            news = messages(told, since, now)
            if not news and not await self._changed():
                news = HEARTBEAT
            if news:
                await self._write(out, news)
            told = now

    async def _changed(self) -> bool:
        """Wait until something has changed; False: nothing has for long."""
        waiting: Deferred[None] = Deferred()
        self._waiting.add(waiting)
        try:
            await waiting.addTimeout(HEARTBEAT_SECONDS, self._clock)
        except TimeoutError:
            return False
        finally:
            self._waiting.discard(waiting)
        return True

    async def _write(self, out: Writing, data: bytes) -> None:
        written = Deferred.fromCoroutine(out.write(data))
        try:
            await written.addTimeout(PATIENCE_SECONDS, self._clock)
        except TimeoutError as error:
            raise SlowClient("a client of the event stream is too slow and was dropped") from error


def last_event_id(header: str | None) -> int | None:
    """How many rows a client knows of that comes again; None where it does not say."""
    text = (header or "").strip()
    return int(text) if text.isdecimal() and len(text) < 19 else None
