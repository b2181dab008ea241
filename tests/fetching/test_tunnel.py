"""The handshakes with proxies, byte by byte."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import pytest

from cpamp.fetching.proxy import Proxy
from cpamp.fetching.tunnel import TunnelRefused, handshake

SOCKS = Proxy("socks5", "p", 1080)
LOGIN = Proxy("socks5h", "p", 1080, "joe", "pw")
HTTP = Proxy("http", "p", 80)
OPENED = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50"


def spoken(proxy: Proxy, answers: bytes, host: str = "a.test", port: int = 443) -> bytes:
    """All that is sent to a proxy that answers so; nothing of the answers may be left."""
    steps = handshake(proxy, host, port)
    said, wanted = next(steps)
    source: Iterator[int] = iter(answers)
    while True:
        part = bytes(islice(source, wanted))
        assert len(part) == wanted
        try:
            sent, wanted = steps.send(part)
        except StopIteration:
            assert list(source) == []
            return said
        said += sent


@pytest.mark.parametrize(
    ("proxy", "answers", "host", "expected"),
    [
        (SOCKS, b"\x05\x00" + OPENED, "a.test", b"\x05\x01\x00\x05\x01\x00\x03\x06a.test\x01\xbb"),
        (SOCKS, b"\x05\x00" + OPENED, "1.2.3.4", b"\x05\x01\x00\x05\x01\x00\x01\1\2\3\4\x01\xbb"),
        (
            SOCKS,
            b"\x05\x00\x05\x00\x00\x04" + bytes(18),
            "::1",
            b"\x05\x01\x00\x05\x01\x00\x04" + bytes(15) + b"\x01\x01\xbb",
        ),
        (
            LOGIN,
            b"\x05\x02\x01\x00\x05\x00\x00\x03\x03abc\x00\x00",
            "a",
            b"\x05\x02\x00\x02\x01\x03joe\x02pw\x05\x01\x00\x03\x01a\x01\xbb",
        ),
        (LOGIN, b"\x05\x00" + OPENED, "a", b"\x05\x02\x00\x02\x05\x01\x00\x03\x01a\x01\xbb"),
        (
            HTTP,
            b"HTTP/1.0 200 OK\r\nA: b\r\n\r\n",
            "::1",
            b"CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n",
        ),
        (
            Proxy("http", "p", 80, "joe", "pw"),
            b"HTTP/1.1 299\r\n\r\n",
            "a",
            b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nProxy-Authorization: Basic am9lOnB3\r\n\r\n",
        ),
    ],
)
def test_a_way_is_made(proxy: Proxy, answers: bytes, host: str, expected: bytes) -> None:
    assert spoken(proxy, answers, host) == expected


@pytest.mark.parametrize(
    ("proxy", "answers", "reason"),
    [
        (SOCKS, b"\x05\xff", "log in"),
        (SOCKS, b"\x05\x02", "log in"),
        (SOCKS, b"\x04\x00", "log in"),
        (SOCKS, b"HT", "log in"),
        (LOGIN, b"\x05\x02\x01\x01", "the user or the password"),
        (SOCKS, b"\x05\x00\x05\x04\x00\x01", "host unreachable"),
        (SOCKS, b"\x05\x00\x05\x63\x00\x01", "unknown failure"),
        (HTTP, b"HTTP/1.1 403 No way\r\n\r\n", "403 No way"),
        (HTTP, b"SSH-2.0-x\r\n\r\n", "SSH"),
        (HTTP, b"HTTP/1.1 200 OK\r\n" + b"x" * 17_000, "no end"),
    ],
)
def test_a_way_is_refused(proxy: Proxy, answers: bytes, reason: str) -> None:
    with pytest.raises(TunnelRefused, match=reason):
        spoken(proxy, answers)


def test_a_host_that_no_proxy_takes() -> None:
    with pytest.raises(ValueError, match="label"):
        handshake(SOCKS, "x" * 300, 443)
