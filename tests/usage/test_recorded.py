"""Records of a real CPA, and what must be stored of them."""

from __future__ import annotations

import json

from cpamp.usage.event import Event
from cpamp.usage.exported import read_exported
from cpamp.usage.lines import export_line
from cpamp.usage.record import decode
from tests.answers import DATA, answers, differences

NOW = 1_795_500_000_000
SECRETS = (
    b"sk-proj-ABCDEFGH12345678",
    b"abcdefghijklmnop",
    b"secret-cookie-value",
    b"alice@example.com",
)


def payloads() -> list[bytes]:
    return (DATA / "cpa" / "records.jsonl").read_bytes().splitlines()


def normalised(keep_raw: bool = False) -> list[Event]:
    events = [decode(line, now_ms=NOW, keep_raw=keep_raw) for line in payloads()]
    return [event for event in events if isinstance(event, Event)]


def test_every_record_comes_out_of_the_export_as_recorded() -> None:
    (export,) = (a for a in answers("raw") if a["name"] == "raw.export")
    lines = sorted(
        (json.loads(export_line(event)) for event in normalised()),
        key=lambda line: line["timestamp"],
    )
    lines.sort(key=lambda line: line["timestamp_ms"])
    expected = sorted(export["answer"], key=lambda line: line["timestamp"])
    expected.sort(key=lambda line: line["timestamp_ms"])
    assert differences(expected, lines) == []


def test_no_secret_survives() -> None:
    keys = {
        json.loads(line)[name].encode() for line in payloads() for name in ("api_key", "source")
    }
    keys = {key for key in keys if len(key) > 6}
    assert len(keys) > 5
    for event in normalised(keep_raw=True):
        stored = repr(event).encode()
        assert not [secret for secret in (*SECRETS, *keys) if secret in stored]


def test_an_exported_event_reads_back_the_same() -> None:
    for event in normalised():
        line = export_line(event)
        again = read_exported(json.loads(line), now_ms=1)
        assert export_line(again) == line
