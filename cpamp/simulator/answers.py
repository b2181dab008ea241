"""Calls of the simulated CPA, and its answers."""

from __future__ import annotations

from typing import Any

import attrs
import orjson

JSON = "application/json; charset=utf-8"


@attrs.frozen
class Call:
    """One HTTP call."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    def one(self, name: str) -> str:
        """The first value of a parameter, "" where it is absent."""
        return self.query.get(name, [""])[0]

    def json(self) -> Any:
        """The body as JSON; None where it is none."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None


@attrs.frozen
class Answer:
    """What is answered. `body` None: empty, without a content type.

    `bare`: before anything that adds CPA's own headers.
    """

    status: int = 200
    body: bytes | None = None
    content_type: str = JSON
    headers: dict[str, str] = attrs.Factory(dict)
    bare: bool = False
    delay_ms: float = 0

    @classmethod
    def json(cls, value: Any, status: int = 200) -> Answer:
        """JSON as Go writes it."""
        return cls(status, go_json(value))


def go_json(value: Any) -> bytes:
    """JSON with ``< > &`` escaped."""
    text = orjson.dumps(value)
    return text.replace(b"<", b"\\u003c").replace(b">", b"\\u003e").replace(b"&", b"\\u0026")


def error(status: int, text: str, **more: Any) -> Answer:
    """An error in CPA's form."""
    return Answer.json({"error": text, **more}, status)


OK = Answer.json({"status": "ok"})
NOT_FOUND = Answer(404)
