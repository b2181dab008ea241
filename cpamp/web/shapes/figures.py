"""Figures: dashboard and monitoring (analytics contract, sections 9 to 13)."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

Tone = Literal["good", "warn", "bad"]


class Derived(TypedDict):
    """How far the columns are; 0 of 0 for who may see one key's events alone."""

    ready: bool
    rows: int
    of: int


class Calls(TypedDict):
    """Calls by outcome."""

    calls: int
    success_calls: int
    failure_calls: int
    success_rate: float


class Outcome(TypedDict):
    """Calls by outcome, as series name them."""

    calls: int
    tokens: int
    success: int
    failure: int


class Tokens(TypedDict):
    """Tokens by kind; they overlap."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cache_read_tokens: int
    cache_creation_tokens: int


class Hits(TypedDict):
    """What came from a cache."""

    cache_hit_tokens: int
    cache_hit_input_tokens: int
    cache_hit_rate: float


class Cost(TypedDict):
    """The cost of the calls that have a price, and how much has none."""

    cost: float
    unpriced_calls: int
    unpriced_tokens: int


class Snapshots(TypedDict):
    """What a credential was called when it was used."""

    account_snapshot: str
    auth_label_snapshot: str
    auth_provider_snapshot: str


class Sets(TypedDict):
    """All that one row stands for."""

    auth_indices: list[str]
    sources: list[str]
    source_hashes: list[str]


class HeaderFacts(TypedDict):
    """What the response headers of a call told."""

    response_metadata: Any
    header_quota_recover_at_ms: int | None
    header_quota_used_percent: float | None
    header_quota_plan_type: str
    header_error_kind: str
    header_error_code: str
    header_trace_id: str | None


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


class ModelFigures(Calls, Tokens, Hits, Cost):
    """The figures of a model."""

    model: str
    total_tokens: int


class ModelStats(ModelFigures):
    """A model of the whole selection; `tokens` is `total_tokens`."""

    tokens: int
    first_seen_ms: int


class GroupModel(ModelFigures):
    """A model of one account, key or credential."""

    last_seen_ms: int


class ModelBucket(Bucket):
    """A bucket of one model, or of all that are not shown by themselves."""

    model: str | None
    others: bool
    bucket_label: str


class GroupStats(Calls, Tokens, Cost):
    """The figures of an account, key or credential."""

    id: str
    total_tokens: int
    average_latency_ms: float | None
    first_seen_ms: int
    last_seen_ms: int
    models: list[GroupModel]


class Mark(TypedDict):
    """One call, and how it ended; what there is nothing to tell of is left out."""

    timestamp_ms: int
    failed: bool
    fail_status_code: NotRequired[int]
    fail_summary: NotRequired[str]
    header_error_kind: NotRequired[str]
    header_error_code: NotRequired[str]
    header_trace_id: NotRequired[str]


class AccountStats(GroupStats, Snapshots, Sets):
    """An account; `recent_requests` only where they are asked for."""

    recent_requests: NotRequired[list[Mark]]


class KnownAccount(Snapshots, Sets):
    """An account that may be chosen; its figures are there or zero, and mean nothing."""

    id: str


class Strip(TypedDict):
    """The range in equal blocks, for one account."""

    id: str
    success: list[int]
    failure: list[int]
    success_rate: float


class KeyContext(Calls, Cost, Snapshots):
    """Where a client key was used."""

    id: str
    auth_index: str
    source: str
    source_hash: str
    failure_rate: float
    total_tokens: int
    average_latency_ms: float | None
    last_seen_ms: int


class KeyStats(GroupStats, Snapshots, Sets):
    """A client key."""

    api_key_hash: str
    api_key_alias: str
    contexts: list[KeyContext]


class KeyBucket(Bucket):
    """A bucket of one client key."""

    api_key_hash: str
    api_key_alias: str
    bucket_label: str


class Credential(Snapshots):
    """What tells a credential apart."""

    auth_file_snapshot: str
    auth_index: str
    source: str
    source_hash: str
    auth_project_id_snapshot: str


class CredentialStats(GroupStats, Credential):
    """A credential."""


class CredentialBucket(Bucket, Credential):
    """A bucket of one credential."""

    id: str
    label: str
    bucket_label: str


class ChannelShare(Outcome, Cost, Snapshots):
    """An auth index."""

    auth_index: str
    source: str
    average_latency_ms: float | None


class FailureSource(Snapshots):
    """A source that had failures."""

    source_hash: str
    auth_index: str
    source: str
    calls: int
    failure: int
    failure_rate: float
    last_seen_ms: int
    average_latency_ms: float | None


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
    account_stats: list[KnownAccount]
    api_key_stats: list[KeyStats]
    channel_share: list[ChannelShare]
    model_stats: list[ModelStats]
    project_ids: list[str]
    request_types: list[str]
    header_error_kinds: list[str]
    header_error_codes: list[str]
    header_quota_plans: list[str]
    header_trace_ids: list[str]


class Made(TypedDict):
    """When an answer was made; `derived` while the columns lack events."""

    generated_at_ms: int
    derived: NotRequired[Derived]


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


# -- the dashboard --------------------------------------------------------------------------------


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
