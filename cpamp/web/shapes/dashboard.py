"""The dashboard of one day."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from cpamp.web.shapes.counts import Cost, Made, Outcome, Snapshots
from cpamp.web.shapes.figures import Failure, Totals

Tone = Literal["good", "warn", "bad"]


class DayWindow(TypedDict):
    """What the figures are of."""

    today_start_ms: int
    now_ms: int
    rolling_30m_start_ms: int


class Rolling(TypedDict):
    """The last half hour, per minute and as a whole."""

    rpm: float
    tpm: float
    total_calls: int
    total_tokens: int


class RankedModel(TypedDict):
    """A model of the day; `cost_share` is of the dearest one."""

    model: str
    calls: int
    tokens: int
    cost: float
    success_rate: float
    unpriced_calls: int
    unpriced_tokens: int
    cost_share: NotRequired[float]


class TrafficHour(Outcome):
    """An hour of the day; the shares are of the greatest hour."""

    bucket_ms: int
    calls_share: float
    tokens_share: float
    failure_rate: float


class ActiveHour(TypedDict):
    """How busy an hour was against the busiest."""

    hour_index: int
    bucket_ms: int
    calls: int
    tokens: int
    intensity: float


class HealthPoint(Outcome):
    """Ten minutes of the day."""

    bucket_ms: int
    success_rate: float
    failure_rate: float
    tone: Literal["good", "warn", "bad", "empty", "future"]
    intensity: float
    future: bool


class HealthTimeline(TypedDict):
    """The day in cells of ten minutes."""

    from_ms: int
    to_ms: int
    bucket_ms: int
    success_calls: int
    failure_calls: int
    total_calls: int
    success_rate: float
    points: list[HealthPoint]


class TokenPart(TypedDict):
    """A part of the tokens; the parts don't overlap."""

    key: Literal["input", "cached", "output", "reasoning"]
    tokens: int
    share: float


class Channel(Cost, Snapshots):
    """How an auth index does."""

    auth_index: str
    source: str
    calls: int
    tokens: int
    failures: int
    failure_rate: float
    success_rate: float
    average_latency_ms: float | None
    tone: Tone


class TonedSource(Snapshots):
    """A source that had failures today."""

    source_hash: str
    auth_index: str
    source: str
    calls: int
    failures: int
    failure_rate: float
    last_seen_ms: int
    average_latency_ms: float | None
    tone: Literal["warn", "bad"]


class Dashboard(Made):
    """One day."""

    window: DayWindow
    today: Totals
    rolling_30m: Rolling
    top_models_today: list[RankedModel]
    model_cost_rank: list[RankedModel]
    traffic_timeline: list[TrafficHour]
    hourly_activity: list[ActiveHour]
    today_request_health_timeline: HealthTimeline
    token_mix: list[TokenPart]
    channel_health: list[Channel]
    failure_sources: list[TonedSource]
    recent_failures: list[Failure]
