"""``cpamp show``: one event, whole, as nothing over HTTP shows it (storage design, section 2)."""

from __future__ import annotations

import argparse
import sqlite3
from contextlib import closing
from typing import Any

import orjson

from cpamp.commands.command import Command, Surroundings, db_path_flag
from cpamp.commands.offline import existing
from cpamp.errors import NotFound
from cpamp.store.database import open_reader
from cpamp.store.events import stored_hash
from cpamp.store.reading import Dictionaries, find, read_some
from cpamp.usage.event import Event
from cpamp.usage.lines import export_line


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its argument and flag."""
    parser.add_argument("event", metavar="EVENT", help="its number or its hash")
    db_path_flag(parser)


def run(args: argparse.Namespace, at: Surroundings) -> int:
    """Print the event as JSON, its metadata unpacked."""
    path = existing(at.database(args.db_path))
    with closing(open_reader(path)) as conn:
        number = _number(conn, args.event.strip())
        found = read_some(conn, Dictionaries(), [number], callers=True) if number else []
    if not found:
        raise NotFound(f"there is no event {args.event}")
    number, event = found[0]
    at.say(orjson.dumps({"id": number, **whole(event)}, option=orjson.OPT_INDENT_2).decode())
    return 0


def _number(conn: sqlite3.Connection, text: str) -> int | None:
    """The number of an event by its number or its hash; None where there is none."""
    if text.isdecimal() and len(text) < 19:
        return int(text)
    return find(conn, stored_hash(text))


def whole(event: Event) -> dict[str, Any]:
    """What the export has of an event, and what it never has: the caller, the body, the record."""
    fields: dict[str, Any] = orjson.loads(export_line(event))
    fields |= {name: text for name, text in event.caller._asdict().items() if text}
    if event.fail_body:
        fields["fail_body"] = event.fail_body
    for name, packed in (
        ("unknown_members", event.unknown),
        ("raw", event.raw),
    ):
        if packed:
            fields[name] = orjson.loads(packed)
    return fields


COMMAND = Command(
    name="show",
    help="print one event whole, by number or hash",
    label="show",
    arguments=arguments,
    run=run,
)
