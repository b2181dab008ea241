"""Questions that can't be answered: each is told what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import pytest

from cpamp.lab import Manager
from tests.daemon import Lab

ANALYTICS = "/v0/management/monitoring/analytics"
HISTORY = "/v0/management/monitoring/account-history"
WINDOWS = "/v0/management/monitoring/account-window-usage"
HEADERS = "/v0/management/monitoring/header-snapshots"
DASHBOARD = "/v0/management/dashboard/summary"
EXPLAIN = "/v0/management/monitoring/explain"
RANGE = {"from_ms": 1, "to_ms": 2}
TARGET = {"row_key": "r", "auth_index": "a", "auth_provider_snapshot": "p"}
WINDOW = {**TARGET, **RANGE, "window_key": "w"}
BAD: list[tuple[str, str, Any]] = [
    ("POST", ANALYTICS, b""),
    ("POST", ANALYTICS, b"{"),
    ("POST", ANALYTICS, b"\xff\xfe"),
    ("POST", ANALYTICS, []),
    ("POST", ANALYTICS, {}),
    ("POST", ANALYTICS, {"from_ms": 2, "to_ms": 1}),
    ("POST", ANALYTICS, {"from_ms": 0, "to_ms": 1}),
    ("POST", ANALYTICS, {"from_ms": "1", "to_ms": 2}),
    ("POST", ANALYTICS, {"from_ms": 1, "to_ms": 10**30}),
    ("POST", ANALYTICS, {"from_ms": 1, "to_ms": 2**62}),
    ("POST", ANALYTICS, {"from_ms": True, "to_ms": 2}),
    ("POST", ANALYTICS, {**RANGE, "time_zone": "../../etc/passwd"}),
    ("POST", ANALYTICS, {**RANGE, "time_zone": "Mars/Olympus"}),
    ("POST", ANALYTICS, {**RANGE, "time_zone": 7}),
    ("POST", ANALYTICS, {**RANGE, "filters": []}),
    ("POST", ANALYTICS, {**RANGE, "filters": {"models": "gpt"}}),
    ("POST", ANALYTICS, {**RANGE, "filters": {"models": [1]}}),
    ("POST", ANALYTICS, {**RANGE, "filters": {"models": ["x"] * 10_000}}),
    ("POST", ANALYTICS, {**RANGE, "filters": {"include_failed": 1}}),
    ("POST", ANALYTICS, {**RANGE, "filters": {"min_latency_ms": 1.5}}),
    ("POST", ANALYTICS, {**RANGE, "include": {"summary": "yes"}}),
    ("POST", ANALYTICS, {**RANGE, "include": {"recent_failures": "8"}}),
    ("POST", ANALYTICS, {**RANGE, "include": {"events_page": {"limit": 50_001}}}),
    ("POST", ANALYTICS, {**RANGE, "include": {"events_page": 5}}),
    ("POST", ANALYTICS, {**RANGE, "search_query": "x" * 5_000}),
    ("POST", ANALYTICS, {**RANGE, "include": {"sumary": True}}),
    ("POST", ANALYTICS, {**RANGE, "include": {"events_page": {"limt": 5}}}),
    ("POST", ANALYTICS, {**RANGE, "include": {"drilldown_preview": {**RANGE, "more": 1}}}),
    ("POST", ANALYTICS, {**RANGE, "filters": {"model": ["x"]}}),
    ("POST", ANALYTICS, {**RANGE, "filters": {"models": ["x" * 900_000]}}),
    ("POST", f"{ANALYTICS}?format=xml", {**RANGE, "include": {"summary": True}}),
    ("GET", f"{ANALYTICS}?from_ms=1&to_ms=2&include=sumary", None),
    ("GET", f"{ANALYTICS}?from_ms=1&to_ms=2&filters.model=x", None),
    ("GET", f"{ANALYTICS}?from_ms=1&to_ms=2&filters=x", None),
    ("GET", f"{ANALYTICS}?from_ms=1&to_ms=2&include.summary=true&include.summary.x=1", None),
    (
        "GET",
        f"{ANALYTICS}?from_ms=1&to_ms=2&include.events_page=5&include.events_page.limit=2",
        None,
    ),
    ("GET", f"{ANALYTICS}?from_ms=1&to_ms=2&filters.models.x=1", None),
    *(
        ("POST", ANALYTICS, {**RANGE, "time_zone": name})
        for name in ("localtime", "posixrules", "right/UTC", "posix/UTC")
    ),
    ("GET", f"{ANALYTICS}?from_ms=x&to_ms=2", None),
    ("GET", f"{EXPLAIN}?from_ms=5", None),
    ("POST", HISTORY, {}),
    ("POST", HISTORY, {"accounts": [TARGET] * 201}),
    ("POST", HISTORY, {"accounts": [TARGET, TARGET]}),
    ("POST", HISTORY, {"accounts": [{"row_key": "r"}]}),
    ("POST", HISTORY, {"accounts": [{"row_key": "r", "auth_file_snapshot": "f"}]}),
    ("POST", HISTORY, {"accounts": [{**TARGET, "more": 1}]}),
    ("POST", HISTORY, {"accounts": [TARGET], "more": 1}),
    ("POST", HISTORY, {"accounts": {"0": TARGET}}),
    ("POST", WINDOWS, {"windows": []}),
    ("POST", WINDOWS, {"windows": [WINDOW] * 401}),
    ("POST", WINDOWS, {"windows": [{**WINDOW, "to_ms": 1}]}),
    ("POST", WINDOWS, {"windows": [{**WINDOW, "period": "soon"}]}),
    ("POST", WINDOWS, {"windows": [{**WINDOW, "window_key": ""}]}),
    ("POST", WINDOWS, {"windows": [{**WINDOW, "model_scope": {}}]}),
    ("POST", WINDOWS, {"windows": [{**WINDOW, "model_scope": {"kind": "models"}}]}),
    ("POST", WINDOWS, {"windows": [{**WINDOW, "auth_index": ""}]}),
    ("POST", WINDOWS, {"windows": [{**WINDOW, "more": 1}]}),
    ("GET", f"{HEADERS}?days=-1", None),
    ("GET", f"{HEADERS}?days=x", None),
    ("GET", f"{HEADERS}?limit=x", None),
    ("GET", DASHBOARD, None),
    ("GET", f"{DASHBOARD}?today_start_ms=x", None),
    ("GET", f"{DASHBOARD}?today_start_ms=5&now_ms=4", None),
    ("GET", f"{DASHBOARD}?today_start_ms=5&top_models=many", None),
    ("GET", f"{DASHBOARD}?today_start_ms=5&time_zone=Mars", None),
    ("GET", f"{DASHBOARD}?today_start_ms={10**17}", None),
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    """A daemon without events."""
    lab = Lab(tmp_path_factory.mktemp("bad"))
    manager = lab.manager()
    manager.start()
    yield manager
    lab.close()


@pytest.mark.parametrize(("method", "path", "value"), BAD)
def test_bad_input_is_told_of(shared: Manager, method: str, path: str, value: Any) -> None:
    text = value if isinstance(value, bytes | None) else json.dumps(value).encode()
    status, answer = shared.http.request(method, path, text)
    found = json.loads(answer)
    assert (status, set(found)) == (400, {"error", "code"})
    assert "Traceback" not in found["error"]


def test_a_large_body_is_refused(shared: Manager) -> None:
    connection = HTTPConnection("127.0.0.1", shared.http.port)
    connection.putrequest("POST", ANALYTICS)
    connection.putheader("Authorization", f"Bearer {shared.http.key}")
    connection.putheader("Content-Length", "10000000")
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, set(json.loads(answer.read()))) == (413, {"error", "code"})
    connection.close()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("DELETE", ANALYTICS, 405),
        ("GET", HISTORY, 405),
        ("POST", DASHBOARD, 405),
        ("GET", "/v0/management/monitoring/nothing", 404),
        ("GET", "/v0/management/dashboard", 404),
        ("POST", "/v0/management/dashboard/summary/more", 404),
    ],
)
def test_what_there_is_not(shared: Manager, method: str, path: str, status: int) -> None:
    assert shared.http.request(method, path)[0] == status
