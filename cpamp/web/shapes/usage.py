"""The newest events in the shape that older panels and other programs read."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class DetailTokens(TypedDict):
    """The token counts of an event; both members of cached tokens have the compatible count."""

    input_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cached_tokens: int
    cache_tokens: int
    cache_read_tokens: int
    cache_creation_tokens: int
    total_tokens: int


class Detail(TypedDict):
    """An event; what is empty is left out."""

    timestamp: str
    source: str
    auth_index: NotRequired[str]
    api_key_hash: NotRequired[str]
    account_snapshot: NotRequired[str]
    auth_label_snapshot: NotRequired[str]
    auth_file_snapshot: NotRequired[str]
    auth_provider_snapshot: NotRequired[str]
    auth_project_id_snapshot: NotRequired[str]
    auth_snapshot_at_ms: NotRequired[int]
    latency_ms: NotRequired[int]
    ttft_ms: NotRequired[int]
    requested_model: NotRequired[str]
    resolved_model: NotRequired[str]
    reasoning_effort: NotRequired[str]
    service_tier: NotRequired[str]
    request_service_tier: NotRequired[str]
    response_service_tier: NotRequired[str]
    cache_input_mode: NotRequired[Literal["included_in_input", "separate_from_input"]]
    executor_type: NotRequired[str]
    tokens: DetailTokens
    failed: bool
    fail_status_code: NotRequired[int]
    fail_summary: NotRequired[str]
    response_metadata: NotRequired[dict[str, Any]]


class ModelDetails(TypedDict):
    """The events of a model at an endpoint, newest first."""

    details: list[Detail]


class EndpointModels(TypedDict):
    """The models at an endpoint, by name."""

    models: dict[str, ModelDetails]


class NewestEvents(TypedDict):
    """The newest events, by endpoint and model, and their sums."""

    total_requests: int
    success_count: int
    failure_count: int
    total_tokens: int
    apis: dict[str, EndpointModels]
