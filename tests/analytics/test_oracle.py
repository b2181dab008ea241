"""Every section equals what is counted event by event, for any events and any request."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cpamp.analytics.answer import Answerer
from cpamp.analytics.request import LAST_MS, MAX_INSTANT_MS, SECTIONS
from cpamp.analytics.zones import SLOT_MS
from cpamp.pricing.cost import PriceBook
from cpamp.pricing.price import read_book
from cpamp.usage.event import Event, ModelNames, Tokens, Who
from tests import answers
from tests.analytics.asking import NOW, answered, growing, recounted, stored
from tests.analytics.test_zones import ms
from tests.store import samples
from tests.store.samples import FEW_TEXTS, any_event

HOUR = 3_600_000
DAY = 24 * HOUR
ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "America/New_York")
BOOK = PriceBook(
    read_book(
        {
            "a": {"prompt": 2, "completion": 4, "cache": 1},
            "ab": {
                "prompt": 1,
                "completion": 2,
                "contextTiers": [
                    {"thresholdTokens": 128, "prompt": 3, "promptConfigured": True},
                    {"thresholdTokens": 4000, "completion": 0, "completionConfigured": True},
                ],
            },
            "ünï": {
                "prompt": 5,
                "completion": 6,
                "serviceTiers": [
                    {"mode": "fast", "serviceTier": "a", "prompt": 9, "promptConfigured": True}
                ],
            },
        }
    )
)
# Some near each other, some on the edges of hours, some equal, some anywhere.
TIMES = st.one_of(
    st.integers(NOW - 3 * DAY, NOW + 3 * DAY),
    st.integers(-80, 80).map(lambda hours: NOW + hours * HOUR),
    st.sampled_from([NOW, NOW + 1, NOW - 1]),
)


@st.composite
def some_event(draw: st.DrawFn) -> Event:
    """An event whose time is mostly within some days."""
    event = draw(any_event())
    if draw(st.integers(0, 9)):
        at_ms = draw(TIMES)
        text = draw(st.sampled_from(["yesterday", f"{at_ms}", "today"]))
        event = attrs.evolve(event, timestamp_ms=at_ms, timestamp=text)
    return event


LISTS = st.lists(FEW_TEXTS, max_size=3)
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(
            (
                *("models", "providers", "accounts", "credential_ids", "auth_files"),
                *("auth_indices", "api_key_hashes", "source_hashes", "project_ids"),
                *("request_types", "header_error_kinds", "header_error_codes"),
                *("header_quota_plans", "header_trace_ids"),
            ),
            LISTS,
        ),
        "include_failed": st.booleans(),
        "failed_only": st.booleans(),
        "min_latency_ms": st.integers(-5, 5000),
        "cache_status": st.sampled_from(["hit", "miss", "read", "creation", "x"]),
    },
)
COUNTED = [name for name in SECTIONS if name not in ("filter_options", "filter_selectors")]


@st.composite
def some_request(draw: st.DrawFn) -> dict[str, Any]:
    """Any request that is valid."""
    start = draw(st.one_of(st.just(1), st.integers(NOW - 4 * DAY, NOW + DAY)))
    end = draw(st.integers(start + 1, NOW + 5 * DAY))
    include: dict[str, Any] = {name: draw(st.booleans()) for name in COUNTED}
    include |= {
        "summary_profile": draw(st.sampled_from(["compact", ""])),
        "summary_percentiles": draw(st.booleans()),
        "summary_comparison": draw(st.booleans()),
        "granularity": draw(st.sampled_from(["hour", "day", ""])),
        "recent_failures": draw(st.integers(0, 4)),
        "model_timeline": draw(st.integers(0, 3)),
        "events_page": {
            "limit": draw(st.integers(1, 6)),
            "before_ms": draw(st.just(0) | TIMES),
            "skip": draw(st.just(0) | st.integers(0, 12)),
        },
        "drilldown_preview": {"from_ms": NOW - DAY, "to_ms": NOW + 1, "limit": 3},
    }
    # Days of all years would be as many buckets.
    if start == 1:
        include["granularity"] = "day"
    return {
        "from_ms": start,
        "to_ms": end,
        "now_ms": draw(TIMES),
        "time_zone": draw(st.sampled_from(ZONES)),
        "filters": draw(st.just({}) | FILTERS),
        "search_query": draw(st.just("") | FEW_TEXTS),
        "search_api_key_hash": draw(st.just("") | FEW_TEXTS),
        "include": include,
    }


def check(events: list[Event], batches: int, requests: list[dict[str, Any]]) -> None:
    """Have the events stored batch by batch, and compare each request's answers."""
    with (
        tempfile.TemporaryDirectory() as folder,
        stored(Path(folder), in_batches(events, batches), BOOK) as answerer,
    ):
        compare(answerer, requests)


def in_batches(events: list[Event], count: int) -> list[list[Event]]:
    """The events in about so many batches of one size."""
    size = -(-len(events) // count) or 1
    return [events[start : start + size] for start in range(0, len(events), size)]


def compare(answerer: Answerer, requests: list[dict[str, Any]]) -> None:
    """Compare each request's answer to what is counted event by event."""
    for request in requests:
        expected, found = recounted(answerer, request), answered(answerer, request)
        assert answers.differences(expected, found) == []


MANY = settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
BATCHES = st.integers(1, 5)
REQUESTS = st.lists(some_request(), min_size=1, max_size=4)


@MANY
@given(st.lists(some_event(), max_size=40, unique_by=lambda e: e.event_hash), BATCHES, REQUESTS)
def test_every_section_equals_the_count_event_by_event(
    events: list[Event], batches: int, requests: list[dict[str, Any]]
) -> None:
    check(events, batches, requests)


@settings(MANY, max_examples=20)
@given(
    st.lists(some_event(), min_size=4, max_size=30, unique_by=lambda e: e.event_hash),
    st.lists(some_request(), min_size=1, max_size=2),
)
def test_what_is_kept_of_rows_holds_as_more_come(
    events: list[Event], requests: list[dict[str, Any]]
) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        growing(Path(folder), in_batches(events, 3), BOOK) as answerers,
    ):
        for answerer in answerers:
            compare(answerer, requests)


@st.composite
def alike(draw: st.DrawFn) -> list[Event]:
    """Events of which all have the key, the credential and the model of one of two."""
    events = draw(st.lists(some_event(), min_size=9, max_size=30, unique_by=lambda e: e.event_hash))
    found = []
    for event in events:
        other = events[draw(st.integers(0, 1))]
        shared = {"who": other.who, "model": other.model, "api_key_hash": other.api_key_hash}
        found.append(attrs.evolve(event, **shared))
    return found


@settings(MANY, max_examples=20)
@given(alike(), BATCHES, st.just({}) | FILTERS)
def test_tables_of_few_keys_credentials_and_models(
    events: list[Event], batches: int, filters: dict[str, Any]
) -> None:
    tables = ("account_stats", "api_key_stats", "channel_share", "credential_stats")
    include = dict.fromkeys((*tables, "failure_sources", "model_stats"), True)
    check(
        events,
        batches,
        [{"from_ms": 1, "to_ms": NOW + 5 * DAY, "filters": filters, "include": include}],
    )


# Zones and when their clocks are set.
CHANGES = [
    ("Europe/Berlin", "2026-10-25T01:00Z"),
    ("America/New_York", "2026-03-08T07:00Z"),
    # By half an hour, forth and back.
    ("Australia/Lord_Howe", "2026-10-03T15:30Z"),
    ("Australia/Lord_Howe", "2026-04-04T15:00Z"),
    ("Pacific/Chatham", "2027-04-03T14:00Z"),
    # At midnight: one that does not come, and one that comes twice.
    ("Africa/Cairo", "2026-04-23T22:00Z"),
    ("America/Havana", "2026-11-01T05:00Z"),
    # By two hours.
    ("Antarctica/Troll", "2027-10-31T01:00Z"),
    # A day that never was.
    ("Pacific/Apia", "2011-12-30T10:00Z"),
]
ALONG_TIME = ("timeline", "hourly_distribution", "heatmap", "anomaly_points", "credential_timeline")


@pytest.fixture(scope="module")
def set_clocks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answerer]:
    """Two events in every quarter of an hour near the changes."""
    places = product(CHANGES, range(-30, 30), (0, SLOT_MS - 1))
    times = [ms(text) + quarter * SLOT_MS + rest for (_, text), quarter, rest in places]
    events = [samples.event(n, timestamp_ms=at_ms) for n, at_ms in enumerate(times)]
    with stored(tmp_path_factory.mktemp("clocks"), [events], BOOK) as answerer:
        yield answerer


@pytest.mark.parametrize(("zone", "text"), CHANGES)
@pytest.mark.parametrize("granularity", ["hour", "day"])
def test_sections_where_clocks_are_set(
    set_clocks: Answerer, zone: str, text: str, granularity: str
) -> None:
    include = {**dict.fromkeys(ALONG_TIME, True), "summary": True, "granularity": granularity}
    for first, last in ((-25, 25), (-1, 7), (1, 2)):
        request = {
            "from_ms": ms(text) + first * SLOT_MS,
            "to_ms": ms(text) + last * SLOT_MS,
            "time_zone": zone,
            "include": include,
        }
        expected, found = recounted(set_clocks, request), answered(set_clocks, request)
        assert answers.differences(expected, found) == []


def test_a_key_is_called_by_the_newest_of_its_credentials_that_has_a_name() -> None:
    named, nameless = Who(auth_index="1", auth_label_snapshot="named"), Who(auth_index="2")
    people = enumerate((named, nameless), 1)
    events = [samples.event(number, who=who, api_key_hash="key") for number, who in people]
    include = {"api_key_stats": True, "account_stats": True}
    check(events, 1, [{"from_ms": 1, "to_ms": NOW + 5 * DAY, "include": include}])


def test_a_client_without_a_key_is_chosen_by_the_id_that_it_is_shown_with(tmp_path: Path) -> None:
    people = [
        Who(source_hash="H", source="of both", auth_index="1", provider="p"),
        Who(source_hash="H", source="another", auth_index="1", provider="p"),
        # The greatest text of the source stands in its id.
        Who(source_hash="H", source="another", auth_index="2", provider="p"),
        Who(source_hash="H", source="another", auth_index="2", provider="q"),
        Who(source="of both", auth_index="1", provider="p"),
        Who(source="another", auth_index="1", provider="p"),
        Who(),
    ]
    events = [samples.event(n, who=who, api_key_hash="") for n, who in enumerate(people)]
    request = {"from_ms": 1, "to_ms": NOW + 5 * DAY, "include": {"api_key_stats": True}}
    with stored(tmp_path, [events], BOOK) as answerer:
        rows = answered(answerer, request)["api_key_stats"]
        assert sorted(row["calls"] for row in rows) == [1, 1, 1, 1, 1, 2]
        for row in rows:
            chosen = {**request, "filters": {"api_key_hashes": [row["id"]]}}
            found = answered(answerer, chosen)
            assert [one["calls"] for one in found["api_key_stats"]] == [row["calls"]]
            assert answers.differences(recounted(answerer, chosen), found) == []


def test_a_cost_that_doubles_is_no_spike_by_its_last_digit(tmp_path: Path) -> None:
    counts = [(0, 200_000), *((HOUR, count) for count in (40_000, 60_000, 60_000, 240_000))]
    events = [
        samples.event(
            number,
            timestamp_ms=NOW + later,
            model=ModelNames(model="m", analytics_model="m"),
            tokens=Tokens(input_tokens=count, total_tokens=count),
            latency_ms=None,
        )
        for number, (later, count) in enumerate(counts)
    ]
    book = PriceBook(read_book({"m": {"prompt": 1}}))
    include = {"timeline": True, "anomaly_points": True, "granularity": "hour"}
    request = {"from_ms": NOW, "to_ms": NOW + DAY, "include": include}
    with stored(tmp_path, [events], book) as answerer:
        found, expected = answered(answerer, request), recounted(answerer, request)
    before, now = (row["cost"] for row in found["timeline"])
    assert now > 2 * before
    assert found["anomaly_points"][0]["metric_keys"] == ["request_spike"]
    assert answers.differences(expected, found) == []


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Kiritimati"])
def test_events_at_the_end_of_time(tmp_path: Path, zone: str) -> None:
    times = [NOW, LAST_MS - 1, LAST_MS, MAX_INSTANT_MS - 1]
    events = [samples.event(n, timestamp_ms=at_ms) for n, at_ms in enumerate(times)]
    include = {**dict.fromkeys(COUNTED, True), "granularity": "day", "model_timeline": 2}
    with stored(tmp_path, [events], BOOK) as answerer:
        for start, calls in ((1, 2), (LAST_MS - 1, 1), (MAX_INSTANT_MS - 1, 0)):
            request = {"from_ms": start, "to_ms": MAX_INSTANT_MS, "time_zone": zone}
            request["include"] = include
            found = answered(answerer, request)
            assert answers.differences(recounted(answerer, request), found) == []
            # Events of the last days are in no calendar for sure, and are left out.
            assert found["summary"]["total_calls"] == calls
