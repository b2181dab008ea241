"""All that is stored of what happened to an account, newest first, from the tables that have it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any, NamedTuple, Self

import attrs
import orjson

from cpamp.store.account_log import Actor


class Place(NamedTuple):
    """Where an item is among all items of an account; later ones are greater."""

    at_ms: int
    kind: str
    id: int

    @classmethod
    def read(cls, text: str) -> Self:
        """The place of a text that `str` made; raises `ValueError`."""
        at_ms, kind, number = text.split(".")
        return cls(int(at_ms), kind, int(number))

    def __str__(self) -> str:
        return ".".join(map(str, self))


# Behind all that there is.
END = Place(2**62, "~", 0)


@attrs.frozen
class Item:
    """Something that was done to an account, or seen of it.

    `means` is the part of the daemon that did it, or through what a person did.
    """

    place: Place
    action: str
    actor: Actor
    means: str
    done: bool
    reason_code: str
    reason: str
    evidence: dict[str, Any]


_MINE = "file_name = :file AND (auth_index IN ('', :index) OR :index = '')"
_PAGE = "(at_ms, id) < (:at_ms, :id) ORDER BY at_ms DESC, id DESC LIMIT :limit"
# Of each inspection what it found, beside what the one before it found.
_FOUND = f"""
WITH found AS (
    SELECT created_at_ms AS at_ms, id, run_id, auth_index, action, reason_code, action_reason,
        disabled, executed_action, status_code, used_percent, error_kind,
        lag(created_at_ms) OVER earlier AS before_ms, lag(action) OVER earlier AS before_action,
        lag(reason_code) OVER earlier AS before_reason, lag(disabled) OVER earlier AS was_disabled
    FROM inspection_results WHERE {_MINE}
    WINDOW earlier AS (PARTITION BY auth_index ORDER BY id)
)
"""
# Columns: time, id, action, actor, means, done, code of the reason, reason, evidence.
SOURCES = {
    "action": f"""
        SELECT at_ms, id, action, actor, means, done, '', reason, evidence FROM account_log
        WHERE (({_MINE}) OR file_name = '*') AND {_PAGE}
    """,
    "candidate": f"""
        SELECT * FROM (
            SELECT first_seen_at_ms AS at_ms, id, 'propose', 'daemon', 'queue', 1, reason_code,
                reason, json_patch(evidence, json_object(
                    'actionType', action_type, 'hitCount', hit_count,
                    'lastSeenAtMs', last_seen_at_ms, 'status', status
                ))
            FROM account_action_candidates WHERE {_MINE}
        ) WHERE {_PAGE}
    """,
    "candidate-disable": f"""
        SELECT * FROM (
            SELECT disabled_at_ms AS at_ms, id, 'disable', 'daemon', 'policy', 1, reason_code,
                reason, json_object('candidate', id)
            FROM account_action_candidates WHERE {_MINE} AND disabled_at_ms IS NOT NULL
        ) WHERE {_PAGE}
    """,
    "cooldown": f"""
        SELECT * FROM (
            SELECT disabled_at_ms AS at_ms, id, 'rest', 'daemon', 'cooldown', 1, reason_code, note,
                json_patch(evidence, json_object(
                    'owner', owner, 'windowKind', window_kind, 'recoverAtMs', recover_at_ms,
                    'state', state
                ))
            FROM quota_cooldowns AS rest
            WHERE {_MINE} AND NOT EXISTS (
                SELECT 1 FROM account_log WHERE file_name = :file AND means = 'cooldown'
                    AND NOT done AND json_extract(evidence, '$.cooldown') = rest.id
            )
        ) WHERE {_PAGE}
    """,
    "notice": f"""
        SELECT at_ms, id, CASE over WHEN 1 THEN 'notice_over' ELSE 'notice' END, 'daemon',
            'notices', status <> 'failed', kind, text,
            json_object('rule', rule_name, 'channel', channel_name, 'status', status,
                'error', error)
        FROM notification_log
        WHERE ((kind = 'account_exhausted' AND key IN (:file || ' ' || :index, :file || ' '))
            OR (kind = 'account_needs_person' AND key IN (
                SELECT CAST(id AS TEXT) FROM account_action_candidates WHERE {_MINE}
            ))) AND {_PAGE}
    """,
    # Switched since the last look, and nothing that we know of has done it.
    "seen": f"""
        {_FOUND}
        SELECT at_ms, id, CASE disabled WHEN 1 THEN 'disable' ELSE 'enable' END AS switched,
            'outside', 'inspection', 1, '', '',
            json_object('run', run_id, 'sinceMs', before_ms)
        FROM found
        WHERE was_disabled <> disabled AND executed_action = ''
            AND NOT EXISTS (
                SELECT 1 FROM account_log AS log
                WHERE log.file_name IN (:file, '*') AND log.auth_index IN ('', found.auth_index)
                    AND log.action = CASE disabled WHEN 1 THEN 'disable' ELSE 'enable' END
                    AND log.done AND log.at_ms BETWEEN before_ms AND found.at_ms
            ) AND NOT (disabled AND (
                EXISTS (
                    SELECT 1 FROM quota_cooldowns
                    WHERE {_MINE} AND disabled_at_ms BETWEEN before_ms AND found.at_ms
                ) OR EXISTS (
                    SELECT 1 FROM account_action_candidates
                    WHERE {_MINE} AND disabled_at_ms BETWEEN before_ms AND found.at_ms
                )
            )) AND {_PAGE}
    """,
    "verdict": f"""
        {_FOUND}
        SELECT at_ms, id, action, 'daemon', 'inspection', 1, reason_code, action_reason,
            json_object('run', run_id, 'statusCode', status_code, 'usedPercent', used_percent,
                'errorKind', error_kind, 'before', before_action)
        FROM found
        WHERE (before_action IS NULL OR before_action <> action OR before_reason <> reason_code)
            AND {_PAGE}
    """,
}


def read(
    conn: sqlite3.Connection, file_name: str, auth_index: str, before: Place, limit: int
) -> tuple[list[Item], Place | None]:
    """The newest items before a place, and the place where the next ones are, if any."""
    account = {"file": file_name, "index": auth_index}
    items = [
        item
        for kind in SOURCES
        for item in _of(conn, kind, {**account, **_bound(kind, before), "limit": limit + 1})
    ]
    items.sort(key=lambda item: item.place, reverse=True)
    return items[:limit], items[limit - 1].place if len(items) > limit else None


def _bound(kind: str, before: Place) -> dict[str, int]:
    """The bound of a source: at the time of the place, some kinds come before it."""
    number = {-1: 2**62, 0: before.id, 1: -1}[(kind > before.kind) - (kind < before.kind)]
    return {"at_ms": before.at_ms, "id": number}


def _of(conn: sqlite3.Connection, kind: str, values: dict[str, Any]) -> Iterator[Item]:
    for at_ms, number, action, actor, means, done, code, reason, told in conn.execute(
        SOURCES[kind], values
    ):
        evidence = {
            name: value for name, value in orjson.loads(told).items() if value not in (None, "")
        }
        place = Place(at_ms, kind, number)
        yield Item(place, action, Actor(actor), means, bool(done), code, reason, evidence)
