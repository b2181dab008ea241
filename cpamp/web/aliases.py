"""The names of API keys over HTTP (pricing contract, section 6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from cpamp import members
from cpamp.errors import BadRequest, NotFound
from cpamp.pricing.aliases import (
    AliasBook,
    AliasDuplicate,
    Aliases,
    AliasInvalid,
    Renaming,
    key_hash,
)
from cpamp.web.etags import IF_NONE_MATCH, VERSION, etag, unchanged
from cpamp.web.request import ApiRequest
from cpamp.web.route import ANY_METHOD, Access, Body, Reply, route
from cpamp.web.shapes import bodies, manager

PATH = "/v0/management/api-key-aliases"
ALIASES_BODY = Body.json(bodies.AliasesBody, 4 * 1024 * 1024)
_MEMBERS = ("items", "activeApiKeyHashes", "allowOrphanAliasCleanup")
_ITEM = ("apiKeyHash", "alias", "updatedAtMs")


class AliasesRequired(BadRequest):
    """The request names no aliases at all."""

    code = "api_key_aliases_required"


@attrs.define
class ApiKeyAliases:
    """`/v0/management/api-key-aliases`."""

    _aliases: Aliases
    _now_ms: Callable[[], int]

    @route(
        "GET",
        PATH,
        summary="What the API keys are called, by their hashes",
        access=Access.READ,
        answer=manager.AliasList,
        sends=VERSION,
        headers=IF_NONE_MATCH,
    )
    async def shown(self, request: ApiRequest) -> Any:
        """By name."""
        book = self._aliases.book
        if unchanged(request.header("If-None-Match"), book.version):
            return Reply(304, headers={"ETag": etag(book.version)})
        return _answer(book)

    @route(
        "PUT",
        PATH,
        summary="Call some API keys by these names",
        body=ALIASES_BODY,
        answer=manager.AliasList,
        sends=VERSION,
        problems=(AliasesRequired, AliasInvalid, AliasDuplicate),
    )
    async def put(self, request: ApiRequest) -> Any:
        """All or nothing; the names of other keys stay."""
        body = members.folded(await request.large_json(), *_MEMBERS)
        if body.get("items") is None:
            raise AliasesRequired("items are required")
        now_ms = self._now_ms()
        renaming = Renaming.of(
            [_item(item, now_ms) for item in members.listed(body, "items")],
            members.texts(body, "activeApiKeyHashes") or (),
            take_over=members.flag(body, "allowOrphanAliasCleanup", False),
        )
        return _answer(await self._aliases.put(renaming))

    @route(
        "DELETE",
        f"{PATH}/<key>",
        summary="Call an API key by no name",
        answer=manager.Ok,
        sends=VERSION,
        problems=(AliasInvalid,),
    )
    async def deleted(self, request: ApiRequest, key: str) -> Any:
        """Also when it had none."""
        book = await self._aliases.delete(key_hash(key))
        return Reply(200, {"ok": True}, {"ETag": etag(book.version)})

    @route(ANY_METHOD, f"{PATH}/<key>/<path:rest>", summary="Nothing", fallback=True)
    @route(ANY_METHOD, f"{PATH}<regex('[^/]+'):tail>", summary="Nothing", fallback=True)
    @route(ANY_METHOD, f"{PATH}<regex('[^/]+'):tail>/<path:rest>", summary="Nothing", fallback=True)
    async def nothing(self, request: ApiRequest, **path: str) -> Any:
        """What only begins like the names is not CPA's either."""
        raise NotFound("there is nothing of that path")


def _item(value: Any, now_ms: int) -> tuple[str, str, int]:
    item = members.folded(value, *_ITEM)
    at_ms = members.positive(item, "updatedAtMs", now_ms)
    return members.text(item, "apiKeyHash"), members.text(item, "alias"), at_ms


def listing(book: AliasBook) -> manager.AliasList:
    """The names as answers carry them."""
    items: list[manager.Alias] = [
        {"apiKeyHash": a.api_key_hash, "alias": a.alias, "updatedAtMs": a.updated_at_ms}
        for a in book.items
    ]
    return {"items": items}


def _answer(book: AliasBook) -> Reply:
    return Reply(200, listing(book), {"ETag": etag(book.version)})
