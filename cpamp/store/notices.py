"""The tables of notices: ways, rules, what rules have seen, and what was told."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from cpamp.notify.channel import Channel, Means
from cpamp.notify.judge import Held
from cpamp.notify.rule import Rule

WAITING, SENT, FAILED = "waiting", "sent", "failed"
KEPT = 5_000

CHANNELS = "SELECT id, means, name, settings, sealed FROM notification_channels ORDER BY id"
PUT_CHANNEL = """
INSERT INTO notification_channels (id, means, name, settings, sealed) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    means = excluded.means, name = excluded.name, settings = excluded.settings,
    sealed = excluded.sealed
RETURNING id
"""
DELETE_CHANNEL = "DELETE FROM notification_channels WHERE id = ?"
RULES = "SELECT id, rule FROM notification_rules ORDER BY id"
PUT_RULE = """
INSERT INTO notification_rules (id, rule) VALUES (?, ?)
ON CONFLICT (id) DO UPDATE SET rule = excluded.rule RETURNING id
"""
DELETE_RULE = "DELETE FROM notification_rules WHERE id = ?"
HELD = "SELECT rule, key, since_ms, text, told, ended_ms FROM notification_held"
FORGET_HELD = "DELETE FROM notification_held WHERE rule = ?"
PUT_HELD = "INSERT INTO notification_held VALUES (?, ?, ?, ?, ?, ?)"
ADD = """
INSERT INTO notification_log (
    at_ms, rule, rule_name, kind, key, text, over, since_ms, channel, channel_name, status, tries,
    due_ms, sent_ms, error
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'waiting', 0, ?, NULL, '')
"""
_ROW = """
id, at_ms, rule, rule_name, kind, key, text, over, since_ms, channel, channel_name, status, tries,
due_ms, sent_ms, error
"""
DUE = f"""
SELECT {_ROW} FROM notification_log WHERE status = 'waiting' AND due_ms <= ?
ORDER BY due_ms, id LIMIT 100
"""
NEWEST = f"SELECT {_ROW} FROM notification_log ORDER BY id DESC LIMIT ?"
TRIED = """
UPDATE notification_log SET status = ?, tries = ?, due_ms = ?, sent_ms = ?, error = ? WHERE id = ?
"""
FORGET_OLD = """
DELETE FROM notification_log WHERE status <> 'waiting'
AND id <= (SELECT max(id) FROM notification_log) - ?
"""


class Told(NamedTuple):
    """A notice on its way, or behind it."""

    id: int
    at_ms: int
    rule: int
    rule_name: str
    kind: str
    key: str
    text: str
    over: int
    since_ms: int
    channel: int
    channel_name: str
    status: str
    tries: int
    due_ms: int
    sent_ms: int | None
    error: str


def channels(conn: sqlite3.Connection) -> list[Channel]:
    """All ways."""
    return [
        Channel(Means(means), name, orjson.loads(settings), sealed, number)
        for number, means, name, settings, sealed in conn.execute(CHANNELS)
    ]


def put_channel(conn: sqlite3.Connection, channel: Channel) -> int:
    """Add a way (id 0) or replace one; its id."""
    settings = orjson.dumps(dict(channel.settings)).decode()
    row = (channel.id or None, channel.means.value, channel.name, settings, channel.sealed)
    return int(conn.execute(PUT_CHANNEL, row).fetchone()[0])


def delete_channel(conn: sqlite3.Connection, number: int) -> None:
    """Forget a way."""
    conn.execute(DELETE_CHANNEL, (number,))


def rules(conn: sqlite3.Connection) -> list[Rule]:
    """All rules."""
    return [Rule.read(orjson.loads(text), number) for number, text in conn.execute(RULES)]


def put_rule(conn: sqlite3.Connection, rule: Rule) -> int:
    """Add a rule (id 0) or replace one; its id."""
    text = orjson.dumps(rule.as_json()).decode()
    return int(conn.execute(PUT_RULE, (rule.id or None, text)).fetchone()[0])


def delete_rule(conn: sqlite3.Connection, number: int) -> None:
    """Forget a rule, and what it has seen."""
    conn.execute(FORGET_HELD, (number,))
    conn.execute(DELETE_RULE, (number,))


def held(conn: sqlite3.Connection) -> dict[int, dict[str, Held]]:
    """What each rule has seen."""
    found: dict[int, dict[str, Held]] = {}
    for rule, key, since_ms, text, told, ended_ms in conn.execute(HELD):
        found.setdefault(rule, {})[key] = Held(since_ms, text, bool(told), ended_ms)
    return found


def put_held(
    conn: sqlite3.Connection,
    rule: int,
    seen: Mapping[str, Held],
    told: Sequence[tuple[Any, ...]],
) -> None:
    """Remember what a rule has seen, and what is to be told of it (rows of `ADD`)."""
    conn.execute(FORGET_HELD, (rule,))
    conn.executemany(
        PUT_HELD,
        [(rule, key, one.since_ms, one.text, one.told, one.ended_ms) for key, one in seen.items()],
    )
    conn.executemany(ADD, told)
    conn.execute(FORGET_OLD, (KEPT,))


def due(conn: sqlite3.Connection, now_ms: int) -> list[Told]:
    """What is to be sent now."""
    return [Told(*row) for row in conn.execute(DUE, (now_ms,))]


def newest(conn: sqlite3.Connection, limit: int) -> list[Told]:
    """What was told last, newest first."""
    return [Told(*row) for row in conn.execute(NEWEST, (limit,))]


def tried(conn: sqlite3.Connection, one: Told) -> None:
    """Keep what came of a try."""
    row = (one.status, one.tries, one.due_ms, one.sent_ms, one.error, one.id)
    conn.execute(TRIED, row)
