"""`/v0/management/api-tokens`: what the admin lets others read."""

from __future__ import annotations

from typing import Any

import attrs

from cpamp import members
from cpamp.errors import NotFound
from cpamp.tokens import ApiToken, TokenInvalid, Tokens
from cpamp.web.request import ApiRequest
from cpamp.web.route import ANY_METHOD, Body, Reply, route
from cpamp.web.shapes import manager

PATH = "/v0/management/api-tokens"


@attrs.frozen
class NewToken:
    """What a new token is asked for with."""

    name: str
    # read, metrics, or read:key= and the hash of one client key
    scopes: list[str]


@attrs.define
class ApiTokens:
    """Create, list, revoke."""

    _tokens: Tokens

    @route(
        "GET",
        PATH,
        summary="The tokens that may read, without the tokens themselves",
        answer=manager.TokenList,
    )
    async def listed(self, request: ApiRequest) -> Any:
        """The oldest first."""
        return {"items": [_item(token) for token in self._tokens.items]}

    @route(
        "POST",
        PATH,
        summary="A new token, told this once",
        body=Body.json(NewToken),
        answer=manager.CreatedToken,
        problems=(TokenInvalid,),
    )
    async def created(self, request: ApiRequest) -> Any:
        """Only its hash is kept."""
        body = await request.json_object()
        scopes = list(members.texts(body, "scopes") or ())
        text, token = await self._tokens.create(members.text(body, "name"), scopes)
        return Reply(201, {"token": text, **_item(token)})

    @route(
        "DELETE",
        f"{PATH}/<number>",
        summary="End a token",
        answer=manager.Ok,
        problems=(NotFound,),
    )
    async def revoked(self, request: ApiRequest, number: str) -> Any:
        """At once."""
        if not number.isdecimal() or len(number) > 18:
            raise NotFound("there is no such token")
        await self._tokens.revoke(int(number))
        return {"ok": True}

    @route(ANY_METHOD, f"{PATH}/<path:rest>", summary="Nothing", fallback=True)
    async def nothing(self, request: ApiRequest, rest: str) -> Any:
        """What else lies below is not CPA's either."""
        raise NotFound("there is nothing of that path")


def _item(token: ApiToken) -> manager.TokenInfo:
    return {
        "id": token.id,
        "name": token.name,
        "scopes": list(token.scopes),
        "createdAtMs": token.created_at_ms,
        "lastUsedAtMs": token.last_used_ms,
    }
