"""Bringing the price book up to date from the sources (pricing contract, 2.5 and 3)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import attrs
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.threads import deferToThread

from cpamp import members
from cpamp.cpa.client import CpaClient
from cpamp.errors import InvalidJson, Problem
from cpamp.fetching.fetcher import Way
from cpamp.fetching.proxy import EnvironmentProxies, Proxy, ProxyUnusable
from cpamp.pricing import embedded
from cpamp.pricing.book import BookChanged, Prices
from cpamp.pricing.cost import PriceBook
from cpamp.pricing.matching import Matcher
from cpamp.pricing.price import ModelPrice
from cpamp.pricing.remote import RemoteSource
from cpamp.pricing.selection import Selection, complete, requested_models, select
from cpamp.pricing.sources import EMBEDDED, Catalogue, SourceFailed

# Names in one request.
MOST_MODELS = 5_000
# How long CPA may take to tell its proxy, in seconds.
CPA_SECONDS = 5.0
# CPA's words for no proxy at all, not even the environment's.
DIRECT = frozenset(("direct", "none"))


class SyncFailed(Problem):
    """No source could be read; the prices are as they were."""

    code = "model_price_sync_failed"
    status = 502


class SyncStopped(Problem):
    """The server is stopping; whether prices were written is not known."""

    code = "model_price_sync_stopped"
    status = 503


@attrs.frozen
class SyncRequest:
    """Which models are to be priced (None: all that surely can be), and how.

    `overwrite_manual` lets go of prices that a person entered; with `dry_run` nothing is written.
    """

    models: Sequence[str] | None = None
    dry_run: bool = False
    overwrite_manual: bool = False

    @classmethod
    def read(cls, body: Any) -> Self:
        """The request of a JSON body; raises `InvalidJson`."""
        given = members.folded(body, "models", "dryRun", "overwriteManual")
        if len(members.listed(given, "models")) > MOST_MODELS:
            raise InvalidJson(f"models must not have more than {MOST_MODELS} names")
        return cls(
            requested_models(members.texts(given, "models")),
            members.flag(given, "dryRun", False),
            members.flag(given, "overwriteManual", False),
        )


@attrs.frozen
class Asked:
    """What became of asking a source: its catalogue, or why there is none."""

    source: str
    catalogue: Catalogue | None = None
    error: str = ""

    def body(self) -> dict[str, Any]:
        """The member of `sourceResults`."""
        found = self.catalogue
        told = {
            "source": self.source,
            "models": len(found.records) if found else 0,
            "skipped": found.skipped if found else 0,
        }
        return {**told, "error": self.error} if self.error else told


@attrs.frozen
class Outcome:
    """A sync that came to its end: what was asked, found and written, and the book since then."""

    asked: Sequence[Asked]
    selection: Selection
    imported: int
    book: PriceBook
    proxy_used: bool

    def body(self) -> dict[str, Any]:
        """The reply of section 2.5."""
        sources = [one.source for one in self.asked if one.catalogue is not None]
        found = self.selection
        optional = {
            "sources": sources,
            "matched": _bodies(found.matched),
            "candidates": found.candidates_body(),
            "unmatched": list(found.unmatched),
            "preserved": list(found.preserved),
            "proxyUsed": self.proxy_used,
            "sourceResults": [one.body() for one in self.asked],
        }
        return {
            "source": sources[0] if len(sources) == 1 else "multi",
            "imported": self.imported,
            "skipped": sum(one.catalogue.skipped for one in self.asked if one.catalogue),
            **{name: value for name, value in optional.items() if value},
            "prices": _bodies(self.book.prices),
        }


def _bodies(prices: Mapping[str, ModelPrice]) -> dict[str, Any]:
    return {model: price.body() for model, price in prices.items()}


@attrs.define(eq=False)
class Sync(Service):
    """Asks the sources one after the other, matches in a thread, and writes once.

    `client_of` gives the client of the present CPA, whose proxy is used; `environment` the proxies
    where it has none. With `with_embedded` the table of the package fills what is left.
    """

    _reactor: Any
    _prices: Prices
    _sources: Sequence[RemoteSource]
    _with_embedded: bool
    _client_of: Callable[[], CpaClient | None]
    _environment: EnvironmentProxies
    _under_way: set[Deferred[Outcome]] = attrs.field(factory=set, init=False)

    def stopService(self) -> None:
        """Give up what is under way: a source may take longer than a stop should."""
        Service.stopService(self)
        for running in list(self._under_way):
            running.cancel()

    async def run(self, wanted: SyncRequest) -> Outcome:
        """Sync; raises `SyncFailed` with nothing written."""
        running: Deferred[Outcome] = Deferred.fromCoroutine(self._run(wanted))
        self._under_way.add(running)
        try:
            return await running
        except CancelledError as error:
            raise SyncStopped("the server is stopping") from error
        finally:
            self._under_way.discard(running)

    async def _run(self, wanted: SyncRequest) -> Outcome:
        proxy_url = await self._cpa_proxy()
        matcher = Matcher()
        asked = await self._ask(wanted.models, self._way(proxy_url), matcher)
        if not any(one.catalogue for one in asked):
            reasons = "; ".join(f"{one.source}: {one.error}" for one in asked)
            raise SyncFailed(
                "model price sync failed; existing prices were not changed: "
                + (reasons or "every source is switched off")
            )
        failed = [one.source for one in asked if one.error]
        proxied = bool(proxy_url) and proxy_url.lower() not in DIRECT
        while True:
            book = self._prices.book
            selection = await self._select(wanted, matcher, failed, book)
            if wanted.dry_run or not selection.matched:
                return Outcome(asked, selection, 0, book, proxied)
            try:
                # What was chosen depends on what is stored, and that may have changed meanwhile.
                book = await self._prices.sync(selection.matched, of=[book.version])
            except BookChanged:
                continue
            written = {model: book.prices[model] for model in selection.matched}
            selection = attrs.evolve(selection, matched=written)
            return Outcome(asked, selection, len(written), book, proxied)

    async def _select(
        self, wanted: SyncRequest, matcher: Matcher, failed: Sequence[str], book: PriceBook
    ) -> Selection:
        """In a thread, which comes to an end soon when nobody waits for it any more."""
        stopped = threading.Event()

        def go_on() -> None:
            if stopped.is_set():
                raise SyncStopped("the server is stopping")

        try:
            return await deferToThread(
                select,
                wanted.models,
                matcher,
                failed=failed,
                stored=book.prices,
                overwrite_manual=wanted.overwrite_manual,
                go_on=go_on,
            )
        finally:
            stopped.set()

    # -- asking ---------------------------------------------------------------------------------

    async def _ask(self, models: Sequence[str] | None, way: Way, matcher: Matcher) -> list[Asked]:
        """One source after the other, until every requested model has its match."""
        asked: list[Asked] = []
        for source in self._sources:
            try:
                catalogue = await source.catalogue(way)
            except SourceFailed as error:
                asked.append(Asked(source.name, error=str(error)))
                continue
            asked.append(Asked(source.name, catalogue))
            matcher.add(catalogue)
            if await deferToThread(complete, models, matcher):
                return asked
        # It only fills gaps: a book that could not be brought up to date must not look so.
        if self._with_embedded and (not self._sources or any(one.catalogue for one in asked)):
            table = await deferToThread(embedded.load)
            asked.append(Asked(EMBEDDED, table.catalogue))
            matcher.add(table.catalogue)
        return asked

    async def _cpa_proxy(self) -> str:
        """The proxy URL of the present CPA, "" where it has none or does not say in time."""
        client = self._client_of()
        if client is None:
            return ""
        config = Deferred.fromCoroutine(client.config())
        try:
            return (await config.addTimeout(CPA_SECONDS, self._reactor)).proxy_url.strip()
        except (Problem, TimeoutError):
            return ""

    def _way(self, proxy_url: str) -> Way:
        if not proxy_url:
            return self._environment.proxy_for
        if proxy_url.lower() in DIRECT:
            return lambda url: None
        try:
            proxy = Proxy.of(proxy_url)
        except ProxyUnusable as error:
            raise SyncFailed(
                f"model price sync failed; existing prices were not changed: CPA's proxy: {error}"
            ) from error
        return lambda url: proxy
