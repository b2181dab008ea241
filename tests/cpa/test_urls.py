"""The address of a CPA, however it is written."""

from __future__ import annotations

import pytest

from cpamp.cpa.urls import Address, InvalidUrl, normalise


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("", ""),
        ("  ", ""),
        ("cpa", "http://cpa"),
        ("cpa:8317", "http://cpa:8317"),
        (" http://cpa:8317/ ", "http://cpa:8317"),
        ("http://cpa:8317///", "http://cpa:8317"),
        ("https://cpa/v0/management", "https://cpa"),
        ("https://cpa/v0/management/", "https://cpa"),
        ("https://cpa/v0", "https://cpa"),
        ("https://cpa/proxied/v0/management", "https://cpa/proxied"),
        ("https://cpa/v0/other", "https://cpa/v0/other"),
        ("[::1]:8317", "http://[::1]:8317"),
        ("HTTP://Cpa", "HTTP://Cpa"),
    ],
)
def test_normalising(text: str, url: str) -> None:
    assert normalise(text) == url
    assert normalise(url) == url


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://cpa", Address("cpa", 80, False)),
        ("https://cpa", Address("cpa", 443, True)),
        ("http://cpa:8317", Address("cpa", 8317, False)),
        ("https://10.0.0.1:8317/with/a/path", Address("10.0.0.1", 8317, True)),
        ("http://[::1]", Address("::1", 80, False)),
        ("http://[fe80::1]:8317", Address("fe80::1", 8317, False)),
        ("HTTPS://CPA.example", Address("cpa.example", 443, True)),
    ],
)
def test_addresses(url: str, address: Address) -> None:
    assert Address.of(url) == address


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "upstream URL is empty"),
        ("ftp://cpa", 'unsupported upstream scheme "ftp"'),
        ("redis://cpa:6379", 'unsupported upstream scheme "redis"'),
        ("http://", 'invalid upstream URL "http://"'),
        ("http://:8317", 'invalid upstream URL "http://:8317"'),
        ("http://cpa:port", 'invalid upstream URL "http://cpa:port"'),
        ("http://cpa:99999", 'invalid upstream URL "http://cpa:99999"'),
        ("http://[::1", 'invalid upstream URL "http://[::1"'),
        ("http://c pa", "invalid upstream URL 'http://c pa': write other characters as %XX"),
        ("http://cpä", r"invalid upstream URL 'http://cp\xe4': write other characters as %XX"),
        ("http://cpa/\0", r"invalid upstream URL 'http://cpa/\x00': write other characters as %XX"),
    ],
)
def test_what_is_no_address(url: str, said: str) -> None:
    with pytest.raises(InvalidUrl) as caught:
        Address.of(url)
    assert caught.value.message == said
