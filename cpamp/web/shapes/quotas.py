"""What is known of quota windows: when they are used up, and by whom."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from cpamp.web.shapes.bodies import GivenWindow
from cpamp.web.shapes.counts import Made


class Burn(TypedDict):
    """A window at the present rates, which are percent an hour; null where too little is known."""

    window: str
    used_percent: float
    observed_at_ms: int
    reset_at_ms: int
    window_minutes: float
    rate_hour: float | None
    rate_day: float | None
    spent_at_ms: int | None
    earliest_ms: int | None
    latest_ms: int | None
    lasts: bool | None
    unknown: str


class AccountForecast(TypedDict):
    """The windows of a credential."""

    auth_file_snapshot: str
    auth_index: str
    account_snapshot: str
    auth_label_snapshot: str
    auth_provider_snapshot: str
    windows: list[Burn]


class Pool(TypedDict):
    """All accounts of a provider in one kind of window."""

    provider: str
    window: str
    window_minutes: float
    accounts: int
    spent: int
    left_percent: float
    dry_at_ms: int | None
    lasts: bool | None


class Forecast(Made):
    """What is used up first comes first."""

    accounts: list[AccountForecast]
    pools: list[Pool]


class Use(TypedDict):
    """What some calls come to."""

    total_requests: int
    failure_calls: int
    total_tokens: int
    total_cost: float
    unpriced_calls: int


class Share(Use):
    """A client key with a model; `percent` is of the window, `share` of what is used of it."""

    api_key_hash: str
    api_key_alias: str
    model: str
    percent: float
    share: float


class Rest(Use):
    """The pairs of key and model that are not listed."""

    groups: int
    percent: float


class ScopeJson(TypedDict):
    """Which models a window counts."""

    kind: Literal["all", "family", "models", "product", "feature"]
    key: str
    models: list[str]


class WindowShares(TypedDict):
    """Who used up a window; where that can't be told, `unknown` says why and the rest lacks."""

    provider_window_id: str
    window_kind: str
    model_scope: ScopeJson
    from_ms: int | None
    to_ms: int
    over: bool
    used_percent: float | None
    observed_at_ms: int
    unknown: str
    scope_match_status: NotRequired[Literal["complete", "partial", "unmatched"]]
    unmatched_requests: NotRequired[int]
    basis: NotRequired[Literal["cost", "tokens"]]
    observations: NotRequired[int]
    explained_percent: NotRequired[float]
    unexplained_percent: NotRequired[float]
    total: NotRequired[Use]
    later: NotRequired[Use]
    rows: NotRequired[list[Share]]
    rest: NotRequired[Rest]


class AccountShares(Made):
    """The windows of an account, the short ones first."""

    account_key: str
    windows: list[WindowShares]


# -- snapshots ----------------------------------------------------------------------------------


class StoredQuota(TypedDict):
    """What became of the observation of an account: how many of its windows it tells of."""

    row_key: NotRequired[str]
    account_key: str
    provider: str
    inserted_count: int


class StoredQuotas(TypedDict):
    """In the order of the request."""

    observed_at_ms: int
    items: list[StoredQuota]


class FieldSource(TypedDict):
    """From where and from when a field is."""

    source: str
    observed_at_ms: int


class FieldSources(TypedDict):
    """The sources of the fields that come together."""

    quota: FieldSource
    boundary: NotRequired[FieldSource]
    plan_type: NotRequired[FieldSource]
    reset_credits_available: NotRequired[FieldSource]
    reset_credits: NotRequired[FieldSource]


class QuotaCycle(TypedDict):
    """One run of a window, from its begin to its reset."""

    id: int
    activation_id: int
    state: Literal["active", "closed"]
    actual_start_ms: int
    boundary_accuracy: Literal["exact", "derived", "estimated", "unknown"]
    forecast_eligible: bool
    scheduled_start_ms: NotRequired[int]
    scheduled_end_ms: NotRequired[int]
    actual_end_ms: NotRequired[int]
    duration_seconds: NotRequired[int]
    end_reason: NotRequired[str]
    parent_cycle_id: NotRequired[int]


class KnownWindow(GivenWindow):
    """A quota window as it was last observed, and its life since it was first seen."""

    missing_since_ms: NotRequired[int]
    deactivated_at_ms: NotRequired[int]
    current_cycle: NotRequired[QuotaCycle]
    previous_cycle: NotRequired[QuotaCycle]
    stale: bool
    field_sources: FieldSources
    logical_window_id: int
    activation_generation: int
    availability: Literal["active", "pending_absent", "inactive", "unknown"]
    first_seen_at_ms: int
    last_seen_at_ms: int


class KnownQuota(TypedDict):
    """The windows of an account, the short ones first; `error` where its provider did not tell."""

    row_key: str
    account_key: str
    provider: str
    windows: list[KnownWindow]
    error: NotRequired[str]


class KnownQuotas(TypedDict):
    """In the order of the request."""

    generated_at_ms: int
    items: list[KnownQuota]
