"""Lines of heads are read whole, however they come."""

from __future__ import annotations

import pytest
from twisted.internet.testing import StringTransport

from cpamp.web.channel import Channel

HEAD = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"


class Lines(Channel):
    """A connection that merely notes the lines."""

    def __init__(self) -> None:
        super().__init__()
        self.transport = StringTransport()
        self.lines: list[bytes] = []

    def lineReceived(self, line: bytes) -> None:
        self.lines.append(line)


@pytest.mark.parametrize("second", range(len(HEAD)))
def test_a_head_that_is_cut_in_two_places(second: int) -> None:
    for first in range(second + 1):
        channel = Lines()
        for piece in (HEAD[:first], HEAD[first:second], HEAD[second:]):
            channel.dataReceived(piece)
        assert channel.lines == HEAD.split(b"\r\n")[:-1]
