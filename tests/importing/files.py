"""Files to be imported, and what a reader makes of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import attrs

from cpamp.importing.forms import Candidate, ImportInvalid
from cpamp.importing.reading import FileReader
from cpamp.usage.event import Event

NOW = 1_795_500_000_000
RECORD = {"timestamp": "2026-01-02T03:04:05Z", "model": "gpt-4o", "tokens": {"input_tokens": 7}}
DETAIL = {
    "timestamp": "2026-01-02T03:04:05Z",
    "source": "alice@example.com",
    "auth_index": "auth-1",
    "latency_ms": 123,
    "tokens": {"input_tokens": 10, "output_tokens": 20, "cached_tokens": 3, "total_tokens": 33},
    "failed": False,
}


@attrs.define
class Result:
    """What a file came to."""

    format: str
    failed: int
    unsupported: int
    warnings: list[str] | None
    error: str | None
    events: list[Event]

    @property
    def hashes(self) -> list[str]:
        return [event.event_hash for event in self.events]


def read(data: bytes, cuts: Iterable[int] = (), folder: Path | None = None) -> Result:
    """Read a file that arrives in pieces, cut at the given places."""
    reader = FileReader(NOW, folder)
    found: list[Candidate | Event] = []
    error = None
    places = [0, *sorted(cuts), len(data)]
    try:
        for begin, end in pairwise(places):
            found += reader.feed(data[begin:end])
        found += reader.end()
    except ImportInvalid as invalid:
        error = invalid.message
    tally = reader.tally
    events = [one.event(NOW) if isinstance(one, Candidate) else one for one in found]
    return Result(tally.format, tally.failed, tally.unsupported, tally.warnings, error, events)


def lines(*values: Any) -> bytes:
    """JSON values, one a line."""
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def payload(details: Iterable[Any], endpoint: str = "POST /v1/x", model: str = "gpt-4o") -> Any:
    """A snapshot as `GET usage` answers, with the requests of one model."""
    return {"total_requests": 1, "apis": {endpoint: {"models": {model: {"details": [*details]}}}}}


def wrapped(details: Iterable[Any], endpoint: str = "POST /v1/x", model: str = "gpt-4o") -> Any:
    """The same as old servers saved it."""
    return {"version": 1, "usage": payload(details, endpoint, model)}
