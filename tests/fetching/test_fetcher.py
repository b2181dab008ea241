"""Documents over real sockets: redirects, limits, packing, and every kind of proxy."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.ssl import Certificate as Trusted
from twisted.internet.ssl import trustRootFromCertificates
from twisted.web.client import BrowserLikePolicyForHTTPS

from cpamp.fetching.fetcher import Document, Fetcher, FetchFailed
from cpamp.fetching.proxy import Proxy
from tests.fetching.servers import (
    Certificate,
    Documents,
    Page,
    certificate,
    documents,
    http_proxy,
    socks_proxy,
)

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def server() -> Iterator[Documents]:
    with documents() as server:
        yield server


async def fetched(
    url: str,
    *,
    proxy: str = "",
    trusted: Certificate | None = None,
    seconds: float = 10,
    most: int = MIB,
    etag: str = "",
) -> Document:
    tls: Any = BrowserLikePolicyForHTTPS()
    if trusted is not None:
        root = trustRootFromCertificates([Trusted.loadPEM(trusted.pem)])
        tls = BrowserLikePolicyForHTTPS(trustRoot=root)
    fetcher = Fetcher(reactor, seconds, most, tls)
    return await fetcher.get(url, lambda _: Proxy.of(proxy) if proxy else None, etag)


@pytest.mark.parametrize("packed", [False, True])
@ensureDeferred
async def test_a_document(server: Documents, packed: bool) -> None:
    server.pages["/a"] = Page({"x": 1}, etag='"1"', gzip=packed)
    assert await fetched(server.url("/a")) == Document(200, "OK", b'{"x": 1}', '"1"')
    again = await fetched(server.url("/a"), etag='"1"')
    assert (again.status, again.body) == (304, b"")
    assert (await fetched(server.url("/b"))).status == 404
    assert all(headers["accept-encoding"] == "gzip" for _, headers in server.asked)
    assert not any("authorization" in headers or "cookie" in headers for _, headers in server.asked)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@ensureDeferred
async def test_redirects_are_followed(server: Documents, status: int) -> None:
    server.pages["/a/b"] = Page(b"moved", status, location="c")
    server.pages["/a/c"] = Page(b"moved", status, location=server.url("/d"))
    server.pages["/d"] = Page(b"here")
    assert (await fetched(server.url("/a/b"))).body == b"here"
    assert server.paths == ["/a/b", "/a/c", "/d"]


@ensureDeferred
async def test_ten_redirects_and_no_more(server: Documents) -> None:
    for i in range(11):
        server.pages[f"/{i}"] = Page(b"", 302, location=f"/{i + 1}")
    server.pages["/11"] = Page(b"end")
    assert (await fetched(server.url("/1"))).body == b"end"
    with pytest.raises(FetchFailed, match="redirects"):
        await fetched(server.url("/0"))


@pytest.mark.parametrize(
    "target",
    ["file:///etc/passwd", "mailto:x@y", "http://[x/", "http://a b/", "http://\xe9/", "http://:x/"],
)
@ensureDeferred
async def test_redirects_to_nowhere(server: Documents, target: str) -> None:
    server.pages["/"] = Page(b"", 302, location=target)
    with pytest.raises(FetchFailed):
        await fetched(server.url("/"), seconds=5)
    assert server.paths == ["/"]


@pytest.mark.parametrize("packed", [False, True])
@ensureDeferred
async def test_the_limit_is_that_of_the_unpacked_body(server: Documents, packed: bool) -> None:
    server.pages["/most"] = Page(b"x" * MIB, gzip=packed)
    server.pages["/more"] = Page(b"x" * (MIB + 1), gzip=packed)
    server.pages["/bomb"] = Page(b"\0" * (64 * MIB), gzip=packed)
    assert len((await fetched(server.url("/most"))).body) == MIB
    for path in ("/more", "/bomb"):
        with pytest.raises(FetchFailed, match="larger than 1048576 bytes"):
            await fetched(server.url(path))


@ensureDeferred
async def test_what_fails(server: Documents) -> None:
    server.pages["/slow"] = Page(b"x" * 100, hold=30)
    server.pages["/cut"] = Page(b"x" * 100, cut=True)
    server.pages["/garbage"] = Page(b"no gzip at all", encoding="gzip")
    server.pages["/short"] = Page(gzip.compress(b"x" * 1000)[:-9], encoding="gzip")
    with pytest.raises(FetchFailed, match=r"within 0\.2 s"):
        await fetched(server.url("/slow"), seconds=0.2)
    for path in ("/cut", "/garbage", "/short"):
        with pytest.raises(FetchFailed):
            await fetched(server.url(path))
    with pytest.raises(FetchFailed, match="refused"):
        await fetched("http://127.0.0.1:1/")


@ensureDeferred
async def test_only_trusted_servers_of_the_right_name(own: Certificate) -> None:
    with documents(own.context) as server:
        server.pages["/"] = Page(b"secret")
        assert (await fetched(server.url("/"), trusted=own)).body == b"secret"
        with pytest.raises(FetchFailed):
            await fetched(server.url("/"))
        with pytest.raises(FetchFailed):
            await fetched(server.url("/", "127.0.0.2"), trusted=own)
        assert server.paths == ["/"]


@pytest.mark.parametrize("user", ["", "joe:p@ss word"])
@pytest.mark.parametrize("scheme", ["http", "https", "socks5", "socks5h"])
@pytest.mark.parametrize("target", ["http", "https"])
@ensureDeferred
async def test_proxies(own: Certificate, scheme: str, target: str, user: str) -> None:
    """The name of the target is one that only the proxy knows."""
    to_proxy = own.context if scheme == "https" else None
    running = socks_proxy(user) if scheme.startswith("socks") else http_proxy(user, to_proxy)
    login = "joe:p%40ss%20word@" if user else ""
    with documents(own.context if target == "https" else None) as server, running as proxy:
        server.pages["/a"] = Page(b"x" * 100_000)
        proxy.names["prices.test"] = "127.0.0.1"
        url = server.url("/a", "prices.test")
        found = await fetched(url, proxy=f"{scheme}://{login}127.0.0.1:{proxy.port}", trusted=own)
        assert found.body == b"x" * 100_000
        place = f"prices.test:{server.port}"
        if not scheme.startswith("socks"):
            place = f"CONNECT {place}" if target == "https" else f"GET {url}"
        assert proxy.asked == [(place, user)]
        assert "proxy-authorization" not in server.asked[0][1]
        wrong = f"{scheme}://joe:wrong@127.0.0.1:{proxy.port}"
        if not user:
            return
        if scheme.startswith("http") and target == "http":
            assert (await fetched(url, proxy=wrong, trusted=own)).status == 407
        else:
            with pytest.raises(FetchFailed, match=r"407|refuses the user"):
                await fetched(url, proxy=wrong, trusted=own)
        assert len(server.asked) == 1


@ensureDeferred
async def test_proxies_that_fail(server: Documents) -> None:
    server.pages["/"] = Page(b"x")
    with socks_proxy() as proxy:
        with pytest.raises(FetchFailed, match="connection refused"):
            await fetched("http://127.0.0.1:1/", proxy=f"socks5://127.0.0.1:{proxy.port}")
        with pytest.raises(FetchFailed):
            await fetched(server.url("/"), proxy=f"http://127.0.0.1:{proxy.port}")
        url = f"socks5://127.0.0.1:{proxy.port}"
        assert (await fetched(server.url("/"), proxy=url)).body == b"x"
    with socks_proxy("joe:pw") as proxy, pytest.raises(FetchFailed, match="log in"):
        await fetched(server.url("/"), proxy=f"socks5://127.0.0.1:{proxy.port}")
    with http_proxy() as proxy, pytest.raises(FetchFailed):
        await fetched(server.url("/"), proxy=f"socks5://127.0.0.1:{proxy.port}", seconds=2)
    with pytest.raises(FetchFailed, match="refused"):
        await fetched(server.url("/"), proxy="socks5://127.0.0.1:1")
