"""Token counts of a record, and what CPA says is to be billed (usage contract, 3.5)."""

from __future__ import annotations

from typing import Any

from cpamp.usage.event import Billed, Tokens, Who
from cpamp.usage.members import Record, as_integer, text_of
from cpamp.usage.models import (
    INCLUDED,
    MAX_INT,
    SEPARATE,
    compatible_cached,
    explicit_cache_mode,
    separate_reasoning,
)

CACHE_MODE = ("cache_input_mode", "cacheInputMode")
_TOKEN_ALIASES: dict[str, tuple[str, ...]] = {
    "input_tokens": ("input_tokens", "inputTokens", "prompt_tokens", "promptTokens"),
    "output_tokens": ("output_tokens", "outputTokens", "completion_tokens", "completionTokens"),
    "reasoning_tokens": ("reasoning_tokens", "reasoningTokens"),
    "cached_tokens": ("cached_tokens", "cachedTokens"),
    "cache_tokens": ("cache_tokens", "cacheTokens"),
    "cache_read_tokens": (
        "cache_read_tokens",
        "cacheReadTokens",
        "cache_read_input_tokens",
        "cacheReadInputTokens",
    ),
    "cache_creation_tokens": (
        "cache_creation_tokens",
        "cacheCreationTokens",
        "cache_creation_input_tokens",
        "cacheCreationInputTokens",
        "cache_write_tokens",
        "cacheWriteTokens",
        "cache_write_input_tokens",
        "cacheWriteInputTokens",
    ),
    "total_tokens": ("total_tokens", "totalTokens", "total"),
}
# Alias -> (place in Tokens, rank among the aliases of that place).
_TOKEN_PLACES = {
    alias: (place, rank)
    for place, aliases in enumerate(_TOKEN_ALIASES.values())
    for rank, alias in enumerate(aliases)
}
TOKEN_NAMES = frozenset(_TOKEN_PLACES)
_NO_RANK = 99


# What CPA writes, and what it may write beside it in the same object.
_PLAIN_NAMES = Tokens._fields
_PLAIN_MEMBERS = frozenset((*_PLAIN_NAMES, "cache_read_tokens_present"))
_INT = {int}


def tokens_of(record: Record) -> Tokens:
    """The counts of a record, none negative: of each the first non-zero one that is found."""
    plain = None
    if "usage" not in record and TOKEN_NAMES.isdisjoint(record):
        plain = plain_tokens(record.get("tokens"))
    return plain or searched_tokens(record)


def plain_tokens(told: Any) -> Tokens | None:
    """The counts of the member `tokens`, if it is as CPA writes it."""
    if type(told) is not dict or not _PLAIN_MEMBERS.issuperset(told):
        return None
    counts = [told.get(name, 0) for name in _PLAIN_NAMES]
    if _INT.issuperset(map(type, counts)) and min(counts) >= 0 and max(counts) <= MAX_INT:
        return Tokens._make(counts)
    return None


def searched_tokens(record: Record) -> Tokens:
    """The counts under any of their names, wherever they are."""
    counts = [0] * len(_TOKEN_ALIASES)
    for holder in (record.get("tokens"), record.get("usage"), record):
        if not isinstance(holder, dict) or TOKEN_NAMES.isdisjoint(holder):
            continue
        found: dict[int, tuple[int, int]] = {}
        for name, value in holder.items():
            at = _TOKEN_PLACES.get(name)
            if at is None or counts[at[0]]:
                continue
            place, rank = at
            number = value if type(value) is int else as_integer(value)
            if number and rank < found.get(place, (_NO_RANK, 0))[0]:
                found[place] = rank, number
        for place, (_, number) in found.items():
            counts[place] = number
    return Tokens(*(min(count, MAX_INT) if count > 0 else 0 for count in counts))


def stated_cache_mode(record: Record) -> str:
    """The cache input mode that a record states, or ""."""
    for holder in (record.get("tokens"), record.get("usage"), record):
        if isinstance(holder, dict):
            mode = explicit_cache_mode(text_of(holder, *CACHE_MODE))
            if mode:
                return mode
    return ""


def counted_mode(tokens: Tokens) -> str:
    """The cache mode that the counts tell, where nothing else does."""
    beside = tokens.cache_read_tokens > 0 or tokens.cache_creation_tokens > 0
    return SEPARATE if beside else INCLUDED


def billed_of(record: Record, who: Who, tokens: Tokens, mode: str) -> Billed | None:
    """CPA's own breakdown, where it is complete and says something else than the counts."""
    whole = record.get("token_breakdown")
    if type(whole) is not dict or whole.get("quality") != "complete":
        return None
    inputs, outputs = whole.get("input"), whole.get("output")
    if whole.get("schema_version") != 2 or type(inputs) is not dict or type(outputs) is not dict:
        return None
    stated = (
        inputs.get("uncached_tokens"),
        inputs.get("cache_read_tokens"),
        inputs.get("cache_write_tokens"),
        outputs.get("total_tokens"),
    )
    if stated == counted(who, tokens, mode):
        return None
    if not all(type(n) is int and 0 <= n <= MAX_INT for n in stated):
        return None
    billed = Billed(*stated)  # type: ignore[arg-type]
    total = billed.prompt + billed.cache_read + billed.cache_creation
    if total != inputs.get("total_tokens") or total + billed.output != whole.get("total_tokens"):
        return None
    return billed


def counted(who: Who, tokens: Tokens, mode: str) -> tuple[int, int, int, int] | None:
    """What the counts alone would be billed as; None where some are of no stated kind."""
    given, output, reasoning, _, _, read, creation, _ = tokens
    if compatible_cached(tokens):
        return None
    fresh = given if mode == SEPARATE else max(given - read - creation, 0)
    beside = reasoning and separate_reasoning(who.executor_type, who.provider)
    return fresh, read, creation, output + (reasoning if beside else 0)
