"""Inspection through the real daemon's port (inspection contract, section 1)."""

from __future__ import annotations

from typing import Any

from cpamp.lab import Manager, wait_until
from tests.daemon import Lab, body, connection, encoded
from tests.described import Described
from tests.inspection import fixture

BASE = "/v0/management/codex-inspection"


def started(lab: Lab) -> tuple[Any, Manager]:
    """A daemon that is set up, beside a CPA with the accounts of the fixture."""
    cpa = lab.cpa()
    cpa.control.json("POST", "/auth_files", {"files": fixture.entries()})
    cpa.control.json("POST", "/api_call", {"rules": fixture.rules()})
    manager = lab.manager()
    manager.start()
    return cpa, manager


def ask(manager: Manager, method: str, path: str, value: Any = None) -> tuple[int, Any]:
    sent = None if value is None else encoded(value)
    return body(manager.http.request(method, f"{BASE}{path}", sent))


def finished(manager: Manager, run_id: int) -> dict[str, Any]:
    detail: dict[str, Any] = {}

    def over() -> bool:
        detail.update(ask(manager, "GET", f"/runs/{run_id}")[1])
        return not detail["run"]["active"]

    wait_until(over, what="the end of the inspection")
    return detail


def test_a_run_over_http(lab: Lab) -> None:
    cpa, manager = started(lab)
    assert ask(manager, "GET", "/runs") == (200, {"items": []})
    status, answer = ask(manager, "POST", "/run")
    assert (status, answer["code"]) == (412, "usage_service_not_configured")
    manager.http.json("POST", "/setup", connection(cpa))
    config = {"config": {"codexInspection": {"autoActionMode": "disable", "workers": 8}}}
    saved = manager.http.json("PUT", "/usage-service/config", config)
    assert saved["config"]["codexInspection"]["autoActionMode"] == "disable"

    # A body is of no account, nor is a slash at the end.
    status, begun = body(manager.http.request("POST", f"{BASE}/run/", b"{no json"))
    assert status == 200
    assert (begun["run"]["status"], begun["run"]["triggerKey"]) == ("running", "manual")
    assert begun["results"] == begun["logs"] == []
    run_id = begun["run"]["id"]
    detail = finished(manager, run_id)
    assert detail["run"]["status"] == "completed"
    assert detail["run"]["settings"]["workers"] == 8
    assert detail["run"]["disableCount"] == 4
    names = [(r["fileName"], r["displayAccount"], r["id"]) for r in detail["results"]]
    assert names == sorted(names)
    (run,) = ask(manager, "GET", "/runs?limit=1000")[1]["items"]
    assert run == detail["run"]

    for limit in ("", "0", "-5", "many", "1", "200", "99999999999999999999"):
        assert ask(manager, "GET", f"/runs?limit={limit}") == (200, {"items": [run]}), limit
    assert ask(manager, "GET", f"/runs?beforeId={run_id}") == (200, {"items": []})

    by_account = {r["displayAccount"]: r["id"] for r in detail["results"]}
    chosen = {"resultIds": [by_account["f05@example.test"]]}
    status, answer = ask(manager, "POST", f"/runs/{run_id}/actions", chosen)
    assert (status, answer["outcomes"][0]["status"]) == (200, "success")
    assert answer["detail"]["run"]["id"] == run_id
    described = Described.by(manager.http)
    for method, path, found in (
        ("GET", "/runs", {"items": [run], "nextScheduledAtMs": 1}),
        ("GET", f"/runs/{run_id}", detail),
        ("POST", f"/runs/{run_id}/actions", answer),
    ):
        assert described.wrong(method, f"{BASE}{path}", found) == []

    for method, path, expected, code in (
        ("GET", "/runs/99", 404, "inspection_run_not_found"),
        ("GET", "/runs/0", 400, "inspection_run_id_invalid"),
        ("GET", "/runs/x", 400, "inspection_run_id_invalid"),
        ("GET", "/runs/5/foo", 400, "inspection_run_id_invalid"),
        ("POST", f"/runs/{run_id}/cancel", 409, "inspection_run_not_cancellable"),
        ("POST", "/runs/99/cancel", 404, "inspection_run_not_found"),
        ("GET", "/run", 405, "method_not_allowed"),
        ("PUT", "/runs", 405, "method_not_allowed"),
        ("GET", "", 405, "method_not_allowed"),
        ("GET", "/other", 405, "method_not_allowed"),
        ("POST", f"/runs/{run_id}/actions", 400, "invalid_json"),
    ):
        status, answer = ask(manager, method, path)
        assert (status, answer["code"]) == (expected, code), path
    manager.http.key = "wrong"
    assert manager.http.request("OPTIONS", f"{BASE}/run")[0] == 204
    assert ask(manager, "POST", "/run")[0] == 401
    assert ask(manager, "DELETE", "/other")[0] == 401


def test_a_schedule_and_a_restart(lab: Lab) -> None:
    cpa, manager = started(lab)
    manager.http.json("POST", "/setup", connection(cpa))
    config = {"codexInspection": {"enabled": True, "schedule": {"intervalMinutes": 60}}}
    manager.http.json("PUT", "/usage-service/config", {"config": config})
    wait_until(lambda: bool(ask(manager, "GET", "/runs")[1]["items"]), what="the schedule")
    (run,) = ask(manager, "GET", "/runs")[1]["items"]
    assert run["triggerType"] == "scheduled"
    over = finished(manager, run["id"])
    manager.stop()
    manager.start()
    answer = ask(manager, "GET", "/runs")[1]
    assert [run["id"] for run in answer["items"]] == [run["id"]]
    assert answer["nextScheduledAtMs"] == over["run"]["finishedAtMs"] + 3_600_000
