"""What CPA answers to changes and to calls with a credential (inspection contract, 4.2, 4.3)."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest
from twisted.internet.defer import Deferred

from cpamp.cpa.credentials import ApiReply, Credentials, confirm
from cpamp.cpa.errors import NotCpa, Unconfirmed

CONFIRMED: list[bytes] = [
    b"",
    b" \n",
    b'{"status":"ok"}',
    b'{"status":"Success","failed":[],"error":""}',
    b'{"ok":true,"error":null,"failed":0}',
    b'{"success":true}',
]
UNCONFIRMED: list[bytes] = [
    b"{}",
    b"[]",
    b'"ok"',
    b"null",
    b"<html>",
    b'{"status":"ok"}{"status":"ok"}',
    b'{"status":"done"}',
    b'{"status":"error"}',
    b'{"status":"failed","ok":true}',
    b'{"status":"partial"}',
    b'{"status":"ok","failed":["a.json"]}',
    b'{"status":"ok","failed":true}',
    b'{"status":"ok","failed":1}',
    b'{"ok":true,"error":"no"}',
    b'{"ok":true,"success":false}',
    b'{"ok":false,"success":true}',
    b'{"ok":1}',
]


@pytest.mark.parametrize("answer", CONFIRMED)
def test_what_confirms_a_change(answer: bytes) -> None:
    confirm(answer)


@pytest.mark.parametrize("answer", UNCONFIRMED)
def test_what_confirms_nothing(answer: bytes) -> None:
    with pytest.raises(Unconfirmed):
        confirm(answer)


@attrs.define
class Client:
    """A CPA that gives one answer, and remembers what it was asked."""

    answer: bytes
    asked: list[tuple[str, str, Any]] = attrs.field(factory=list)

    async def exchange(self, method: str, path: str, body: bytes | None = None, **_: Any) -> bytes:
        self.asked.append((method, path, json.loads(body) if body else None))
        return self.answer


def done(client: Client, ask: Any) -> Any:
    """What comes of asking that client; raises what it raises."""
    made: Any = client
    over: list[Any] = []
    Deferred.fromCoroutine(ask(Credentials(made))).addBoth(over.append)
    if hasattr(over[0], "raiseException"):
        over[0].raiseException()
    return over[0]


REPLIES: list[tuple[Any, ApiReply]] = [
    ({"status_code": 200, "body": "x"}, ApiReply(200, "x")),
    ({"statusCode": "429", "body": {"a": 1}}, ApiReply(429, {"a": 1})),
    ({"status_code": 503.0}, ApiReply(503, None)),
    ({"body": "x"}, ApiReply(None, "x")),
    ({"status_code": "soon"}, ApiReply(None, None)),
    ({"status_code": True}, ApiReply(None, None)),
]


@pytest.mark.parametrize(("answer", "reply"), REPLIES)
def test_answers_of_providers(answer: Any, reply: ApiReply) -> None:
    client = Client(json.dumps(answer).encode())
    headers = {"Authorization": "Bearer $TOKEN$"}
    asked = done(client, lambda c: c.api_call("a01", "https://x", headers, seconds=1))
    assert asked == reply
    ((method, path, body),) = client.asked
    assert (method, path) == ("POST", "/v0/management/api-call")
    assert body == {"authIndex": "a01", "method": "GET", "url": "https://x", "header": headers}


@pytest.mark.parametrize("answer", [b"[]", b"<html>", b"", b"{}{}"])
def test_answers_that_are_none(answer: bytes) -> None:
    with pytest.raises(NotCpa):
        done(Client(answer), lambda c: c.api_call("a01", "https://x", {}, seconds=1))


def test_an_index_that_is_not_known_is_left_out() -> None:
    client = Client(b'{"status":"ok"}')
    done(client, lambda c: c.set_disabled("a.json", True))
    done(client, lambda c: c.set_disabled("a.json", False, "a01"))
    done(client, lambda c: c.delete("a b&c.json"))
    switch = "/v0/management/auth-files/status"
    assert client.asked == [
        ("PATCH", switch, {"name": "a.json", "disabled": True}),
        ("PATCH", switch, {"name": "a.json", "disabled": False, "auth_index": "a01"}),
        ("DELETE", "/v0/management/auth-files?name=a%20b%26c.json", None),
    ]
