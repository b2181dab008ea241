"""Price sources on the internet, each asked for its whole document (pricing contract, 3.1, 3.2)."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from typing import Any, Self

import attrs
import orjson
from twisted.internet.threads import deferToThread

from cpamp.fetching.fetcher import Document, Fetcher, FetchFailed, Way
from cpamp.pricing.sources import (
    LITELLM,
    MODELS_DEV,
    OPENROUTER,
    Catalogue,
    SourceFailed,
    read_litellm,
    read_models_dev,
    read_openrouter,
)

READERS: Mapping[str, Callable[[Any], Catalogue]] = {
    MODELS_DEV: read_models_dev,
    LITELLM: read_litellm,
    OPENROUTER: read_openrouter,
}
# Sources whose last good document is kept, and asked for only where it has changed.
KEPT = frozenset((MODELS_DEV,))


@attrs.define(eq=False)
class RemoteSource:
    """One of the sources of `READERS`, at its URL."""

    name: str
    _url: str
    _fetcher: Fetcher
    _kept: _Kept | None = attrs.field(default=None, init=False)

    async def catalogue(self, way: Way) -> Catalogue:
        """What it offers now; raises `SourceFailed`. What it offered before is no stand-in."""
        kept = self._kept
        try:
            document = await self._fetcher.get(self._url, way, kept.etag if kept else "")
        except FetchFailed as error:
            raise SourceFailed(str(error)) from error
        if document.status == 304 and kept is not None:
            return await deferToThread(lambda: _read(READERS[self.name], kept.body))
        if not 200 <= document.status < 300:
            raise SourceFailed(f"model price sync failed: {document.status} {document.phrase}")
        catalogue = await deferToThread(_read, READERS[self.name], document.body)
        if self.name in KEPT and document.etag:
            self._kept = await deferToThread(_Kept.of, document)
        return catalogue


@attrs.frozen
class _Kept:
    """The last good document, packed: it is small, and what is made of it is large."""

    etag: str
    _packed: bytes

    @classmethod
    def of(cls, document: Document) -> Self:
        return cls(document.etag, zlib.compress(document.body, 1))

    @property
    def body(self) -> bytes:
        return zlib.decompress(self._packed)


def _read(reader: Callable[[Any], Catalogue], body: bytes) -> Catalogue:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise SourceFailed(f"the document is not valid JSON: {error}") from error
    return reader(document)
