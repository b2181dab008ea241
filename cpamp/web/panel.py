"""The panel: one self-contained page (server contract, section 14 and 22 B-16)."""

from __future__ import annotations

import base64
import gzip
import hashlib
import importlib.resources
import re
from collections.abc import Callable
from pathlib import Path

import attrs
from twisted.internet.threads import deferToThread

from cpamp.web.etags import ETAG, IF_NONE_MATCH
from cpamp.web.packing import accepts_gzip
from cpamp.web.request import ApiRequest
from cpamp.web.route import Access, Reply, route

CONTENT_TYPE = "text/html; charset=utf-8"
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-cache",
    "Vary": "Accept-Encoding",
}
SCRIPT = re.compile(rb"<script\b[^>]*>(.*?)</script\s*>", re.DOTALL | re.IGNORECASE)


def policy(text: bytes) -> str:
    """The content security policy of a page: of scripts only those that it holds itself."""
    digests = (hashlib.sha256(script).digest() for script in SCRIPT.findall(text) if script)
    hashes = dict.fromkeys(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    scripts = " ".join(hashes) or "'none'"
    return (
        f"default-src 'none'; script-src {scripts}; "
        "style-src 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
        "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


@attrs.frozen
class Page:
    """A page ready to be sent."""

    plain: bytes
    packed: bytes
    etag: str
    policy: str

    @classmethod
    def of(cls, text: bytes) -> Page:
        """The page of some HTML."""
        digest = hashlib.sha256(text).hexdigest()[:32]
        return cls(text, gzip.compress(text, 9, mtime=0), f'"{digest}"', policy(text))


def embedded() -> bytes:
    """The page that the package ships."""
    files = importlib.resources.files("cpamp.web")
    return files.joinpath("panel", "management.html").read_bytes()


@attrs.define
class Panel:
    """`/management.html`, and the way to it. `path` is a file that is served instead, if any."""

    path: Path | None
    base_path: str
    _read: Callable[[], bytes] = embedded
    _built_in: Page | None = None
    _own: Page | None = None
    _own_stamp: tuple[int, int] | None = None

    @route(
        "GET",
        "/",
        summary="To the panel",
        access=Access.PUBLIC,
        cors=False,
        sends={"Location": "where the panel is"},
    )
    async def root(self, request: ApiRequest) -> Reply:
        """Redirects."""
        return Reply(307, None, {"Location": f"{self.base_path}/management.html"})

    @route(
        "GET",
        "/management.html",
        summary="The panel",
        access=Access.PUBLIC,
        cors=False,
        headers=IF_NONE_MATCH,
        sends=ETAG,
        produces=("text/html",),
    )
    async def page(self, request: ApiRequest) -> Reply:
        """With validators and packed, so that a reload costs next to nothing."""
        page = await deferToThread(self._current)
        headers = {
            **SECURITY,
            "Content-Security-Policy": page.policy,
            "Content-Type": CONTENT_TYPE,
            "ETag": page.etag,
        }
        asked = request.header("If-None-Match") or ""
        if page.etag in (tag.strip().removeprefix("W/") for tag in asked.split(",")):
            return Reply(304, b"", headers)
        if accepts_gzip(request.header("Accept-Encoding")):
            return Reply(200, page.packed, {**headers, "Content-Encoding": "gzip"})
        return Reply(200, page.plain, headers)

    def _current(self) -> Page:
        own = self._own_page() if self.path is not None else None
        if own is not None:
            return own
        if self._built_in is None:
            self._built_in = Page.of(self._read())
        return self._built_in

    def _own_page(self) -> Page | None:
        assert self.path is not None
        try:
            found = self.path.stat()
            stamp = (found.st_mtime_ns, found.st_size)
            if stamp != self._own_stamp:
                self._own, self._own_stamp = Page.of(self.path.read_bytes()), stamp
        except OSError:
            return None
        return self._own
