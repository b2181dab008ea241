"""Connections that a proxy makes on: HTTP's CONNECT and SOCKS5 (RFC 1928 and 1929).

A handshake is a generator: it yields what is to be sent and how many bytes must come before it
goes on with exactly those.
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Callable, Generator
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.protocol import Protocol, connectionDone
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from zope.interface import directlyProvides, implementer, providedBy

from cpamp.fetching.proxy import Proxy

Handshake = Generator[tuple[bytes, int], bytes, None]
HEAD_BYTES = 16 * 1024
SOCKS_REASONS = {
    1: "general failure",
    2: "not allowed",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "timed out",
    7: "unknown command",
    8: "unknown kind of address",
}


class TunnelRefused(Exception):
    """The proxy does not make the connection."""


def basic(proxy: Proxy) -> bytes:
    """The credentials as HTTP proxies take them."""
    return b"Basic " + base64.b64encode(f"{proxy.user}:{proxy.password}".encode())


def handshake(proxy: Proxy, host: str, port: int) -> Handshake:
    """The handshake for a connection to this host, which raises `TunnelRefused`.

    Raises `ValueError` itself for a host that can't be told to the proxy.
    """
    if proxy.is_socks:
        return _socks5(proxy, _socks_address(host) + port.to_bytes(2, "big"))
    return _connect(proxy, host, port)


def _connect(proxy: Proxy, host: str, port: int) -> Handshake:
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    request = f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n".encode()
    if proxy.user:
        request += b"Proxy-Authorization: " + basic(proxy) + b"\r\n"
    head = yield request + b"\r\n", 1
    # Byte by byte: what comes behind the empty line is the target's.
    while not head.endswith(b"\r\n\r\n"):
        if len(head) > HEAD_BYTES:
            raise TunnelRefused("the proxy's answer has no end")
        head += yield b"", 1
    status = head.split(b"\r\n")[0].split(b" ", 1)[-1].decode(errors="replace")
    if not status.startswith("2"):
        raise TunnelRefused(f"the proxy answers {status[:200]}")


def _socks5(proxy: Proxy, target: bytes) -> Handshake:
    methods = b"\x00\x02" if proxy.user else b"\x00"
    version, method = yield b"\x05" + bytes([len(methods)]) + methods, 2
    if version != 5 or method not in methods:
        raise TunnelRefused("the proxy takes none of our ways to log in")
    if method == 2:
        user, password = proxy.user.encode(), proxy.password.encode()
        login = bytes([1, len(user)]) + user + bytes([len(password)]) + password
        _, status = yield login, 2
        if status:
            raise TunnelRefused("the proxy refuses the user or the password")
    _, status, _, kind = yield b"\x05\x01\x00" + target, 4
    if status:
        raise TunnelRefused(f"the proxy says: {SOCKS_REASONS.get(status, 'unknown failure')}")
    length = {1: 4, 4: 16}.get(kind)
    if length is None:
        (length,) = yield b"", 1
    # The address and port that the proxy uses, which mean nothing to us.
    yield b"", length + 2


def _socks_address(host: str) -> bytes:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("idna")
        return b"\x03" + bytes([len(name)]) + name
    return (b"\x01" if address.version == 4 else b"\x04") + address.packed


@implementer(IStreamClientEndpoint)
@attrs.frozen
class Tunnel:
    """Connects through a proxy, which is reached at `proxy`, by a new handshake each time."""

    _proxy: IStreamClientEndpoint
    _handshake: Callable[[], Handshake]

    def connect(self, factory: IProtocolFactory) -> Deferred[IProtocol]:
        """Fires with the factory's protocol when the way is free."""
        return Deferred.fromCoroutine(self._connected(factory))

    async def _connected(self, factory: IProtocolFactory) -> IProtocol:
        proxy: Any = self._proxy
        gate = await proxy.connect(_GateFactory(factory, self._handshake()))
        await gate.opened
        inner: IProtocol = gate.wrappedProtocol
        return inner


class _Gate(ProtocolWrapper):
    """Speaks the handshake; from then on it is the wrapped protocol's transport."""

    transport: Any
    factory: Any
    wrappedProtocol: Any

    def makeConnection(self, transport: Any) -> None:
        """Begin with the handshake: the wrapped protocol has no connection yet."""
        directlyProvides(self, providedBy(transport))
        self.opened: Deferred[None] = Deferred(lambda _: transport.abortConnection())
        self._open = False
        self._buffer = b""
        Protocol.makeConnection(self, transport)
        self.factory.registerProtocol(self)
        self._go_on(None)

    def dataReceived(self, data: bytes) -> None:
        """From the proxy, and then from the target."""
        if self._open:
            self.wrappedProtocol.dataReceived(data)
            return
        self._buffer += data
        while not self.opened.called and len(self._buffer) >= self._wanted:
            part, self._buffer = self._buffer[: self._wanted], self._buffer[self._wanted :]
            self._go_on(part)

    def _go_on(self, part: bytes | None) -> None:
        try:
            sent, self._wanted = self.factory.handshake.send(part)
        except StopIteration:
            self._become_open()
        except TunnelRefused as refused:
            self.transport.loseConnection()
            self.opened.errback(refused)
        else:
            if sent:
                self.transport.write(sent)

    def _become_open(self) -> None:
        self._open = True
        rest, self._buffer = self._buffer, b""
        self.wrappedProtocol.makeConnection(self)
        self.opened.callback(None)
        if rest:
            self.wrappedProtocol.dataReceived(rest)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Of the handshake, or of the wrapped protocol."""
        if self._open:
            super().connectionLost(reason)
            return
        self.factory.unregisterProtocol(self)
        if not self.opened.called:
            self.opened.errback(reason)


class _GateFactory(WrappingFactory):
    protocol = _Gate
    noisy = False

    def __init__(self, wrapped: Any, handshake: Handshake) -> None:
        super().__init__(wrapped)
        self.handshake = handshake
