"""Source documents read into records (pricing contract, 3.3 to 3.6 and 10.12-13)."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from cpamp.pricing.price import Rate, Rates
from cpamp.pricing.sources import (
    PER_MILLION,
    PER_TOKEN,
    Catalogue,
    SourceFailed,
    read_litellm,
    read_models_dev,
    read_number,
    read_openrouter,
)

CATALOGUE = {
    "models": {"acme/acme-1": {"name": "Acme 1"}, "acme/acme-1-mini": {}},
    "providers": {
        "acme": {
            "models": {
                "acme-1": {
                    "name": "Acme 1",
                    "cost": {
                        "input": 2,
                        "output": 8,
                        "cache_read": 0.2,
                        "cache_write": 2.5,
                        "reasoning": 9,
                        "tiers": [
                            {
                                "input": 4,
                                "output": 12,
                                "cache_read": 0.4,
                                "tier": {"type": "context", "size": 200000},
                            }
                        ],
                    },
                    "experimental": {"modes": {"fast": {"cost": {"input": 5, "output": 20}}}},
                },
                "acme-free": {"cost": {"input": 0, "output": 0}},
                "acme-old": {"limit": {"context": 8000}},
            }
        },
        "reseller": {"models": {"acme-1": {"cost": {"input": 2.2, "output": 8.8}}}},
    },
}


def keys(catalogue: Catalogue) -> list[str]:
    return [record.key for record in catalogue.records]


def test_the_catalogue_shape_of_models_dev() -> None:
    found = read_models_dev(CATALOGUE)
    assert keys(found) == ["acme/acme-1", "acme/acme-free", "reseller/acme-1"]
    assert found.skipped == 1
    assert found.canonical == {"acme/acme-1", "acme/acme-1-mini"}
    body = found.records[0].price.body()
    assert body | {"updatedAtMs": 0} == {
        "prompt": 2,
        "promptConfigured": True,
        "completion": 8,
        "completionConfigured": True,
        "cache": 0.2,
        "cacheRead": 0.2,
        "cacheReadConfigured": True,
        "cacheCreation": 2.5,
        "cacheCreationConfigured": True,
        "source": "models.dev",
        "sourceModelId": "acme/acme-1",
        "contextTiers": [
            {
                "thresholdTokens": 200000,
                "prompt": 4,
                "promptConfigured": True,
                "completion": 12,
                "completionConfigured": True,
                "cache": 0.4,
                "cacheConfigured": True,
                "cacheRead": 0.4,
                "cacheReadConfigured": True,
            }
        ],
        "serviceTiers": [
            {
                "mode": "fast",
                "serviceTier": "priority",
                "prompt": 5,
                "promptConfigured": True,
                "completion": 20,
                "completionConfigured": True,
                "cache": 0,
            }
        ],
        "updatedAtMs": 0,
    }
    assert found.records[0].alias == "acme-1"


def test_the_flat_shape_of_models_dev_has_no_canonical_list() -> None:
    found = read_models_dev(CATALOGUE["providers"])
    assert (len(found.records), found.canonical) == (3, None)


@pytest.mark.parametrize(
    ("read", "document", "text"),
    [
        (read_models_dev, {}, "no usable prices"),
        (read_models_dev, None, "no usable prices"),
        (read_models_dev, {"providers": {}, "models": {}}, "no canonical models"),
        (read_models_dev, {"providers": {}}, "no canonical models"),
        (read_models_dev, {"acme": 1}, "a provider is not an object"),
        (read_models_dev, [], "not an object"),
        (read_litellm, {"x": 3}, "a record is not an object"),
        (read_litellm, "x", "not an object"),
        (read_openrouter, [], "not an object"),
    ],
)
def test_a_document_of_another_shape_fails_its_source(
    read: Callable[[Any], Catalogue], document: Any, text: str
) -> None:
    with pytest.raises(SourceFailed, match=text):
        read(document)


@pytest.mark.parametrize(
    "tiers",
    [
        [{"input": 1, "tier": {"type": "context", "size": 0}}],
        [{"input": 1, "tier": {"type": "context", "size": 2**63}}],
        [{"input": 1, "tier": {"type": "Context", "size": "200000"}}],
        [{"tier": {"type": "context", "size": 1000}}],
        [{"input": 1, "tier": {"type": "context", "size": 1000}}] * 2,
        [{"input": -1, "tier": {"type": "context", "size": 1000}}],
    ],
)
def test_one_bad_context_tier_drops_them_all_but_not_the_model(tiers: list[Any]) -> None:
    found = read_models_dev({"p": {"models": {"m": {"cost": {"input": 1, "tiers": tiers}}}}})
    assert [(r.key, r.price.context_tiers) for r in found.records] == [("p/m", ())]


def test_litellm_with_its_context_and_service_tiers() -> None:
    found = read_litellm(
        {
            "sample_spec": {"input_cost_per_token": 0.0},
            "acme/acme-1": {
                "input_cost_per_token": 2.1e-06,
                "output_cost_per_token": 8e-06,
                "cache_read_input_token_cost": 2e-07,
                "input_cost_per_token_above_200k_tokens": 4e-06,
                "input_cost_per_token_priority": 5e-06,
                "input_cost_per_token_batches": 1e-06,
            },
            "picture-1": {"output_cost_per_image": 0.04},
            "bad": {"input_cost_per_token": -1},
        }
    )
    (record,) = found.records
    assert found.skipped == 3
    assert record.price.rates == Rates(Rate(2.1, True), Rate(8.0, True), Rate(0.2), Rate(0.2, True))
    assert [(t.threshold_tokens, t.rates.prompt.usd) for t in record.price.context_tiers] == [
        (200_000, 4.0)
    ]
    assert [(t.mode, t.service_tier) for t in record.price.service_tiers] == [
        ("batch", "batch"),
        ("fast", "priority"),
    ]


def test_openrouter() -> None:
    found = read_openrouter(
        {
            "data": [
                {
                    "id": " acme/acme-1 ",
                    "pricing": {"prompt": "0.000002", "input_cache_read": "5e-7", "request": "0"},
                },
                {"id": "acme/nothing"},
                {"id": "acme/varies", "pricing": {"prompt": "-1"}},
                "x",
            ]
        }
    )
    assert keys(found) == ["acme/acme-1"]
    assert found.skipped == 3
    assert found.records[0].price.rates.cache_read == Rate(0.5, True)
    assert read_openrouter({}) == Catalogue("openrouter", ())


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (2, PER_MILLION, Rate(2.0, True)),
        (0, PER_MILLION, Rate(0.0, True)),
        (2.1e-6, PER_TOKEN, Rate(2.1, True)),
        (" 5e-7 ", PER_TOKEN, Rate(0.5, True)),
        (None, PER_TOKEN, Rate()),
        (True, PER_TOKEN, Rate()),
        ("abc", PER_TOKEN, Rate()),
        ("NaN", PER_TOKEN, Rate()),
        ("Infinity", PER_TOKEN, Rate()),
        ({}, PER_TOKEN, Rate()),
    ],
)
def test_reading_a_number(value: Any, unit: Decimal, expected: Rate) -> None:
    assert read_number(value, unit) == expected


@pytest.mark.parametrize("value", [-1, "-1e-9", math.inf, 1e4, 1e14, 1e300, "9" * 40, "1e999999"])
def test_a_price_that_no_book_may_have_spoils_its_record_alone(value: Any) -> None:
    good = {"input_cost_per_token": 1e-6}
    found = read_litellm({"bad": {**good, "output_cost_per_token": value}, "good": good})
    assert (keys(found), found.skipped) == (["good"], 1)
