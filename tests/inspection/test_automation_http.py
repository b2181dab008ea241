"""Policy, cooldowns and candidates through the real daemon, from records to changes in CPA."""

from __future__ import annotations

import json
import time
from typing import Any

from cpamp.lab import wait_until
from cpamp.simulator.fixtures import auth_file
from tests.daemon import Lab, body, connection
from tests.described import Described
from tests.inspection import fixture

POLICY = "/usage-service/account-processing-policy"
COOLDOWNS = "/usage-service/quota-cooldowns"
CANDIDATES = "/v0/management/account-action-candidates"
FREE = "subscription:free-usage-exhausted"


def record(index: str, status: int, said: dict[str, Any], number: int) -> dict[str, Any]:
    return {
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "request_id": f"r-{number}",
        "provider": "codex",
        "model": "gpt-5.5",
        "auth_index": index,
        "failed": True,
        "fail": {"status_code": status, "body": json.dumps(said)},
        "tokens": {"input_tokens": 1},
    }


def test_from_records_to_changes(lab: Lab) -> None:
    cpa = lab.cpa()
    grok = auth_file("x.json", "xai", "x@e.test", auth_index="x1")
    cpa.control.json("POST", "/auth_files", {"files": [*fixture.entries(), grok]})
    manager = lab.manager()
    manager.start()
    http = manager.http
    right, http.key = http.key, "wrong"
    # Open as long as there is no CPA.
    status, answer = body(http.request("GET", POLICY))
    assert (status, answer["source"]) == (200, "startup")
    http.key = right
    http.json("POST", "/setup", connection(cpa))
    http.key = "wrong"
    for path in (POLICY, COOLDOWNS, CANDIDATES):
        assert http.request("GET", path)[0] == 401
    http.key = right
    wanted = {"codexQuotaCooldownEnabled": True, "authIssueQueueEnabled": True}
    assert http.json("PATCH", POLICY, wanted)["codexQuotaCooldown"]["enabled"] is True
    assert body(http.request("PATCH", POLICY, b"[]"))[1]["code"] == "invalid_json"
    assert http.request("DELETE", POLICY)[0] == 405
    assert http.request("POST", COOLDOWNS)[0] == 405

    wait_until(
        lambda: manager.status()["collector"]["collector"] == "running",
        what="the collector",
    )
    limit = {"error": {"type": "usage_limit_reached", "resets_in_seconds": 3600}}
    revoked = {"error": {"code": "token_revoked", "message": "revoked"}}
    records = [record("a01", 429, limit, 1), record("a02", 401, revoked, 2)]
    cpa.control.json("POST", "/publish", {"records": records})
    wait_until(lambda: bool(http.json("GET", COOLDOWNS)["items"]), what="a cooldown")
    (item,) = http.json("GET", COOLDOWNS)["items"]
    assert (item["authFileName"], item["authIndex"]) == ("f01.json", "a01")
    assert (item["owner"], item["windowKind"]) == ("cpamp_usage_429", "unknown")
    assert "evidence" not in item
    wait_until(lambda: http.json("GET", CANDIDATES)["pendingCount"] == 1, what="a candidate")
    listing = http.json("GET", "/v0/management/auth-files?name=f01.json")["files"]
    assert listing[0]["disabled"] is True
    described = Described.by(http)
    for path in (POLICY, COOLDOWNS, CANDIDATES, "/status"):
        assert described.wrong("GET", path, http.json("GET", path)) == []

    # Of xAI the evidence is told, too.
    spent = {"code": FREE, "error": "free usage for model grok-4.5. tokens (actual/limit): 9/8"}
    cpa.control.json(
        "POST", "/publish", {"records": [{**record("x1", 429, spent, 3), "provider": "xai"}]}
    )
    wait_until(lambda: len(http.json("GET", COOLDOWNS)["items"]) == 2, what="another cooldown")
    first, second = http.json("GET", COOLDOWNS)["items"]
    assert (first["authFileName"], second["authFileName"]) == ("f01.json", "x.json")
    assert second["reasonCode"] == "xai_free_usage_exhausted"
    evidence = second["evidence"]
    assert (evidence["actual"], evidence["limit"], evidence["model"]) == (9, 8, "grok-4.5")
    assert evidence["recover_at_ms"] == second["recoverAtMs"]
    hidden = {"eventHash", "lastError", "state", "note", "tries", "markMs"}
    assert not hidden & first.keys()

    # A person enables it: the cooldown is over, and will not touch it again.
    on = {"name": "f01.json", "disabled": False}
    http.json("PATCH", "/v0/management/auth-files/status", on)
    assert [one["authFileName"] for one in http.json("GET", COOLDOWNS)["items"]] == ["x.json"]

    for limit in ("0", "-1", "501", "many", "1"):
        path = f"{CANDIDATES}?status=pending&limit={limit}"
        (candidate,) = http.json("GET", path)["items"]
    assert http.json("GET", f"{CANDIDATES}?status=ignored")["items"] == []
    number = candidate["id"]
    assert candidate["evidence"]["requestId"] == "r-2"
    for method, path, expected in (
        ("POST", f"{CANDIDATES}/0/ignore", 400),
        ("POST", f"{CANDIDATES}/99/ignore", 404),
        ("GET", f"{CANDIDATES}/{number}/ignore", 405),
        ("POST", f"{CANDIDATES}/{number}/other", 405),
        ("POST", f"{CANDIDATES}/{number}/ignore", 200),
        ("POST", f"{CANDIDATES}/{number}/ignore", 409),
        ("DELETE", f"{CANDIDATES}/{number}/auth-file", 409),
    ):
        assert http.request(method, path)[0] == expected, path
