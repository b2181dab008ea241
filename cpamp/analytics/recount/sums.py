"""Sums over the events of one group, and the figures made of them (analytics contract, 4.3)."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import attrs

from cpamp.analytics.recount.fact import Fact

NEVER = (-1, -1)


def share(part: float, whole: float) -> float:
    """`part / whole`, 0 where there is no whole."""
    return part / whole if whole > 0 else 0.0


@attrs.define
class Samples:
    """Values above 0, counted by value, so that a percentile is exact."""

    counts: Counter[int] = attrs.Factory(Counter)

    def add(self, value: int | None) -> None:
        """Count a sample; None is none."""
        if value is not None:
            self.counts[value] += 1

    @property
    def total(self) -> int:
        """How many there are."""
        return self.counts.total()

    @property
    def mean(self) -> float | None:
        """The mean over all samples."""
        weighted = sum(value * count for value, count in self.counts.items())
        return weighted / self.total if self.total else None

    @property
    def p95(self) -> int | None:
        """The nearest-rank 95th percentile."""
        rank = math.ceil(self.total * 95 / 100)
        for value in sorted(self.counts):
            rank -= self.counts[value]
            if rank <= 0:
                return value
        return None

    @property
    def greatest(self) -> int | None:
        """The largest sample."""
        return max(self.counts, default=None)


@attrs.define
class Sums:
    """What is added up for a group of events."""

    calls: int = 0
    failures: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_read_tokens: int = 0
    cache_creation_tokens: int = 0
    reasoning_tokens: int = 0
    total_tokens: int = 0
    costs: list[float] = attrs.Factory(list)
    unpriced_calls: int = 0
    unpriced_tokens: int = 0
    zero_token_calls: int = 0
    latency: Samples = attrs.Factory(Samples)
    ttft: Samples = attrs.Factory(Samples)
    first_seen_ms: int | None = None
    last_seen_ms: int = 0

    def add(self, fact: Fact) -> None:
        """Count one event."""
        event, tokens = fact.event, fact.event.tokens
        self.calls += 1
        self.failures += event.end.failed
        self.input_tokens += fact.input_tokens
        self.output_tokens += tokens.output_tokens
        self.cached_tokens += fact.cached_tokens
        self.cache_read_tokens += tokens.cache_read_tokens
        self.cache_creation_tokens += tokens.cache_creation_tokens
        self.reasoning_tokens += tokens.reasoning_tokens
        self.total_tokens += tokens.total_tokens
        if fact.billed.cost is None:
            self.unpriced_calls += 1
            self.unpriced_tokens += tokens.total_tokens
        elif fact.billed.cost:
            self._add_cost(fact.billed.cost)
        self.zero_token_calls += fact.zero_token
        self.latency.add(fact.latency)
        self.ttft.add(fact.ttft)
        at = event.timestamp_ms
        self.last_seen_ms = max(self.last_seen_ms, at)
        self.first_seen_ms = at if self.first_seen_ms is None else min(self.first_seen_ms, at)

    def _add_cost(self, cost: float) -> None:
        # Exactly rounded partial sums: a recount of millions of events drifts by nothing.
        self.costs.append(cost)
        if len(self.costs) > 1024:
            self.costs = [math.fsum(self.costs)]

    @property
    def cost(self) -> float:
        """The cost in USD of the priced events."""
        return math.fsum(self.costs)

    @property
    def success(self) -> int:
        """The calls that did not fail."""
        return self.calls - self.failures

    @property
    def cache_hit_tokens(self) -> int:
        """The tokens that came from a cache."""
        return self.cached_tokens + self.cache_read_tokens

    @property
    def cache_hit_rate(self) -> float:
        """Their share of the input, at most 1."""
        return min(share(self.cache_hit_tokens, self.input_tokens), 1.0)

    @property
    def rates(self) -> dict[str, float]:
        """The shares of success and failure."""
        return {
            "success_rate": share(self.success, self.calls),
            "failure_rate": share(self.failures, self.calls),
        }

    @property
    def five(self) -> dict[str, int]:
        """The five token fields (section 10.2)."""
        return {
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cached_tokens": self.cached_tokens,
            "cache_read_tokens": self.cache_read_tokens,
            "cache_creation_tokens": self.cache_creation_tokens,
        }

    @property
    def outcome(self) -> dict[str, Any]:
        """Calls by outcome, as the rows of the tables name them."""
        return {
            "calls": self.calls,
            "success_calls": self.success,
            "failure_calls": self.failures,
            "success_rate": share(self.success, self.calls),
        }

    @property
    def hits(self) -> dict[str, Any]:
        """The cache figures that can be added up, and their rate."""
        return {
            "cache_hit_tokens": self.cache_hit_tokens,
            "cache_hit_input_tokens": self.input_tokens,
            "cache_hit_rate": self.cache_hit_rate,
        }

    @property
    def money(self) -> dict[str, Any]:
        """The cost, and what has none."""
        return {
            "cost": self.cost,
            "unpriced_calls": self.unpriced_calls,
            "unpriced_tokens": self.unpriced_tokens,
        }


@attrs.define
class Newest:
    """For some fields the first filled value going from the newest event to the oldest."""

    found: dict[str, tuple[tuple[int, int], str]] = attrs.Factory(dict)

    def add(self, fact: Fact, **values: str) -> None:
        """Look at one event's values."""
        for name, value in values.items():
            if value and fact.order > self.found.get(name, (NEVER, ""))[0]:
                self.found[name] = (fact.order, value)

    def __getitem__(self, name: str) -> str:
        return self.found.get(name, (NEVER, ""))[1]
