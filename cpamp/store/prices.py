"""The tables of the price book (pricing contract, sections 1 and 8)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from cpamp.pricing.cost import PriceBook
from cpamp.pricing.price import ContextTier, ModelPrice, Rate, Rates, ServiceTier
from cpamp.store import versions
from cpamp.store.versions import Subject

SUBJECT: Subject = "prices_version"

_USD = "prompt_per_1m, completion_per_1m, cache_per_1m, cache_read_per_1m, cache_creation_per_1m"
_TIER_FLAGS = (
    "prompt_configured, completion_configured, cache_configured, cache_read_configured, "
    "cache_creation_configured"
)
# At the level of the model `cache` has no flag.
_FLAGS = (
    "prompt_configured, completion_configured, 0, cache_read_configured, cache_creation_configured"
)
ALL = f"""
SELECT model, source, source_model_id, CASE WHEN ? THEN raw_json END, updated_at_ms, synced_at_ms,
    {_USD}, {_FLAGS}
FROM model_prices ORDER BY model
"""
CONTEXT_TIERS = f"""
SELECT model, threshold_tokens, {_USD}, {_TIER_FLAGS}
FROM model_price_context_tiers ORDER BY model, threshold_tokens
"""
SERVICE_TIERS = f"""
SELECT model, mode, service_tier, {_USD}, {_TIER_FLAGS}
FROM model_price_service_tiers ORDER BY model, mode, service_tier
"""
MODELS = "SELECT model FROM model_prices"
DELETE = "DELETE FROM model_prices WHERE model = ?"
PUT = """
INSERT INTO model_prices (
    model, source, source_model_id, updated_at_ms, synced_at_ms,
    prompt_per_1m, completion_per_1m, cache_per_1m, cache_read_per_1m, cache_creation_per_1m,
    prompt_configured, completion_configured, cache_read_configured, cache_creation_configured,
    raw_json
)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?14, ?15, coalesce(?16, ''))
ON CONFLICT (model) DO UPDATE SET
    source = excluded.source,
    source_model_id = excluded.source_model_id,
    updated_at_ms = excluded.updated_at_ms,
    synced_at_ms = excluded.synced_at_ms,
    prompt_per_1m = excluded.prompt_per_1m,
    completion_per_1m = excluded.completion_per_1m,
    cache_per_1m = excluded.cache_per_1m,
    cache_read_per_1m = excluded.cache_read_per_1m,
    cache_creation_per_1m = excluded.cache_creation_per_1m,
    prompt_configured = excluded.prompt_configured,
    completion_configured = excluded.completion_configured,
    cache_read_configured = excluded.cache_read_configured,
    cache_creation_configured = excluded.cache_creation_configured,
    raw_json = coalesce(?16, raw_json)
"""
DELETE_CONTEXT_TIERS = "DELETE FROM model_price_context_tiers WHERE model = ?"
DELETE_SERVICE_TIERS = "DELETE FROM model_price_service_tiers WHERE model = ?"
PUT_CONTEXT_TIER = (
    "INSERT INTO model_price_context_tiers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
PUT_SERVICE_TIER = (
    "INSERT INTO model_price_service_tiers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def version(conn: sqlite3.Connection) -> int:
    """The version of the book; 0 where it was never written."""
    return versions.get(conn, SUBJECT)


def read(conn: sqlite3.Connection, *, raw: bool = False) -> PriceBook:
    """The whole book by model id in binary order; the sources' own records only if asked for."""
    contexts: dict[str, list[ContextTier]] = {}
    for model, threshold, *rates in conn.execute(CONTEXT_TIERS):
        contexts.setdefault(model, []).append(ContextTier(threshold, _rates(rates)))
    services: dict[str, list[ServiceTier]] = {}
    for model, mode, name, *rates in conn.execute(SERVICE_TIERS):
        services.setdefault(model, []).append(ServiceTier(mode, name, _rates(rates)))
    book = {
        row[0]: ModelPrice(
            _rates(row[6:]),
            tuple(contexts.get(row[0], ())),
            tuple(services.get(row[0], ())),
            *row[1:6],
        )
        for row in conn.execute(ALL, (raw,))
    }
    return PriceBook(book, version(conn))


def put(conn: sqlite3.Connection, prices: Mapping[str, ModelPrice], now_ms: int) -> None:
    """Set some prices; a source's own record that is not told stays as it is stored."""
    models = [(model,) for model in prices]
    conn.executemany(PUT, (_row(model, price, now_ms) for model, price in prices.items()))
    conn.executemany(DELETE_CONTEXT_TIERS, models)
    conn.executemany(DELETE_SERVICE_TIERS, models)
    conn.executemany(
        PUT_CONTEXT_TIER,
        (
            (model, tier.threshold_tokens, *_columns(tier.rates))
            for model, price in prices.items()
            for tier in price.context_tiers
        ),
    )
    conn.executemany(
        PUT_SERVICE_TIER,
        (
            (model, tier.mode, tier.service_tier, *_columns(tier.rates))
            for model, price in prices.items()
            for tier in price.service_tiers
        ),
    )
    versions.bump(conn, SUBJECT, now_ms)


def replace(conn: sqlite3.Connection, prices: Mapping[str, ModelPrice], now_ms: int) -> None:
    """Make these the whole book."""
    gone = [row for row in conn.execute(MODELS).fetchall() if row[0] not in prices]
    conn.executemany(DELETE, gone)
    put(conn, prices, now_ms)


def delete(conn: sqlite3.Connection, model: str, now_ms: int) -> None:
    """Take a price out of the book, if it is in it."""
    if conn.execute(DELETE, (model,)).rowcount:
        versions.bump(conn, SUBJECT, now_ms)


def _row(model: str, price: ModelPrice, now_ms: int) -> tuple[Any, ...]:
    told = (price.source, price.source_model_id, now_ms, price.synced_at_ms)
    return (model, *told, *_columns(price.rates), price.raw_json)


def _columns(rates: Rates) -> list[float | bool]:
    listed: tuple[Rate, ...] = attrs.astuple(rates, recurse=False)
    return [*(rate.usd for rate in listed), *(rate.stated for rate in listed)]


def _rates(columns: Iterable[Any]) -> Rates:
    usd, stated = (values := list(columns))[:5], values[5:]
    return Rates(*(Rate(price, bool(flag)) for price, flag in zip(usd, stated, strict=True)))
