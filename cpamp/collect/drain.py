"""Emptying CPA's queue once, after a subscription has begun (usage contract, 13 B1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from twisted.logger import Logger

from cpamp.cpa.errors import QueueCut
from cpamp.cpa.resp import Popper
from cpamp.errors import Problem

if TYPE_CHECKING:
    from cpamp.collect.transports import Link

BATCH = 1_000
_log = Logger()


async def drain(link: Link, wanted: Callable[[], bool]) -> None:
    """Take what was queued before the subscription, over HTTP or a second RESP connection.

    Goes on while it is `wanted`, but never gives a pop up that is under way: what CPA has sent is
    CPA's no more. Tells the listener how it went; never raises a `Problem`.
    """
    problem = ""
    try:
        await _over_http(link, wanted)
    except Problem as over_http:
        try:
            await _over_resp(link, wanted)
        except Problem as over_resp:
            problem = f"{over_http.message}; {over_resp.message}"
            _log.warn("the queue could not be drained: {problem}", problem=problem)
        else:
            problem = over_http.message if isinstance(over_http, QueueCut) else ""
    if wanted():
        link.listener.drained(problem)


async def take(link: Link, count: int) -> bytes:
    """Up to `count` records of CPA's queue, handed over; of a reply that breaks off what came."""
    try:
        body = await link.client.usage_queue(count)
    except QueueCut as cut:
        if cut.received:
            link.sink.received_array(cut.received)
        raise
    if len(body.strip()) > 4:
        link.sink.received_array(body)
    return body


async def _over_http(link: Link, wanted: Callable[[], bool]) -> None:
    while wanted():
        await link.sink.wait_for_room()
        body = await take(link, BATCH)
        if len(body.strip()) <= 4:
            return


async def _over_resp(link: Link, wanted: Callable[[], bool]) -> None:
    popper = Popper()
    await link.log_in(popper)
    config = link.config
    try:
        while wanted():
            await link.sink.wait_for_room()
            records = await popper.pop(config.pop_side, config.queue, BATCH)
            if not records:
                return
            for record in records:
                link.sink.received(record)
    finally:
        popper.transport.loseConnection()
