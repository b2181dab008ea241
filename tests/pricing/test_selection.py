"""What a sync would write (pricing contract, 2.5, 3.7 to 3.10, 10.1)."""

from __future__ import annotations

from typing import Any

import pytest

from cpamp.errors import InvalidJson
from cpamp.pricing.matching import Matcher
from cpamp.pricing.price import ModelPrice, Rate, Rates
from cpamp.pricing.selection import MOST_COMPARED, complete, requested_models, select
from cpamp.pricing.sources import Catalogue, read_litellm, read_models_dev
from cpamp.pricing.sync import SyncRequest


def litellm(*keys: str) -> Catalogue:
    return read_litellm({key: {"input_cost_per_token": 3e-6} for key in keys})


def models_dev(**models: float) -> Catalogue:
    return read_models_dev(
        {"acme": {"models": {name: {"cost": {"input": usd}} for name, usd in models.items()}}}
    )


def row(source: str, usd: float = 9.0) -> ModelPrice:
    return ModelPrice(Rates(Rate(usd, True)), source=source)


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        (None, None),
        ([], None),
        (["  "], []),
        ([" a ", "b", "a", ""], ["a", "b"]),
    ],
)
def test_what_is_requested(models: Any, expected: list[str] | None) -> None:
    assert requested_models(models) == expected


def test_matches_candidates_and_the_rest_in_request_order() -> None:
    found = select(
        ["zzz", "m-pro-latest", "m-pro", "nothing"],
        Matcher([litellm("acme/m-pro")]),
        failed=(),
        stored={},
    )
    assert list(found.matched) == ["m-pro"]
    assert found.matched["m-pro"].source_model_id == "acme/m-pro"
    assert list(found.candidates) == ["m-pro-latest"]
    assert found.unmatched == ["zzz", "nothing"]
    (body,) = found.candidates_body()
    assert body["candidates"][0]["price"]["prompt"] == 3.0


def test_all_models_takes_sure_matches_and_says_nothing_of_the_others() -> None:
    found = select(None, Matcher([models_dev(m=1), litellm("x", "X")]), failed=(), stored={})
    assert set(found.matched) == {"m", "x", "X"}
    assert (found.candidates, found.unmatched) == ({}, [])


@pytest.mark.parametrize(
    ("stored", "failed", "overwrite", "preserved"),
    [
        (row("manual"), (), False, ["m"]),
        (row("manual"), (), True, []),
        (row("models.dev"), ("models.dev",), False, ["m"]),
        (row("litellm"), ("models.dev",), False, []),
        (row("openrouter"), ("openrouter",), False, []),
        (row("models.dev"), (), False, []),
        (row(""), ("models.dev",), False, []),
    ],
)
def test_rows_that_stay_as_they_are(
    stored: ModelPrice, failed: tuple[str, ...], overwrite: bool, preserved: list[str]
) -> None:
    found = select(
        ["m"],
        Matcher([litellm("m")]),
        failed=failed,
        stored={"m": stored},
        overwrite_manual=overwrite,
    )
    assert found.preserved == preserved
    assert set(found.matched) == ({"m"} - set(preserved))


def test_a_row_of_a_failed_source_stays_when_nothing_else_has_it() -> None:
    found = select(
        ["q"], Matcher([litellm("m")]), failed=("models.dev",), stored={"q": row("models.dev")}
    )
    assert (found.preserved, found.unmatched) == (["q"], ["q"])


def test_when_the_next_source_need_not_be_asked() -> None:
    matcher = Matcher([models_dev(m=1)])
    assert complete(["m"], matcher)
    for requested in (["m", "n"], [], None):
        assert not complete(requested, matcher)


def test_a_selection_stops_between_two_names() -> None:
    asked: list[int] = []

    def go_on() -> None:
        asked.append(1)
        if len(asked) == 3:
            raise KeyboardInterrupt

    names = [f"m{i}-pro-x" for i in range(10)]
    with pytest.raises(KeyboardInterrupt):
        select(names, Matcher([litellm("acme/m-pro")]), failed=(), stored={}, go_on=go_on)
    assert len(asked) == 3


def test_too_many_names_are_refused() -> None:
    with pytest.raises(InvalidJson):
        SyncRequest.read({"models": [f"m{i}" for i in range(5_001)]})


def test_only_so_many_names_are_compared_with_all_records() -> None:
    names = [f"m-pro-{number}" for number in range(MOST_COMPARED + 1)]
    found = select([*names, "acme/m-pro"], Matcher([litellm("acme/m-pro")]), failed=(), stored={})
    assert list(found.candidates) == names[:-1]
    assert list(found.unmatched) == names[-1:]
    # Sure matches are found all the same.
    assert list(found.matched) == ["acme/m-pro"]
