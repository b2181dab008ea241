"""The three transports (usage contract, 2.4 to 2.7, 13 B1 to B5; CPA contract, 17)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall

from cpamp.collect.config import CollectorConfig
from cpamp.collect.drain import drain, take
from cpamp.collect.interfaces import Listener, Sink
from cpamp.cpa.client import CpaClient
from cpamp.cpa.errors import CpaProblem, KeyBanned, KeyRefused, RemoteDisabled
from cpamp.cpa.keyguard import KeyGuard
from cpamp.cpa.resp import Popper, RespError, Subscriber, connect, login
from cpamp.cpa.urls import Address

# The most that one poll asks for, and the longest pause between polls, in seconds.
MOST_RECORDS = 2_000
LONGEST_PAUSE = 4.0
# A reply with fewer bytes a record than this is not full.
LEAST_BYTES = 300


@attrs.define
class Link:
    """What every transport works with."""

    reactor: Any
    config: CollectorConfig
    guard: KeyGuard
    client: CpaClient
    sink: Sink
    listener: Listener
    # How long CPA keeps a queued record, in seconds.
    retention_seconds: float = 60.0

    async def log_in(self, protocol: Subscriber | Popper) -> None:
        """Connect and present the key, if that is not known to be in vain."""
        config = self.config
        call = await self.guard.enter(config.url, config.key)
        try:
            await connect(
                self.reactor,
                Address.of(config.url),
                protocol,
                skip_verify=config.tls_skip_verify,
            )
            await login(self.reactor, protocol, config.key)
        except (KeyRefused, KeyBanned, RemoteDisabled) as problem:
            call.refused(problem)
            protocol.give_up(problem.message)
            raise
        except BaseException:
            call.left()
            if protocol.transport is not None:
                protocol.give_up("given up")
            raise
        call.accepted()


class Dropped(RespError):
    """A subscription that worked has ended unasked: what was on its way may be gone."""


@attrs.define(eq=False)
class Subscribe:
    """Records as they are published; what was queued before is drained first."""

    link: Link
    name: str = "subscribe"
    _protocol: Subscriber | None = None
    _stopped: bool = False
    _leaving: bool = False
    _draining: Deferred[None] | None = None

    async def run(self) -> None:
        """Subscribe, drain, and take messages until the connection ends."""
        link = self.link
        await link.sink.wait_for_room()
        protocol = self._protocol = Subscriber(self._message)
        await self._subscribe(protocol)
        if self._stopped:
            await protocol.leave()
            return
        link.listener.connected(self.name)
        self._draining = Deferred.fromCoroutine(drain(link, lambda: protocol.connected == 1))
        reason = await protocol.gone()
        await ended(self._draining)
        if not self._stopped:
            full = RespError("subscribe", "the intake is full")
            raise full if self._leaving else Dropped("subscribe", reason)

    async def _subscribe(self, protocol: Subscriber) -> None:
        """Log in, and subscribe unless it was stopped meanwhile."""
        await self.link.log_in(protocol)
        if self._stopped:
            return
        try:
            await protocol.subscribe_to(self.link.config.queue)
        except CpaProblem:
            protocol.give_up("not subscribed")
            raise

    def _message(self, payload: bytes) -> None:
        self.link.sink.received(payload)
        if not self.link.sink.room and not self._leaving and self._protocol is not None:
            # From here on CPA queues; what is on its way is still taken.
            self._leaving = True
            Deferred.fromCoroutine(self._protocol.leave()).addErrback(lambda _: None)

    async def stop(self) -> None:
        """Unsubscribe, and take what is still on its way."""
        self._stopped = True
        if self._protocol is not None and self._protocol.connected:
            await self._protocol.leave()
        if self._draining is not None:
            await ended(self._draining)


class Queue(Protocol):
    """What records are popped from."""

    @property
    def name(self) -> str:
        """The transport's name."""

    async def open(self) -> None:
        """What must be done before the first pop."""

    async def pop(self, count: int) -> int:
        """Take up to `count` records and hand them over; how many there were."""

    def close(self) -> None:
        """Let go; nothing will be popped any more."""


@attrs.define(eq=False)
class Polling:
    """Takes records from CPA's queue, at a pace that follows what comes."""

    link: Link
    _queue: Queue
    _call: LoopingCall | None = None
    _told: bool = False
    _stopped: bool = False
    _polling: Deferred[None] | None = None

    async def run(self) -> None:
        """Poll until stopped."""
        try:
            await self._queue.open()
            self._call = LoopingCall(self._poll)
            self._call.clock = self.link.reactor
            await self._call.start(self._pause, now=True)
        finally:
            self._queue.close()

    @property
    def _pause(self) -> float:
        return self.link.config.poll_interval_ms / 1000

    @property
    def _longest(self) -> float:
        # Never so long that a record could expire meanwhile.
        return max(self._pause, min(LONGEST_PAUSE, self.link.retention_seconds / 4))

    def _poll(self) -> Deferred[None]:
        self._polling = Deferred.fromCoroutine(self._take())
        return self._polling

    async def _take(self) -> None:
        """Pop until a reply is not full; the pause grows while there is nothing."""
        size = self.link.config.batch_size
        taken = 0
        while not self._stopped:
            await self.link.sink.wait_for_room()
            count = await self._queue.pop(size)
            taken += count
            if not self._told:
                self._told = True
                self.link.listener.connected(self._queue.name)
                self.link.listener.drained("")
            if count < size:
                break
            size = min(size * 2, max(MOST_RECORDS, self.link.config.batch_size))
        if self._call is not None:
            longer = min((self._call.interval or self._pause) * 1.5, self._longest)
            self._call.interval = self._pause if taken else longer

    async def stop(self) -> None:
        """Let the poll that is under way hand over its records, and end."""
        self._stopped = True
        if self._call is not None and self._call.running:
            self._call.stop()
        if self._polling is not None and not self._polling.called:
            await ended(self._polling)


@attrs.frozen
class HttpQueue:
    """Records popped over HTTP."""

    _link: Link
    name: str = "http"

    async def open(self) -> None:
        """Every pop is a call of its own."""

    async def pop(self, count: int) -> int:
        """Take up to `count` records."""
        body = await take(self._link, count)
        # Known only as far as the pace needs it: no record is shorter than this.
        return count if len(body) >= count * LEAST_BYTES else int(len(body) > 4)

    def close(self) -> None:
        """Nothing is held."""


@attrs.frozen
class RespQueue:
    """Records popped over one RESP connection."""

    _link: Link
    name: str = "resp"
    _popper: Popper = attrs.field(factory=Popper, init=False)

    async def open(self) -> None:
        """Connect and present the key."""
        await self._link.log_in(self._popper)

    async def pop(self, count: int) -> int:
        """Take up to `count` records."""
        config = self._link.config
        records = await self._popper.pop(config.pop_side, config.queue, count)
        for record in records:
            self._link.sink.received(record)
        return len(records)

    def close(self) -> None:
        """Drop the connection."""
        if self._popper.connected:
            self._popper.transport.loseConnection()


async def ended(work: Deferred[Any]) -> None:
    """Wait for the end of something whose result is another's."""
    done: Deferred[None] = Deferred()

    def pass_on(result: Any) -> Any:
        done.callback(None)
        return result

    work.addBoth(pass_on)
    await done


TRANSPORTS: Mapping[str, Callable[[Link], Any]] = {
    "subscribe": Subscribe,
    "http": lambda link: Polling(link, HttpQueue(link)),
    "resp": lambda link: Polling(link, RespQueue(link)),
}
