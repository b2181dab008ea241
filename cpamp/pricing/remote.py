"""Price sources on the internet, each asked for its whole document (pricing contract, 3.1, 3.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import orjson
from twisted.internet.threads import deferToThread

from cpamp.fetching.fetcher import Fetcher, FetchFailed, Way
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
    _etag: str = attrs.field(default="", init=False)
    _catalogue: Catalogue | None = attrs.field(default=None, init=False)

    async def catalogue(self, way: Way) -> Catalogue:
        """What it offers now; raises `SourceFailed`. What it offered before is no stand-in."""
        try:
            document = await self._fetcher.get(self._url, way, self._etag)
        except FetchFailed as error:
            raise SourceFailed(str(error)) from error
        if document.status == 304 and self._catalogue is not None:
            return self._catalogue
        if not 200 <= document.status < 300:
            raise SourceFailed(f"model price sync failed: {document.status} {document.phrase}")
        catalogue = await deferToThread(_read, READERS[self.name], document.body)
        if self.name in KEPT and document.etag:
            self._etag, self._catalogue = document.etag, catalogue
        return catalogue


def _read(reader: Callable[[Any], Catalogue], body: bytes) -> Catalogue:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise SourceFailed(f"the document is not valid JSON: {error}") from error
    return reader(document)
