"""Through which proxy a URL is reached: one that is named, or what the environment says."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, unquote, urlsplit

import attrs

PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}


class ProxyUnusable(Exception):
    """The text is no URL of a proxy; the message never repeats it, since it may hold a password."""


@attrs.frozen
class Proxy:
    """A proxy. `scheme` is http, https (spoken to by TLS), socks5 or socks5h.

    Both kinds of SOCKS look the target's name up at the proxy.
    """

    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = attrs.field(default="", repr=False)

    @classmethod
    def of(cls, text: str) -> Proxy:
        """The proxy of a URL; raises `ProxyUnusable`."""
        try:
            parts = urlsplit(text.strip())
            port = parts.port
        except ValueError as error:
            raise ProxyUnusable("the proxy URL is malformed") from error
        if parts.scheme not in PORTS:
            raise ProxyUnusable("the proxy URL must begin with http, https, socks5 or socks5h")
        if not parts.hostname or not parts.hostname.isascii():
            raise ProxyUnusable("the proxy URL names no host")
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        if max(len(user.encode()), len(password.encode())) > 255:
            raise ProxyUnusable("the user or the password of the proxy URL is too long")
        return cls(parts.scheme, parts.hostname, port or PORTS[parts.scheme], user, password)

    @property
    def is_socks(self) -> bool:
        """Whether it speaks SOCKS, and not HTTP."""
        return self.scheme.startswith("socks5")


@attrs.frozen
class EnvironmentProxies:
    """The variables HTTP_PROXY, HTTPS_PROXY and NO_PROXY; "" where they are not set.

    `none_for` is a list with commas: hosts (with all below them), addresses, networks, ``*``.
    """

    http: str = attrs.field(default="", repr=False)
    https: str = attrs.field(default="", repr=False)
    none_for: str = ""

    def proxy_for(self, url: str) -> Proxy | None:
        """The proxy of a URL, None for none; raises `ProxyUnusable`."""
        parts = urlsplit(url)
        text = self.https if parts.scheme == "https" else self.http
        if not text or self._spared(parts):
            return None
        return Proxy.of(text if "://" in text else f"http://{text}")

    def _spared(self, parts: SplitResult) -> bool:
        host = (parts.hostname or "").rstrip(".")
        address = _address(host)
        if host == "localhost" or (address is not None and address.is_loopback):
            return True
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return any(_fits(entry.strip(), host, port) for entry in self.none_for.lower().split(","))


def _fits(entry: str, host: str, port: int) -> bool:
    """Whether an entry of NO_PROXY means this host."""
    if not entry or entry == "*":
        return entry == "*"
    address = _address(host)
    if address is not None and "/" in entry:
        try:
            return address in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
    name, _, wanted = entry.rpartition(":") if entry.count(":") == 1 else (entry, "", "")
    if wanted and wanted != str(port):
        return False
    if address is not None:
        return _address(name) == address
    name = name.removeprefix("*").lstrip(".")
    # ``.example.com`` means what lies below it, ``example.com`` itself too.
    return host.endswith(f".{name}") or (host == name and not entry.startswith((".", "*.")))


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None
