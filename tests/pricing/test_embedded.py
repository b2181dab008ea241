"""The shipped price table: made from its source, and in agreement with another one."""

from __future__ import annotations

import importlib.resources
from datetime import UTC, datetime

import genai_prices
import orjson
import pytest

from cpamp.pricing.embedded import build, load
from cpamp.pricing.price import read_book

# Our provider ids and genai-prices'.
PROVIDERS = {
    "anthropic": "anthropic",
    "deepseek": "deepseek",
    "google": "google",
    "mistral": "mistral",
    "moonshotai": "moonshotai",
    "openai": "openai",
    "xai": "x-ai",
}
# Those whose every common model must agree; the others carry image models and promotions.
EXACT = ("anthropic", "openai")


def test_the_table_is_what_the_script_makes() -> None:
    files = importlib.resources.files
    snapshot = orjson.loads(files("model_prices").joinpath("snapshot.json").read_bytes())
    shipped = files("cpamp.pricing").joinpath("data", "prices.json").read_bytes()
    assert orjson.loads(shipped) == build(snapshot)


def test_the_notices_ship_with_it() -> None:
    text = importlib.resources.files("cpamp.pricing").joinpath("data", "prices.LICENSE").read_text()
    assert text.count("MIT License") == 2
    assert "models.dev" in text


def other_price(provider: str, model: str, at: datetime) -> float | None:
    """What genai-prices asks for 1,000 tokens in and 1,000 out, in USD."""
    try:
        found = genai_prices.calc_price(
            genai_prices.Usage(input_tokens=1000, output_tokens=1000),
            model_ref=model,
            provider_id=PROVIDERS[provider],
            genai_request_timestamp=at,
        )
    except LookupError:
        return None
    return float(found.total_price)


def test_it_agrees_with_genai_prices() -> None:
    table = load()
    at = datetime.fromisoformat(table.as_of).replace(tzinfo=UTC)
    agreed: list[str] = []
    differing: list[str] = []
    for record in table.catalogue.records:
        provider = record.key.partition("/")[0]
        theirs = other_price(provider, record.alias, at) if provider in PROVIDERS else None
        if theirs is None:
            continue
        ours = (record.price.rates.prompt.usd + record.price.rates.completion.usd) / 1000
        (agreed if ours == pytest.approx(theirs) else differing).append(record.key)
    assert [key for key in differing if key.startswith(EXACT)] == []
    assert len(agreed) > 10 * len(differing)
    assert len(agreed) > 200


def test_the_seed_holds_what_cpa_serves_and_passes_for_a_price_book() -> None:
    seed = load().seed(now_ms=7)
    assert {"gpt-5.5", "claude-sonnet-4-6", "gemini-3.1-pro-preview"} <= seed.keys()
    sol = seed["gpt-5.6-sol"]
    assert (sol.rates.prompt.usd, sol.rates.completion.usd) == (4, 20)
    assert (sol.source, sol.updated_at_ms, sol.synced_at_ms) == ("embedded", 7, 7)
    assert read_book({model: price.body() for model, price in seed.items()}).keys() == seed.keys()
