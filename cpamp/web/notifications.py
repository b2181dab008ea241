"""Notices over HTTP: ways to reach people, rules, rehearsals, and what was told."""

from __future__ import annotations

from typing import Any

import attrs

from cpamp.analytics.zones import InvalidTimeZone
from cpamp.errors import NotFound
from cpamp.notify.channel import ChannelInvalid
from cpamp.notify.notifier import Notifier
from cpamp.notify.rule import LIMITS, Kind, Rule, RuleInvalid
from cpamp.web.request import ApiRequest
from cpamp.web.route import ANY_METHOD, Body, route, whole
from cpamp.web.shapes import bodies, manager, notices

BASE = "/v0/management/notifications"
LOG, MOST_LOG = 100, 1_000


@attrs.define
class Notifications:
    """`/v0/management/notifications` and all below it."""

    _notifier: Notifier

    @route(
        "GET",
        BASE,
        summary="Ways to reach people, rules, and the kinds of rules",
        answer=notices.Notices,
    )
    async def overview(self, request: ApiRequest) -> Any:
        """Secrets are not told."""
        return {**await self._notifier.overview(), "kinds": [_kind(kind) for kind in Kind]}

    @route(
        "POST",
        f"{BASE}/channels",
        summary="Add a way to reach people",
        body=Body.json(bodies.ChannelBody),
        answer=notices.ChannelJson,
        problems=(ChannelInvalid,),
    )
    async def add_channel(self, request: ApiRequest) -> Any:
        """With its secret, which is stored encrypted."""
        return await self._notifier.put_channel(await request.json())

    @route(
        "PUT",
        f"{BASE}/channels/<number>",
        summary="Change a way",
        body=Body.json(bodies.ChannelBody),
        answer=notices.ChannelJson,
        problems=(ChannelInvalid, NotFound),
    )
    async def put_channel(self, request: ApiRequest, number: str) -> Any:
        """A secret that is not given stays."""
        return await self._notifier.put_channel(await request.json(), _number(number))

    @route(
        "DELETE",
        f"{BASE}/channels/<number>",
        summary="Delete a way",
        answer=manager.Ok,
        problems=(NotFound,),
    )
    async def delete_channel(self, request: ApiRequest, number: str) -> Any:
        """What is on its way by it fails."""
        await self._notifier.delete_channel(_number(number))
        return {"ok": True}

    @route(
        "POST",
        f"{BASE}/channels/<number>/test",
        summary="Send a message by a way, now",
        answer=notices.Tested,
        problems=(NotFound,),
    )
    async def test(self, request: ApiRequest, number: str) -> Any:
        """Tells whether it got through."""
        return await self._notifier.test(_number(number))

    @route(
        "POST",
        f"{BASE}/rules",
        summary="Add a rule",
        body=Body.json(bodies.RuleBody),
        answer=notices.RuleJson,
        problems=(RuleInvalid, InvalidTimeZone),
    )
    async def add_rule(self, request: ApiRequest) -> Any:
        """A rule that names no channels takes all."""
        return await self._notifier.put_rule(await request.json())

    @route(
        "PUT",
        f"{BASE}/rules/<number>",
        summary="Change a rule",
        body=Body.json(bodies.RuleBody),
        answer=notices.RuleJson,
        problems=(RuleInvalid, InvalidTimeZone, NotFound),
    )
    async def put_rule(self, request: ApiRequest, number: str) -> Any:
        """What it has seen stays."""
        return await self._notifier.put_rule(await request.json(), _number(number))

    @route(
        "DELETE",
        f"{BASE}/rules/<number>",
        summary="Delete a rule",
        answer=manager.Ok,
        problems=(NotFound,),
    )
    async def delete_rule(self, request: ApiRequest, number: str) -> Any:
        """Also what it has seen."""
        await self._notifier.delete_rule(_number(number))
        return {"ok": True}

    @route(
        "POST",
        f"{BASE}/rehearsal",
        summary="When a rule would have told something in the last 30 days",
        body=Body.json(bodies.RuleBody),
        answer=notices.Rehearsed,
        problems=(RuleInvalid, InvalidTimeZone),
    )
    async def rehearsal(self, request: ApiRequest) -> Any:
        """Nothing is stored or sent."""
        return await self._notifier.rehearsal.of(Rule.read(await request.json()))

    @route(
        "GET",
        f"{BASE}/log",
        summary="What was told",
        query={"limit": whole("at most 1000; 100")},
        answer=notices.ToldList,
    )
    async def log(self, request: ApiRequest) -> Any:
        """Newest first."""
        text = request.query("limit") or ""
        limit = int(text) if text.isdecimal() and len(text) < 9 else LOG
        return {"items": await self._notifier.log(min(limit or LOG, MOST_LOG))}

    @route(ANY_METHOD, f"{BASE}/<path:rest>", summary="Nothing", fallback=True)
    async def nothing(self, request: ApiRequest, rest: str) -> Any:
        """What else lies below is not CPA's either."""
        raise NotFound("there is nothing of that path")


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 15 or not int(text):
        raise NotFound("there is nothing of that id")
    return int(text)


def _kind(kind: Kind) -> dict[str, Any]:
    limit = LIMITS.get(kind)
    return {
        "kind": kind.value,
        "unit": limit.unit if limit else None,
        "default": limit.default if limit else None,
        "least": limit.least if limit else None,
        "most": limit.most if limit else None,
    }
