"""Prices read strictly and written back (pricing contract, 1 and 2.3)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpamp.pricing.price import ModelPrice, PriceInvalid, Rate, read_book

STATED = {"prompt": 1, "promptConfigured": True}


@pytest.mark.parametrize(
    "value",
    [
        {"prompt": -1},
        {"prompt": "1"},
        {"completion": True},
        {"cacheRead": 10**400},
        {"promptConfigured": 1},
        {"source": 5},
        {"prompt": 1.7e308},
        {"prompt": 1e9 + 1},
        {"syncedAtMs": 1.5},
        {"syncedAtMs": 2**63},
        [],
        7,
        {"contextTiers": {}},
        {"contextTiers": [{"thresholdTokens": 0, **STATED}]},
        {"contextTiers": [{"thresholdTokens": 5, "prompt": 1}]},
        {"contextTiers": [{"thresholdTokens": 5, **STATED}] * 2},
        {"contextTiers": [{"thresholdTokens": 5.0, **STATED}]},
        {"serviceTiers": [{"mode": "fast", **STATED}]},
        {"serviceTiers": [{"mode": "fast", "serviceTier": "priority", "prompt": 1}]},
        {
            "serviceTiers": [
                {"mode": "fast", "serviceTier": "priority", **STATED},
                {"mode": "slow", "serviceTier": " FAST ", **STATED},
            ]
        },
    ],
)
def test_what_is_refused(value: Any) -> None:
    with pytest.raises(PriceInvalid, match=r"of m\b") as caught:
        read_book({"m": value})
    assert (caught.value.status, caught.value.code) == (400, "model_price_invalid")


@pytest.mark.parametrize("book", [[], "x", None, {" ": {}}, {"": {}}])
def test_a_book_is_an_object_of_named_prices(book: Any) -> None:
    with pytest.raises(PriceInvalid):
        read_book(book)


@pytest.mark.parametrize("value", [None, {}])
def test_nothing_is_an_all_zero_price(value: Any) -> None:
    body = ModelPrice.read("m", value).body()
    assert body == {"prompt": 0, "completion": 0, "cache": 0, "updatedAtMs": 0}


def test_field_names_match_without_case_and_unknown_ones_are_ignored() -> None:
    price = ModelPrice.read("m", {"PROMPT": 2, "PromptConfigured": True, "note": "x"})
    assert price.rates.prompt == Rate(2.0, True)


def test_the_base_row_has_no_flag_for_cache_but_a_tier_has() -> None:
    price = ModelPrice.read(
        "m",
        {
            "cache": 1,
            "cacheConfigured": True,
            "contextTiers": [{"thresholdTokens": 5, "cache": 0, "cacheConfigured": True}],
        },
    )
    assert price.rates.cache == Rate(1.0, False)
    assert price.context_tiers[0].rates.cache == Rate(0.0, True)


def test_tiers_come_back_in_order_and_raw_json_on_demand() -> None:
    price = ModelPrice.read(
        "m",
        {
            "rawJson": "{}",
            "contextTiers": [{"thresholdTokens": n, **STATED} for n in (9, 5)],
            "serviceTiers": [
                {"mode": "Fast ", "serviceTier": "Priority", **STATED},
                {"mode": "batch", "serviceTier": "batch", **STATED},
            ],
        },
    )
    body = price.body()
    assert [tier["thresholdTokens"] for tier in body["contextTiers"]] == [5, 9]
    assert [tier["serviceTier"] for tier in body["serviceTiers"]] == ["batch", "priority"]
    assert "rawJson" not in body
    assert price.body(raw=True)["rawJson"] == "{}"


USD = st.floats(min_value=0, max_value=1e6, allow_nan=False)
RATES = st.fixed_dictionaries(
    {"prompt": USD, "promptConfigured": st.just(True)},
    optional={
        "completion": USD,
        "cacheRead": USD,
        "cacheReadConfigured": st.booleans(),
        "cacheCreation": USD,
        "cacheCreationConfigured": st.booleans(),
    },
)
PRICES = st.builds(
    lambda base, tiers: {
        **base,
        "contextTiers": [{"thresholdTokens": n, **rates} for n, rates in tiers.items()],
    },
    RATES,
    st.dictionaries(st.integers(1, 10**6), RATES, max_size=3),
)


@given(PRICES)
def test_what_was_written_reads_back_the_same(value: dict[str, Any]) -> None:
    price = ModelPrice.read("m", value)
    assert ModelPrice.read("m", price.body(raw=True)) == price
