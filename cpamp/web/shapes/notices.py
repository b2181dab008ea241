"""Rules, ways to reach people, and what was told."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

KindName = Literal[
    "collector_down",
    "key_refused",
    "records_lost",
    "unpriced_model",
    "spend",
    "failure_rate",
    "disk_low",
    "account_needs_person",
    "account_exhausted",
    "pool_low",
]


class KindLimit(TypedDict):
    """A kind of rule, and what its limit may be."""

    kind: KindName
    unit: str | None
    default: float | None
    least: float | None
    most: float | None


class RuleJson(TypedDict):
    """A rule."""

    id: int
    kind: KindName
    name: str
    channels: list[int]
    limit: float | None
    unit: str | None
    provider: str
    timeZone: str
    quietMinutes: int
    enabled: bool


# The name of this member is a word of Python.
_From = TypedDict("_From", {"from": NotRequired[str]})


class ChannelJson(_From):
    """A way to reach people: the settings of its means, and its secret as a mask."""

    id: int
    means: Literal["webhook", "email", "telegram"]
    name: str
    url: NotRequired[str]
    secret: NotRequired[str]
    host: NotRequired[str]
    port: NotRequired[str]
    security: NotRequired[str]
    user: NotRequired[str]
    password: NotRequired[str]
    to: NotRequired[str]
    chat: NotRequired[str]
    token: NotRequired[str]


class Notices(TypedDict):
    """What there is."""

    channels: list[ChannelJson]
    rules: list[RuleJson]
    kinds: list[KindLimit]


class Told(TypedDict):
    """A notice on its way, or behind it."""

    id: int
    at_ms: int
    rule: int
    rule_name: str
    kind: KindName
    key: str
    text: str
    over: bool
    since_ms: int
    channel: int
    channel_name: str
    status: Literal["waiting", "sent", "failed"]
    tries: int
    due_ms: int
    sent_ms: int | None
    error: str


class ToldList(TypedDict):
    """The newest first."""

    items: list[Told]


class Tested(TypedDict):
    """Whether a message got through."""

    ok: bool
    error: str


class Rehearsed(TypedDict):
    """When a rule would have told something; `unknown` says why nobody knows.

    What was before `since_ms` is not kept; null where all days are.
    """

    days: int
    count: int | None
    times_ms: list[int]
    since_ms: int | None
    unknown: str | None
