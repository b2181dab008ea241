"""The panel's first answer: our own parts at once, CPA's own as soon as they are there."""

from __future__ import annotations

import hashlib
import http.client
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from cpamp.lab import ADMIN_KEY, Cpa, Manager
from cpamp.simulator.records import CLIENT_KEYS
from tests.daemon import Lab, connection
from tests.web.asking import ask

PATH = "/v0/management/panel/bootstrap"
CONFIG = "/v0/management/config"
PARTS = {"version", "switches", "usage", "plugins", "clientKeys", "providers", "models"}
# CPA is given 2 s; what is more is this machine's, which may be busy: some tries.
CPA_SECONDS = 2.0
SLACK_SECONDS = 1.5
TRIES = 5


@pytest.fixture(scope="module")
def cpa(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cpa]:
    lab = Lab(tmp_path_factory.mktemp("cpa"))
    yield lab.cpa()
    lab.close()


@pytest.fixture(scope="module")
def manager(cpa: Cpa, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    """A daemon that is connected, and does not collect: nobody else asks CPA."""
    lab = Lab(tmp_path_factory.mktemp("bootstrap"))
    manager = lab.manager()
    manager.start()
    manager.http.json("POST", "/setup", {**connection(cpa), "requestMonitoringEnabled": False})
    yield manager
    lab.close()


@pytest.fixture(autouse=True)
def _healthy(cpa: Cpa) -> None:
    cpa.control.json("POST", "/clear_faults")


def own_parts(answer: Any) -> None:
    """All that the daemon knows by itself is there."""
    assert answer["info"]["service"] == answer["status"]["service"] == "cpa-manager-plus"
    assert answer["config"]["config"]["cpaConnection"]["managementKey"] == "*" * 12
    assert answer["status"]["events"] == 0
    assert answer["aliases"] == {"items": []}


def test_everything_in_one_answer(manager: Manager, cpa: Cpa) -> None:
    cpa.control.json("POST", "/requests", {"clear": True})
    asked = ask(manager, "GET", PATH)
    assert asked.headers["content-type"] == "application/json"
    own_parts(asked.json)
    parts = asked.json["cpa"]
    assert parts.keys() == PARTS
    assert parts["version"]["data"]["version"] == "7.2.140"
    assert parts["switches"]["data"]["usage-statistics-enabled"] is True
    assert parts["switches"]["data"]["routing/strategy"] == "round-robin"
    assert parts["usage"]["data"] == manager.http.json("GET", "/usage-service/config")["cpaUsage"]
    assert parts["clientKeys"]["data"] == {
        hashlib.sha256(key.encode()).hexdigest(): f"{key[:2]}******{key[-2:]}"
        for key in CLIENT_KEYS[:2]
    }
    assert parts["providers"]["data"]["claude-api-key"] > 0
    assert parts["plugins"]["data"].keys() == {"supported", "enabled"}
    served = manager.http.request(
        "GET", "/v1/models", headers={"Authorization": f"Bearer {CLIENT_KEYS[0]}"}
    )[1]
    assert parts["models"]["data"] == len(json.loads(served)["data"]) > 0
    # One call of CPA for the configuration and one for the models, one each for those compared
    # with; and none of its keys come along.
    assert len(cpa.control.json("POST", "/requests")) == 4
    assert "sk-" not in asked.body.decode()


def test_it_is_the_answers_that_it_stands_for(manager: Manager) -> None:
    answer = ask(manager, "GET", PATH).json
    assert answer["info"] == manager.http.json("GET", "/usage-service/info")
    config = manager.http.json("GET", "/usage-service/config")
    assert {**answer["config"], "cpaUsage": answer["cpa"]["usage"]["data"]} == config
    assert answer["status"].keys() == manager.status().keys()


def with_hanging_cpa(manager: Manager, cpa: Cpa) -> tuple[float, float]:
    """Ask while CPA says nothing: the seconds until our own parts came, and all."""
    hang = {"when": {"path": CONFIG}, "do": {"never": True}}
    cpa.control.json("POST", "/fault", hang)
    client = http.client.HTTPConnection("127.0.0.1", manager.http.port, timeout=60)
    client.request("GET", PATH, headers={"Authorization": f"Bearer {ADMIN_KEY}"})
    began = time.monotonic()
    response = client.getresponse()
    first = response.readline()
    waited = time.monotonic() - began
    own_parts(json.loads(first + b"}"))
    rest = response.read()
    whole = time.monotonic() - began
    client.close()
    assert whole > CPA_SECONDS - 0.1
    answer = json.loads(first + rest)
    assert {part["code"] for part in answer["cpa"].values()} == {"cpa_unreachable"}
    assert all("data" not in part for part in answer["cpa"].values())
    return waited, whole


def test_a_hanging_cpa_delays_nothing_of_ours(manager: Manager, cpa: Cpa) -> None:
    for _ in range(TRIES):
        waited, whole = with_hanging_cpa(manager, cpa)
        if waited < CPA_SECONDS / 2 and whole < CPA_SECONDS + SLACK_SECONDS:
            break
    assert waited < CPA_SECONDS / 2
    assert whole < CPA_SECONDS + SLACK_SECONDS


def test_what_answers_is_not_cpa(manager: Manager, cpa: Cpa) -> None:
    wrong = {"when": {"path": CONFIG}, "do": {"status": 200, "body": '{"hello": 1}'}}
    cpa.control.json("POST", "/fault", wrong)
    parts = ask(manager, "GET", PATH).json["cpa"]
    assert parts["usage"]["code"] == "not_cpa"
    assert parts["switches"] == {"data": {}}


def test_a_refused_key_is_told_of(manager: Manager, cpa: Cpa) -> None:
    refusal = {"status": 401, "body": '{"error": "invalid management key"}'}
    cpa.control.json("POST", "/fault", {"when": {"path": CONFIG}, "do": refusal})
    asked = ask(manager, "GET", PATH)
    assert asked.status == 200
    own_parts(asked.json)
    assert {part["code"] for part in asked.json["cpa"].values()} == {"cpa_key_refused"}
    assert manager.http.json("POST", "/usage-service/retry") == {"ok": True}


def test_without_a_connection(lab: Lab) -> None:
    manager = lab.manager()
    manager.start()
    answer = ask(manager, "GET", PATH).json
    assert answer["info"]["setupRequired"] is True
    codes = {part["code"] for part in answer["cpa"].values()}
    assert codes == {"usage_service_not_configured"}


def test_a_cpa_that_has_gone(lab: Lab) -> None:
    cpa, manager = lab.cpa(), lab.manager()
    manager.start()
    manager.http.json("POST", "/setup", {**connection(cpa), "requestMonitoringEnabled": False})
    cpa.process.stop()
    asked = ask(manager, "GET", PATH)
    own_parts(asked.json)
    assert {part["code"] for part in asked.json["cpa"].values()} == {"cpa_unreachable"}
