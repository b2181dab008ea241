"""Sure matches and candidates (pricing contract, 3.8 and 3.9)."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cpamp.pricing.likeness import FAMILY, Comparison, Name, edit_distance
from cpamp.pricing.matching import Matcher
from cpamp.pricing.sources import Catalogue, read_litellm, read_models_dev, read_openrouter

PRICE = {"cost": {"input": 1}}


def models_dev(*keys: str, canonical: tuple[str, ...] | None = None) -> Catalogue:
    providers: dict[str, dict[str, dict[str, object]]] = {}
    for key in keys:
        provider, _, model = key.partition("/")
        providers.setdefault(provider, {"models": {}})["models"][model] = PRICE
    if canonical is None:
        return read_models_dev(providers)
    return read_models_dev({"providers": providers, "models": {key: {} for key in canonical}})


def litellm(*keys: str) -> Catalogue:
    return read_litellm({key: {"input_cost_per_token": 1e-6} for key in keys})


def openrouter(*keys: str) -> Catalogue:
    return read_openrouter({"data": [{"id": key, "pricing": {"prompt": 1e-6}} for key in keys]})


def test_names_that_share_one_tail() -> None:
    names = ("claude-sonnet-4.5", "anthropic/claude-sonnet-4-5", "CLAUDE_SONNET_4_5")
    assert {Name(name).tail for name in names} == {"claudesonnet45"}
    assert Name("models/Qwen3.5 (Flash)").tokens == ("qwen3", "5", "flash")


@pytest.mark.parametrize(
    ("catalogues", "name", "expected"),
    [
        # Catalogue shape: the canonical table, by key or by a unique short name.
        ([models_dev("a/m", "b/m", canonical=("a/m",))], "m", "a/m"),
        ([models_dev("a/m", "b/m", canonical=("a/m",))], "A/M", "a/m"),
        ([models_dev("a/m", "b/m", canonical=("a/m", "b/m"))], "m", None),
        ([models_dev("a/m", "b/m", canonical=("a/m",))], "b/m", "b/m"),
        ([models_dev("a/m-1", canonical=("a/x",))], "m-1", None),
        ([models_dev("a/m", canonical=("a/m",))], "m.", None),
        # Flat shapes: the whole ladder, but only a single record.
        ([models_dev("a/m-4.5")], "M_4_5", "a/m-4.5"),
        ([models_dev("a/m", "b/m")], "m", None),
        ([litellm("m", "acme/m")], "m", "m"),
        ([litellm("acme/m-1")], "m.1", "acme/m-1"),
        ([openrouter("acme/m:free")], "acme/m", None),
        # The better source wins; an ambiguous one is passed over.
        ([litellm("m"), models_dev("a/m")], "m", "a/m"),
        ([models_dev("a/m", "b/m"), litellm("m")], "m", "m"),
        ([], "m", None),
    ],
)
def test_a_sure_match(catalogues: list[Catalogue], name: str, expected: str | None) -> None:
    record = Matcher(catalogues).match(name)
    assert (record and record.key) == expected


@pytest.mark.parametrize(
    ("name", "key", "score", "reason"),
    [
        (
            "claude-sonnet-4-latest",
            "anthropic/claude-sonnet-4-20250514",
            0.58,
            "shared-model-tokens",
        ),
        ("gpt-5.5-latest", "openai/gpt-5.5", 0.78, "model-name-contains"),
        ("glm-4.6", "zai-org/GLM-4.5", 0.66, "similar-model-name"),
    ],
)
def test_the_scores_of_the_contract(name: str, key: str, score: float, reason: str) -> None:
    (candidate,) = Matcher([litellm(key)]).candidates(name)
    assert (candidate.score, candidate.reason) == (score, reason)


def test_a_weak_likeness_is_no_candidate() -> None:
    assert Matcher([litellm("openai/codex-mini")]).candidates("codex-auto-review") == []


def test_candidates_are_few_and_the_official_ones_first() -> None:
    keys = [f"p{i}/gpt-5-turbo" for i in range(12)]
    matcher = Matcher([models_dev(*keys, canonical=("p9/gpt-5-turbo",)), litellm("x/gpt-5")])
    found = [candidate.record.key for candidate in matcher.candidates("gpt-5")]
    assert found[0] == "p9/gpt-5-turbo"
    assert len(found) == 8 + 1


def test_every_name_of_a_sync_of_all_models() -> None:
    matcher = Matcher([models_dev("a/m", "b/m"), litellm("a/m"), openrouter("z/q")])
    assert list(matcher.names()) == ["a/m", "m", "z/q"]


@given(st.text("abc1", max_size=8), st.text("abc1", max_size=8))
def test_the_edit_distance_is_that_of_its_definition(a: str, b: str) -> None:
    table = {(i, 0): i for i in range(len(a) + 1)} | {(0, j): j for j in range(len(b) + 1)}
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            beside = min(table[i, j + 1], table[i + 1, j]) + 1
            table[i + 1, j + 1] = min(beside, table[i, j] + (x != y))
    assert edit_distance(a, b) == table[len(a), len(b)]


@given(st.text("abc1", max_size=8), st.text("abc1", max_size=8), st.text("abc1", max_size=8))
def test_the_edit_distance_is_a_metric(a: str, b: str, c: str) -> None:
    assert edit_distance(a, b) == edit_distance(b, a)
    assert (edit_distance(a, b) == 0) == (a == b)
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)


@given(st.text(max_size=12), st.text(max_size=12))
def test_a_similarity_is_from_0_to_1_and_1_only_for_the_same(a: str, b: str) -> None:
    value, _ = Comparison(Name(a)).likeness(Name(b))
    assert 0 <= value <= 1
    assert (value == 1) == (a == b)


PIECES = st.lists(st.sampled_from(["m", "0", "qwen", "qwen3", "x", "pro", "gpt", "5"]), max_size=4)
BY_RESEMBLANCE = (FAMILY, "shared-model-tokens", "similar-model-name", "weak-similarity")


@given(PIECES.map("-".join), PIECES.map("/".join))
def test_what_is_not_compared_letter_by_letter_is_no_candidate(a: str, b: str) -> None:
    mine, theirs = Name(a), Name(b)
    value, reason = Comparison(mine).likeness(theirs)
    assume(reason in BY_RESEMBLANCE)
    longest = max(len(mine.tail), len(theirs.tail))
    edit = 1 - edit_distance(mine.tail, theirs.tail) / longest if longest else 0.0
    weak = reason == "weak-similarity" and max(value, 0.82 * edit) < 0.5
    assert weak or value >= 0.82 * edit
    assert (reason == "similar-model-name") <= (edit >= 0.68)
