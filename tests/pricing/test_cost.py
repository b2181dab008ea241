"""The worked examples of the pricing contract, section 4.9, and the rules around them."""

from __future__ import annotations

import pytest

from cpamp.pricing.cost import PriceBook, Usage
from cpamp.pricing.price import ModelPrice, read_book
from cpamp.usage.models import separate_reasoning


def usage(
    i: int, o: int = 0, c: int = 0, cr: int = 0, cw: int = 0, *, separate: bool = False
) -> Usage:
    """The billable tokens of an event with these counts (section 4.1)."""
    k = max(c - cr - cw, 0)
    n = i + k + cr + cw if separate else i
    return Usage(max(n - k - cr - cw, 0), k, cr, cw, o, n)


def cost(prices: dict[str, dict[str, object]], model: str, *events: Usage, tier: str = "") -> float:
    card = PriceBook(read_book(prices)).rate_card(model, model, model, tier)
    return sum(card.cost(event) for event in events) if card else 0.0


SONNET = {"prompt": 3, "completion": 15, "cacheRead": 0.3, "cacheCreation": 3.75}
GPT54 = {"prompt": 2.5, "completion": 15, "cache": 0.25}
FAST = {"mode": "fast", "serviceTier": "priority", "prompt": 12.5, "promptConfigured": True}
GPT55 = {
    "prompt": 5,
    "completion": 30,
    "serviceTiers": [{**FAST, "completion": 75, "completionConfigured": True}],
}
TWO_TIERS = {
    "prompt": 10,
    "completion": 4,
    "contextTiers": [
        {
            "thresholdTokens": 200000,
            "prompt": 0,
            "promptConfigured": True,
            "completion": 8,
            "completionConfigured": True,
        },
        {"thresholdTokens": 100000, "prompt": 20, "promptConfigured": True},
    ],
}
CLAUDE_TIER = {
    "prompt": 1,
    "cacheRead": 0.1,
    "contextTiers": [{"thresholdTokens": 200000, "prompt": 2, "promptConfigured": True}],
}
ONE_TIER = {
    "prompt": 1,
    "contextTiers": [{"thresholdTokens": 100000, "prompt": 3, "promptConfigured": True}],
}
MILLION = 1_000_000

EXAMPLES = [
    (1, {"prompt": 2, "completion": 4, "cache": 1}, "m", [(MILLION, 500000, 250000)], "", 3.75),
    (2, {"prompt": 10, "cache": 1}, "m", [(100000, 0, 250000)], "", 0.25),
    (
        3,
        {"prompt": 2, "completion": 4, "cache": 1, "cacheRead": 0.5, "cacheCreation": 3},
        "m",
        [(1300000, 0, 400000, 200000, 100000)],
        "",
        2.3,
    ),
    (7, {"prompt": 2, "completion": 4}, "m", [(MILLION, 0, 400000, 400000)], "", 1.28),
    (
        8,
        {"prompt": 2, "cache": 1, "cacheReadConfigured": True},
        "m",
        [(MILLION, 0, 400000, 400000)],
        "",
        1.2,
    ),
    (9, {"prompt": 2}, "m", [(MILLION, 0, 0, 0, 400000)], "", 2),
    (10, {"prompt": 2, "completion": 4}, "m", [(MILLION, 0, 400000)], "", 1.2),
    (11, {"prompt": 2.5}, "gpt-5.4", [(100000,)], "priority", 0.5),
    (12, {"prompt": 5}, "gpt-5.5", [(100000,)], "flex", 0.25),
    (13, GPT54, "gpt-5.4", [(300000, 100000)], "default", 3.75),
    (14, GPT54, "gpt-5.4", [(MILLION, 1000, 400000, 400000)], "", 3.2225),
    (15, GPT55, "gpt-5.5", [(300000, 100000)], "priority", 7.5),
    (16, GPT55, "gpt-5.5", [(100000, 10000)], "fast", 2),
    (17, TWO_TIERS, "m", [(n, 100000) for n in (100000, 100001, 200001)], "", 4.60002),
    (
        20,
        {"prompt": 10, "completion": 20, "cache": 10},
        "gpt-5.6-terra",
        [(100000, 0, 20000, 20000, 10000)],
        "priority",
        1.69,
    ),
    # Above a context tier a discount holds, unlike in the reference (section 10.4).
    (24, ONE_TIER, "m", [(100000,), (100001,)], "flex", 0.05 + 0.1500015),
]


@pytest.mark.parametrize(
    ("price", "model", "events", "tier", "expected"),
    [pytest.param(*case[1:], id=f"example {case[0]}") for case in EXAMPLES],
)
def test_worked_examples(
    price: dict[str, object],
    model: str,
    events: list[tuple[int, ...]],
    tier: str,
    expected: float,
) -> None:
    """Cache inside the input."""
    found = cost({model: price}, model, *(usage(*event) for event in events), tier=tier)
    assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("price", "event", "expected"),
    [
        pytest.param(SONNET, (1000, 500, 20000, 20000, 4000), 0.0315, id="example 4"),
        pytest.param(SONNET, (1000, 500, 4000, 0, 4000), 0.0255, id="example 5"),
        pytest.param(CLAUDE_TIER, (50000, 0, 150001, 150001), 0.1150001, id="example 18"),
    ],
)
def test_worked_examples_with_cache_beside_the_input(
    price: dict[str, object], event: tuple[int, ...], expected: float
) -> None:
    found = cost({"m": price}, "m", usage(*event, separate=True))
    assert found == pytest.approx(expected, abs=1e-9)


def test_the_same_claude_through_a_compatible_executor_is_example_6() -> None:
    price = {"prompt": 3, "completion": 15, "cacheRead": 0.3}
    assert cost({"m": price}, "m", usage(30000, 500, 20000, 20000)) == pytest.approx(0.0435)


def test_gpt_56_without_a_row_is_example_19() -> None:
    found = cost({}, "gpt-5.6-sol", usage(272000), usage(272001))
    assert found == pytest.approx(4.08001, abs=1e-9)


def test_a_row_in_the_book_beats_the_fallback() -> None:
    price = {"prompt": 4, "completion": 20}
    assert cost({"gpt-5.6-sol": price}, "gpt-5.6-sol", usage(100000)) == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("book", "names", "expected_model", "expected"),
    [
        ({"GLM-5.2": 3}, ("zai/glm-5.2", "GLM-5.2", "GLM-5.2"), "GLM-5.2", 3),
        ({"m": 1, "m(high)": 5}, ("m", "m", "m(high)"), "m", 1),
        ({"m(high)": 5}, ("m", "m", "m(high)"), "m(high)", 5),
        ({}, ("real", "alias", "alias"), "real", None),
    ],
    ids=["example 21", "example 22a", "example 22b", "unpriced"],
)
def test_which_row_prices_an_event(
    book: dict[str, float],
    names: tuple[str, str, str],
    expected_model: str,
    expected: float | None,
) -> None:
    prices = PriceBook(read_book({model: {"prompt": usd} for model, usd in book.items()}))
    card = prices.rate_card(*names, "")
    assert prices.pricing_model(*names) == expected_model
    assert (card and card.cost(usage(MILLION))) == expected


def test_the_rules_of_gpt_56_hold_for_an_alias_price_as_in_example_23() -> None:
    book = PriceBook(read_book({"alias-a": {"prompt": 2, "completion": 4}}))
    card = book.rate_card("openai/gpt-5.6-luna", "alias-a", "alias-a", "")
    assert card is not None
    assert card.cost(usage(100000, 0, 20000, 20000, 10000)) == pytest.approx(0.169)


def test_a_context_tier_inherits_the_completed_base_rates() -> None:
    price = {
        "prompt": 10,
        "contextTiers": [{"thresholdTokens": 100, "prompt": 20, "promptConfigured": True}],
    }
    # Cache reads cost a tenth of the base prompt price, not of the tier's.
    found = cost({"gpt-5.6-sol": price}, "gpt-5.6-sol", usage(1000, 0, 1000, 1000))
    assert found == pytest.approx(1000 * 1.0 / MILLION)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gpt-5.5", 2.0),
        ("openai/GPT-5.5-2026-04-01", 2.0),
        ("gpt-5.5-pro", 1.0),
        ("gpt-5.4-mini", 1.0),
        ("gpt-5.4-pro-2026", 2.0),
        ("claude-sonnet-4-6", 1.0),
    ],
)
def test_long_context_is_for_some_models_alone(model: str, expected: float) -> None:
    found = cost({model: {"prompt": 1}}, model, usage(MILLION))
    assert found == pytest.approx(expected)


@pytest.mark.parametrize(
    ("executor", "provider", "expected"),
    [
        ("GeminiVertexExecutor", "", True),
        ("", "antigravity", True),
        ("", "gemini-interactions", True),
        ("OpenAICompatExecutor", "gemini", False),
        ("CodexExecutor", "codex", False),
        ("", "", False),
    ],
)
def test_who_reports_thinking_beside_the_output(
    executor: str, provider: str, expected: bool
) -> None:
    assert separate_reasoning(executor, provider) is expected


def test_an_all_zero_price_is_a_price() -> None:
    assert PriceBook({"m": ModelPrice()}).rate_card("m", "m", "m", "") is not None
