"""Rules: what is worth a notice, and to whom it goes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Self

import attrs

from cpamp import members
from cpamp.analytics.zones import zone
from cpamp.errors import BadRequest

QUIET_MINUTES = 60
MOST_QUIET_MINUTES = 7 * 24 * 60


class RuleInvalid(BadRequest):
    """A rule is not what the route takes; nothing was stored."""

    code = "notification_rule_invalid"


class Kind(StrEnum):
    """What a rule watches."""

    COLLECTOR_DOWN = "collector_down"
    KEY_REFUSED = "key_refused"
    RECORDS_LOST = "records_lost"
    UNPRICED_MODEL = "unpriced_model"
    SPEND = "spend"
    FAILURE_RATE = "failure_rate"
    DISK_LOW = "disk_low"
    ACCOUNT_NEEDS_PERSON = "account_needs_person"
    ACCOUNT_EXHAUSTED = "account_exhausted"
    POOL_LOW = "pool_low"


@attrs.frozen
class Limit:
    """The number of a rule of some kind: what it is when it is not given, and its bounds."""

    unit: str
    default: float
    least: float
    most: float


# A kind that is not here has no number.
LIMITS: Mapping[Kind, Limit] = {
    Kind.COLLECTOR_DOWN: Limit("minutes without collecting", 5, 1, 1440),
    Kind.RECORDS_LOST: Limit("lost minutes within an hour", 1, 1, 60),
    Kind.SPEND: Limit("USD since midnight", 50, 0.01, 1e9),
    Kind.FAILURE_RATE: Limit("percent of the calls of the last hour", 20, 1, 100),
    Kind.DISK_LOW: Limit("MiB free", 512, 1, 1e9),
    Kind.POOL_LOW: Limit("accounts of a provider that are on", 1, 1, 10_000),
}
# Fewer calls in an hour say nothing about a rate.
LEAST_CALLS = 20


@attrs.frozen
class Rule:
    """One rule. `limit` is in the unit of `LIMITS`; `provider` is for the pool, "" for each.

    A notice of the same thing is not repeated within `quiet_minutes` after it was last seen.
    """

    kind: Kind
    name: str
    channels: tuple[int, ...]
    limit: float = 0.0
    provider: str = ""
    time_zone: str = ""
    quiet_minutes: int = QUIET_MINUTES
    enabled: bool = True
    id: int = 0

    @classmethod
    def read(cls, value: Any, number: int = 0) -> Self:
        """The rule of a JSON value; raises `RuleInvalid`."""
        body = members.folded(value, *_MEMBERS)
        try:
            kind = Kind(str(body.get("kind") or ""))
        except ValueError as error:
            raise RuleInvalid(f"kind must be one of {', '.join(Kind)}") from error
        stated = members.number(body, "quietMinutes")
        quiet = QUIET_MINUTES if stated is None else stated
        if not 0 <= quiet <= MOST_QUIET_MINUTES or quiet != int(quiet):
            raise RuleInvalid(f"quietMinutes must be 0 to {MOST_QUIET_MINUTES}")
        name = (members.text(body, "name") or kind.value.replace("_", " ")).strip()
        if len(name) > 120:
            raise RuleInvalid("name must have at most 120 characters")
        time_zone = members.text(body, "timeZone").strip()
        zone(time_zone)
        return cls(
            kind,
            name,
            _channels(body.get("channels")),
            _limit(kind, body.get("limit")),
            members.text(body, "provider").strip().lower(),
            time_zone,
            int(quiet),
            members.flag(body, "enabled", True),
            number,
        )

    def as_json(self) -> dict[str, Any]:
        """The rule as the API tells it."""
        return {
            "id": self.id,
            "kind": self.kind.value,
            "name": self.name,
            "channels": list(self.channels),
            "limit": self.limit if self.kind in LIMITS else None,
            "unit": LIMITS[self.kind].unit if self.kind in LIMITS else None,
            "provider": self.provider,
            "timeZone": self.time_zone,
            "quietMinutes": self.quiet_minutes,
            "enabled": self.enabled,
        }


_MEMBERS = (
    *("kind", "name", "channels", "limit", "provider"),
    *("timeZone", "quietMinutes", "enabled"),
)


def _channels(value: Any) -> tuple[int, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or any(
        isinstance(one, bool) or not isinstance(one, int) for one in value
    ):
        raise RuleInvalid("channels must be a list of ids")
    return tuple(dict.fromkeys(value))


def _limit(kind: Kind, value: Any) -> float:
    limit = LIMITS.get(kind)
    if limit is None:
        return 0.0
    if value is None:
        return limit.default
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RuleInvalid("limit must be a number")
    if not limit.least <= value <= limit.most:
        raise RuleInvalid(f"limit must be {limit.least:g} to {limit.most:g} ({limit.unit})")
    return float(value)
