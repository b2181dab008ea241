"""The address of a CPA (server contract, 6.1; usage contract, 2.4)."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import attrs

from cpamp.errors import BadRequest

_PLAIN = re.compile(r"[!-~]*")


class InvalidUrl(BadRequest):
    """The text is no URL of a CPA."""


def normalise(text: str) -> str:
    """A CPA URL in the form in which it is kept; "" for blank text.

    ``http://`` is put before a text without scheme; final slashes, ``/v0/management`` and
    ``/v0`` are taken away.
    """
    url = text.strip()
    if not url:
        return ""
    if "://" not in url:
        url = f"http://{url}"
    url = url.rstrip("/")
    for suffix in ("/v0/management", "/v0"):
        url = url.removesuffix(suffix)
    return url


@attrs.frozen
class Address:
    """Where CPA's port is."""

    host: str
    port: int
    tls: bool

    @classmethod
    def of(cls, url: str) -> Address:
        """The address of a normalised URL; raises `InvalidUrl`."""
        if not url:
            raise InvalidUrl("upstream URL is empty")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise InvalidUrl(f'invalid upstream URL "{url}"') from error
        if not _PLAIN.fullmatch(url):
            raise InvalidUrl(f"invalid upstream URL {url!a}: write other characters as %XX")
        if parts.scheme not in ("http", "https"):
            raise InvalidUrl(f'unsupported upstream scheme "{parts.scheme}"')
        if not parts.hostname:
            raise InvalidUrl(f'invalid upstream URL "{url}"')
        tls = parts.scheme == "https"
        return cls(parts.hostname, port or (443 if tls else 80), tls)
