"""Which proxy a URL has."""

from __future__ import annotations

import pytest

from cpamp.fetching.proxy import EnvironmentProxies, Proxy, ProxyUnusable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://p", Proxy("http", "p", 80)),
        (" https://p:8443/x ", Proxy("https", "p", 8443)),
        ("socks5://u:p%40%3a@[::1]", Proxy("socks5", "::1", 1080, "u", "p@:")),
        ("SOCKS5H://u@Host:9", Proxy("socks5h", "host", 9, "u")),
    ],
)
def test_a_proxy(text: str, expected: Proxy) -> None:
    assert Proxy.of(text) == expected
    assert "p@:" not in repr(Proxy.of(text))


@pytest.mark.parametrize(
    "text",
    ["", "p:80", "ftp://secret@p", "http://", "http://secret@:80", "http://p:x", "http://[secret",
     "socks5://u:" + "secret" * 50 + "@p", "http://sécret.test"],
)  # fmt: skip
def test_no_proxy_and_no_word_of_its_password(text: str) -> None:
    with pytest.raises(ProxyUnusable) as raised:
        Proxy.of(text)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "none_for", "expected"),
    [
        ("http://a.test/", "", "plain"),
        ("https://a.test/", "", "tls"),
        ("http://localhost/", "", None),
        ("http://127.3.2.1:80/", "", None),
        ("http://[::1]/", "", None),
        ("https://a.test/", "*", None),
        ("https://a.test/", " b.test, A.TEST", None),
        ("https://x.a.test/", "a.test", None),
        ("https://a.test/", ".a.test", "tls"),
        ("https://x.a.test/", ".a.test", None),
        ("https://x.a.test/", "*.a.test", None),
        ("https://xa.test/", "a.test", "tls"),
        ("https://a.test/", "a.test:443", None),
        ("https://a.test/", "a.test:80", "tls"),
        ("http://10.1.2.3/", "10.1.0.0/16", None),
        ("http://10.2.2.3/", "10.1.0.0/16,nonsense/9", "plain"),
        ("http://10.1.2.3/", "10.1.2.3", None),
        ("http://[fd00::1]/", "fd00::/8", None),
        ("http://[fd00::1]/", "fd00:0::1", None),
    ],
)
def test_the_environment(url: str, none_for: str, expected: str | None) -> None:
    proxies = EnvironmentProxies("http://plain", "tls:3128", none_for)
    found = proxies.proxy_for(url)
    assert (found and found.host) == expected
    assert EnvironmentProxies(none_for=none_for).proxy_for(url) is None
