"""What an event costs: which price applies, and at which rates (pricing contract, 4 and 10).

The rules are turned into a `RateCard`: for a price, a billing name and a service tier, a few
bands of input size with five rates each. One event is then priced by `RateCard.cost`, and many
by the same numbers in numpy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import attrs

from cpamp.pricing.price import ModelPrice, Rate, Rates, ServiceTier

LONG_CONTEXT_TOKENS = 272_000
LONG_CONTEXT_INPUT = 2.0
LONG_CONTEXT_OUTPUT = 1.5
PER_MILLION = 1e-6


def _fallback(prompt: float, completion: float, cache: float, creation: float) -> ModelPrice:
    return ModelPrice(
        Rates(*(Rate(usd, True) for usd in (prompt, completion, cache, cache, creation)))
    )


# For a book without rows for these (section 4.6); a row in the book wins.
FALLBACK_PRICES = {
    "gpt-5.6-sol": _fallback(5, 30, 0.5, 6.25),
    "gpt-5.6-terra": _fallback(2.5, 15, 0.25, 3.125),
    "gpt-5.6-luna": _fallback(1, 6, 0.1, 1.25),
}
# The first family that fits decides.
PRIORITY_MULTIPLIERS = {
    "gpt-5.6": 2.0,
    "gpt-5.5": 2.5,
    "gpt-5.4": 2.0,
    "gpt-5.3-codex": 2.0,
}
LONG_CONTEXT_DATED = ("gpt-5.5", "gpt-5.4", "gpt-5.4-pro")
FAST_TIERS = frozenset(("priority", "fast"))
DISCOUNT_TIERS = frozenset(("flex", "batch"))


class Usage(NamedTuple):
    """The billable tokens of one event; they don't overlap (section 4.1)."""

    prompt: int = 0
    cached: int = 0
    cache_read: int = 0
    cache_creation: int = 0
    output: int = 0
    # The normalised input, which decides the band.
    input: int = 0


@attrs.frozen
class Band:
    """The rates, in USD per token, of events whose normalised input is above `above` tokens."""

    above: int
    prompt: float
    cached: float
    cache_read: float
    cache_creation: float
    output: float

    def cost(self, usage: Usage) -> float:
        """The cost of one event in USD."""
        return (
            usage.prompt * self.prompt
            + usage.cached * self.cached
            + usage.cache_read * self.cache_read
            + usage.cache_creation * self.cache_creation
            + usage.output * self.output
        )


@attrs.frozen
class RateCard:
    """The bands that apply, in ascending order; the first one is above −1, so one always fits."""

    bands: tuple[Band, ...]

    def band(self, input_tokens: int) -> Band:
        """The highest band whose edge lies strictly below the input."""
        return next(b for b in reversed(self.bands) if input_tokens > b.above)

    def cost(self, usage: Usage) -> float:
        """The cost of one event in USD."""
        return self.band(usage.input).cost(usage)


@attrs.frozen
class PriceBook:
    """The prices in force, by model id; `version` grows with every change."""

    prices: Mapping[str, ModelPrice]
    version: int = 0
    # Those that were asked for.
    _cards: dict[tuple[str, str, str, str], RateCard | None] = attrs.field(
        factory=dict, init=False, eq=False, repr=False
    )

    def pricing_model(self, billing: str, analytics: str, requested: str) -> str:
        """The name whose row prices an event, or the billing name where none does (4.4)."""
        return next((n for n in (billing, analytics, requested) if n in self.prices), billing)

    def price(self, billing: str, analytics: str, requested: str) -> ModelPrice | None:
        """The price of an event with these names; None where it has none (4.4)."""
        found = self.prices.get(self.pricing_model(billing, analytics, requested))
        return found or _fallback_price(billing) or _fallback_price(analytics)

    def rate_card(
        self, billing: str, analytics: str, requested: str, service_tier: str
    ) -> RateCard | None:
        """How an event with these names and this effective tier is billed; None: unpriced."""
        names = billing, analytics, requested, service_tier
        if names not in self._cards:
            price = self.price(billing, analytics, requested)
            found = None if price is None else rate_card(price, billing, service_tier)
            self._cards[names] = found
        return self._cards[names]


def rate_card(price: ModelPrice, billing: str, service_tier: str) -> RateCard:
    """The bands of one price for one billing name and one effective tier (4.5, 10.4)."""
    rules = _Rules(price, billing, service_tier.strip().lower())
    return RateCard(tuple(rules.bands()))


@attrs.frozen
class _Rules:
    price: ModelPrice
    billing: str
    tier: str

    def bands(self) -> list[Band]:
        explicit = self.explicit_tier
        base = self.price.rates.overridden_by(explicit.rates) if explicit else self.price.rates
        whole = 1.0 if explicit else self.multiplier
        bands = [_band(-1, self.completed(base), whole, whole)]
        if self.price.context_tiers:
            discount = 0.5 if self.tier in DISCOUNT_TIERS and not explicit else 1.0
            bands += [
                _band(
                    context.threshold_tokens,
                    self.completed(self.price.rates).overridden_by(context.rates),
                    discount,
                    discount,
                )
                for context in self.price.context_tiers
            ]
        elif _long_context(_slug(self.billing)):
            # Above the edge a fast tier, explicit or not, no longer counts.
            if self.tier in FAST_TIERS:
                base, whole = self.price.rates, 1.0
            bands.append(
                _band(
                    LONG_CONTEXT_TOKENS,
                    self.completed(base),
                    LONG_CONTEXT_INPUT * whole,
                    LONG_CONTEXT_OUTPUT * whole,
                )
            )
        return bands

    @property
    def explicit_tier(self) -> ServiceTier | None:
        return next((s for s in self.price.service_tiers if self.tier in s.words), None)

    @property
    def multiplier(self) -> float:
        if self.tier in DISCOUNT_TIERS:
            return 0.5
        if self.tier in FAST_TIERS:
            slug = _slug(self.billing)
            families = (m for f, m in PRIORITY_MULTIPLIERS.items() if _in_family(slug, f))
            return next(families, 1.0)
        return 1.0

    def completed(self, rates: Rates) -> Rates:
        """The rates with the gaps of the gpt-5.6 family filled (`gpt56` of section 4.6)."""
        fallback = _fallback_price(self.billing)
        if fallback is None:
            return rates
        prompt = rates.prompt if rates.prompt.is_set else fallback.rates.prompt
        completion = rates.completion if rates.completion.is_set else fallback.rates.completion
        read, creation = rates.cache_read, rates.cache_creation
        return Rates(
            prompt,
            completion,
            rates.cache,
            read if read.is_set else Rate(0.1 * prompt.usd, True),
            creation if creation.is_set else Rate(1.25 * prompt.usd, True),
        )


def _band(above: int, rates: Rates, input_factor: float, output_factor: float) -> Band:
    prompt, cache = rates.prompt.usd, rates.cache.usd
    read = cache if cache > 0 else 0.1 * prompt
    if rates.cache_read.is_set:
        read = rates.cache_read.usd
    creation = rates.cache_creation.usd if rates.cache_creation.is_set else prompt
    inputs, outputs = input_factor * PER_MILLION, output_factor * PER_MILLION
    return Band(
        above,
        prompt * inputs,
        cache * inputs,
        read * inputs,
        creation * inputs,
        rates.completion.usd * outputs,
    )


def _fallback_price(name: str) -> ModelPrice | None:
    slug = _slug(name)
    return next((p for f, p in FALLBACK_PRICES.items() if _in_family(slug, f)), None)


def _slug(name: str) -> str:
    return name.strip().lower().rpartition("/")[2]


def _in_family(slug: str, family: str) -> bool:
    return slug == family or slug.startswith(f"{family}-")


def _long_context(slug: str) -> bool:
    if _in_family(slug, "gpt-5.6"):
        return True
    return any(slug == f or slug.startswith(f"{f}-20") for f in LONG_CONTEXT_DATED)
