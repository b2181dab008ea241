"""What may come over the wire instead of records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cpamp.lab import Cpa, Http, Manager, wait_until
from cpamp.simulator.keys import FAILURES
from tests.daemon import Lab
from tests.faults.collecting import Collecting


def test_bad_records_cost_their_neighbours_nothing(lab: Lab) -> None:
    both = Collecting.begin(lab)
    records: list[Any] = []
    bad = ["{", "[]", "null", "12", "not json", '{"a":NaN}']
    for i in range(200):
        records.append({"model": "m", "request_id": f"r{i}", "timestamp": 1_700_000_000 + i})
        if i < len(bad):
            records.append(bad[i])
    records.append(
        {"model": "m", "request_id": "big", "fail": {"body": "x" * 2_000_000}, "failed": True}
    )
    records.append({"model": 5, "tokens": "x", "latency_ms": {}, "response_headers": [1]})
    both.control("publish", records=records)
    both.published = 202
    both.all_here()
    both.wait(lambda s: s["deadLetters"] == len(bad), "the dead letters")


def test_a_queue_with_items_of_every_kind(lab: Lab) -> None:
    both = Collecting.begin(lab, USAGE_COLLECTOR_MODE="http")
    items = [{"model": "a"}, 12, json.dumps({"model": "b"}), None, "", [1], {"model": "c"}]
    both.control(
        "fault",
        when={"proto": "http", "path": "/v0/management/usage-queue"},
        do={"body": json.dumps(items)},
    )
    both.published = 3
    both.all_here()
    both.wait(lambda s: s["deadLetters"] == 2, "the dead letters")


@pytest.fixture(scope="module", params=["http"])
def polling(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Collecting]:
    """A daemon that asks CPA for records, for tests after which it goes on so."""
    lab = Lab(tmp_path_factory.mktemp("polling"))
    yield Collecting.begin(lab, USAGE_COLLECTOR_MODE=request.param)
    lab.close()


@pytest.mark.parametrize(
    "do",
    [
        {"body": "<html>busy</html>", "type": "text/html"},
        {"body": '{"a":1}'},
        {"body": "null"},
        {"status": 500, "body": "x"},
        {"status": 502, "body": "<html>", "type": "text/html"},
        {"close": True},
    ],
)
def test_strange_replies_of_the_queue(polling: Collecting, do: dict[str, Any]) -> None:
    when = {"proto": "http", "path": "/v0/management/usage-queue"}
    polling.control("fault", when=when, times=2, do=do)
    polling.publish(100, seed=polling.published + 1)
    polling.all_here()


@pytest.mark.parametrize("mode", ["http", "auto"])
def test_a_reply_of_the_queue_that_breaks_off(lab: Lab, mode: str) -> None:
    cpa = lab.cpa()
    when = {"proto": "http", "path": "/v0/management/usage-queue"}
    cpa.control.json("POST", "/fault", {"when": when, "times": 1, "do": {"cut": 50_000}})
    manager = lab.manager(
        CPA_UPSTREAM_URL=cpa.url,
        CPA_MANAGEMENT_KEY=cpa.control.key,
        USAGE_COLLECTOR_MODE=mode,
    )
    both = Collecting(cpa, manager)
    both.publish(80)
    both.burst_over()
    manager.start()
    # All that has come is kept, and that the rest is gone is known.
    status = both.wait(lambda s: s["deadLetters"] == 1, "the one that was torn")
    assert manager.events() > 20
    both.wait(lambda s: s["coverage"]["last24h"]["atRiskMinutes"] > 0, "the risk")
    assert status["spoolEvents"] == 0


@pytest.mark.parametrize(
    "raw",
    [
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "garbage\r\n",
        "$100\r\nshort",
        "-LOADING not yet\r\n",
        "-ERR RESP AUTH disabled; use mTLS\r\n",
        "-ERR redis usage output disabled in home mode\r\n",
    ],
)
def test_a_resp_door_that_is_shut(lab: Lab, raw: str) -> None:
    cpa = lab.cpa()
    cpa.control.json(
        "POST",
        "/fault",
        {"when": {"proto": "resp"}, "times": "forever", "do": {"raw": raw, "close": True}},
    )
    manager = lab.manager(CPA_UPSTREAM_URL=cpa.url, CPA_MANAGEMENT_KEY=cpa.control.key)
    manager.start()
    both = Collecting(cpa, manager)
    both.wait(lambda s: s["transport"] == "http" and s["collector"] == "running", "the queue")
    both.publish(100)
    both.all_here()


@pytest.mark.parametrize(
    ("version", "transport"),
    [
        ("6.10.7", "resp"),
        ("6.10.8", "http"),
        ("7.0.6", "http"),
        ("7.1.17", "http"),
        ("7.1.38", "subscribe"),
        ("7.1.39", "subscribe"),
    ],
)
def test_older_versions_of_cpa(lab: Lab, version: str, transport: str) -> None:
    both = Collecting.begin(lab, "--version", version)
    assert both.status["transport"] == transport
    both.publish(200)
    both.all_here()


@pytest.mark.parametrize(
    "do",
    [
        {"raw": "garbage\r\n"},
        {"raw": "HTTP/1.1 502 Bad Gateway\r\n\r\n"},
        {"close": True},
    ],
)
def test_garbage_in_a_subscription_costs_the_connection_alone(lab: Lab, do: dict[str, Any]) -> None:
    both = Collecting.begin(lab)
    both.publish(100)
    both.all_here()
    both.control("fault", when={"proto": "resp", "verb": "message"}, do=do)
    both.control("publish", records=[{"model": "lost in the garbage"}])
    subscribed = both.cpa.control
    wait_until(
        lambda: (
            [n["what"] for n in subscribed.json("POST", "/requests", {})].count("SUBSCRIBE") == 2
        ),
        what="another subscription",
    )
    both.wait(lambda s: s["collector"] == "running", "the collector to run")
    both.publish(100, seed=2)
    both.all_here()
    coverage = both.status["coverage"]["last24h"]
    assert coverage["atRiskMinutes"] + coverage["lostMinutes"] >= 1


@pytest.mark.parametrize("polling", ["resp"], indirect=True)
@pytest.mark.parametrize("reply", ["LOADING not yet", "ERR unsupported channel 'usage'"])
def test_errors_in_reply_to_pops(polling: Collecting, reply: str) -> None:
    polling.control("fault", when={"proto": "resp", "verb": "rpop"}, times=2, do={"error": reply})
    polling.publish(200, seed=polling.published + 1)
    polling.all_here()


def test_a_cpa_whose_clock_is_wrong(lab: Lab) -> None:
    both = Collecting.begin(lab)
    for seed, days in enumerate((0, 3, -3, 3650, -3650, 0), 1):
        both.control("set", clock_offset_ms=days * 86_400_000)
        both.publish(50, seed=seed)
        both.burst_over()
    both.all_here()
    status = both.status
    assert status["collector"] == "running"
    assert status["coverage"]["last24h"]["lostMinutes"] == 0


def test_a_cpa_that_forgets_its_queue_in_the_meantime(lab: Lab) -> None:
    both = Collecting.begin(lab)
    both.publish(50)
    both.all_here()
    both.manager.stop()
    both.publish(50, seed=2)
    both.burst_over()
    both.control("advance", ms=61_000)
    both.manager.start()
    both.wait_for_collecting()
    # What CPA has dropped is not pretended to be there; what comes next is.
    both.published -= 50
    both.publish(50, seed=3)
    both.all_here()
    assert both.counts()["expired"] == 50


def failures(cpa: Cpa) -> int:
    """Wrong keys that CPA has counted."""
    return sum(cpa.control.json("GET", "/state")["failures"].values())


def test_a_wrong_key_is_tried_twice_over_all_parts_and_then_never(lab: Lab) -> None:
    cpa = lab.cpa()
    manager = lab.manager(CPA_UPSTREAM_URL=cpa.url, CPA_MANAGEMENT_KEY="wrong")
    manager.start()
    both = Collecting(cpa, manager)
    both.wait(lambda s: s.get("key", {}).get("state") == "key_refused", "the refusal")
    for _ in range(5):
        status, body = manager.http.request("GET", "/v0/management/auth-files")
        assert status == 502
        assert json.loads(body)["code"] == "cpa_key_refused"
    assert failures(cpa) <= 2
    assert json.loads(cpa.control.request("GET", "/state")[1])["banned"] == []


def test_a_refused_key_is_tried_again_when_a_person_asks(lab: Lab) -> None:
    cpa = lab.cpa()
    manager = lab.manager(CPA_UPSTREAM_URL=cpa.url, CPA_MANAGEMENT_KEY="not-yet")
    manager.start()
    both = Collecting(cpa, manager)
    status = both.wait(lambda s: s["key"].get("retryInSeconds"), "the second refusal")
    assert status["key"]["state"] == "key_refused"
    assert 4 * 3600 - 60 < status["key"]["retryInSeconds"] <= 4 * 3600
    both.control("set", secret="not-yet")
    calls = len(cpa.control.json("POST", "/requests", {}))
    assert manager.http.request("GET", "/v0/management/auth-files")[0] == 502
    assert len(cpa.control.json("POST", "/requests", {})) == calls
    assert manager.http.json("POST", "/usage-service/retry") == {"ok": True}
    both.wait_for_collecting()
    assert both.status["key"] == {"state": "accepted"}
    both.publish(50)
    both.all_here()


def test_a_ban_is_told_and_waited_out(lab: Lab) -> None:
    cpa = lab.cpa()
    wrong = Manager.prepare(lab.folder).http
    wrong.port, wrong.key = cpa.port, "wrong"
    for _ in range(5):
        wrong.request("GET", "/v0/management/config")
    manager = lab.manager(CPA_UPSTREAM_URL=cpa.url, CPA_MANAGEMENT_KEY=cpa.control.key)
    manager.start()
    both = Collecting(cpa, manager)
    status = both.wait(lambda s: s.get("key", {}).get("state") == "banned", "the ban to show")
    assert 1700 < status["key"]["retryInSeconds"] <= 1801
    calls = len(cpa.control.json("POST", "/requests", {}))
    manager.http.json("POST", "/usage-service/retry")
    answer = json.loads(manager.http.request("GET", "/v0/management/auth-files")[1])
    assert (answer["code"], both.status["key"]["state"]) == ("cpa_banned", "banned")
    assert len(cpa.control.json("POST", "/requests", {})) == calls


def test_the_key_changes_while_collecting(lab: Lab) -> None:
    cpa = lab.cpa()
    manager = lab.manager()
    manager.start()
    both = Collecting(cpa, manager)
    setup = {"cpaBaseUrl": cpa.url, "cpaManagementKey": cpa.control.key}
    manager.http.json("POST", "/setup", setup)
    both.wait_for_collecting()
    both.control("set", secret="another-key")
    both.control("kick")
    both.wait(lambda s: s["collector"] == "error", "the error")
    assert failures(cpa) <= 2
    manager.http.json("POST", "/setup", {**setup, "cpaManagementKey": "another-key"})
    both.wait_for_collecting()
    both.publish(50)
    both.all_here()


def test_publishing_off_is_turned_on_once(lab: Lab) -> None:
    cpa = lab.cpa()
    cpa.control.json("POST", "/set", {"publishing": False})
    manager = lab.manager(CPA_UPSTREAM_URL=cpa.url, CPA_MANAGEMENT_KEY=cpa.control.key)
    manager.start()
    both = Collecting(cpa, manager)
    both.wait(lambda s: s["publishing"] is True, "publishing")
    wait_until(
        lambda: cpa.control.json("GET", "/state")["config"]["usage-statistics-enabled"],
        what="CPA to publish",
    )


@pytest.mark.parametrize("mode", ["http", "subscribe"])
def test_a_key_that_turns_wrong_under_many_calls_gets_no_ban(lab: Lab, mode: str) -> None:
    both = Collecting.begin(lab, "--bcrypt-ms", "200", USAGE_COLLECTOR_MODE=mode)
    port, key = both.manager.http.port, both.manager.http.key
    path = "/v0/management/debug"
    assert both.manager.http.request("GET", path)[0] == 200
    both.control("set", secret="another-key")
    if mode == "subscribe":
        both.control("kick")

    def ask(_: int) -> Any:
        return json.loads(Http(port, key).request("GET", path)[1])["code"]

    with ThreadPoolExecutor(20) as people:
        assert set(people.map(ask, range(40))) == {"cpa_key_refused"}
    both.wait(lambda s: s["key"]["state"] == "key_refused", "the key to be refused")
    state = both.cpa.control.json("GET", "/state")
    assert state["banned"] == []
    assert 2 <= sum(state["failures"].values()) < FAILURES
