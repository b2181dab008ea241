"""A request for analytics, validated into frozen values (analytics contract, 8 and 10.1).

Everything that is wrong with a request is found here, before anything is computed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Self
from zoneinfo import ZoneInfo

import attrs

from cpamp.analytics.zones import DAY_MS, zone
from cpamp.errors import BadRequest
from cpamp.schemas import schema_of_class
from cpamp.usage.models import analytics_model

MAX_PAGE = 50_000
MAX_SKIP = 100_000_000
DEFAULT_PAGE = 100
MAX_RECENT = 1_000
MAX_PREVIEW = 100
DEFAULT_PREVIEW = 20
MAX_VALUES = 5_000
MAX_TEXT = 4_096
# Instants beyond the year 9999 have no local day.
MAX_INSTANT_MS = 253_402_300_800_000
# From here on not every zone has a next day: what comes later is not looked at.
LAST_MS = MAX_INSTANT_MS - 2 * DAY_MS
RANGE_TEXT = "from_ms and to_ms are required and from_ms must be less than to_ms"


class CacheStatus(StrEnum):
    """What `filters.cache_status` may ask for."""

    HIT = "hit"
    MISS = "miss"
    READ = "read"
    CREATION = "creation"


@attrs.frozen
class Filters:
    """Which events count: fields are combined with AND, the values of one with OR.

    An empty tuple is no filter.
    """

    models: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    credential_ids: tuple[str, ...] = ()
    auth_files: tuple[str, ...] = ()
    auth_indices: tuple[str, ...] = ()
    api_key_hashes: tuple[str, ...] = ()
    source_hashes: tuple[str, ...] = ()
    project_ids: tuple[str, ...] = ()
    request_types: tuple[str, ...] = ()
    header_error_kinds: tuple[str, ...] = ()
    header_error_codes: tuple[str, ...] = ()
    header_quota_plans: tuple[str, ...] = ()
    header_trace_ids: tuple[str, ...] = ()
    include_failed: bool = True
    failed_only: bool = False
    min_latency_ms: int = 0
    cache_status: CacheStatus | None = None

    @classmethod
    def read(cls, members: Members) -> Self:
        """The filters of a request; raises `BadRequest`."""
        # A filter that is not known would be no filter: figures of something else.
        members.refuse_unknown([field.name for field in attrs.fields(cls)])
        lists = {
            field.name: members.texts(field.name)
            for field in attrs.fields(cls)
            if field.default == ()
        }
        lists["models"] = tuple(dict.fromkeys(map(analytics_model, lists["models"])))
        for name in ("providers", "accounts"):
            lists[name] = tuple(dict.fromkeys(value.lower() for value in lists[name]))
        status = members.text("cache_status").strip().lower()
        return cls(
            **lists,
            include_failed=members.flag("include_failed", default=True),
            failed_only=members.flag("failed_only"),
            min_latency_ms=max(members.integer("min_latency_ms"), 0),
            cache_status=CacheStatus(status) if status in list(CacheStatus) else None,
        )


@attrs.frozen
class Page:
    """A page of events, newest first, that begins before a cursor (None: at the newest).

    The first `skip` events there are passed over, so that a long list can be read from anywhere.
    """

    limit: int
    before_ms: int | None = None
    before_id: int | None = None
    skip: int = 0


@attrs.frozen
class Preview:
    """The first events of a range of its own."""

    from_ms: int
    to_ms: int
    limit: int


@attrs.frozen
class Include:
    """Which sections are asked for, and how."""

    sections: frozenset[str] = frozenset()
    compact: bool = False
    percentiles: bool = False
    comparison: bool = False
    recent_failures: int = 0
    recent_requests: int = 0
    model_timeline: int = 0
    page: Page | None = None
    preview: Preview | None = None
    granularity: str = ""
    api_key_details: bool = True

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """What `include` may hold."""
        flag, integer = {"type": "boolean"}, {"type": "integer"}
        flags = (*SECTIONS, "summary_percentiles", "summary_comparison", "api_key_details")
        return {
            "type": "object",
            "properties": {
                **dict.fromkeys(flags, flag),
                **dict.fromkeys(("recent_failures", "recent_requests", "model_timeline"), integer),
                "summary_profile": {"type": "string", "enum": ["compact", "full"]},
                "granularity": {"type": "string", "enum": ["hour", "day", "auto"]},
                "events_page": schema_of_class(Page),
                "drilldown_preview": schema_of_class(Preview),
            },
        }

    def __contains__(self, section: str) -> bool:
        return section in self.sections


# The flags that name a section each.
SECTIONS = (
    "summary",
    "timeline",
    "hourly_distribution",
    "model_share",
    "channel_share",
    "model_stats",
    "failure_sources",
    "account_stats",
    "credential_stats",
    "credential_timeline",
    "api_key_timeline",
    "api_key_stats",
    "heatmap",
    "anomaly_points",
    "task_buckets",
    "filter_options",
    "filter_selectors",
    "account_strips",
)


@attrs.frozen
class AnalyticsRequest:
    """One request: a range, a zone, a search, filters, and the sections wanted."""

    from_ms: int
    to_ms: int
    now_ms: int
    zone: ZoneInfo
    search: str
    search_key: str
    filters: Filters
    include: Include

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """What a JSON body may hold."""
        integer, text = {"type": "integer"}, {"type": "string"}
        return {
            "type": "object",
            "required": ["from_ms", "to_ms"],
            "properties": {
                **dict.fromkeys(("from_ms", "to_ms", "now_ms"), integer),
                **dict.fromkeys(("time_zone", "search_query", "search_api_key_hash"), text),
                "filters": schema_of_class(Filters),
                "include": Include.json_schema(),
            },
        }

    @classmethod
    def read(cls, body: Any, now_ms: int) -> Self:
        """The request that a JSON body makes at `now_ms`; raises `BadRequest`."""
        members = Members.of(body, "the body")
        from_ms, to_ms = read_range(members)
        now = members.integer("now_ms")
        return cls(
            from_ms=min(from_ms, LAST_MS),
            to_ms=min(to_ms, LAST_MS),
            now_ms=min(now, MAX_INSTANT_MS) if now > 0 else now_ms,
            zone=zone(members.text("time_zone")),
            search=members.text("search_query").strip(),
            search_key=members.text("search_api_key_hash").strip().lower(),
            filters=Filters.read(members.object("filters")),
            include=_include(members.object("include")),
        )

    @classmethod
    def plain(cls, from_ms: int, to_ms: int) -> Self:
        """All events of a range, in UTC."""
        return cls(from_ms, to_ms, to_ms, zone(""), "", "", Filters(), Include())

    @classmethod
    def summary(cls, from_ms: int, to_ms: int) -> Self:
        """The compact summary of a range."""
        include = Include(sections=frozenset(("summary",)), compact=True)
        return attrs.evolve(cls.plain(from_ms, to_ms), include=include)

    def as_key(self) -> AnalyticsRequest:
        """The same request for all times at which it is made, where the answer is the same."""
        needs_now = "summary" in self.include and not self.include.compact
        return self if needs_now else attrs.evolve(self, now_ms=0)

    @property
    def granularity(self) -> str:
        """``hour`` or ``day``, as asked for or by the length of the range."""
        if self.include.granularity:
            return self.include.granularity
        return "hour" if self.to_ms - self.from_ms <= DAY_MS else "day"


def body_of_query(parameters: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The body that the parameters of a query stand for; raises `BadRequest`."""
    body: dict[str, Any] = {}
    known = AnalyticsRequest.json_schema()["properties"]
    sections = known["include"]["properties"]
    for name, values in parameters.items():
        if name == "include":
            include = body.setdefault("include", {})
            for section in filter(None, (n.strip() for v in values for n in v.split(","))):
                include.setdefault(section, {} if _has_members(sections, section) else True)
        else:
            _put(body, known, name, values)
    return body


def members_in_query() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The members of members of a body, by their names in a query, each with its schema."""
    for first, schema in AnalyticsRequest.json_schema()["properties"].items():
        if _has_members({first: schema}, first):
            yield from _leaves(first, schema)


def _leaves(name: str, schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if schema.get("type") != "object":
        yield name, schema
        return
    for member, inner in schema["properties"].items():
        yield from _leaves(f"{name}.{member}", inner)


def _has_members(known: Mapping[str, Any], name: str) -> bool:
    return bool(known.get(name, {}).get("type") == "object")


def _put(body: dict[str, Any], known: Mapping[str, Any], name: str, values: Sequence[str]) -> None:
    """Add a parameter; ``a.b`` is the member `b` of `a`. What is not `known` stays a text."""
    first, dot, rest = name.partition(".")
    schema = known.get(first, {})
    if dot and _has_members(known, first):
        _put(body.setdefault(first, {}), schema["properties"], rest, values)
    elif _has_members(known, first) or (dot and schema):
        raise BadRequest(f"there is no parameter {name[:80]}")
    else:
        body[name] = _value(schema.get("type"), values)


def _value(kind: str | None, values: Sequence[str]) -> Any:
    match kind, values[0]:
        case "array", _:
            return list(values)
        case "boolean", ("true" | "false") as text:
            return text == "true"
        case "integer", text if re.fullmatch(r"-?[0-9]{1,19}", text):
            return int(text)
        case _, text:
            return text


@attrs.frozen
class Members:
    """The members of a JSON object, read by type; ``null`` is the same as absent.

    Every reader raises `BadRequest` when the member is of another type.
    """

    values: Mapping[str, Any]
    what: str

    @classmethod
    def of(cls, value: Any, what: str) -> Self:
        """The members of `value`, which errors call `what`."""
        if not isinstance(value, Mapping):
            raise BadRequest(f"{what} must be a JSON object")
        return cls(value, what)

    def refuse_unknown(self, known: Collection[str]) -> None:
        """Raise `BadRequest` if there is a member that is not `known`."""
        unknown = next((name for name in self.values if name not in known), None)
        if unknown is not None:
            raise BadRequest(f'unknown field "{unknown[:80]}" in {self.what}')

    def text(self, name: str) -> str:
        """A string; "" where absent."""
        value = self.values.get(name)
        if value is None:
            return ""
        if not isinstance(value, str) or len(value) > MAX_TEXT:
            raise BadRequest(f"{name} must be a string of at most {MAX_TEXT} characters")
        return value

    def integer(self, name: str, default: int = 0) -> int:
        """An integer of 64 bits."""
        value = self.values.get(name)
        if value is None:
            return default
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**63:
            raise BadRequest(f"{name} must be an integer")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A boolean."""
        value = self.values.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise BadRequest(f"{name} must be true or false")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings: trimmed, without blanks, each once."""
        value = self.values.get(name)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise BadRequest(f"{name} must be a list of strings")
        if len(value) > MAX_VALUES:
            raise BadRequest(f"{name} must not have more than {MAX_VALUES} values")
        if any(len(v) > MAX_TEXT for v in value):
            raise BadRequest(f"{name} must not have values of more than {MAX_TEXT} characters")
        return tuple(dict.fromkeys(text for v in value if (text := v.strip())))

    def object(self, name: str) -> Members:
        """An object; empty where absent."""
        value = self.values.get(name)
        return Members.of({} if value is None else value, name)


def read_range(members: Members) -> tuple[int, int]:
    """The half-open range ``[from_ms, to_ms)``; raises `BadRequest`."""
    from_ms, to_ms = members.integer("from_ms"), members.integer("to_ms")
    if from_ms <= 0 or to_ms <= 0 or from_ms >= to_ms:
        raise BadRequest(RANGE_TEXT)
    if to_ms > MAX_INSTANT_MS:
        raise BadRequest("to_ms must not lie beyond the year 9999")
    return from_ms, to_ms


def _include(members: Members) -> Include:
    members.refuse_unknown(Include.json_schema()["properties"])
    granularity = members.text("granularity")
    return Include(
        sections=frozenset(name for name in SECTIONS if members.flag(name)),
        compact=members.text("summary_profile") == "compact",
        percentiles=members.flag("summary_percentiles"),
        comparison=members.flag("summary_comparison"),
        recent_failures=_bounded(members, "recent_failures", MAX_RECENT),
        recent_requests=_bounded(members, "recent_requests", 100),
        model_timeline=_bounded(members, "model_timeline", 100),
        page=_page(members),
        preview=_preview(members),
        granularity=granularity if granularity in ("hour", "day") else "",
        api_key_details=members.flag("api_key_details", default=True),
    )


def _bounded(members: Members, name: str, most: int) -> int:
    return min(max(members.integer(name), 0), most)


def _page(include: Members) -> Page | None:
    if include.values.get("events_page") is None:
        return None
    members = include.object("events_page")
    members.refuse_unknown([field.name for field in attrs.fields(Page)])
    limit = members.integer("limit")
    if limit > MAX_PAGE:
        raise BadRequest(f"events_page.limit must be less than or equal to {MAX_PAGE}")
    before_ms, before_id = members.integer("before_ms"), members.integer("before_id")
    return Page(
        limit=limit if limit > 0 else DEFAULT_PAGE,
        before_ms=before_ms if before_ms > 0 else None,
        before_id=before_id if before_id > 0 else None,
        skip=_bounded(members, "skip", MAX_SKIP),
    )


def _preview(include: Members) -> Preview | None:
    if include.values.get("drilldown_preview") is None:
        return None
    members = include.object("drilldown_preview")
    members.refuse_unknown([field.name for field in attrs.fields(Preview)])
    from_ms, to_ms = members.integer("from_ms"), members.integer("to_ms")
    if from_ms <= 0 or from_ms >= to_ms:
        return None
    limit = members.integer("limit")
    return Preview(from_ms, to_ms, min(limit, MAX_PREVIEW) if limit > 0 else DEFAULT_PREVIEW)
