"""A model's price as the API speaks of it, read strictly and written back (pricing contract, 1)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Self

import attrs

from cpamp.errors import BadRequest

MAX_INT = 2**63 - 1
# Above any price of a million tokens, and small enough that every sum of costs is finite.
MOST_USD = 1e9


class PriceInvalid(BadRequest):
    """A price, or one of its tiers, is not what the contract allows; nothing was stored."""

    code = "model_price_invalid"


@attrs.frozen
class Rate:
    """One price in USD per million tokens, and whether it was stated.

    ``Rate(0.0, True)`` is free; ``Rate(0.0, False)`` is unknown.
    """

    usd: float = 0.0
    stated: bool = False

    @property
    def is_set(self) -> bool:
        """Whether it counts as a price (section 1.1)."""
        return self.stated or self.usd > 0


UNSET = Rate()


@attrs.frozen
class Rates:
    """What each kind of token costs. `cache` is for cached tokens of no stated kind."""

    prompt: Rate = UNSET
    completion: Rate = UNSET
    cache: Rate = UNSET
    cache_read: Rate = UNSET
    cache_creation: Rate = UNSET

    def overridden_by(self, other: Rates) -> Rates:
        """These rates with every *stated* rate of `other` in its place."""
        return Rates(
            *(
                theirs if theirs.stated else mine
                for mine, theirs in zip(
                    attrs.astuple(self, recurse=False),
                    attrs.astuple(other, recurse=False),
                    strict=True,
                )
            )
        )

    @property
    def stated(self) -> bool:
        """Whether any rate is stated."""
        return any(rate.stated for rate in attrs.astuple(self, recurse=False))


@attrs.frozen
class ContextTier:
    """The rates of a request whose normalised input is above `threshold_tokens`."""

    threshold_tokens: int
    rates: Rates


@attrs.frozen
class ServiceTier:
    """The rates of a request whose effective service tier is `mode` or `service_tier`."""

    mode: str
    service_tier: str
    rates: Rates

    @property
    def words(self) -> frozenset[str]:
        """The tier names that it answers to."""
        return frozenset((self.mode, self.service_tier))


@attrs.frozen
class ModelPrice:
    """A row of the price book; its model id is the key under which the book holds it."""

    rates: Rates = Rates()
    context_tiers: tuple[ContextTier, ...] = ()
    service_tiers: tuple[ServiceTier, ...] = ()
    source: str = ""
    source_model_id: str = ""
    # None: not told, and nothing is said of the one that is stored.
    raw_json: str | None = None
    updated_at_ms: int = 0
    synced_at_ms: int | None = None

    @classmethod
    def read(cls, model: str, value: Any) -> Self:
        """The price that a request sends for `model`; raises `PriceInvalid`.

        ``null`` and ``{}`` are an all-zero price without any flag.
        """
        fields = _fields(model, {} if value is None else value)
        synced = fields.get("syncedatms")
        return cls(
            rates=_rates(model, fields, cache_stated=False),
            context_tiers=_context_tiers(model, fields.get("contexttiers")),
            service_tiers=_service_tiers(model, fields.get("servicetiers")),
            source=_text(model, fields, "source"),
            source_model_id=_text(model, fields, "sourceModelId"),
            raw_json=_optional_text(model, fields, "rawJson"),
            synced_at_ms=None if synced is None else _integer(model, "syncedAtMs", synced),
        )

    def body(self, *, raw: bool = False) -> dict[str, Any]:
        """The price as replies carry it; `rawJson` only when `raw` is asked for."""
        body = _rates_body(self.rates)
        for name, value in (("source", self.source), ("sourceModelId", self.source_model_id)):
            if value:
                body[name] = value
        if raw and self.raw_json:
            body["rawJson"] = self.raw_json
        if self.context_tiers:
            body["contextTiers"] = [
                {"thresholdTokens": tier.threshold_tokens, **_rates_body(tier.rates)}
                for tier in self.context_tiers
            ]
        if self.service_tiers:
            body["serviceTiers"] = [
                {"mode": tier.mode, "serviceTier": tier.service_tier, **_rates_body(tier.rates)}
                for tier in self.service_tiers
            ]
        body["updatedAtMs"] = self.updated_at_ms
        if self.synced_at_ms is not None:
            body["syncedAtMs"] = self.synced_at_ms
        return body


def read_book(prices: Any) -> dict[str, ModelPrice]:
    """A whole price book from a request: model id -> price; raises `PriceInvalid`."""
    if not isinstance(prices, Mapping):
        raise PriceInvalid("prices must be an object of model ids and prices")
    book = {}
    for model, value in prices.items():
        if not model.strip():
            raise PriceInvalid("model is required")
        book[model] = ModelPrice.read(model, value)
    return book


# The API's names of the rates, in the order of `Rates`.
_NAMES = ("prompt", "completion", "cache", "cacheRead", "cacheCreation")
# A reply leaves these out when they are 0.
_OPTIONAL = frozenset(("cacheRead", "cacheCreation"))


def _rates_body(rates: Rates) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for name, rate in zip(_NAMES, attrs.astuple(rates, recurse=False), strict=True):
        if rate.usd or name not in _OPTIONAL:
            body[name] = rate.usd
        if rate.stated:
            body[f"{name}Configured"] = True
    return body


def _fields(model: str, value: Any) -> dict[str, Any]:
    # Field names match without case (section 2.1).
    if not isinstance(value, Mapping):
        raise PriceInvalid(f"the price of {model} must be an object")
    return {str(name).lower(): member for name, member in value.items()}


def _rates(model: str, fields: Mapping[str, Any], *, cache_stated: bool) -> Rates:
    def rate(name: str) -> Rate:
        flag = fields.get(f"{name}Configured".lower())
        if flag is not None and not isinstance(flag, bool):
            raise PriceInvalid(f"{name}Configured of {model} must be true or false")
        stated = bool(flag) and (name != "cache" or cache_stated)
        return Rate(_price(model, name, fields.get(name.lower())), stated)

    return Rates(*map(rate, _NAMES))


def _price(model: str, name: str, value: Any) -> float:
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PriceInvalid(f"{name} of {model} must be a number")
    try:
        price = float(value)
    except OverflowError:
        price = math.inf
    if not 0 <= price <= MOST_USD:
        raise PriceInvalid(f"{name} of {model} must be a number from 0 to {MOST_USD:,.0f}")
    return price


def _integer(model: str, name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > MAX_INT:
        raise PriceInvalid(f"{name} of {model} must be an integer")
    return value


def _text(model: str, fields: Mapping[str, Any], name: str) -> str:
    return _optional_text(model, fields, name) or ""


def _optional_text(model: str, fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name.lower())
    if value is not None and not isinstance(value, str):
        raise PriceInvalid(f"{name} of {model} must be a string")
    return value


def _members(model: str, name: str, value: Any) -> Iterable[dict[str, Any]]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise PriceInvalid(f"{name} of {model} must be a list")
    return [_fields(model, member) for member in value]


def _context_tiers(model: str, value: Any) -> tuple[ContextTier, ...]:
    tiers: dict[int, ContextTier] = {}
    for fields in _members(model, "contextTiers", value):
        threshold = _integer(model, "thresholdTokens", fields.get("thresholdtokens"))
        rates = _rates(model, fields, cache_stated=True)
        if threshold <= 0 or threshold in tiers or not rates.stated:
            raise PriceInvalid(
                f"a context tier of {model} needs its own thresholdTokens above 0 "
                "and at least one configured price"
            )
        tiers[threshold] = ContextTier(threshold, rates)
    return tuple(tiers[threshold] for threshold in sorted(tiers))


def _service_tiers(model: str, value: Any) -> tuple[ServiceTier, ...]:
    tiers: list[ServiceTier] = []
    taken: set[str] = set()
    for fields in _members(model, "serviceTiers", value):
        mode = _text(model, fields, "mode").strip().lower()
        name = _text(model, fields, "serviceTier").strip().lower()
        tier = ServiceTier(mode, name, _rates(model, fields, cache_stated=True))
        if not mode or not name or taken & tier.words or not tier.rates.stated:
            raise PriceInvalid(
                f"a service tier of {model} needs a mode and a serviceTier that no other rule "
                "uses, and at least one configured price"
            )
        taken |= tier.words
        tiers.append(tier)
    return tuple(sorted(tiers, key=lambda tier: (tier.mode, tier.service_tier)))
