"""The connection of a client: little patience for headers, an early answer to strangers."""

from __future__ import annotations

from typing import Any

from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import RESPONSES, HTTPChannel

from cpamp.web.errors import AddressTooLong, json_bytes

HEADER_SECONDS = 10.0
IDLE_SECONDS = 75
# After an early answer this much of what the client still sends is taken, for this long, so that
# the answer reaches it before the connection ends.
LINGER_BYTES = 1024 * 1024
LINGER_SECONDS = 2.0


class Channel(HTTPChannel):
    """One connection. Requests are `cpamp.web.request.ApiRequest`s."""

    timeOut = IDLE_SECONDS
    transport: Any
    site: Any
    factory: Any
    _deadline: Any = None
    _lingering = False
    # Whether the first line of a request has come, and not yet all of its head.
    _in_head = False
    _lingered = 0

    def connectionMade(self) -> None:
        """A client has come; its first request's headers must follow soon."""
        super().connectionMade()
        self.factory.channels.join(self)
        self._deadline = self._later(HEADER_SECONDS, self._too_slow)

    def _later(self, seconds: float, work: Any) -> Any:
        return self.factory.clock.callLater(seconds, work)

    def _too_slow(self) -> None:
        self._deadline = None
        self.transport.abortConnection()

    def _in_time(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def lineReceived(self, line: bytes) -> None:
        """A line of a request's head; the first one of a later request starts the clock again."""
        if self._deadline is None and not self._lingering:
            self._deadline = self._later(HEADER_SECONDS, self._too_slow)
        self._in_head = True
        super().lineReceived(line)

    def lineLengthExceeded(self, line: bytes) -> None:
        """A line is longer than is taken; of the first one we say so, since it has the query."""
        if self._in_head or self._lingering:
            super().lineLengthExceeded(line)
            return
        self._in_time()
        problem = AddressTooLong("the address is too long; send what it asks for in a body")
        text = json_bytes(problem.body())
        lines = (
            b"HTTP/1.1 %d %s" % (problem.status, RESPONSES[problem.status]),
            b"Content-Type: application/json",
            b"Content-Length: %d" % len(text),
            b"Connection: close",
        )
        self.answer_early(b"\r\n".join(lines) + b"\r\n\r\n", text)

    def allHeadersReceived(self) -> None:
        """The head is complete."""
        self._in_time()
        self._in_head = False
        super().allHeadersReceived()

    def dataReceived(self, data: bytes) -> None:
        """More has come."""
        if not self._lingering:
            super().dataReceived(data)
            return
        self._lingered += len(data)
        if self._lingered > LINGER_BYTES:
            self.transport.abortConnection()

    def answer_early(self, head: bytes, body: bytes) -> None:
        """Send a whole answer now, take no more requests, and close soon."""
        self._lingering = True
        self.persistent = False
        self.transport.write(head + body)
        close = getattr(self.transport, "loseWriteConnection", None)
        (close or self.transport.loseConnection)()
        self._deadline = self._later(LINGER_SECONDS, self._too_slow)

    def stop_reading_body(self) -> None:
        """The answer is complete although the body is not: it is the last one here."""
        self.persistent = False
        self._lingering = True
        self._deadline = self._later(LINGER_SECONDS, self._too_slow)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The client is gone."""
        self._in_time()
        self.factory.channels.leave(self)
        super().connectionLost(reason)
