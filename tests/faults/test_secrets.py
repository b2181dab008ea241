"""Secrets planted wherever a record, a header or a URL has room: none may be found again."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest

from cpamp.commands.show import whole
from cpamp.lab import ADMIN_KEY, CPA_KEY, Manager
from cpamp.store.database import open_reader
from cpamp.store.reading import Dictionaries, read_range
from tests.answers import DATA
from tests.daemon import Lab, data
from tests.faults.collecting import Collecting

# In every planted secret, and in nothing else.
MARK = "PLANTED"
FORMS = (
    "sk-proj-{}",
    "sk-ant-api03-{}",
    "AIzaSy{}",
    "ghp_{}",
    "Bearer {}",
    "authorization: Basic {}",
    '{{"access_token": "{}"}}',
    "x-api-key={}",
    "Set-Cookie: session={}",
    "{}@mail.example",
)
HEADERS = (
    "Authorization",
    "Set-Cookie",
    "X-Api-Key",
    "X-Made-Up",
    "Content-Type",
    "Retry-After",
    "Server",
    "Via",
    "X-Request-Id",
    "X-Codex-Plan-Type",
    "X-Openai-Authorization-Error",
    "X-Openai-Ide-Error-Code",
    "Cf-Ray",
)
UNKNOWN = {"new_member": "", "nested": {"deep": [{"er": ""}]}, "token": "", "client_secret": ""}

numbers = itertools.count()


def secrets() -> Iterator[str]:
    """One of every form, never the same twice."""
    for form in FORMS:
        yield form.format(f"{MARK}{next(numbers):06}abcdefghijklmnop")


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the texts of a record are."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from leaves(member, (*path, name))
    elif isinstance(value, list):
        for number, member in enumerate(value):
            yield from leaves(member, (*path, number))
    elif isinstance(value, str):
        yield path


def planted(record: dict[str, Any], path: tuple[Any, ...], text: str) -> dict[str, Any]:
    """The record with that text at that place."""
    changed = copy.deepcopy(record)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = text
    return changed


def records() -> list[str]:
    """A failed record, with every form of secret in every one of its texts."""
    lines = (DATA / "cpa" / "records.jsonl").read_text().splitlines()
    record = next(found for found in map(json.loads, lines) if found["fail"]["body"])
    record["response_headers"] = {name: ["x"] for name in HEADERS}
    record |= UNKNOWN
    found: list[Any] = []
    for path in leaves(record):
        if path == ("timestamp",):
            continue
        for secret in secrets():
            found.append(planted(record, path, secret))
            found.append(planted(record, path, f"what was said: {secret}, and more"))
    found.extend({**record, secret: 1, "request_id": str(next(numbers))} for secret in secrets())
    return [orjson.dumps(one).decode() for one in found]


def broken() -> list[str]:
    """What is no record, for the dead letters."""
    return [f"no record but {secret}" for secret in secrets()] + [
        json.dumps([{"api_key": secret}]) for secret in secrets()
    ]


def urls() -> Iterator[str]:
    """Calls that carry secrets in the wrong places."""
    for secret in secrets():
        quoted = secret.replace("%", "%25").replace(" ", "%20").replace('"', "%22")
        yield f"/v0/management/usage?key={quoted}"
        yield f"/v0/management/nothing/{quoted}"
        yield f"/nothing/{quoted}?{quoted}"


READS = (
    "/status",
    "/metrics",
    "/usage-service/info",
    "/usage-service/config",
    "/v0/management/usage",
    "/v0/management/usage/export",
    "/v0/management/usage/export?format=csv",
    "/v0/management/model-prices/usage-summary",
    "/v0/management/api-key-aliases",
    "/v0/management/monitoring/header-snapshots",
)


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.name, path.read_bytes()


def stored(manager: Manager) -> Iterator[tuple[str, bytes]]:
    """What lies packed in the database, unpacked."""
    with closing(open_reader(data(manager) / "usage.sqlite")) as conn:
        for number, event in read_range(conn, Dictionaries(), 1, 1_000_000, callers=True):
            yield f"event {number}", orjson.dumps(whole(event))


def answered(manager: Manager) -> Iterator[tuple[str, bytes]]:
    for path in READS:
        status, body = manager.http.request("GET", path)
        assert status == 200, path
        yield path, body


def found_in(places: Iterator[tuple[str, bytes]], *secrets: str) -> list[tuple[str, str]]:
    """Where any of the secrets still is, with what is around it."""
    hits = []
    for name, content in places:
        for secret in secrets:
            at = content.find(secret.encode())
            if at >= 0:
                hits.append((name, content[max(0, at - 80) : at + 40].decode(errors="replace")))
    return hits


@pytest.mark.parametrize("way", ["collected", "imported"])
def test_no_planted_secret_is_found_again(lab: Lab, way: str) -> None:
    lines = records()
    if way == "collected":
        both = Collecting.begin(lab, CPAMP_KEEP_PAYLOAD_DAYS="7")
        manager = both.manager
        both.control("publish", records=[*lines, *broken()])
        both.wait(lambda s: s["deadLetters"] == len(broken()), "the dead letters")
    else:
        manager = lab.manager(CPAMP_KEEP_PAYLOAD_DAYS="7")
        manager.start()
        text = "\n".join([*lines, *broken()]).encode()
        status, body = manager.http.request("POST", "/v0/management/usage/import", text)
        assert status == 200
        assert MARK.encode() not in body
    manager.wait_for_events(1)
    for url in urls():
        manager.http.request("GET", url, headers={"Cookie": f"a={MARK}", "Referer": url})
    manager.http.request("GET", "/status", headers={"Authorization": f"Bearer {MARK}"})
    told = found_in(answered(manager), MARK, CPA_KEY, ADMIN_KEY)
    assert manager.events() > len(FORMS)
    manager.stop()
    assert told == []
    assert found_in(stored(manager), MARK) == []
    assert found_in(files(data(manager).parent), MARK, CPA_KEY, ADMIN_KEY) == []
