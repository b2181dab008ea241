"""The figures over HTTP: validators, packing, prices and names, explanations."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

import pytest

from cpamp.analytics.request import SECTIONS
from cpamp.lab import Manager
from tests.answers import events, setup
from tests.console import Console
from tests.daemon import Lab, data

ANALYTICS = "/v0/management/monitoring/analytics"
EXPLAIN = "/v0/management/monitoring/explain"
HEADERS = "/v0/management/monitoring/header-snapshots"
PRICES = "/v0/management/model-prices"
ALIASES = "/v0/management/api-key-aliases"
# The range of the set `life`.
BEGIN, END = 1_774_000_000_000, 1_780_048_000_000


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    """A daemon with the set `life`, its prices and its names."""
    lab = Lab(tmp_path_factory.mktemp("monitoring"))
    manager = lab.manager(CPAMP_SEED_PRICES="false")
    manager.start()
    load(manager)
    yield manager
    lab.close()


def load(manager: Manager) -> None:
    manager.http.request("POST", "/v0/management/usage/import", events("life"))
    given = setup("life")
    manager.http.json("PUT", PRICES, {"prices": given["prices"]})
    manager.http.json("PUT", "/v0/management/api-key-aliases", {"items": given["aliases"]})


CHOICES = ("filter_options", "filter_selectors")
KEYS = [alias["apiKeyHash"] for alias in setup("life")["aliases"]]


def body(**include: Any) -> dict[str, Any]:
    return {"from_ms": BEGIN, "to_ms": END, "now_ms": END, "include": include}


def ask(manager: Manager, question: dict[str, Any]) -> Any:
    return manager.http.json("POST", ANALYTICS, question)


def exchange(
    manager: Manager, question: dict[str, Any], **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """One call with its headers, on a connection of its own."""
    connection = HTTPConnection("127.0.0.1", manager.http.port)
    sent = {"Authorization": f"Bearer {manager.http.key}"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("POST", ANALYTICS, json.dumps(question).encode(), sent)
    answer = connection.getresponse()
    found = answer.status, {n.lower(): v for n, v in answer.getheaders()}, answer.read()
    connection.close()
    return found


# -- validators and packing ---------------------------------------------------------------------


def test_an_unchanged_answer_is_not_sent_again(lab: Lab) -> None:
    manager = lab.manager()
    manager.start()
    load(manager)
    question = body(summary=True, summary_profile="compact")
    _, headers, first = exchange(manager, question)
    tag = headers["etag"]
    assert exchange(manager, question, If_None_Match=tag)[::2] == (304, b"")
    # Whatever is kept: an answer of the same state to the same question is good, when it was made.
    former = tag.partition("-")[0] + '-1"'
    status, headers, _ = exchange(manager, question, If_None_Match=f"W/{former}")
    assert (status, headers["etag"]) == (304, former)
    other = body(summary=True, summary_profile="compact", channel_share=True)
    assert exchange(manager, other, If_None_Match=tag)[0] == 200
    line = {"event_hash": "new", "timestamp_ms": BEGIN + 1, "model": "gpt-5.4"}
    text = json.dumps(line).encode()
    assert json.loads(manager.http.request("POST", "/v0/management/usage/import", text)[1])["added"]
    status, headers, second = exchange(manager, question, If_None_Match=tag)
    assert (status, headers["etag"] == tag) == (200, False)
    calls = [json.loads(text)["summary"]["total_calls"] for text in (first, second)]
    assert calls[1] == calls[0] + 1


@pytest.mark.parametrize("path", [HEADERS, ALIASES])
def test_questions_about_now_have_answers_that_last(shared: Manager, path: str) -> None:
    # The second time may be another minute; the third is not.
    tags, status = [], 200
    while status == 200 and len(tags) < 3:
        connection = HTTPConnection("127.0.0.1", shared.http.port)
        sent = {"Authorization": f"Bearer {shared.http.key}"}
        sent |= {"If-None-Match": f"W/{tags[-1]}"} if tags else {}
        connection.request("GET", path, None, sent)
        answer = connection.getresponse()
        answer.read()
        status = answer.status
        tags.append(answer.getheader("ETag") or "")
        connection.close()
    assert (status, tags[-1]) == (304, tags[-2])


def test_an_address_that_is_too_long(shared: Manager) -> None:
    path = f"{ANALYTICS}?from_ms=1&to_ms=2&search_query={'x' * 20_000}"
    status, answer = shared.http.request("GET", path)
    assert (status, json.loads(answer)["code"]) == (414, "address_too_long")


def test_more_than_a_year_is_a_year(shared: Manager) -> None:
    found = [shared.http.json("GET", f"{HEADERS}?days={days}") for days in (366, 10**15)]
    assert [one["to_ms"] - one["from_ms"] for one in found] == [365 * 86_400_000] * 2


def test_answers_are_packed_for_who_takes_that(shared: Manager) -> None:
    question = body(model_stats=True)
    status, headers, packed = exchange(shared, question, Accept_Encoding="gzip, br")
    assert (status, headers["content-encoding"]) == (200, "gzip")
    _, headers, plain = exchange(shared, question)
    assert "content-encoding" not in headers
    rows = [json.loads(text)["model_stats"] for text in (gzip.decompress(packed), plain)]
    assert rows[0] == rows[1] != []


def test_a_question_in_the_query(shared: Manager) -> None:
    question = body(summary=True, model_stats=True, granularity="day", events_page={"limit": 2})
    question["filters"] = {"models": ["gpt-5.4", "grok-4"], "failed_only": True}
    parameters = [
        *(("from_ms", BEGIN), ("to_ms", END), ("now_ms", END), ("include", "summary,model_stats")),
        *(("include.granularity", "day"), ("include.events_page.limit", 2)),
        *(("filters.models", "gpt-5.4"), ("filters.models", "grok-4")),
        ("filters.failed_only", "true"),
    ]
    found = shared.http.json("GET", f"{ANALYTICS}?{urlencode(parameters)}")
    expected = ask(shared, question)
    made = found.pop("generated_at_ms"), expected.pop("generated_at_ms")
    assert made[0] <= made[1]
    assert found == expected


@pytest.mark.parametrize(
    ("query", "same"),
    [
        (
            "include=summary,events_page&include.events_page.limit=2",
            {"include": {"summary": True, "events_page": {"limit": 2}}},
        ),
        ("include=events_page", {"include": {"events_page": {}}}),
        ("include=&include=summary,", {"include": {"summary": True}}),
        ("filters.cache_status=true", {"filters": {"cache_status": "true"}}),
        ("search_query=2025&more.x=1", {"search_query": "2025"}),
        (
            "filters.models=7&filters.min_latency_ms=7",
            {"filters": {"models": ["7"], "min_latency_ms": 7}},
        ),
    ],
)
def test_a_query_stands_for_a_body(shared: Manager, query: str, same: dict[str, Any]) -> None:
    found = shared.http.json("GET", f"{ANALYTICS}?from_ms={BEGIN}&to_ms={END}&now_ms={END}&{query}")
    expected = ask(shared, {"from_ms": BEGIN, "to_ms": END, "now_ms": END, **same})
    for answer in (found, expected):
        answer.pop("generated_at_ms")
    assert found == expected


def table(manager: Manager, question: dict[str, Any]) -> list[dict[str, str]]:
    text = json.dumps(question).encode()
    status, found = manager.http.request("POST", ANALYTICS, text, {"Accept": "text/csv"})
    assert status == 200
    return list(csv.DictReader(io.StringIO(found.decode(), newline="")))


@pytest.mark.parametrize("section", ["model_stats", "timeline", "account_stats", "heatmap"])
def test_a_section_as_a_table(shared: Manager, section: str) -> None:
    question = body(**{section: True})
    rows, expected = table(shared, question), ask(shared, question)[section]
    assert len(rows) == len(expected) > 0
    for row, one in zip(rows, expected, strict=True):
        assert int(row["calls"]) == one["calls"]
        assert float(row["cost"]) == pytest.approx(one["cost"])


@pytest.mark.parametrize(
    "section", [name for name in SECTIONS if name not in ("summary", *CHOICES)]
)
def test_an_empty_table_has_the_columns_of_a_full_one(shared: Manager, section: str) -> None:
    question = {**body(**{section: True}), "filters": {"api_key_hashes": KEYS}}
    empty = {**question, "search_query": "there is no such text"}
    heads = []
    for one in (question, empty):
        _, text = shared.http.request("POST", f"{ANALYTICS}?format=csv", json.dumps(one).encode())
        heads.append(text.splitlines()[0])
    assert heads[0] == heads[1] != b""
    for row in ask(shared, question)[section][:3]:
        cells = {n for n, value in row.items() if not (isinstance(value, list) and nested(value))}
        assert cells <= set(heads[0].decode().split(","))


def nested(rows: list[Any]) -> bool:
    return not rows or isinstance(rows[0], dict)


def test_events_of_a_preview_as_a_table(shared: Manager) -> None:
    question = body(drilldown_preview={"from_ms": BEGIN, "to_ms": END, "limit": 5})
    rows, expected = table(shared, question), ask(shared, question)["drilldown_preview"]["items"]
    assert [row["event_hash"] for row in rows] == [one["event_hash"] for one in expected]


@pytest.mark.parametrize("name", CHOICES)
def test_choices_as_a_table(shared: Manager, name: str) -> None:
    question = body(**{name: True})
    rows, expected = table(shared, question), ask(shared, question)["filter_options"]
    models = [row["value"] for row in rows if row["option"] == "models"]
    assert models == expected.get("models", [])
    files = [row["value"] for row in rows if row["option"] == "auth_files"]
    assert files == expected["auth_files"]


def test_a_table_that_needs_a_key(shared: Manager) -> None:
    query = f"from_ms={BEGIN}&to_ms={END}&include=api_key_timeline&format=csv"
    status, text = shared.http.request("GET", f"{ANALYTICS}?{query}")
    assert (status, len(text.splitlines())) == (200, 1)


def test_all_event_rows_as_a_table(shared: Manager) -> None:
    question = body(events_page={"limit": 1})
    rows = table(shared, question)
    assert len(rows) == ask(shared, question)["events"]["total_count"] > 2_000
    whole = ask(shared, body(events_page={"limit": 50_000}))["events"]["items"]
    assert [row["event_hash"] for row in rows] == [one["event_hash"] for one in whole]
    assert [row["failed"] for row in rows] == [str(one["failed"]).lower() for one in whole]
    costs = [float(row["cost"]) if row["cost"] else None for row in rows]
    assert costs == [pytest.approx(one["cost"]) for one in whole]
    # Hostile names are no formulas.
    assert not any(value[:1] in ("=", "+", "@") for row in rows for value in row.values())


@pytest.mark.parametrize("skip", [0, 1, 1_234, 1_000_000])
def test_a_page_from_anywhere(shared: Manager, skip: int) -> None:
    whole = ask(shared, body(events_page={"limit": 50_000}))["events"]["items"]
    page = ask(shared, body(events_page={"limit": 3, "skip": skip}))["events"]
    assert page["items"] == whole[skip : skip + 3]
    assert page["has_more"] == (len(whole) > skip + 3)
    assert page["total_count"] == len(whole)


@pytest.mark.parametrize("include", [{"summary": True}, {"model_stats": True, "heatmap": True}])
def test_what_is_no_single_table(shared: Manager, include: dict[str, Any]) -> None:
    text = json.dumps(body(**include)).encode()
    assert shared.http.request("POST", f"{ANALYTICS}?format=csv", text)[0] == 400


# -- prices and names in force ------------------------------------------------------------------


def test_a_price_counts_in_the_next_answer(lab: Lab) -> None:
    manager = lab.manager(CPAMP_SEED_PRICES="false")
    manager.start()
    line = {"event_hash": "x", "timestamp_ms": BEGIN + 1, "model": "mine", "input_tokens": 500_000}
    manager.http.request("POST", "/v0/management/usage/import", json.dumps(line).encode())
    question = body(summary=True, events_page={"limit": 1})
    before = ask(manager, question)
    assert before["summary"]["total_cost"] == 0
    assert before["summary"]["unpriced_calls"] == 1
    assert before["summary"]["unpriced_models"] == ["mine"]
    assert before["events"]["items"][0]["cost"] is None
    manager.http.json("PUT", PRICES, {"prices": {"mine": {"prompt": 3}}})
    after = ask(manager, question)
    assert after["summary"]["total_cost"] == 1.5
    assert after["summary"]["unpriced_models"] == []
    row = after["events"]["items"][0]
    assert (row["cost"], row["pricing_model"]) == (1.5, "mine")


def test_names_of_keys_are_shown_and_found(shared: Manager) -> None:
    names = {a["apiKeyHash"]: a["alias"] for a in setup("life")["aliases"]}
    rows = ask(shared, body(api_key_stats=True))["api_key_stats"]
    shown = {row["api_key_hash"]: row["api_key_alias"] for row in rows if row["api_key_alias"]}
    assert shown == {key: names[key] for key in shown} != {}
    key, name = next(iter(shown.items()))
    question = {**body(api_key_stats=True), "search_query": name.upper()}
    found = ask(shared, question)["api_key_stats"]
    expected = next(row for row in rows if row["api_key_hash"] == key)
    assert [row["calls"] for row in found if row["api_key_hash"] == key] == [expected["calls"]]


# -- the same everywhere ------------------------------------------------------------------------


def test_the_sections_of_an_answer_agree(shared: Manager) -> None:
    found = ask(
        shared,
        body(
            **dict.fromkeys(
                (
                    *("summary", "model_stats", "account_stats", "api_key_stats"),
                    *("credential_stats", "timeline", "channel_share"),
                ),
                True,
            )
        ),
    )
    whole = found["summary"]
    for section in ("model_stats", "account_stats", "api_key_stats", "credential_stats"):
        rows = found[section]
        assert sum(row["calls"] for row in rows) == whole["total_calls"], section
        assert sum(row["total_tokens"] for row in rows) == whole["total_tokens"], section
        cost = sum(row["cost"] for row in rows)
        assert cost == pytest.approx(whole["total_cost"], rel=1e-9), section
    for section in ("timeline", "channel_share"):
        assert sum(row["calls"] for row in found[section]) == whole["total_calls"], section


def test_the_newest_calls_of_accounts(shared: Manager) -> None:
    found = ask(shared, body(account_stats=True, recent_requests=3, events_page={"limit": 50_000}))
    events_of: dict[str, list[Any]] = {}
    for row in found["events"]["items"]:
        names = ("account_snapshot", "auth_label_snapshot", "source", "auth_index")
        account = next((row[name] for name in names if row[name].strip()), "-")
        events_of.setdefault(account, []).append(row)
    assert len(found["account_stats"]) > 10
    for row in found["account_stats"]:
        newest = [(e["timestamp_ms"], e["failed"]) for e in events_of[row["id"]][:3]]
        marks = [(mark["timestamp_ms"], mark["failed"]) for mark in row["recent_requests"]]
        assert marks == newest


def test_header_snapshots(shared: Manager) -> None:
    question = {**body(events_page={"limit": 50_000}), "to_ms": 2_000_000_000_000}
    page = ask(shared, question)["events"]["items"]
    facts = ("response_metadata", *(name for name in page[0] if name.startswith("header_")))
    newest: dict[Any, Any] = {}
    for row in page:
        key = row.get("auth_file_snapshot") or None, row["auth_index"]
        if any(row.get(fact) for fact in facts) and (row["auth_index"] or key[0]):
            newest.setdefault(key, row["event_hash"])
    items = shared.http.json("GET", f"{HEADERS}?days=365&limit=5000")["items"]
    named = [item for item in items if item["auth_index"] or item["auth_file_snapshot"]]
    found = {
        (item["auth_file_snapshot"] or None, item["auth_index"]): item["event_hash"]
        for item in named
    }
    assert found == newest
    times = [item["timestamp_ms"] for item in items]
    assert times == sorted(times, reverse=True)
    assert len(shared.http.json("GET", f"{HEADERS}?days=365&limit=1")["items"]) == min(
        len(items), 1
    )


# -- explanations -------------------------------------------------------------------------------


def explained(manager: Manager, query: str) -> list[Any]:
    status, text = manager.http.request("GET", f"{EXPLAIN}?{query}")
    assert status == 200
    return [json.loads(line) for line in text.splitlines()]


def test_figures_are_explained(shared: Manager) -> None:
    sections = "summary,model_stats,timeline,account_stats,heatmap,task_buckets,filter_options"
    lines = explained(
        shared,
        f"from_ms={BEGIN}&to_ms={END}&now_ms={END}&include={sections}&time_zone=Asia/Kolkata",
    )
    head, *figures, last = [line for line in lines if "progress" not in line]
    assert head["not_counted"] == ["filter_options"]
    counts = {"events": head["events"], "figures": len(figures), "different": 0}
    assert last == {"done": True, **counts}
    assert {figure["agrees"] for figure in figures} == {True}
    by_name = {figure["figure"]: figure for figure in figures}
    calls = by_name["summary.total_calls"]
    assert calls["answer"] == calls["recount"] > 0
    assert calls["difference"] == 0


def test_a_wrong_figure_is_found(lab: Lab) -> None:
    manager = lab.manager()
    manager.start()
    load(manager)
    manager.stop()
    console = Console(data(manager).parent)
    said = console("verify", USAGE_DATA_DIR=str(data(manager)))
    assert (said.status, said.err) == (0, "")
    assert [line.split("  ")[0] for line in said.out.splitlines()] == [
        *("today", "7 days", "30 days", "all time"),
    ]
    assert said.out.count("all figures agree") == 4
    column = next(data(manager).glob("columns/*/output.*.col"))
    whole = bytearray(column.read_bytes())
    whole[0] ^= 1
    column.write_bytes(whole)
    said = console("verify", USAGE_DATA_DIR=str(data(manager)))
    assert said.status == 1
    assert "summary.output_tokens" in said.out
