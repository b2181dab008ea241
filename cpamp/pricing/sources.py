"""Price sources: their documents read into records (pricing contract, 3.3 to 3.6 and 10.12-13).

Pure: a parsed JSON document in, a `Catalogue` out. A document that can't be used at all raises
`SourceFailed`; a record that can't be used is counted as skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

import attrs
import orjson

from cpamp.pricing.price import (
    MAX_INT,
    MOST_USD,
    UNSET,
    ContextTier,
    ModelPrice,
    Rate,
    Rates,
    ServiceTier,
)

MODELS_DEV = "models.dev"
LITELLM = "litellm"
OPENROUTER = "openrouter"
EMBEDDED = "embedded"
# In order of preference.
SOURCES = (MODELS_DEV, LITELLM, OPENROUTER, EMBEDDED)

PER_TOKEN = Decimal(1_000_000)
PER_MILLION = Decimal(1)


class SourceFailed(Exception):
    """The source's document is not what it should be; nothing of it can be used."""


@attrs.frozen
class Record:
    """One price of one source, under the source's own id."""

    key: str
    price: ModelPrice

    @property
    def alias(self) -> str:
        """The id without its provider, or "" (only models.dev and `embedded` have them)."""
        return self.key.partition("/")[2] if self.price.source in (MODELS_DEV, EMBEDDED) else ""


@attrs.frozen
class Catalogue:
    """What one source offers.

    `canonical` are the keys of models.dev's list of models, which only its catalogue shape has.
    """

    source: str
    records: tuple[Record, ...]
    skipped: int = 0
    canonical: frozenset[str] | None = None


def read_number(value: Any, unit: Decimal) -> Rate:
    """A price in `unit`s, as USD per million tokens; unset where there is none to be read.

    Prices that no book may have raise `ValueError`: they spoil their record.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return UNSET
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return UNSET
    if not number.is_finite():
        if isinstance(value, str):
            return UNSET
        raise ValueError("a price must be finite")
    if not 0 <= number <= Decimal(MOST_USD) / unit:
        raise ValueError(f"a price must be from 0 to {MOST_USD:,.0f}")
    return Rate(float(round(number * unit, 9)), True)


def read_models_dev(document: Any) -> Catalogue:
    """The catalogue (``{"models", "providers"}``) or the older flat map of providers."""
    root = _object(document, MODELS_DEV)
    canonical = None
    providers: Any = root
    if "providers" in root:
        models = root.get("models")
        if not isinstance(models, Mapping) or not models:
            raise SourceFailed("models.dev: no canonical models")
        canonical = frozenset(models)
        providers = _object(root["providers"], MODELS_DEV)
    return _providers(MODELS_DEV, providers, canonical)


def read_embedded(document: Any) -> Catalogue:
    """The table that the package ships: a flat map of providers in models.dev's shape."""
    return _providers(EMBEDDED, _object(document, EMBEDDED), None)


def read_litellm(document: Any) -> Catalogue:
    """A map of model ids to prices per token."""
    records: list[Record] = []
    skipped = 0
    for key, entry in _object(document, LITELLM).items():
        if entry is None or key == "sample_spec":
            skipped += 1
            continue
        if not isinstance(entry, Mapping):
            raise SourceFailed("litellm: a record is not an object")
        skipped += not _add(records, key, _litellm_price, entry)
    return Catalogue(LITELLM, tuple(records), skipped)


def read_openrouter(document: Any) -> Catalogue:
    """A list of models with prices per token."""
    data = _object(document, OPENROUTER).get("data")
    records: list[Record] = []
    skipped = 0
    for entry in data if isinstance(data, list) else []:
        key = entry.get("id") if isinstance(entry, Mapping) else None
        pricing = entry.get("pricing") if isinstance(entry, Mapping) else None
        if not isinstance(key, str) or not key.strip() or not isinstance(pricing, Mapping):
            skipped += 1
            continue
        key = key.strip()
        skipped += not _add(records, key, _openrouter_price, entry)
    return Catalogue(OPENROUTER, tuple(records), skipped)


# Members of a source's record, in the order of preference, per rate of `Rates`.
_Names = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]]
_MODELS_DEV_NAMES: _Names = (("input",), ("output",), ("cache_read",), ("cache_write",))
_LITELLM_NAMES: _Names = (
    ("input_cost_per_token",),
    ("output_cost_per_token",),
    ("cache_read_input_token_cost", "input_cache_read"),
    (
        "cache_creation_input_token_cost",
        "cache_write_input_token_cost",
        "input_cache_write",
        "input_cache_creation",
    ),
)
_OPENROUTER_NAMES: _Names = (
    ("prompt",),
    ("completion",),
    ("input_cache_read", "cache_read_input_token_cost"),
    (
        "input_cache_write",
        "input_cache_creation",
        "cache_creation_input_token_cost",
        "cache_write_input_token_cost",
    ),
)
# LiteLLM's suffixes of the same members: context thresholds and service tiers.
_LITELLM_THRESHOLDS = {
    "_above_128k_tokens": 128_000,
    "_above_200k_tokens": 200_000,
    "_above_272k_tokens": 272_000,
}
_LITELLM_TIERS = {
    "_priority": ("fast", "priority"),
    "_flex": ("flex", "flex"),
    "_batches": ("batch", "batch"),
}
# models.dev's modes and the service tier that requests name.
_MODES = {"fast": "priority", "flex": "flex", "batch": "batch", "priority": "priority"}


def _object(value: Any, source: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise SourceFailed(f"{source}: the document is not an object")
    return value


def _add(
    records: list[Record], key: str, read: Callable[[str, Any], ModelPrice | None], entry: Any
) -> bool:
    try:
        price = read(key, entry)
    except ValueError:
        return False
    if price is not None:
        records.append(Record(key, price))
    return price is not None


def _first(entry: Mapping[str, Any], names: tuple[str, ...], unit: Decimal) -> Rate:
    found = (rate for name in names if (rate := read_number(entry.get(name), unit)).stated)
    return next(found, UNSET)


def _rates(entry: Mapping[str, Any], names: _Names, unit: Decimal, suffix: str = "") -> Rates:
    prompt, completion, read, creation = (
        _first(entry, tuple(name + suffix for name in group), unit) for group in names
    )
    return Rates(prompt, completion, read, read, creation)


def _price(
    source: str,
    key: str,
    raw: Any,
    rates: Rates,
    context_tiers: tuple[ContextTier, ...] = (),
    service_tiers: tuple[ServiceTier, ...] = (),
) -> ModelPrice | None:
    if not rates.stated:
        return None
    # `cache` has no flag of its own at this level: its value alone says that it is set.
    base = attrs.evolve(rates, cache=attrs.evolve(rates.cache, stated=False))
    return ModelPrice(base, context_tiers, service_tiers, source, key, orjson.dumps(raw).decode())


def _litellm_price(key: str, entry: Mapping[str, Any]) -> ModelPrice | None:
    contexts = [
        ContextTier(threshold, rates)
        for suffix, threshold in _LITELLM_THRESHOLDS.items()
        if (rates := _rates(entry, _LITELLM_NAMES, PER_TOKEN, suffix)).stated
    ]
    services = [
        ServiceTier(mode, name, rates)
        for suffix, (mode, name) in _LITELLM_TIERS.items()
        if (rates := _rates(entry, _LITELLM_NAMES, PER_TOKEN, suffix)).stated
    ]
    rates = _rates(entry, _LITELLM_NAMES, PER_TOKEN)
    return _price(LITELLM, key, entry, rates, tuple(contexts), _ordered(services))


def _openrouter_price(key: str, entry: Mapping[str, Any]) -> ModelPrice | None:
    rates = _rates(entry["pricing"], _OPENROUTER_NAMES, PER_TOKEN)
    return _price(OPENROUTER, key, entry, rates)


def _providers(
    source: str, providers: Mapping[str, Any], canonical: frozenset[str] | None
) -> Catalogue:
    records: list[Record] = []
    skipped = 0
    for provider, entry in providers.items():
        if not isinstance(entry, Mapping):
            raise SourceFailed(f"{source}: a provider is not an object")
        models = entry.get("models")
        for name, model in models.items() if isinstance(models, Mapping) else ():
            key = f"{provider.strip()}/{name.strip()}"
            if not provider.strip() or not name.strip():
                skipped += 1
                continue
            skipped += not _add(records, key, partial(_models_dev_price, source), model)
    if not records:
        raise SourceFailed(f"{source}: no usable prices")
    return Catalogue(source, tuple(records), skipped, canonical)


def _models_dev_price(source: str, key: str, model: Any) -> ModelPrice | None:
    cost = model.get("cost") if isinstance(model, Mapping) else None
    if not isinstance(cost, Mapping):
        return None
    rates = _rates(cost, _MODELS_DEV_NAMES, PER_MILLION)
    services = _ordered(_modes(model))
    return _price(source, key, model, rates, _context_tiers(cost.get("tiers")), services)


def _context_tiers(value: Any) -> tuple[ContextTier, ...]:
    # One bad entry drops all tiers of the model; the model itself stays.
    tiers: dict[int, ContextTier] = {}
    for entry in value if isinstance(value, list) else []:
        tier = entry.get("tier") if isinstance(entry, Mapping) else None
        if not isinstance(tier, Mapping) or str(tier.get("type")).lower() != "context":
            continue
        size = tier.get("size")
        try:
            rates = _rates(entry, _MODELS_DEV_NAMES, PER_MILLION)
        except ValueError:
            return ()
        if type(size) is not int or not 0 < size <= MAX_INT or size in tiers or not rates.stated:
            return ()
        tiers[size] = ContextTier(size, rates)
    return tuple(tiers[size] for size in sorted(tiers))


def _modes(model: Mapping[str, Any]) -> list[ServiceTier]:
    experimental = model.get("experimental")
    modes = experimental.get("modes") if isinstance(experimental, Mapping) else None
    found = []
    for mode, name in _MODES.items():
        entry = modes.get(mode) if isinstance(modes, Mapping) else None
        cost = entry.get("cost") if isinstance(entry, Mapping) else None
        if not isinstance(cost, Mapping):
            continue
        try:
            rates = _rates(cost, _MODELS_DEV_NAMES, PER_MILLION)
        except ValueError:
            continue
        if rates.stated:
            found.append(ServiceTier(mode, name, rates))
    return found


def _ordered(tiers: list[ServiceTier]) -> tuple[ServiceTier, ...]:
    # Where two rules claim one word, the first one has it.
    kept: list[ServiceTier] = []
    taken: set[str] = set()
    for tier in tiers:
        if not taken & tier.words:
            kept.append(tier)
            taken |= tier.words
    return tuple(sorted(kept, key=lambda tier: (tier.mode, tier.service_tier)))
