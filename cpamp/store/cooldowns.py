"""The table `quota_cooldowns`: credentials that rest until their quota is back (contract, 11)."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import attrs
import orjson

INTENDED, ACTIVE, RECOVERED, SKIPPED = "intended", "active", "recovered", "skipped"
KEPT_MS = 90 * 86_400_000


@attrs.define
class Cooldown:
    """A credential that was disabled because its quota was used up; `id` 0 until it is stored."""

    file_name: str
    provider: str
    auth_index: str
    account_id: str
    account_snapshot: str
    owner: str
    reason_code: str
    window_kind: str
    evidence: dict[str, Any]
    state: str
    mark_ms: int
    recover_at_ms: int
    disabled_at_ms: int
    created_at_ms: int
    retry_at_ms: int = 0
    tries: int = 0
    note: str = ""
    id: int = 0


COLUMNS = """
file_name, provider, auth_index, account_id, account_snapshot, owner, reason_code, window_kind,
evidence, state, mark_ms, recover_at_ms, disabled_at_ms, created_at_ms, retry_at_ms, tries, note, id
"""
ACTIVE_ONES = f"""
SELECT {COLUMNS} FROM quota_cooldowns WHERE state IN ('intended', 'active')
ORDER BY recover_at_ms, id
"""
INSERT = """
INSERT INTO quota_cooldowns (
    file_name, provider, auth_index, account_id, account_snapshot, owner, reason_code,
    window_kind, evidence, state, mark_ms, recover_at_ms, disabled_at_ms, created_at_ms,
    retry_at_ms, tries, note
) VALUES (
    :file_name, :provider, :auth_index, :account_id, :account_snapshot, :owner, :reason_code,
    :window_kind, :evidence, :state, :mark_ms, :recover_at_ms, :disabled_at_ms, :created_at_ms,
    :retry_at_ms, :tries, :note
) RETURNING id
"""
UPDATE = """
UPDATE quota_cooldowns SET
    auth_index = :auth_index, reason_code = :reason_code, window_kind = :window_kind,
    evidence = :evidence, state = :state, mark_ms = :mark_ms, recover_at_ms = :recover_at_ms,
    disabled_at_ms = :disabled_at_ms, retry_at_ms = :retry_at_ms, tries = :tries, note = :note
WHERE id = :id
"""
# When they were in force: the end is the first thing that was done to the credential later, else
# the planned one, and none while they are. Those that CPA refused never were.
SPANS = """
SELECT file_name || ' ' || auth_index, disabled_at_ms,
    CASE WHEN state IN ('intended', 'active') THEN NULL ELSE coalesce((
        SELECT min(at_ms) FROM account_log AS log
        WHERE log.file_name = rest.file_name AND log.auth_index IN ('', rest.auth_index)
            AND log.at_ms > rest.disabled_at_ms AND log.done
            AND log.action IN ('enable', 'delete', 'rest_over')
    ), recover_at_ms) END
FROM quota_cooldowns AS rest
WHERE NOT EXISTS (
    SELECT 1 FROM account_log AS log
    WHERE log.file_name = rest.file_name AND log.means = 'cooldown' AND NOT log.done
        AND json_extract(log.evidence, '$.cooldown') = rest.id
)
ORDER BY disabled_at_ms
"""
FORGET = """
DELETE FROM quota_cooldowns WHERE state NOT IN ('intended', 'active') AND disabled_at_ms < ?
"""


def active(conn: sqlite3.Connection) -> list[Cooldown]:
    """Those that are in force, or were about to be, by the time of their end."""
    return [_cooldown(row) for row in conn.execute(ACTIVE_ONES)]


def spans(conn: sqlite3.Connection) -> list[tuple[str, int, int | None]]:
    """Of all that are kept: whose it was, and when it began and ended (None: it has not)."""
    return conn.execute(SPANS).fetchall()


def add(conn: sqlite3.Connection, cooldown: Cooldown) -> int:
    """A new one: its id."""
    return int(conn.execute(INSERT, _values(cooldown)).fetchone()[0])


def update(conn: sqlite3.Connection, cooldowns: Sequence[Cooldown]) -> None:
    """Store what has become of some."""
    conn.executemany(UPDATE, [_values(cooldown) for cooldown in cooldowns])


def forget_old(conn: sqlite3.Connection, now_ms: int) -> None:
    """Delete those that have long been over."""
    conn.execute(FORGET, (now_ms - KEPT_MS,))


def _values(cooldown: Cooldown) -> dict[str, Any]:
    return {**attrs.asdict(cooldown), "evidence": orjson.dumps(cooldown.evidence).decode()}


def _cooldown(row: Sequence[Any]) -> Cooldown:
    fields = list(row)
    fields[8] = orjson.loads(fields[8])
    return Cooldown(*fields)
