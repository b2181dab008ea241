"""The RESP side of CPA's port, framed as leniently as CPA does (CPA contract, section 6)."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from cpamp.simulator import versions
from cpamp.simulator.queue import BUFFER

if TYPE_CHECKING:
    from cpamp.simulator.server import Simulator


class FramingError(Exception):
    """What came is not what CPA takes."""


def bulk(payload: bytes | None) -> bytes:
    """A bulk string."""
    return b"$-1\r\n" if payload is None else b"$%d\r\n%s\r\n" % (len(payload), payload)


def parse(data: bytes) -> tuple[list[bytes], int] | None:
    """The first command and its length; None while it is not complete."""
    line = _line(data, 0)
    if line is None:
        return None
    head, at = line
    if not head.startswith(b"*"):
        raise FramingError
    count = _count(head[1:])
    parts: list[bytes] = []
    for _ in range(count):
        line = _line(data, at)
        if line is None:
            return None
        head, at = line
        if head[:1] in (b"+", b":"):
            parts.append(head[1:])
            continue
        if head[:1] != b"$":
            raise FramingError
        length = int(head[1:]) if head[1:].lstrip(b"-").isdigit() else -2
        if length == -1:
            parts.append(b"")
            continue
        if length < 0:
            raise FramingError
        if len(data) < at + length + 2:
            return None
        if data[at + length : at + length + 2] != b"\r\n":
            raise FramingError
        parts.append(data[at : at + length])
        at += length + 2
    return parts, at


def _line(data: bytes, at: int) -> tuple[bytes, int] | None:
    end = data.find(b"\n", at)
    return None if end < 0 else (data[at:end].rstrip(b"\r"), end + 1)


def _count(text: bytes) -> int:
    if not text.isdigit():
        raise FramingError
    return int(text)


@implementer(IPushProducer)
class RespServer(Protocol):
    """One RESP connection."""

    def __init__(self, simulator: Simulator, address: str) -> None:
        self._simulator = simulator
        self._address = address
        self._data = b""
        self._authenticated = False
        self.channel = ""
        self._spelled = b""
        # Messages that the socket does not take yet: CPA's channel of 256.
        self._waiting: deque[bytes] = deque()
        self._blocked = False
        self._detached = False
        self._sent = 0

    # -- framing --------------------------------------------------------------------------------

    def connectionMade(self) -> None:
        """A client has come."""
        keys = self._simulator.keys
        if not keys.on:
            self.transport.loseConnection()
        elif self._simulator.home:
            self.close(b"-ERR redis usage output disabled in home mode\r\n")
        elif self._simulator.version == versions.RESP_OFF:
            self.close(b"-ERR RESP AUTH disabled; use mTLS\r\n")
        else:
            self.transport.registerProducer(self, True)

    def dataReceived(self, data: bytes) -> None:
        """More has come."""
        self._data += data
        while self._data and not self.transport.disconnecting:
            try:
                found = parse(self._data)
            except FramingError:
                self.close(b"-ERR protocol error\r\n")
                return
            if found is None:
                return
            command, length = found
            self._data = self._data[length:]
            self._command(command)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The client is gone."""
        self._detach()

    def close(self, last: bytes) -> None:
        """Send what is left, and then this, and close."""
        self.transport.writeSequence([*self._waiting, last])
        self._waiting.clear()
        # A transport with a producer would wait for it.
        self.transport.unregisterProducer()
        self.transport.loseConnection()

    # -- commands -------------------------------------------------------------------------------

    def _command(self, parts: list[bytes]) -> None:
        if not parts:
            self.transport.write(b"-ERR empty command\r\n")
            return
        verb = parts[0].decode(errors="replace").lower()
        self._simulator.note("resp", verb.upper(), self._address, b" ".join(parts[1:]))
        fault = self._simulator.faults.resp(verb)
        if fault is not None and fault.on_resp(self, self._simulator):
            return
        reply = self._reply(verb, parts[1:])
        if reply:
            self.transport.write(reply)

    def _reply(self, verb: str, arguments: list[bytes]) -> bytes:
        if self.channel:
            return self._subscribed(verb, arguments)
        if verb == "auth":
            return self._auth(arguments)
        if not self._authenticated:
            banned = self._simulator.keys.unauthenticated(self._address)
            return _error(banned) if banned else b"-NOAUTH Authentication required.\r\n"
        if verb in ("lpop", "rpop"):
            return self._pop(verb, arguments)
        if verb == "subscribe" and self._simulator.version >= versions.SUBSCRIBE:
            return self._subscribe(arguments)
        return _error(f"unknown command '{verb}'")

    def _auth(self, arguments: list[bytes]) -> bytes:
        keys = self._simulator.keys
        if len(arguments) not in (1, 2):
            banned = keys.unauthenticated(self._address)
            return _error(banned or "wrong number of arguments for 'auth' command")
        status, text = keys.refusal(self._address, arguments[-1].decode(errors="replace"))
        self._authenticated = self._authenticated or not status
        return _error(text) if status else b"+OK\r\n"

    def _pop(self, verb: str, arguments: list[bytes]) -> bytes:
        if len(arguments) not in (1, 2):
            return _error(f"wrong number of arguments for '{verb}' command")
        count = 1
        if len(arguments) == 2:
            text = arguments[1].decode(errors="replace")
            if not text.isdigit() or int(text) < 1:
                return _error("value is not an integer or out of range")
            count = int(text)
        name = arguments[0].decode(errors="replace")
        if name.strip().lower() != "usage" and self._simulator.version >= versions.ERRORS:
            return _error(f"unsupported channel '{name}'")
        taken = self._simulator.queue.pop(count)
        if len(arguments) == 1:
            return bulk(taken[0] if taken else None)
        return b"*%d\r\n" % len(taken) + b"".join(map(bulk, taken))

    def _subscribe(self, arguments: list[bytes]) -> bytes:
        if len(arguments) != 1:
            return _error("wrong number of arguments for 'subscribe' command")
        name = arguments[0].decode(errors="replace").strip()
        known = ("usage", "errors") if self._simulator.version >= versions.ERRORS else ("usage",)
        if name.lower() not in known:
            return _error(f"unsupported channel '{name}'")
        self.channel = name.lower()
        spelled = name if self._simulator.version >= versions.ERRORS else "usage"
        self._spelled = spelled.encode()
        self._simulator.queue.subscribers.append(self)
        confirmation = b"*3\r\n" + bulk(b"subscribe") + bulk(self._spelled) + b":1\r\n"
        if self.channel == "usage" and self._simulator.version >= versions.CONTROL:
            confirmation += self._frame(b'{"support_refresh":true}')
        return confirmation

    def _subscribed(self, verb: str, arguments: list[bytes]) -> bytes:
        if verb == "ping":
            return b"*2\r\n" + bulk(b"pong") + bulk(arguments[0] if arguments else None)
        if verb == "unsubscribe":
            self._detach()
            self.close(b"*3\r\n" + bulk(b"unsubscribe") + bulk(self._spelled) + b":0\r\n")
            return b""
        if verb == "quit":
            self._detach()
            self.close(b"+OK\r\n")
            return b""
        return _error(f"unknown command '{verb}'")

    # -- messages -------------------------------------------------------------------------------

    def _frame(self, payload: bytes) -> bytes:
        return b"*3\r\n" + bulk(b"message") + bulk(self._spelled) + bulk(payload)

    def deliver(self, payload: bytes) -> bool:
        """Buffer a message; one that does not fit ends the subscription."""
        if self._detached:
            return False
        fault = self._simulator.faults.message()
        frame = self._frame(payload) if fault is None else fault.on_message(payload, self)
        if not self._blocked:
            self.transport.write(frame)
            self._sent += 1
            return True
        if len(self._waiting) >= BUFFER:
            self._simulator.queue.counts["detached"] += 1
            self._detach()
            # What is buffered still goes out, and then CPA closes.
            self.close(b"")
            return False
        self._waiting.append(frame)
        return True

    def _detach(self) -> None:
        self._detached = True
        if self in self._simulator.queue.subscribers:
            self._simulator.queue.subscribers.remove(self)

    def kick(self) -> None:
        """Close the subscription, as CPA's end does."""
        self._detach()
        self.close(b"")

    def pauseProducing(self) -> None:
        """The socket takes no more."""
        self._blocked = True

    def resumeProducing(self) -> None:
        """The socket takes more."""
        self._blocked = False
        waiting, self._waiting = self._waiting, deque()
        if waiting:
            self.transport.writeSequence(list(waiting))

    def stopProducing(self) -> None:
        """The client is gone."""
        self._detach()

    transport: Any


def _error(text: str) -> bytes:
    return f"-ERR {text}\r\n".encode()
