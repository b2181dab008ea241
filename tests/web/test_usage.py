"""`GET usage`, the export, and the summary of models, over HTTP."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred

from cpamp.bench import workloads
from tests import answers
from tests.web.api import USAGE, running

SETS = ("mon", "dash", "hist", "life", "raw")
EXAMPLE = {
    "event_hash": "h-1",
    "timestamp": "2026-04-25T00:00:00Z",
    "source": "ali***@example.com",
    "auth_index": "idx9",
    "latency_ms": 1500,
    "model": "gpt-5.4(high)",
    "requested_model": "gpt-5.4(high)",
    "resolved_model": "gpt-5.4",
    "endpoint": "POST /v1/responses",
    "tokens": {
        "input_tokens": 10,
        "output_tokens": 20,
        "reasoning_tokens": 3,
        "cached_tokens": 4,
        "total_tokens": 30,
    },
    "failed": False,
}
EXAMPLE_PAYLOAD = (
    b'{"total_requests":1,"success_count":1,"failure_count":0,"total_tokens":30,"apis":'
    b'{"POST /v1/responses":{"models":{"gpt-5.4":{"details":[{"timestamp":"2026-04-25T00:00:00Z",'
    b'"source":"ali***@example.com","auth_index":"idx9","latency_ms":1500,"requested_model":'
    b'"gpt-5.4(high)","resolved_model":"gpt-5.4","cache_input_mode":"included_in_input","tokens":'
    b'{"input_tokens":10,"output_tokens":20,"reasoning_tokens":3,"cached_tokens":4,"cache_tokens"'
    b':4,"cache_read_tokens":0,"cache_creation_tokens":0,"total_tokens":30},"failed":false}]}}}}}'
)


def event(number: int, **members: Any) -> dict[str, Any]:
    at_ms = 1_790_000_000_000 + number * 1000
    return {"event_hash": f"h-{number}", "timestamp_ms": at_ms, "model": "m", **members}


@pytest.mark.parametrize("name", SETS)
@ensureDeferred
async def test_every_recorded_set_imports_with_its_counts(name: str, tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        reply = await api.call("POST", f"{USAGE}/import", answers.events(name))
        assert (reply.status, reply.json) == (200, answers.setup(name)["import"])


@pytest.mark.parametrize(("name", "request_name"), [("raw", "raw.export"), ("life", "life.usage")])
@ensureDeferred
async def test_the_recorded_answers_come(name: str, request_name: str, tmp_path: Path) -> None:
    (recorded,) = (a for a in answers.answers(name) if a["name"] == request_name)
    async with running(tmp_path) as api:
        await api.call("POST", f"{USAGE}/import", answers.events(name))
        reply = await api.call(recorded["method"], recorded["path"])
        found = reply.json if name == "life" else [json.loads(x) for x in reply.body.splitlines()]
        assert reply.status == recorded["status"]
        assert answers.differences(recorded["answer"], found) == []


@ensureDeferred
async def test_the_example_of_the_contract(tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        await api.load([EXAMPLE])
        reply = await api.call("GET", USAGE)
        assert reply.header("Content-Type") == "application/json"
        assert json.loads(reply.body) == json.loads(EXAMPLE_PAYLOAD)
        assert reply.body.endswith(b"}\n")


@ensureDeferred
async def test_an_empty_store(tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        usage = await api.call("GET", f"{USAGE}/")
        assert usage.body == (
            b'{"total_requests":0,"success_count":0,"failure_count":0,"total_tokens":0,"apis":{}}\n'
        )
        export = await api.call("GET", f"{USAGE}/export/")
        assert (export.status, export.body) == (200, b"")
        assert export.header("Content-Type") == "application/x-ndjson"
        assert export.header("Content-Disposition") == 'attachment; filename="usage-events.jsonl"'
        table = await api.call("GET", f"{USAGE}/export?format=csv")
        assert table.body.count(b"\r\n") == 1


@ensureDeferred
async def test_keys_ascend_in_binary_order_and_details_descend(tmp_path: Path) -> None:
    names = ["b", "a", "\u00e4", "\U0001f600", "\uffee", "Z"]
    async with running(tmp_path) as api:
        await api.load(
            event(i, endpoint=f"POST /{endpoint}", model=f"{model}(high)")
            for i, (endpoint, model) in enumerate((e, m) for e in names for m in names)
            for _ in range(1)
        )
        await api.load([event(100 + i, endpoint="POST /a", model="a") for i in range(3)])
        await api.load([event(102, event_hash="same time", endpoint="POST /a", model="a")])
        apis = (await api.call("GET", USAGE)).json["apis"]
        binary = sorted(names, key=str.encode)
        assert list(apis) == [f"POST /{name}" for name in binary]
        assert all(list(models["models"]) == binary for models in apis.values())
        times = [d["timestamp"] for d in apis["POST /a"]["models"]["a"]["details"]]
        assert times == sorted(times, reverse=True)
        assert len(times) == 5


@pytest.mark.parametrize(
    ("limit", "shown"), [(3, 3), (0, 10), (-1, 10), (100_000, 10), (1_000_000, 10)]
)
@ensureDeferred
async def test_the_query_limit_takes_effect_at_once(limit: int, shown: int, tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        await api.load(event(i, failed=i >= 8, total_tokens=10) for i in range(10))
        api.query_limit = limit
        usage = (await api.call("GET", USAGE)).json
        assert (usage["total_requests"], usage["failure_count"]) == (shown, 2)
        assert (usage["success_count"], usage["total_tokens"]) == (shown - 2, shown * 10)
        summary = (await api.call("GET", "/v0/management/model-prices/usage-summary")).json
        assert summary["sampled_events"] == shown


@ensureDeferred
async def test_pages_join_without_a_seam(tmp_path: Path) -> None:
    """More events than a page holds, in groups that begin and end anywhere in it."""
    lines = list(workloads.monitoring(5_000))
    async with running(tmp_path) as api:
        await api.call("POST", f"{USAGE}/import", b"".join(lines))
        usage = (await api.call("GET", USAGE)).json
        models = usage["apis"]["POST /v1/chat/completions"]["models"]
        assert usage["total_requests"] == sum(len(m["details"]) for m in models.values()) == 5_000
        times = [int(json.loads(line)["timestamp_ms"]) for line in lines]
        assert [e["timestamp_ms"] for e in await api.export()] == sorted(times)


@ensureDeferred
async def test_the_export_holds_the_newest_oldest_first(tmp_path: Path) -> None:
    order = [5, 1, 9, 3, 7, 2, 8, 0, 6, 4]
    async with running(tmp_path) as api:
        await api.load(event(number) for number in order)
        for query, hashes in (
            ("", range(10)),
            ("?limit=all", range(10)),
            ("?limit=3", (7, 8, 9)),
            ("?limit=10", range(10)),
            ("?limit=1000", range(10)),
        ):
            found = [line["event_hash"] for line in await api.export(query)]
            assert found == [f"h-{number}" for number in hashes]


@pytest.mark.parametrize("query", ["?limit=0", "?limit=-1", "?limit=x", "?limit=²", "?format=xml"])
@ensureDeferred
async def test_a_bad_query_is_refused(query: str, tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        reply = await api.call("GET", f"{USAGE}/export{query}")
        assert (reply.status, reply.json["code"]) == (400, "request_failed")
        assert reply.header("Content-Disposition") is None


@pytest.mark.parametrize("name", SETS)
@ensureDeferred
async def test_export_import_export_changes_nothing(name: str, tmp_path: Path) -> None:
    async with running(tmp_path / "first") as api:
        await api.call("POST", f"{USAGE}/import", answers.events(name))
        first = (await api.call("GET", f"{USAGE}/export")).body
    async with running(tmp_path / "second") as api:
        reply = (await api.call("POST", f"{USAGE}/import", first)).json
        assert (reply["added"], reply["failed"]) == (first.count(b"\n"), 0)
        assert (await api.call("GET", f"{USAGE}/export")).body == first
        again = (await api.call("POST", f"{USAGE}/import", first)).json
        assert (again["added"], again["skipped"]) == (0, first.count(b"\n"))


@ensureDeferred
async def test_what_is_exported_but_never_shown(tmp_path: Path) -> None:
    raw = {
        "timestamp": 1_790_000_000,
        "model": "m",
        "client_ip": "10.1.2.3",
        "x_forwarded_for": "10.9.9.9",
        "user_agent": "secret-agent",
        "fail": {"status_code": 500, "body": "it failed"},
        "failed": True,
    }
    async with running(tmp_path) as api:
        await api.load([raw])
        for path in (USAGE, f"{USAGE}/export", f"{USAGE}/export?format=csv"):
            body = (await api.call("GET", path)).body
            assert b"it failed" in body
            assert not [s for s in (b"10.1.2.3", b"10.9.9.9", b"secret-agent") if s in body]


@ensureDeferred
async def test_csv_is_one_table(tmp_path: Path) -> None:
    hostile = ["=1+1", "+1", "-1", "@sum", "\tx", 'a"b,c', "plain", "two\nlines"]
    async with running(tmp_path) as api:
        await api.load(event(i, model=name) for i, name in enumerate(hostile))
        await api.load([event(50, response_metadata={"quota": {"plan_type": "pro, plus"}})])
        reply = await api.call("GET", f"{USAGE}/export?format=csv")
        assert reply.header("Content-Disposition") == 'attachment; filename="usage-events.csv"'
        assert (reply.header("Content-Type") or "").startswith("text/csv")
        rows = list(csv.DictReader(io.StringIO(reply.body.decode(), newline="")))
        # A spreadsheet takes a text that begins like these for a formula: it gets an apostrophe.
        shown = [f"'{n}" if n.strip()[0] in "=+-@" else n for n in (n.strip() for n in hostile)]
        assert [row["model"] for row in rows[:-1]] == shown
        assert json.loads(rows[-1]["response_metadata"]) == {"quota": {"plan_type": "pro, plus"}}
        assert rows[0]["failed"] == "false"
        assert None not in rows[0].values()


@ensureDeferred
async def test_the_summary_counts_models(tmp_path: Path) -> None:
    pairs = [("a(high)", "x"), ("a", "a"), ("b", "x"), ("c", "")]
    async with running(tmp_path) as api:
        await api.load(
            event(i, model=asked, requested_model=asked, resolved_model=given)
            for i, (asked, given) in enumerate(pairs)
        )
        path = "/v0/management/model-prices/usage-summary"
        rows = [("a", 2, 2, 0), ("x", 2, 0, 2), ("b", 1, 1, 0), ("c", 1, 1, 0)]
        names = ("model", "calls", "requested_calls", "resolved_calls")
        assert (await api.call("GET", path)).json == {
            "sampled_events": 4,
            "total_events": 4,
            "truncated": False,
            "models": [dict(zip(names, row, strict=True)) for row in rows],
        }
        api.query_limit = 1
        found = (await api.call("GET", path)).json
        assert (found["sampled_events"], found["truncated"]) == (1, True)
        assert [row["model"] for row in found["models"]] == ["c"]


@ensureDeferred
async def test_the_summary_of_the_contract(tmp_path: Path) -> None:
    """Of raw records, some of which name one model or none (pricing contract, 2.4)."""
    pairs = [("old", "oldr"), ("a(high)", "a"), ("a(low)", "a-up"), ("b", ""), ("", "")]
    pairs += [("a", "a"), ("b", "")]
    async with running(tmp_path, query_limit=6) as api:
        records = [
            {
                "timestamp": f"2026-04-25T00:00:0{i}Z",
                "request_id": f"r-{i}",
                **{name: text for name, text in (("alias", asked), ("model", given)) if text},
                "tokens": {"input_tokens": 1},
            }
            for i, (asked, given) in enumerate(pairs)
        ]
        assert (await api.load(records)).json["added"] == 7
        found = (await api.call("GET", "/v0/management/model-prices/usage-summary")).json
    rows = [("a", 3, 3, 0), ("b", 2, 2, 0), ("-", 1, 1, 0), ("a-up", 1, 0, 1)]
    names = ("model", "calls", "requested_calls", "resolved_calls")
    assert found == {
        "sampled_events": 6,
        "total_events": 7,
        "truncated": True,
        "models": [dict(zip(names, row, strict=True)) for row in rows],
    }


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", USAGE, 405),
        ("DELETE", f"{USAGE}/export", 405),
        ("GET", f"{USAGE}/import", 405),
        ("PUT", f"{USAGE}/import-sessions", 405),
        ("GET", f"{USAGE}/nothing", 404),
        ("POST", f"{USAGE}/nothing/export", 404),
        ("GET", f"{USAGE}/export/more", 404),
    ],
)
@ensureDeferred
async def test_other_paths_and_methods(method: str, path: str, status: int, tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        reply = await api.call(method, path)
        assert reply.status == status
        assert reply.json["code"] == {404: "not_found", 405: "method_not_allowed"}[status]
        refused = await api.call(method, path, key="wrong")
        assert (refused.status, refused.json["code"]) == (401, "invalid_admin_key")
