"""What CPA says: reachable, key taken, publishing, retention, and which transports it offers.

At most one wrong key is ever sent: the first call with the key decides whether there are more.
Nothing is popped and nothing is subscribed, so that a collector beside it loses no record.
"""

from __future__ import annotations

from typing import Any

from cpamp.cpa.client import CpaClient, CpaConfig
from cpamp.cpa.errors import KeyBanned, KeyRefused, Unsupported
from cpamp.cpa.resp import Popper, connect, login
from cpamp.cpa.urls import Address
from cpamp.doctor.finding import Finding, bad, note, ok
from cpamp.errors import CpaUnreachable, Problem
from cpamp.setup.config import CollectorSettings


async def look(reactor: Any, client: CpaClient, collector: CollectorSettings) -> list[Finding]:
    """The findings of one CPA."""
    try:
        Address.of(client.url)
        config = await client.config()
    except CpaUnreachable as e:
        return [bad("CPA", e.message, f"is CPA running, and right at {client.url}?")]
    except KeyBanned as e:
        return [bad("CPA key", e.message, "wait until the ban has ended; do not try again now")]
    except KeyRefused as e:
        return [bad("CPA key", e.message, "save CPA's present management key in cpamp's setup")]
    except Problem as e:
        return [bad("CPA", e.message, f"look at CPA's remote-management settings ({client.url})")]
    return [
        ok("CPA", f"{config.version} at {client.url}"),
        ok("CPA key", "accepted"),
        _publishing(config),
        _retention(config, collector.poll_interval_ms),
        await _resp(reactor, client, skip_verify=collector.tls_skip_verify),
        await _http_queue(client),
    ]


def _publishing(config: CpaConfig) -> Finding:
    if config.usage_statistics_enabled:
        return ok("publishing", "on")
    return bad(
        "publishing",
        "off: CPA publishes no usage records, and what happens meanwhile is lost",
        "save cpamp's setup again with monitoring on, or set usage-statistics-enabled in CPA",
    )


def _retention(config: CpaConfig, poll_interval_ms: int) -> Finding:
    seen = f"{config.retention_seconds} s" + (" (default)" if config.retention_is_default else "")
    if poll_interval_ms > config.retention_seconds * 1000:
        return bad(
            "retention",
            f"{seen}, shorter than the poll interval of {poll_interval_ms} ms",
            "poll more often, or raise redis-usage-queue-retention-seconds in CPA",
        )
    if config.retention_seconds < 60:
        return note(
            "retention",
            seen,
            "raise redis-usage-queue-retention-seconds (up to 3600): a restart of cpamp that "
            "takes longer loses records",
        )
    return ok("retention", seen)


async def _resp(reactor: Any, client: CpaClient, *, skip_verify: bool) -> Finding:
    """Whether the RESP door takes the key, which HTTP has just taken."""
    subject = "RESP"
    popper = Popper()
    try:
        await connect(reactor, Address.of(client.url), popper, skip_verify=skip_verify)
        await login(reactor, popper, client.key)
    except Problem as e:
        return note(
            subject,
            e.message,
            "records are polled over HTTP instead: subscribing needs CPA's own port, with no HTTP "
            "proxy between, and with TLS a trusted certificate or tlsSkipVerify",
        )
    popper.give_up("looked")
    return ok(subject, "there: records come by subscription")


async def _http_queue(client: CpaClient) -> Finding:
    """Whether there is an HTTP queue; a count of 0 is refused and pops nothing."""
    try:
        await client.usage_queue(0)
    except Unsupported:
        return note("HTTP queue", "not there", "CPA 6.10.8 and later have it")
    except CpaUnreachable as e:
        return bad("HTTP queue", e.message, "CPA answers, but not there: look at a proxy between")
    except Problem as e:
        if e.message.startswith("400"):
            return ok("HTTP queue", "there")
        return bad("HTTP queue", e.message, "look at a proxy between")
    return note("HTTP queue", "answers in an unknown way")
