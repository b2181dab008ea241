"""Prices, and the models that were seen (pricing contract, section 2)."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class Rates(TypedDict):
    """USD per million tokens; what is not configured is no price, though it stands as 0."""

    prompt: float
    completion: float
    cache: float
    cacheRead: NotRequired[float]
    cacheCreation: NotRequired[float]
    promptConfigured: NotRequired[bool]
    completionConfigured: NotRequired[bool]
    cacheReadConfigured: NotRequired[bool]
    cacheCreationConfigured: NotRequired[bool]


class ContextTier(Rates):
    """Rates of calls with more input than the threshold."""

    thresholdTokens: int
    cacheConfigured: NotRequired[bool]


class ServiceTier(Rates):
    """Rates of calls of a service tier."""

    mode: str
    serviceTier: str
    cacheConfigured: NotRequired[bool]


class Price(Rates):
    """The price of a model."""

    source: NotRequired[str]
    sourceModelId: NotRequired[str]
    # Only where they are asked for.
    rawJson: NotRequired[str]
    contextTiers: NotRequired[list[ContextTier]]
    serviceTiers: NotRequired[list[ServiceTier]]
    updatedAtMs: int
    syncedAtMs: NotRequired[int]


class PriceBook(TypedDict):
    """Prices by model."""

    prices: dict[str, Price]


class Candidate(TypedDict):
    """A model of a source that a model may be."""

    sourceModelId: str
    score: float
    reason: str
    price: Price


class Candidates(TypedDict):
    """What a model that was not found may be."""

    model: str
    candidates: list[Candidate]


class SourceResult(TypedDict):
    """How one source answered."""

    source: str
    models: int
    skipped: int
    error: NotRequired[str]


class SyncResult(TypedDict):
    """What a sync found and wrote, and the book since then."""

    source: str
    imported: int
    skipped: int
    sources: NotRequired[list[str]]
    matched: NotRequired[dict[str, Price]]
    candidates: NotRequired[list[Candidates]]
    unmatched: NotRequired[list[str]]
    preserved: NotRequired[list[str]]
    proxyUsed: NotRequired[Literal[True]]
    sourceResults: NotRequired[list[SourceResult]]
    prices: dict[str, Price]


class SeenModel(TypedDict):
    """How often a model was asked for, and given."""

    model: str
    calls: int
    requested_calls: int
    resolved_calls: int


class UsageSummary(TypedDict):
    """The models among the newest events."""

    sampled_events: int
    total_events: int
    truncated: bool
    models: list[SeenModel]
