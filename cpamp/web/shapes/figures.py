"""The sections of `monitoring/analytics`."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from cpamp.web.shapes.counts import Cost, HeaderFacts, Made, Outcome, Snapshots, Tokens
from cpamp.web.shapes.groups import (
    AccountStats,
    ChannelShare,
    Credential,
    CredentialStats,
    FailureSource,
    KeyStats,
    KnownAccount,
    ModelStats,
    Strip,
)


class Totals(Tokens):
    """The figures of a range or of a day."""

    total_calls: int
    success_calls: int
    failure_calls: int
    success_rate: float
    reasoning_tokens: int
    total_tokens: int
    total_cost: float
    average_latency_ms: float | None
    zero_token_calls: int
    unpriced_calls: int
    unpriced_tokens: int
    unpriced_models: list[str]


class Summary(Totals):
    """All figures of a range; what a compact one does not count is 0 or null."""

    cache_hit_rate: float
    average_cost_per_call: float
    p95_latency_ms: float | None
    p95_ttft_ms: float | None
    rpm_30m: float
    tpm_30m: float
    avg_daily_requests: float
    avg_daily_tokens: float
    approx_tasks: int
    approx_task_failures: int
    approx_task_success_rate: float
    zero_token_models: list[str] | None


class Comparison(TypedDict):
    """The range of the same length before."""

    from_ms: int
    to_ms: int
    total_calls: int
    success_calls: int
    failure_calls: int
    success_rate: float
    total_tokens: int
    total_cost: float
    unpriced_calls: int
    unpriced_tokens: int
    unpriced_models: list[str]


class Bucket(Outcome, Tokens, Cost):
    """The figures of a stretch of time."""

    bucket_ms: int
    reasoning_tokens: int
    total_tokens: int
    average_latency_ms: float | None
    success_rate: float
    failure_rate: float


class WatchedMinutes(TypedDict):
    """How many minutes of a stretch had which state; the others are unknown."""

    covered_minutes: int
    at_risk_minutes: int
    lost_minutes: int


class TimelineBucket(Bucket):
    """A bucket of the whole selection."""

    label: str
    cache_hit_rate: float
    p95_latency_ms: float | None
    p95_ttft_ms: float | None
    coverage: WatchedMinutes


class CoverageHole(TypedDict):
    """A stretch of time that was not watched."""

    from_ms: int
    to_ms: int
    state: Literal["at_risk", "lost"]
    reason: str


class HourlyCalls(TypedDict):
    """An hour of the day."""

    hour: int
    calls: int
    tokens: int


class Anomaly(TypedDict):
    """A bucket that stands out against the one before."""

    bucket_ms: int
    bucket_end_ms: int
    label: str
    severity: Literal["low", "medium", "high"]
    metric_keys: list[str]
    calls: int
    total_tokens: int
    cost: float
    unpriced_calls: int
    unpriced_tokens: int
    failure_rate: float
    request_change: float
    cost_change: float
    tokens_per_request_change: float
    cache_hit_rate_change: float
    failure_rate_change: float
    latency_p95_change: float
    confidence: Literal["normal", "low"]


class ModelBucket(Bucket):
    """A bucket of one model, or of all that are not shown by themselves."""

    model: str | None
    others: bool
    bucket_label: str


class KeyBucket(Bucket):
    """A bucket of one client key."""

    api_key_hash: str
    api_key_alias: str
    bucket_label: str


class CredentialBucket(Bucket, Credential):
    """A bucket of one credential."""

    id: str
    label: str
    bucket_label: str


class Contribution(Outcome, Cost):
    """A part of the calls."""

    failure_rate: float


class Contributor(Contribution):
    """Who had most of the calls of a cell; `label` is `key`."""

    key: str
    label: str
    alias: str
    share: float


class HeatCell(Contribution):
    """An hour of the week; 0 is Sunday."""

    weekday: int
    hour: int
    model_contributors: list[Contributor]
    api_key_contributors: list[Contributor]
    provider_contributors: list[Contributor]


class TaskBucket(Tokens):
    """The calls of one moment and source."""

    bucket_key: str
    total: int
    success: int
    failure: int
    first_ms: int
    last_ms: int
    source: str
    source_hash: str
    auth_index: str
    models: list[str]
    endpoints: list[str]
    total_tokens: int
    average_latency_ms: float | None
    max_latency_ms: int | None


class Failure(Snapshots, HeaderFacts):
    """A failed call."""

    timestamp_ms: int
    model: str
    api_key_hash: str
    api_key_alias: str
    source_hash: str
    auth_index: str
    endpoint: str
    source: str
    auth_project_id_snapshot: str
    duration_ms: int | None
    fail_status_code: int | None
    fail_summary: str


class EventRow(Tokens, Credential, HeaderFacts):
    """A call."""

    event_hash: str
    request_id: str
    timestamp_ms: int
    model: str
    analytics_model: str
    requested_model: str
    resolved_model: str
    endpoint: str
    method: str
    path: str
    client_ip: str
    x_forwarded_for: str
    user_agent: str
    api_key_hash: str
    api_key_alias: str
    reasoning_effort: str
    service_tier: str
    executor_type: str
    reasoning_tokens: int
    total_tokens: int
    latency_ms: int | None
    ttft_ms: int | None
    failed: bool
    # Null without a price.
    cost: float | None
    pricing_model: str | None
    fail_status_code: int | None
    fail_summary: str


class Events(TypedDict):
    """A page of calls, the newest first; the next one begins before `next_before_…`."""

    items: list[EventRow]
    next_before_ms: int
    next_before_id: int
    has_more: bool
    total_count: int


class FilterOptions(TypedDict, total=False):
    """What may be chosen; `filter_selectors` and `filter_options` have different members."""

    models: list[str]
    api_key_hashes: list[str]
    api_key_aliases: dict[str, str]
    providers: list[str]
    auth_files: list[str]
    accounts: list[str]
    account_count: int
    api_key_count: int
    account_stats: list[AccountStats | KnownAccount]
    api_key_stats: list[KeyStats]
    channel_share: list[ChannelShare]
    model_stats: list[ModelStats]
    project_ids: list[str]
    request_types: list[str]
    header_error_kinds: list[str]
    header_error_codes: list[str]
    header_quota_plans: list[str]
    header_trace_ids: list[str]


class Analytics(Made):
    """The sections that were asked for."""

    granularity: Literal["hour", "day"]
    summary: NotRequired[Summary]
    summary_comparison: NotRequired[Comparison]
    timeline: NotRequired[list[TimelineBucket]]
    coverage_holes: NotRequired[list[CoverageHole]]
    anomaly_points: NotRequired[list[Anomaly]]
    hourly_distribution: NotRequired[list[HourlyCalls]]
    heatmap: NotRequired[list[HeatCell]]
    model_share: NotRequired[list[ModelStats]]
    model_stats: NotRequired[list[ModelStats]]
    model_timeline: NotRequired[list[ModelBucket]]
    channel_share: NotRequired[list[ChannelShare]]
    failure_sources: NotRequired[list[FailureSource]]
    account_stats: NotRequired[list[AccountStats]]
    account_strips: NotRequired[list[Strip]]
    api_key_stats: NotRequired[list[KeyStats]]
    api_key_timeline: NotRequired[list[KeyBucket]]
    credential_stats: NotRequired[list[CredentialStats]]
    credential_timeline: NotRequired[list[CredentialBucket]]
    task_buckets: NotRequired[list[TaskBucket]]
    recent_failures: NotRequired[list[Failure]]
    events: NotRequired[Events]
    drilldown_preview: NotRequired[Events]
    filter_options: NotRequired[FilterOptions]
