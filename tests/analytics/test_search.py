"""A search looks in the texts of an event that it should, and in no others."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from cpamp.analytics.answer import Answerer
from cpamp.pricing.cost import PriceBook
from cpamp.usage.event import Caller, End, Event, ModelNames, Way, Who
from tests.analytics.asking import answered, recounted, stored
from tests.store.samples import NOW, event

NEEDLE = "Needle"
# In each of these alone the needle lies once.
SEARCHED = (
    *("request_id", "event_hash", "api_key_hash", "trace_id"),
    *("model.model", "model.requested_model", "model.resolved_model", "model.analytics_model"),
    *("way.endpoint", "way.method", "way.path", "way.reasoning_effort", "way.service_tier"),
    *("caller.client_ip", "caller.x_forwarded_for", "caller.user_agent"),
    *("who.auth_index", "who.source", "who.source_hash", "who.account_snapshot"),
    *("who.auth_label_snapshot", "who.auth_file_snapshot", "who.auth_provider_snapshot"),
    *("who.auth_project_id_snapshot", "who.executor_type"),
    *("end.fail_summary", "end.header_error_kind", "end.header_error_code", "end.plan_type"),
)
IGNORED = ("who.provider", "who.auth_type", "fail_body", "raw", "metadata")
BARE = event(
    0,
    who=Who(),
    model=ModelNames(),
    way=Way(),
    caller=Caller(),
    end=End(failed=True),
    api_key_hash="",
    request_id="",
    trace_id="",
)


def with_needle(number: int, field: str) -> Event:
    """An event of which this field alone has the needle in it."""
    group, _, member = field.rpartition(".")
    text: Any = f'{{"x":"-{NEEDLE}-"}}' if field in ("raw", "metadata") else f"-{NEEDLE}-"
    value = text.encode() if field in ("raw", "metadata") else text
    digest = hashlib.sha256(field.encode()).hexdigest()
    made = attrs.evolve(BARE, event_hash=digest, timestamp_ms=NOW + number, created_at_ms=number)
    if group:
        return attrs.evolve(made, **{group: getattr(made, group)._replace(**{member: value})})
    return attrs.evolve(made, **{field: value})


@pytest.fixture(scope="module")
def answerer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answerer]:
    """Answers about an event for each field, its time in ms telling which."""
    fields = enumerate((*SEARCHED, *IGNORED))
    events = [with_needle(number, field) for number, field in fields]
    with stored(tmp_path_factory.mktemp("search"), [events], PriceBook({})) as found:
        yield found


def question(text: str) -> dict[str, Any]:
    include = {"events_page": {"limit": 1_000}, "summary": True}
    return {"from_ms": 1, "to_ms": 2 * NOW, "search_query": text, "include": include}


def found(answer: dict[str, Any]) -> set[str]:
    """The fields whose events an answer has."""
    names = (*SEARCHED, *IGNORED)
    return {names[row["timestamp_ms"] - NOW] for row in answer["events"]["items"]}


def test_there_are_29_fields() -> None:
    assert len(set(SEARCHED)) == 29


@pytest.mark.parametrize("field", SEARCHED)
def test_a_text_is_found_in_each_field(answerer: Answerer, field: str) -> None:
    for text in ("needle", "NEEDLE", "-needle-"):
        assert field in found(answered(answerer, question(text))), text


def test_other_fields_are_not_searched(answerer: Answerer) -> None:
    answer = answered(answerer, question(NEEDLE))
    assert found(answer) == set(SEARCHED)
    assert answer["summary"]["total_calls"] == 29
    assert found(recounted(answerer, question(NEEDLE))) == set(SEARCHED)
