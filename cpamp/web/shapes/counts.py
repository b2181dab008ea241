"""What the figures of all answers are made of."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


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


class Made(TypedDict):
    """When an answer was made; `derived` while the columns lack events."""

    generated_at_ms: int
    derived: NotRequired[Derived]
