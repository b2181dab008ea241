"""Whose key a proxied call goes to CPA with, and what follows of a refusal."""

from __future__ import annotations

import json
from contextlib import ExitStack

import pytest

from cpamp.lab import ADMIN_KEY
from tests.daemon import Lab
from tests.web.proxied import CPA_KEY, Pair
from tests.web.upstream import Call, reply, upstream


@pytest.mark.parametrize("headers", [{}, {"X-Management-Key": CPA_KEY}, {"Cookie": "a"}])
def test_a_stranger_is_told_by_us_and_cpa_not_asked(pair: Pair, headers: dict[str, str]) -> None:
    pair.cpa.on("/v0/management/debug", reply(200, b"{}"))
    response, body = pair.call("GET", "/v0/management/debug", headers=headers)
    assert (response.status, json.loads(body)["code"]) == (401, "invalid_admin_key")
    assert pair.cpa.asked("/v0/management/debug") == []


REFUSALS = [
    (401, b'{"error":"invalid management key"}', "cpa_key_refused"),
    (401, b"<html>log in</html>", "cpa_key_refused"),
    (403, b'{"error":"remote management disabled"}', "cpa_remote_disabled"),
    (
        403,
        b'{"error":"IP banned due to too many failed attempts. Try again in 29m59s"}',
        "cpa_banned",
    ),
]


@pytest.mark.parametrize(("status", "body", "code"), REFUSALS)
def test_what_cpa_says_of_the_saved_key_is_no_logout(
    tmp_path_factory: pytest.TempPathFactory, status: int, body: bytes, code: str
) -> None:
    lab = Lab(tmp_path_factory.mktemp("refused"))
    with upstream() as cpa, ExitStack() as ends:
        ends.callback(lab.close)
        manager = lab.manager()
        manager.start()
        setup = {
            "cpaBaseUrl": cpa.url,
            "cpaManagementKey": CPA_KEY,
            "requestMonitoringEnabled": False,
        }
        manager.http.json("POST", "/setup", setup)
        cpa.on("/v0/management/debug", reply(status, body))
        answers = [manager.http.request("GET", "/v0/management/debug") for _ in range(5)]
        assert {(s, json.loads(b)["code"]) for s, b in answers} == {(502, code)}
        # One that judges the key may be asked twice; all else is answered here.
        assert len(cpa.asked("/v0/management/debug")) == (2 if "key" in code else 1)


def test_another_refusal_is_passed_on(pair: Pair) -> None:
    pair.cpa.on("/v0/management/plugin", reply(403, b'{"error":"not this one"}'))
    response, body = pair.call("GET", "/v0/management/plugin")
    assert (response.status, body) == (403, b'{"error":"not this one"}')


def test_a_refusal_that_breaks_off_does_not_hold_up_what_comes_next(pair: Pair) -> None:
    async def break_off(call: Call) -> None:
        await call.send(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 100\r\n\r\nshort")
        call.writer.close()

    pair.cpa.on("/v0/management/broken", break_off)
    pair.cpa.on("/v0/management/debug", reply(200, b"{}"))
    assert pair.call("GET", "/v0/management/broken")[0].status == 502
    assert pair.call("GET", "/v0/management/debug")[0].status == 200


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/v1/models", ["Bearer client-key"]),
        ("/models", ["Bearer client-key"]),
        ("/v0/management/codex-invite", ["Bearer client-key"]),
        ("/v0/management/codex-invite/page", ["Bearer client-key"]),
        ("/v0/resource/plugins/codex-invite/page", []),
    ],
)
def test_a_call_without_the_admin_key(pair: Pair, path: str, seen: list[str]) -> None:
    target = "/v1/models" if path == "/models" else path
    pair.cpa.on(target, reply(200, b"{}"))
    headers = {
        "Authorization": "Bearer client-key",
        "Cookie": "a=1",
        "X-Management-Key": "guessed",
        "X-Forwarded-For": "10.0.0.1",
        "X-Real-IP": "10.0.0.1",
    }
    assert pair.call("GET", f"{path}?x=1", headers=headers)[0].status == 200
    (call,) = pair.cpa.asked(target)
    assert call.target == f"{target}?x=1"
    assert call.all("Authorization") == seen
    # CPA counts what is wrong with such a call against its caller.
    assert call.all("X-Forwarded-For") == ["127.0.0.1"]
    assert [call.all(name) for name in ("Cookie", "X-Management-Key", "X-Real-IP")] == [[], [], []]


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/v1/models", []),
        ("/v0/management/codex-invite/page", [f"Bearer {CPA_KEY}"]),
        ("/v0/resource/plugins/codex-invite/page", [f"Bearer {CPA_KEY}"]),
    ],
)
def test_the_admin_key_never_leaves(pair: Pair, path: str, seen: list[str]) -> None:
    pair.cpa.on(path, reply(200, b"{}"))
    assert pair.call("GET", path)[0].status == 200
    (call,) = pair.cpa.asked(path)
    assert call.all("Authorization") == seen
    assert ADMIN_KEY not in str(call.headers)
