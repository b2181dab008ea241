"""Requests to a running daemon whose answers are looked at closely."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any

import attrs

from cpamp.lab import Manager
from tests.described import check_refusal


@attrs.frozen
class Asked:
    """An answer: its status, its body and its headers (by their names in lower case)."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> tuple[int, Any]:
        """The status, and the code of the error body."""
        return self.status, self.json.get("code")


def ask(
    manager: Manager,
    method: str,
    path: str,
    body: Any = None,
    *,
    key: str | None = None,
    **headers: str,
) -> Asked:
    """One request; `body` may be bytes, or a value that is sent as JSON.

    Headers are given with an underscore for each hyphen.
    """
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    sent["Authorization"] = f"Bearer {manager.http.key if key is None else key}"
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
    connection = http.client.HTTPConnection("127.0.0.1", manager.http.port, timeout=60)
    try:
        connection.request(method, path, body=body, headers=sent)
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        asked = Asked(answer.status, answer.read(), found)
    finally:
        connection.close()
    if asked.status >= 400 and found.get("content-type") == "application/json":
        check_refusal(method, path, asked.status, asked.json)
    return asked
