"""The connection of a client: little patience for headers, an early answer to strangers."""

from __future__ import annotations

from typing import Any

from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel

from cpamp.errors import Problem
from cpamp.web.errors import AddressTooLong, HeadTooLarge, json_bytes, reason

HEADER_SECONDS = 10.0
IDLE_SECONDS = 75
# Of the first line of a request, and of its whole head: whoever deletes a file of many credentials
# names them in a header.
LINE_BYTES = 16 * 1024
HEAD_BYTES = 1024 * 1024
# After an early answer this much of what the client still sends is taken, for this long, so that
# the answer reaches it before the connection ends.
LINGER_BYTES = 1024 * 1024
LINGER_SECONDS = 2.0


class Channel(HTTPChannel):
    """One connection. Requests are `cpamp.web.request.ApiRequest`s."""

    timeOut = IDLE_SECONDS
    MAX_LENGTH = LINE_BYTES
    totalHeadersSize = 2 * HEAD_BYTES
    transport: Any
    site: Any
    factory: Any
    _deadline: Any = None
    _lingering = False
    # Whether the first line of a request has come, and not yet all of its head.
    _in_head = False
    _head_bytes = 0
    _lingered = 0

    def __init__(self) -> None:
        super().__init__()
        # What has come of a line that is not complete.
        self._pieces: list[bytes] = []
        self._pieces_bytes = 0

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
        if self._lingering:
            return
        if self._deadline is None:
            self._deadline = self._later(HEADER_SECONDS, self._too_slow)
        self._in_head = True
        self.MAX_LENGTH = HEAD_BYTES
        self._head_bytes += len(line)
        if self._head_bytes > HEAD_BYTES:
            self.lineLengthExceeded(line)
        else:
            super().lineReceived(line)

    def lineLengthExceeded(self, line: bytes) -> None:
        """The head is longer than is taken, or its first line, which has the query, alone."""
        if self._in_head:
            self._refuse(HeadTooLarge("the headers are too large"))
        else:
            self._refuse(AddressTooLong("the address is too long; send what it asks for in a body"))

    def _refuse(self, problem: Problem) -> None:
        self._in_time()
        text = json_bytes(problem.body())
        lines = (
            b"HTTP/1.1 %d %s" % (problem.status, reason(problem.status)),
            b"Content-Type: application/json",
            b"Content-Length: %d" % len(text),
            b"Connection: close",
        )
        self.answer_early(b"\r\n".join(lines) + b"\r\n\r\n", text)

    def allHeadersReceived(self) -> None:
        """The head is complete."""
        self._in_time()
        self._in_head = False
        self._head_bytes = 0
        self.MAX_LENGTH = LINE_BYTES
        super().allHeadersReceived()

    def dataReceived(self, data: bytes) -> None:
        """More has come."""
        if not self._lingering:
            self._read(data)
            return
        self._lingered += len(data)
        if self._lingered > LINGER_BYTES:
            self.transport.abortConnection()

    def _read(self, data: bytes) -> None:
        """Read on; a line only when it is whole, or each of its pieces would move all of it."""
        last = (self._pieces or [self._buffer])[-1][-1:]
        self._pieces.append(data)
        self._pieces_bytes += len(data)
        whole = b"\r\n" in last + data or self._pieces_bytes > self.MAX_LENGTH
        if whole or not data or not self.line_mode:
            data = b"".join(self._pieces)
            self._pieces.clear()
            self._pieces_bytes = 0
            super().dataReceived(data)

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
