"""Calls of CPA that concern credentials (CPA contract, 8, 9, 15; inspection contract, 4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import attrs
import orjson

from cpamp.cpa.client import CALL_SECONDS, LISTING_BYTES, CpaClient, entries_of
from cpamp.cpa.errors import NotCpa, Unconfirmed

API_REPLY_BYTES = 16 * 1024 * 1024
FILE_BYTES = 10 * 1024 * 1024
FILES = "/v0/management/auth-files"


@attrs.frozen
class ApiReply:
    """What an upstream answered through CPA; `status` None where CPA does not tell."""

    status: int | None
    body: Any  # a text, or what an odd CPA made of it


@attrs.frozen
class Credentials:
    """The credentials of one CPA."""

    client: CpaClient

    async def listing(self, *, name: str = "", auth_index: str = "") -> list[dict[str, Any]]:
        """All entries, or those of a name and index where this CPA can tell them apart."""
        query = {k: v for k, v in (("name", name), ("auth_index", auth_index)) if v}
        path = f"{FILES}?{urlencode(query, quote_via=quote)}" if query else FILES
        reply = await self.client.exchange("GET", path, limit=LISTING_BYTES)
        return entries_of(_json(reply))

    async def api_call(
        self,
        auth_index: str,
        url: str,
        headers: Mapping[str, str],
        *,
        seconds: float,
        method: str = "GET",
        data: str = "",
    ) -> ApiReply:
        """Have CPA ask an upstream with a credential's token; raises where CPA itself fails."""
        call: dict[str, Any] = {
            "authIndex": auth_index,
            "method": method,
            "url": url,
            "header": dict(headers),
        }
        if data:
            call["data"] = data
        reply = await self.client.exchange(
            "POST",
            "/v0/management/api-call",
            orjson.dumps(call),
            seconds=seconds,
            limit=API_REPLY_BYTES,
            reads=method == "GET",
        )
        value = _json(reply)
        if not isinstance(value, dict):
            raise NotCpa("CPA's answer to a call is no JSON object")
        status = value.get("status_code", value.get("statusCode"))
        return ApiReply(_status(status), value.get("body"))

    async def set_disabled(self, selector: str, disabled: bool, auth_index: str = "") -> None:
        """Switch a credential off or on; raises unless CPA confirms it."""
        change: dict[str, Any] = {"name": selector, "disabled": disabled}
        if auth_index:
            change["auth_index"] = auth_index
        confirm(await self.client.exchange("PATCH", f"{FILES}/status", orjson.dumps(change)))

    async def delete(self, selector: str) -> None:
        """Delete a credential file; raises unless CPA confirms it."""
        path = f"{FILES}?{urlencode({'name': selector}, quote_via=quote)}"
        confirm(await self.client.exchange("DELETE", path))

    async def download(self, name: str) -> bytes:
        """A credential file as it is."""
        path = f"{FILES}/download?{urlencode({'name': name}, quote_via=quote)}"
        return await self.client.exchange("GET", path, seconds=CALL_SECONDS, limit=FILE_BYTES)


def confirm(reply: bytes) -> None:
    """Raise unless the reply to a change says that it was made."""
    if not reply.strip():
        return
    try:
        value = orjson.loads(reply)
    except orjson.JSONDecodeError as error:
        raise Unconfirmed("CPA's answer to a change is no JSON") from error
    failed = refused(value)
    if failed:
        raise Unconfirmed(f"CPA did not make the change: {failed[:512]}")
    said = value.get("status")
    done = isinstance(said, str) and said.lower() in ("ok", "success")
    if not (done or value.get("ok") is True or value.get("success") is True):
        raise Unconfirmed("CPA does not confirm the change")


def refused(value: Any) -> str:
    """Why a reply of success is none; "" where it does not say so."""
    if not isinstance(value, dict):
        return "the answer is no object"
    for name in ("failed", "error"):
        if value.get(name):
            return str(value[name])
    if value.get("success") is False or value.get("ok") is False:
        return "it says that it failed"
    said = value.get("status")
    if isinstance(said, str) and said.lower() in ("error", "failed", "partial"):
        return f"its status is {said}"
    return ""


def _json(reply: bytes) -> Any:
    try:
        return orjson.loads(reply)
    except orjson.JSONDecodeError as error:
        raise NotCpa("what answers at that address is not CPA: its reply is no JSON") from error


def _status(value: Any) -> int | None:
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value)
