"""The price book over HTTP (pricing contract, section 2, 10.8 and 10.17)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
from twisted.internet.threads import deferToThread

from cpamp import members
from cpamp.errors import BadRequest, NotFound
from cpamp.pricing.book import BookChanged, Prices
from cpamp.pricing.price import ModelPrice, PriceInvalid, read_book
from cpamp.pricing.sync import Sync, SyncFailed, SyncRequest, SyncStopped
from cpamp.web.errors import MethodNotAllowed, json_bytes
from cpamp.web.etags import IF_NONE_MATCH, VERSION, etag, unchanged, versions
from cpamp.web.request import ApiRequest
from cpamp.web.route import ANY_METHOD, Access, Body, Parameter, Reply, route
from cpamp.web.shapes import bodies, manager, prices

PATH = "/v0/management/model-prices"
# Several times what all sources together know of.
BOOK_BYTES = 8 * 1024 * 1024
IF_MATCH = {"If-Match": "the ETag of the prices that this is a change of"}
# What stands where a model could.
_OTHERS = {"sync": ("POST",), "usage-summary": ("GET",)}


class PricesRequired(BadRequest):
    """The request names no prices at all."""

    code = "prices_required"


@attrs.define
class ModelPrices:
    """`/v0/management/model-prices`: the book as a whole, and model by model.

    Every answer has the book's version as `ETag`; a change with `If-Match` is made to that
    version alone.
    """

    _prices: Prices
    _sync: Sync

    @route(
        "GET",
        PATH,
        summary="All prices, in USD per million tokens",
        access=Access.READ,
        query={"include": Parameter("also the sources' own records", {"enum": ["raw"]})},
        answer=prices.PriceBook,
        headers=IF_NONE_MATCH,
        sends=VERSION,
    )
    async def shown(self, request: ApiRequest) -> Any:
        """By model id."""
        raw = request.query("include") == "raw"
        book = await self._prices.with_raw() if raw else self._prices.book
        if unchanged(request.header("If-None-Match"), book.version):
            return Reply(304, headers={"ETag": etag(book.version)})
        return await _answer(lambda: _bodies(book.prices, raw=raw), book.version)

    @route(
        "PUT",
        PATH,
        summary="Make these the prices, and delete all others",
        body=Body.json(bodies.BookBody, BOOK_BYTES),
        answer=prices.PriceBook,
        headers=IF_MATCH,
        sends=VERSION,
        problems=(PricesRequired, PriceInvalid, BookChanged),
    )
    async def replaced(self, request: ApiRequest) -> Any:
        """All or nothing."""
        given = members.folded(await request.large_json(), "prices").get("prices")
        if given is None:
            raise PricesRequired("prices are required")
        new = await deferToThread(read_book, given)
        book = await self._prices.replace(new, versions(request.header("If-Match")))
        return await _answer(lambda: _bodies(book.prices), book.version)

    @route(
        "POST",
        f"{PATH}/sync",
        summary="Take prices over from the sources",
        body=Body.json(bodies.SyncBody, BOOK_BYTES, required=False),
        answer=prices.SyncResult,
        sends=VERSION,
        problems=(SyncFailed, SyncStopped),
    )
    async def synced(self, request: ApiRequest) -> Any:
        """With a report of what was asked, found and written."""
        wanted = SyncRequest.read(await request.large_json(optional=True))
        outcome = await self._sync.run(wanted)
        return await _answer(outcome.body, outcome.book.version)

    @route(
        "GET",
        f"{PATH}/<path:model>",
        summary="The price of a model",
        access=Access.READ,
        answer=prices.PriceBook,
        sends=VERSION,
        problems=(NotFound,),
    )
    async def shown_one(self, request: ApiRequest, model: str) -> Any:
        """As the book has it."""
        model = _model(model)
        book = self._prices.book
        if model not in book.prices:
            raise NotFound("there is no price of that model")
        return await _answer(lambda: _bodies({model: book.prices[model]}), book.version)

    @route(
        "PUT",
        f"{PATH}/<path:model>",
        summary="Set the price of a model",
        body=Body.json(bodies.GivenPrice),
        answer=prices.PriceBook,
        headers=IF_MATCH,
        sends=VERSION,
        problems=(PriceInvalid, BookChanged),
    )
    async def put_one(self, request: ApiRequest, model: str) -> Any:
        """The others stay as they are."""
        model = _model(model)
        new = read_book({model: await request.large_json()})
        book = await self._prices.put(new, versions(request.header("If-Match")))
        return await _answer(lambda: _bodies({model: book.prices[model]}), book.version)

    @route(
        "DELETE",
        f"{PATH}/<path:model>",
        summary="Delete the price of a model",
        answer=manager.Ok,
        headers=IF_MATCH,
        sends=VERSION,
        problems=(BookChanged,),
    )
    async def deleted(self, request: ApiRequest, model: str) -> Any:
        """Also when there was none."""
        book = await self._prices.delete(_model(model), versions(request.header("If-Match")))
        return Reply(200, {"ok": True}, {"ETag": etag(book.version)})

    @route(ANY_METHOD, f"{PATH}<regex('[^/]+'):tail>", summary="Nothing", fallback=True)
    @route(ANY_METHOD, f"{PATH}<regex('[^/]+'):tail>/<path:rest>", summary="Nothing", fallback=True)
    async def nothing(self, request: ApiRequest, tail: str, rest: str = "") -> Any:
        """What only begins like the prices is not CPA's either."""
        raise NotFound("there is nothing of that path")


def _model(path: str) -> str:
    """The model that stands at the end of a path."""
    model = path.removesuffix("/")
    if model in _OTHERS:
        raise MethodNotAllowed(list(_OTHERS[model]))
    return model


def _bodies(prices: Mapping[str, ModelPrice], *, raw: bool = False) -> dict[str, Any]:
    return {"prices": {model: price.body(raw=raw) for model, price in prices.items()}}


async def _answer(body: Callable[[], dict[str, Any]], version: int) -> Reply:
    """Made in a thread: there may be thousands of prices."""
    text = await deferToThread(lambda: json_bytes(body()))
    return Reply(200, text, {"Content-Type": "application/json", "ETag": etag(version)})
