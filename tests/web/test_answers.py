"""Recorded answers of the existing server, by the daemon itself."""

from __future__ import annotations

import json

import pytest

from tests.answers import DATA, DEVIATIONS, answers, differences, events, setup
from tests.daemon import Lab
from tests.described import Described
from tests.faults.collecting import Collecting


@pytest.mark.parametrize("name", ["raw", "life", "mon", "dash", "hist"])
def test_a_set_imports_and_answers_as_recorded(lab: Lab, name: str) -> None:
    manager = lab.manager(CPAMP_SEED_PRICES="false")
    manager.start()
    http, given = manager.http, setup(name)
    status, body = http.request("POST", "/v0/management/usage/import", events(name))
    assert (status, json.loads(body)) == (200, given["import"])
    http.json("PUT", "/v0/management/model-prices", {"prices": given["prices"] or {}})
    http.json("PUT", "/v0/management/api-key-aliases", {"items": given["aliases"] or []})
    described, wrong = Described.by(http), {}
    for recorded in answers(name):
        asked = None if recorded["body"] is None else json.dumps(recorded["body"]).encode()
        status, body = http.request(recorded["method"], recorded["path"], asked)
        if (status, recorded["status"]) != (200, 200):
            assert status == recorded["status"]
            assert set(json.loads(body)) == {"error", "code"}
            continue
        lines = recorded["path"].endswith("export")
        found = [json.loads(x) for x in body.splitlines()] if lines else json.loads(body)
        assert described.wrong(recorded["method"], recorded["path"], found) == []
        allowed = DEVIATIONS.get(recorded["name"], ())
        lines = differences(recorded["answer"], found)
        rest = [line for line in lines if not line.split(":")[0].endswith(allowed)]
        if rest or (allowed and not lines):
            wrong[recorded["name"]] = rest
    assert wrong == {}
    again = json.loads(http.request("POST", "/v0/management/usage/import", events(name))[1])
    assert (again["added"], again["skipped"]) == (0, again["total"])


@pytest.mark.parametrize("mode", ["subscribe", "http", "resp"])
def test_real_records_come_out_alike_over_every_transport(lab: Lab, mode: str) -> None:
    both = Collecting.begin(lab, USAGE_COLLECTOR_MODE=mode)
    lines = (DATA / "cpa" / "records.jsonl").read_text().splitlines()
    both.control("publish", records=lines)
    both.published = len(lines)
    both.all_here()
    (recorded,) = (a for a in answers("raw") if a["name"] == "raw.export")
    names = ("account_snapshot", "auth_label_snapshot", "auth_file_snapshot")
    found = [{k: v for k, v in line.items() if k not in names} for line in both.exported()]
    assert differences(recorded["answer"], found) == []
    both.manager.stop()
    secrets = [b"sk-proj-ABCDEFGH12345678", b"abcdefghijklmnop", b"secret-cookie-value"]
    secrets += [json.loads(line)["api_key"].encode() for line in lines[:20]]
    stored = b"".join(
        f.read_bytes() for f in lab.folder.rglob("*") if f.is_file() and f.name != "cpa.log"
    )
    assert [secret for secret in secrets if secret and secret in stored] == []


def test_export_import_export_is_the_same(lab: Lab) -> None:
    first, second = lab.manager("first"), lab.manager("second")
    first.start()
    second.start()
    first.http.request("POST", "/v0/management/usage/import", events("life"))
    export = first.http.request("GET", "/v0/management/usage/export")[1]
    report = json.loads(second.http.request("POST", "/v0/management/usage/import", export)[1])
    assert report["added"] == len(export.splitlines())
    assert second.http.request("GET", "/v0/management/usage/export")[1] == export
    newest = first.http.request("GET", "/v0/management/usage/export?limit=10")[1]
    assert newest.splitlines() == export.splitlines()[-10:]
