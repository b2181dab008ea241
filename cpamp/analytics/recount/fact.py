"""What one event contributes (analytics contract, 3, 4 and 6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import attrs

from cpamp.pricing.cost import PriceBook, Usage
from cpamp.usage.event import Event
from cpamp.usage.models import compatible_cached, normalised, separate_reasoning


class Billed(NamedTuple):
    """An event's names for pricing, and its cost in USD (None: unpriced)."""

    pricing_model: str
    cost: float | None


@attrs.frozen
class Fact:
    """One event as the sections see it."""

    id: int
    event: Event
    input_tokens: int
    cached_tokens: int
    billed: Billed
    # What the client's key is called.
    alias: str = ""

    @classmethod
    def of(
        cls, number: int, event: Event, book: PriceBook, aliases: Mapping[str, str] | None = None
    ) -> Fact:
        """The fact of an event with this id, by these prices and names of keys."""
        inputs = normalised(event.tokens, event.model.cache_input_mode).total_input
        cached = compatible_cached(event.tokens)
        return cls(
            id=number,
            event=event,
            input_tokens=inputs,
            cached_tokens=cached,
            billed=bill(event, book, inputs, cached),
            alias=aliases.get(event.api_key_hash.strip().lower(), "") if aliases else "",
        )

    @property
    def order(self) -> tuple[int, int]:
        """The place in time: newest is greatest."""
        return self.event.timestamp_ms, self.id

    @property
    def zero_token(self) -> bool:
        """Whether it succeeded without a token."""
        return self.event.tokens.total_tokens == 0 and not self.event.end.failed

    @property
    def latency(self) -> int | None:
        """The latency in ms where there is a sample, which is above 0."""
        value = self.event.latency_ms
        return value if value is not None and value > 0 else None

    @property
    def ttft(self) -> int | None:
        """The time to the first token in ms where there is a sample, which is above 0."""
        value = self.event.ttft_ms
        return value if value is not None and value > 0 else None

    @property
    def provider(self) -> str:
        """The provider shown: the snapshot's, else the record's."""
        return self.event.who.auth_provider_snapshot or self.event.who.provider

    @property
    def api_key(self) -> str:
        """The key's hash as it is compared and shown."""
        return self.event.api_key_hash.strip().lower()

    @property
    def credential(self) -> str:
        """The id of the credential row."""
        who = self.event.who
        found = who.auth_file_snapshot or who.auth_index or who.source_hash or who.source
        return found or "-"


def billable(event: Event, inputs: int, cached: int) -> Usage:
    """The tokens that an event is billed for (pricing contract, 4.1 and 10.2).

    `inputs` are its normalised input tokens, `cached` its compatible cached ones.
    """
    tokens = event.tokens
    if event.billed is not None:
        prompt, read, creation, output = event.billed
        return Usage(prompt, 0, read, creation, output, inputs)
    read, creation = tokens.cache_read_tokens, tokens.cache_creation_tokens
    output = tokens.output_tokens
    if separate_reasoning(event.who.executor_type, event.who.provider):
        output += tokens.reasoning_tokens
    prompt = max(inputs - cached - read - creation, 0)
    return Usage(prompt, cached, read, creation, output, inputs)


def bill(event: Event, book: PriceBook, inputs: int, cached: int) -> Billed:
    """Which row of the book prices an event, and at how much; the counts as in `billable`."""
    names = (
        event.model.resolved_model.strip() or event.model.analytics_model,
        event.model.analytics_model,
        event.model.requested_model.strip() or event.model.model,
    )
    card = book.rate_card(*names, event.way.service_tier)
    cost = None if card is None else card.cost(billable(event, inputs, cached))
    return Billed(book.pricing_model(*names), cost)


def first_filled(*texts: str) -> str:
    """The first text that is not blank, as it is; "" if all are."""
    return next((text for text in texts if text.strip()), "")
