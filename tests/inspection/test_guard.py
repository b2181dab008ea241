"""Changes of credential files through the proxy (server contract, section 16)."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from typing import Any
from urllib.parse import quote

import pytest

from cpamp.inspection.mutation import Effect, effect_of, uploaded_names
from cpamp.lab import Cpa, Manager
from tests.daemon import Lab, body, connection, data
from tests.inspection import fixture
from tests.inspection.test_http import finished

FILES = "/v0/management/auth-files"
OWNED = ("f03", "f08", "f09", "f13", "f14")


@pytest.fixture
def pair(lab: Lab) -> tuple[Cpa, Manager]:
    """A CPA, and a daemon whose inspection has disabled some of its accounts."""
    cpa = lab.cpa()
    cpa.control.json("POST", "/auth_files", {"files": fixture.entries()})
    cpa.control.json("POST", "/api_call", {"rules": fixture.rules()})
    manager = lab.manager()
    manager.start()
    manager.http.json("POST", "/setup", connection(cpa))
    config = {"codexInspection": {"autoActionMode": "disable"}}
    manager.http.json("PUT", "/usage-service/config", {"config": config})
    run = manager.http.json("POST", "/v0/management/codex-inspection/run")["run"]
    finished(manager, run["id"])
    assert set(owned(manager)) == {*(f"{key}.json" for key in OWNED), "dead.json", "shared.json"}
    return cpa, manager


def owned(manager: Manager) -> list[str]:
    """The files on which inspection has a claim, one for each."""
    uri = f"file:{data(manager) / 'usage.sqlite'}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as conn:
        return [row[0] for row in conn.execute("SELECT file_name FROM inspection_claims")]


def change(
    manager: Manager, method: str, path: str, value: Any = None, **headers: str
) -> tuple[int, Any]:
    sent = value if isinstance(value, bytes) else json.dumps(value).encode() if value else None
    names = {name.replace("_", "-"): text for name, text in headers.items()}
    status, answer = manager.http.request(method, f"{FILES}{path}", sent, names)
    return body((status, answer or b"null"))


def identities(*cases: Any, **more: Any) -> str:
    """The header that says what the caller saw."""
    seen = [
        {
            "name": f"{case.key}.json",
            "authIndex": case.index,
            "provider": "codex",
            "accountId": f"acc-{case.key}",
            **more,
        }
        for case in cases
    ]
    return quote(json.dumps(seen))


def test_what_ends_a_claim(pair: tuple[Cpa, Manager]) -> None:
    cpa, manager = pair
    on = {"name": "f03.json", "disabled": False}
    assert change(manager, "PATCH", "/status", on)[0] == 200
    assert "f03.json" not in owned(manager)
    # By its runtime id with the index. With a slash behind the path CPA only says where to go.
    one = {"name": "dead-a", "auth_index": "c1", "disabled": True}
    assert change(manager, "PATCH", "/status/", one)[0] == 307
    assert owned(manager).count("dead.json") == 2
    assert change(manager, "PATCH", "/status", one)[0] == 200
    assert owned(manager).count("dead.json") == 1
    # What CPA refuses changes nothing.
    gone = {"name": "f08.json", "auth_index": "none", "disabled": True}
    assert change(manager, "PATCH", "/status", gone)[0] == 404
    cpa.control.json("POST", "/fault", {"when": {"path": f"{FILES}/status"}, "do": {"status": 500}})
    assert change(manager, "PATCH", "/status", {"name": "f08.json", "disabled": True})[0] == 500
    assert "f08.json" in owned(manager)
    # Fields leave a claim, although they write the file.
    note = {"name": "f08.json", "note": "x", "modtime": "2030-01-01T00:00:00Z"}
    assert change(manager, "PATCH", "/fields", note)[0] == 200
    assert "f08.json" in owned(manager)
    # Uploads replace files, as form and as they are.
    form = (
        b'--b\r\nContent-Disposition: form-data; name="f"; filename="f09.json"\r\n\r\n'
        b'{"type":"codex"}\r\n--b--\r\n'
    )
    kind = {"Content_Type": "multipart/form-data; boundary=b"}
    assert change(manager, "POST", "", form, **kind)[0] == 200
    assert "f09.json" not in owned(manager)
    assert change(manager, "POST", "?name=f13.json", b'{"type":"codex"}')[0] == 200
    assert "f13.json" not in owned(manager)
    # Of several deletions only those that were made count.
    status, answer = change(manager, "DELETE", "?name=f14.json&name=none.json")
    assert (status, answer["files"]) == (207, ["f14.json"])
    assert sorted(set(owned(manager))) == ["dead.json", "f08.json", "shared.json"]
    for everything in ("*", "1", "true"):
        cpa.control.json("POST", "/auth_files", {"files": fixture.entries()})
        with closing(sqlite3.connect(data(manager) / "usage.sqlite")) as conn, conn:
            claim = "INSERT INTO inspection_claims VALUES (?, 'codex', '', '', '', 'held', 0, 0)"
            conn.execute(claim, ("f01.json",))
        assert change(manager, "DELETE", f"?all={everything}")[0] == 200
        assert owned(manager) == []
    assert cpa.control.json("POST", "/requests", {"clear": True})


def test_a_claim_outlives_a_change_of_fields(pair: tuple[Cpa, Manager]) -> None:
    cpa, manager = pair
    note = {"name": "f03.json", "note": "x", "modtime": "2030-01-01T00:00:00Z"}
    assert change(manager, "PATCH", "/fields", note)[0] == 200
    rule = {"match": {"auth_index": "a03"}, "reply": {"body": fixture.HEALTHY}}
    cpa.control.json("POST", "/api_call", {"rules": [rule, *fixture.rules()]})
    config = {"codexInspection": {"autoActionMode": "disable", "autoRecoverEnabled": True}}
    manager.http.json("PUT", "/usage-service/config", {"config": config})
    run = manager.http.json("POST", "/v0/management/codex-inspection/run")["run"]
    detail = finished(manager, run["id"])
    (f03,) = [r for r in detail["results"] if r["fileName"] == "f03.json"]
    assert (f03["action"], f03["actionStatus"]) == ("enable", "success")


def test_verified_changes(pair: tuple[Cpa, Manager]) -> None:
    _, manager = pair
    f03, f08 = fixture.BY_KEY["f03"], fixture.BY_KEY["f08"]
    header = "X_CPAMP_Auth_File_Delete_Identities"
    wrong = identities(f03, accountId="acc-other")
    status, answer = change(manager, "DELETE", "?name=f03.json", **{header: wrong})
    assert (status, answer["code"]) == (409, "auth_file_changed")
    for bad in ("x", "[]", quote('[{"authIndex":"1"}]')):
        assert change(manager, "DELETE", "?name=f03.json", **{header: bad})[0] == 400
    assert change(manager, "DELETE", "?name=f03.json", **{header: identities(f08)})[0] == 409
    # A file with two credentials, and only one of them is named.
    one = identities(fixture.D1, name="dead.json")
    assert change(manager, "DELETE", "?name=dead.json", **{header: one})[0] == 409
    both = identities(fixture.D1, fixture.D2, name="dead.json")
    assert change(manager, "DELETE", "?name=dead.json", **{header: both})[0] == 200
    assert "dead.json" not in owned(manager)
    assert change(manager, "DELETE", "?name=f03.json", **{header: identities(f03)})[0] == 200

    # Switching by what the caller saw: our own members never reach CPA.
    sent = {"name": "f08.json", "disabled": False, "cpamp_account_id": "acc-other"}
    assert change(manager, "PATCH", "/status", sent)[0] == 409
    assert "f08.json" in owned(manager)
    sent = {**sent, "cpamp_account_id": "acc-f08", "cpamp_provider": "codex"}
    assert change(manager, "PATCH", "/status", sent)[0] == 200
    assert "f08.json" not in owned(manager)
    sent = {"name": "none.json", "disabled": True, "cpamp_provider": "codex"}
    assert change(manager, "PATCH", "/status", sent)[0] == 404
    assert change(manager, "PATCH", "/status", {**sent, "cpamp_source_file": True})[0] == 400

    # Fields by what the caller saw.
    header = "X_CPAMP_Auth_File_Mutation_Identity"
    note = {"name": "f09.json", "note": "x"}
    one = identities(fixture.BY_KEY["f09"])
    assert change(manager, "PATCH", "/fields", note, **{header: one})[0] == 200
    assert change(manager, "PATCH", "/fields", note, **{header: identities(f08)})[0] == 409
    assert change(manager, "PATCH", "/fields", {"note": "x"}, **{header: one})[0] == 400

    # Writing a file that is still as the caller read it.
    _, content = manager.http.request("GET", f"{FILES}/download?name=f13.json")
    digest = hashlib.sha256(content).hexdigest()
    headers = {
        "X_CPAMP_Auth_File_Write_Identities": identities(fixture.BY_KEY["f13"]),
        "X_CPAMP_Auth_File_Write_Content_SHA256": digest,
    }
    new = b'{"type":"codex"}'
    other = {**headers, "X_CPAMP_Auth_File_Write_Content_SHA256": "0" * 64}
    assert change(manager, "POST", "?name=f13.json", new, **other)[0] == 409
    assert change(manager, "POST", "?name=f13.json", new, **headers)[0] == 200
    assert "f13.json" in owned(manager)
    del headers["X_CPAMP_Auth_File_Write_Identities"]
    assert change(manager, "POST", "?name=f13.json", new, **headers)[0] == 400


def test_the_rest_just_passes(pair: tuple[Cpa, Manager]) -> None:
    _, manager = pair
    assert len(change(manager, "GET", "?name=f01.json")[1]["files"]) == 1
    assert change(manager, "PATCH", "/status", b"no json")[0] == 400
    assert change(manager, "PATCH", "", {"name": "f01.json"})[0] == 404
    manager.http.key = "wrong"
    assert change(manager, "PATCH", "/status", {"name": "f03.json", "disabled": False})[0] == 401
    assert "f03.json" in owned(manager)


NOTHING = Effect(None, nothing=True)
EFFECTS = [
    (200, b'{"status":"ok"}', Effect(None)),
    (200, b"", Effect(None)),
    (200, b"no json", Effect(None)),
    (404, b'{"status":"ok"}', NOTHING),
    (200, b'{"ok":false}', NOTHING),
    (200, b'{"success":false}', NOTHING),
    (200, b'{"status":"failed"}', NOTHING),
    (200, b'{"deleted":0}', NOTHING),
    (200, b'{"uploaded":0,"files":[]}', NOTHING),
    (207, b'{"status":"partial","files":["a"]}', Effect(frozenset("a"))),
    (200, b'{"failed":[{"name":"a","error":"x"}]}', Effect(None, frozenset("a"))),
]


@pytest.mark.parametrize(("status", "answer", "effect"), EFFECTS)
def test_effects(status: int, answer: bytes, effect: Effect) -> None:
    assert effect_of(status, answer) == effect


def test_which_credentials_are_spared() -> None:
    assert Effect(frozenset("a")).spared({"b"})
    assert not Effect(frozenset("a")).spared({"a", "b"})
    assert Effect(None, frozenset("a")).spared({"a"})
    assert not Effect(None).spared({"a"})


PARTS = (
    b'--x\r\nContent-Disposition: form-data; name="a"; filename="one.json"\r\n\r\n'
    b'{"note":"filename=\\"two.json\\""}\r\n'
    b"--x\r\nContent-Disposition: form-data; filename=three.json; name=b\r\n\r\n{}\r\n--x--"
)


def test_names_of_uploads() -> None:
    kind = 'multipart/form-data; boundary="x"'
    assert uploaded_names(kind, PARTS, "q.json") == ["one.json", "three.json"]
    assert uploaded_names("application/json", PARTS, "q.json") == ["q.json"]
    assert uploaded_names("", b"", "") == []
