"""RESP on CPA's port, by txredisapi's protocol classes (CPA contract, section 6).

What they can't do and is done here: CPA answers anything but AUTH before AUTH as a failed try, so
the key is sent by `login` alone and nothing is pipelined behind it (`password=None`); `_Watched`
caps what may pile up before a reply is complete, names an HTTP server that answers in its stead,
and notices a connection that has gone silent. A subscriber's replies keep three members of a list,
so pops have a protocol of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hiredis
import txredisapi
from OpenSSL import SSL
from twisted.internet import ssl
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.protocol import Factory
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure
from zope.interface import implementer

from cpamp.cpa.errors import CpaProblem, key_problem
from cpamp.cpa.network import CONNECT_SECONDS, within
from cpamp.cpa.urls import Address

REPLY_SECONDS = 30.0
# Silence after which a PING is sent, and how long its answer may take.
SILENCE_SECONDS = 30.0
PING_SECONDS = 15.0
BULK_BYTES = 32 * 1024 * 1024
ARRAY_ITEMS = 100_000
_PREFIXES = b"*$+-:_"


class RespError(CpaProblem):
    """The connection can't be used; `stage` is connect, auth, subscribe or consume."""

    code = "cpa_resp"

    def __init__(self, stage: str, message: str) -> None:
        super().__init__(message)
        self.stage = stage


class _Watched:
    """Caps and liveness, before one of txredisapi's protocols."""

    _begun = False
    _since_reply = 0
    _failed: str = ""

    def watch(self, reactor: Any) -> None:
        """Begin to watch; `lost` fires when the connection is gone."""
        self._reactor = reactor
        self._last_reply = reactor.seconds()
        self._pinged_at = 0.0
        self.lost: Deferred[str] = Deferred()

    def dataReceived(self, data: bytes, unpause: bool = False) -> None:
        """More has come."""
        if self._failed:
            return
        if not self._begun and data:
            self._begun = True
            if data[0] not in _PREFIXES:
                self.give_up(f"unsupported RESP prefix {chr(data[0])!r}")
                return
        self._since_reply += len(data)
        if self._since_reply > BULK_BYTES + len(data):
            self.give_up("RESP reply is too large")
            return
        try:
            super().dataReceived(data, unpause)  # type: ignore[misc]
        except (hiredis.ProtocolError, txredisapi.InvalidData, ValueError) as error:
            self.give_up(f"RESP protocol error: {error}")

    def replyReceived(self, reply: Any) -> None:
        """A reply is complete."""
        self._since_reply = 0
        self._last_reply = self._reactor.seconds()
        if isinstance(reply, list) and len(reply) > ARRAY_ITEMS:
            self.give_up("RESP array is too long")
            return
        super().replyReceived(reply)  # type: ignore[misc]

    def give_up(self, reason: str) -> None:
        """Break the connection off for this reason."""
        if not self._failed:
            self._failed = reason
            self.transport.abortConnection()  # type: ignore[attr-defined]

    def connectionLost(self, why: Failure) -> None:
        """The connection is gone."""
        self._failed = self._failed or _tls_reason(why)
        super().connectionLost(why)  # type: ignore[misc]
        if not self.lost.called:
            self.lost.callback(self._failed or "EOF")


def _tls_reason(why: Failure) -> str:
    """What was wrong with TLS; "" if it was something else."""
    if not why.check(SSL.Error):
        return ""
    error: Any = why.value
    details = error.args[0] if error.args else ()
    return "TLS: " + ("; ".join(part[-1] for part in details) or "broken off")


class Subscriber(_Watched, txredisapi.SubscriberProtocol):  # type: ignore[misc]
    """A subscription; every published payload goes to `on_message`."""

    def __init__(self, on_message: Callable[[bytes], None]) -> None:
        super().__init__(charset=None, convertNumbers=False)
        self._on_message = on_message
        self._pinging = LoopingCall(self._ping)
        self._subscribing = False

    def messageReceived(self, pattern: Any, channel: bytes, message: Any) -> None:
        """A message was published."""
        if isinstance(message, bytes) and message:
            self._on_message(message)

    async def subscribe_to(self, channel: str) -> None:
        """Subscribe, and watch the connection from then on; raises `RespError`."""
        self._subscribing = True
        reply = await self._asked("subscribe", self.subscribe(channel))
        wanted = [b"subscribe", channel.encode()]
        if not isinstance(reply, list) or [_lower(r) for r in reply[:2]] != wanted:
            raise RespError("subscribe", f"unexpected SUBSCRIBE response: {reply!r}"[:300])
        self._pinging.clock = self._reactor
        self._pinging.start(SILENCE_SECONDS / 6, now=False)

    def _ping(self) -> None:
        now = self._reactor.seconds()
        if self._pinged_at > self._last_reply:
            if now - self._pinged_at >= PING_SECONDS:
                self.give_up("no answer to PING")
        elif now - self._last_reply >= SILENCE_SECONDS:
            self._pinged_at = now
            self.execute_command("PING", apply_timeout=False).addErrback(lambda _: None)

    async def leave(self) -> None:
        """Unsubscribe, take what is still on its way, and wait for CPA to close."""
        if self.lost.called:
            return
        if not self._subscribing:
            self.give_up("left before it was subscribed")
            return
        self.execute_command("UNSUBSCRIBE", apply_timeout=False).addErrback(lambda _: None)
        closing = self._reactor.callLater(5.0, self.transport.abortConnection)
        await self.gone()
        if closing.active():
            closing.cancel()

    async def gone(self) -> str:
        """Wait until the connection is gone; why it went."""
        waiting: Deferred[str] = Deferred()

        def pass_on(reason: str) -> str:
            waiting.callback(reason)
            return reason

        self.lost.addCallback(pass_on)
        return await waiting

    def connectionLost(self, why: Failure) -> None:
        """The connection is gone."""
        if self._pinging.running:
            self._pinging.stop()
        super().connectionLost(why)

    async def _asked(self, stage: str, reply: Deferred[Any]) -> Any:
        return await asked(self._reactor, self, stage, reply)


class Popper(_Watched, txredisapi.RedisProtocol):  # type: ignore[misc]
    """A connection that takes records from CPA's queue."""

    def __init__(self) -> None:
        super().__init__(charset=None, convertNumbers=False)

    async def pop(self, side: str, queue: str, count: int) -> list[bytes]:
        """Up to `count` of the oldest records; raises `RespError`."""
        verb = "LPOP" if side == "left" else "RPOP"
        asking = self.execute_command(verb, queue, str(count), apply_timeout=False)
        reply = await asked(self._reactor, self, "consume", asking)
        if reply is None or reply == b"":
            return []
        if isinstance(reply, bytes):
            return [reply]
        if isinstance(reply, list):
            return [item for item in reply if isinstance(item, bytes)]
        raise RespError("consume", f"unexpected {verb} response: {reply!r}"[:300])


async def asked(
    reactor: Any, protocol: Subscriber | Popper, stage: str, reply: Deferred[Any]
) -> Any:
    """The reply to a command; raises `RespError`, or what CPA says of the key."""
    try:
        return await within(reactor, reply, REPLY_SECONDS, f"no reply to {stage}")
    except txredisapi.ResponseError as error:
        text = str(error)
        raise key_problem(text) or RespError(stage, text) from error
    except txredisapi.RedisError as error:
        raise RespError(stage, protocol._failed or "EOF") from error


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, bytes) else value


async def connect(
    reactor: Any, address: Address, protocol: Subscriber | Popper, *, skip_verify: bool
) -> None:
    """Open the connection; raises `CpaUnreachable` or `CpaTimeout`."""
    protocol.watch(reactor)
    endpoint: Any = HostnameEndpoint(reactor, address.host.encode(), address.port)
    if address.tls:
        endpoint = wrapClientTLS(tls_options(address.host, skip_verify=skip_verify), endpoint)
    connecting = endpoint.connect(Factory.forProtocol(lambda: protocol))
    await within(reactor, connecting, CONNECT_SECONDS, "CPA did not take the connection")


async def login(reactor: Any, protocol: Subscriber | Popper, key: str) -> None:
    """Present the key, with nothing behind it; raises what CPA says of it."""
    await asked(reactor, protocol, "auth", protocol.auth(key))


def tls_options(host: str, *, skip_verify: bool) -> Any:
    """TLS without ALPN, which would make CPA speak HTTP; verified unless told otherwise."""
    return _Unverified(host) if skip_verify else ssl.optionsForClientTLS(host)


@implementer(IOpenSSLClientConnectionCreator)
class _Unverified:
    """TLS with any certificate, for a CPA that made its own."""

    def __init__(self, host: str) -> None:
        self._host = host

    def clientConnectionForTLS(self, protocol: Any) -> SSL.Connection:
        """The connection of a client."""
        context = ssl.CertificateOptions().getContext()
        connection = SSL.Connection(context, None)
        connection.set_tlsext_host_name(self._host.encode())
        return connection
