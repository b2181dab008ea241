"""Notices over HTTP: ways, rules, rehearsals; secrets are not told, and mistakes are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from cpamp.lab import Manager
from tests.daemon import Lab, body, data, encoded

BASE = "/v0/management/notifications"
WEBHOOK = {"means": "webhook", "url": "https://example.com/hook", "secret": "very secret"}
MAIL = {
    **{"means": "email", "host": "mail.example.com", "from": "a@example.com"},
    **{"to": "b@example.com", "user": "a", "password": "mail secret"},
}


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    lab = Lab(tmp_path_factory.mktemp("notifications"))
    manager = lab.manager()
    manager.start()
    yield manager
    lab.close()


def test_ways_and_rules(manager: Manager) -> None:
    http = manager.http
    first, second = (http.json("POST", f"{BASE}/channels", one) for one in (WEBHOOK, MAIL))
    assert (first["secret"], second["password"]) == ("********", "********")
    assert (second["port"], second["security"]) == ("587", "starttls")
    changed = {**WEBHOOK, "name": "Team", "secret": "********"}
    assert http.json("PUT", f"{BASE}/channels/{first['id']}", changed)["name"] == "Team"
    rule = {"kind": "spend", "limit": 20, "channels": [first["id"]], "timeZone": "Europe/Berlin"}
    stored = http.json("POST", f"{BASE}/rules", rule)
    assert {name: stored[name] for name in rule} == rule
    assert (stored["unit"], stored["enabled"], stored["quietMinutes"]) == (
        *("USD since midnight", True),
        60,
    )
    off = http.json("PUT", f"{BASE}/rules/{stored['id']}", {**rule, "enabled": False})
    shown = http.json("GET", BASE)
    assert shown["rules"] == [off]
    assert [one["name"] for one in shown["channels"]] == ["Team", "email"]
    assert {"spend", "disk_low"} <= {kind["kind"] for kind in shown["kinds"]}
    http.json("DELETE", f"{BASE}/rules/{stored['id']}")
    http.json("DELETE", f"{BASE}/channels/{first['id']}")
    shown = http.json("GET", BASE)
    assert (shown["rules"], [one["id"] for one in shown["channels"]]) == ([], [second["id"]])
    assert http.json("GET", f"{BASE}/log") == {"items": []}
    files = b"".join(f.read_bytes() for f in data(manager).rglob("*") if f.is_file())
    assert b"very secret" not in files
    assert b"mail secret" not in files


def test_a_rehearsal_without_events(manager: Manager) -> None:
    found = manager.http.json("POST", f"{BASE}/rehearsal", {"kind": "spend", "limit": 5})
    assert found == {
        "days": 30,
        "count": 0,
        "times_ms": [],
        "since_ms": None,
        "unknown": None,
    }


BAD: list[tuple[str, Any]] = [
    ("channels", []),
    ("channels", {}),
    ("channels", {"means": "pigeon"}),
    ("channels", {"means": "webhook"}),
    ("channels", {"means": "webhook", "url": "file:///etc/passwd"}),
    ("channels", {"means": "webhook", "url": "https://"}),
    ("channels", {**WEBHOOK, "secret": 5}),
    ("channels", {**WEBHOOK, "url": "https://a/\r\nX: y"}),
    ("channels", {**MAIL, "port": "99999"}),
    ("channels", {**MAIL, "security": "magic"}),
    ("channels", {**MAIL, "to": "nobody"}),
    ("channels", {**MAIL, "from": "a@example.com\r\nBcc: c@example.com"}),
    ("channels", {"means": "telegram", "token": "x"}),
    ("rules", []),
    ("rules", {}),
    ("rules", {"kind": "weather"}),
    ("rules", {"kind": "spend", "limit": "much"}),
    ("rules", {"kind": "spend", "limit": -1}),
    ("rules", {"kind": "spend", "channels": "all"}),
    ("rules", {"kind": "spend", "channels": ["1"]}),
    ("rules", {"kind": "spend", "quietMinutes": -1}),
    ("rules", {"kind": "spend", "quietMinutes": 1.5}),
    ("rules", {"kind": "spend", "timeZone": "Mars"}),
    ("rules", {"kind": "spend", "name": "x" * 121}),
    ("rehearsal", {"kind": 5}),
]


@pytest.mark.parametrize(("what", "value"), BAD)
def test_mistakes_are_told(manager: Manager, what: str, value: Any) -> None:
    status, found = body(manager.http.request("POST", f"{BASE}/{what}", encoded(value)))
    assert (status, set(found)) == (400, {"error", "code"})


@pytest.mark.parametrize("path", ["channels/99", "rules/99", "channels/x", "rules/0"])
def test_what_there_is_not(manager: Manager, path: str) -> None:
    value = WEBHOOK if path.startswith("channels") else {"kind": "spend"}
    status, found = manager.http.request("PUT", f"{BASE}/{path}", encoded(value))
    assert (status, json.loads(found)["code"]) == (404, "not_found")
