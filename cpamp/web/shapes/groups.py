"""The figures of models, accounts, credentials, channels and client keys."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from cpamp.web.shapes.counts import Calls, Cost, Hits, Outcome, Sets, Snapshots, Tokens


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


class KnownAccount(Calls, Tokens, Snapshots, Sets):
    """An account that may be chosen; its figures are zero, and mean nothing."""

    id: str
    cost: float
    total_tokens: int
    average_latency_ms: None
    last_seen_ms: int


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


class Credential(Snapshots):
    """What tells a credential apart."""

    auth_file_snapshot: str
    auth_index: str
    source: str
    source_hash: str
    auth_project_id_snapshot: str


class CredentialStats(GroupStats, Credential):
    """A credential."""


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
