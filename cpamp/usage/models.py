"""Model names, cache accounting and service tiers (usage contract, 3.5 to 3.7)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from cpamp.usage.event import Tokens

INCLUDED = "included_in_input"
SEPARATE = "separate_from_input"
MAX_INT = 2**63 - 1

_SUFFIX = re.compile(r"(.+)\(([^()]*)\)", re.DOTALL)
_EFFORTS = frozenset(("none", "auto", "-1", "minimal", "low", "medium", "high", "xhigh", "max"))
_BUDGET = re.compile(r"\+?[0-9]+|-0+")


@lru_cache(maxsize=8192)
def analytics_model(name: str) -> str:
    """A model's name without one trailing thinking suffix such as ``(high)`` or ``(8192)``."""
    match = _SUFFIX.fullmatch(name)
    if match is None:
        return name
    suffix = match[2]
    if suffix.lower() in _EFFORTS:
        return match[1]
    if _BUDGET.fullmatch(suffix) and (len(suffix) < 5000 and int(suffix) <= MAX_INT):
        return match[1]
    return name


_EXECUTOR_INCLUDED = (
    "openaicompat",
    "openai_compat",
    "openai-compat",
    "openai",
    "codex",
    "gemini",
    "aistudio",
    "ai_studio",
    "ai-studio",
    "antigravity",
    "xai",
    "kimi",
)
_PROVIDER_INCLUDED = (
    "openai",
    "codex",
    "gemini",
    "vertex",
    "aistudio",
    "ai_studio",
    "ai-studio",
    "interaction",
    "antigravity",
    "xai",
    "kimi",
    "moonshot",
)
_MODEL_INCLUDED = (
    "gpt-",
    "openai",
    "codex",
    "gemini",
    "vertex",
    "aistudio",
    "antigravity",
    "grok",
    "xai",
    "kimi",
    "moonshot",
)
_ANTHROPIC = ("anthropic", "claude")


def _has(text: str, words: tuple[str, ...]) -> bool:
    return any(word in text for word in words)


@lru_cache(maxsize=8192)
def named_cache_mode(
    executor_type: str,
    provider: str,
    auth_provider: str,
    resolved_model: str,
    requested_model: str,
    model: str,
) -> str:
    """The cache input mode that the names tell, or "" where they tell none."""
    looked_at = (
        (executor_type, ("claude",), _EXECUTOR_INCLUDED),
        (provider, _ANTHROPIC, _PROVIDER_INCLUDED),
        (auth_provider, _ANTHROPIC, _PROVIDER_INCLUDED),
        (resolved_model, _ANTHROPIC, _MODEL_INCLUDED),
        (requested_model, _ANTHROPIC, _MODEL_INCLUDED),
        (model, _ANTHROPIC, _MODEL_INCLUDED),
    )
    for name, separate, included in looked_at:
        text = name.strip().lower()
        if _has(text, separate):
            return SEPARATE
        if _has(text, included):
            return INCLUDED
    return ""


def explicit_cache_mode(text: str) -> str:
    """A cache input mode that a record states, or "" where it states none that is known."""
    text = text.strip().lower()
    return text if text in (INCLUDED, SEPARATE) else ""


def compatible_cached(tokens: Tokens) -> int:
    """The cached tokens that are neither reads nor creations."""
    cached = max(tokens.cached_tokens, tokens.cache_tokens)
    if cached <= 0:
        return 0
    fine = max(tokens.cache_read_tokens, 0) + max(tokens.cache_creation_tokens, 0)
    return max(cached - fine, 0)


class Buckets(NamedTuple):
    """Input tokens by kind, the same for every provider."""

    uncached_input: int
    total_input: int
    cache_read: int
    cache_creation: int


def normalised(tokens: Tokens, mode: str) -> Buckets:
    """The buckets of some counts whose cache tokens are inside or beside the input."""
    given = max(tokens.input_tokens, 0)
    read = compatible_cached(tokens) + max(tokens.cache_read_tokens, 0)
    creation = max(tokens.cache_creation_tokens, 0)
    if mode == SEPARATE:
        return Buckets(given, given + read + creation, read, creation)
    return Buckets(max(given - read - creation, 0), given, read, creation)


def with_total(tokens: Tokens, mode: str) -> Tokens:
    """The counts with a total made up where none was given."""
    if tokens.total_tokens > 0:
        return tokens
    total = (
        normalised(tokens, mode).total_input
        + max(tokens.output_tokens, 0)
        + max(tokens.reasoning_tokens, 0)
    )
    return tokens._replace(total_tokens=min(total, MAX_INT))


def effective_tier(identity: str, request: str, legacy: str, response: str) -> str:
    """The service tier that counts; `identity` is executor, provider and auth type in one text."""
    order = (response, legacy, request)
    if "codex" in identity.lower():
        order = (request, legacy, response)
    return next(filter(None, order), "")


# Providers that report thinking beside the output.
_SEPARATE_REASONING = ("gemini", "vertex", "aistudio", "antigravity", "interaction")


@lru_cache(maxsize=1024)
def separate_reasoning(executor_type: str, provider: str) -> bool:
    """Whether reasoning tokens come beside the output tokens (pricing contract, 10.2)."""
    return _has((executor_type or provider).lower(), _SEPARATE_REASONING)
