"""The table `account_action_candidates`: accounts that want a person (inspection contract, 12)."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import attrs
import orjson

PENDING, IGNORED, RESOLVED, DELETED = "pending", "ignored", "resolved", "deleted"
KEPT_MS = 90 * 86_400_000


@attrs.define
class Candidate:
    """An account whose failures a person should look at; `id` 0 until it is stored."""

    action_type: str
    status: str
    provider: str
    file_name: str
    auth_index: str
    account_snapshot: str
    account_id: str
    auth_label: str
    reason_code: str
    reason: str
    may_disable: bool
    evidence: dict[str, Any]
    first_seen_at_ms: int
    last_seen_at_ms: int
    created_at_ms: int
    updated_at_ms: int
    hit_count: int = 1
    disabled_at_ms: int | None = None
    # The file's time when it was ignored, 0 = not known.
    mark_ms: int = 0
    last_error: str = ""
    id: int = 0


COLUMNS = """
action_type, status, provider, file_name, auth_index, account_snapshot, account_id, auth_label,
reason_code, reason, may_disable, evidence, first_seen_at_ms, last_seen_at_ms, created_at_ms,
updated_at_ms, hit_count, disabled_at_ms, mark_ms, last_error, id
"""
GET = f"SELECT {COLUMNS} FROM account_action_candidates WHERE id = ?"
LIST = f"""
SELECT {COLUMNS} FROM account_action_candidates WHERE ?1 = '' OR status = ?1
ORDER BY status <> 'pending', last_seen_at_ms DESC, id DESC LIMIT ?2
"""
PENDING_COUNT = "SELECT count(*) FROM account_action_candidates WHERE status = 'pending'"
# The open one of a credential, or the newest that was ignored.
SAME = f"""
SELECT {COLUMNS} FROM account_action_candidates
WHERE file_name = :file_name AND action_type = :action_type AND reason_code = :reason_code
    AND status = :status
    AND CASE
        WHEN :auth_index <> '' AND auth_index <> '' THEN auth_index = :auth_index
        WHEN :account_id <> '' AND account_id <> ''
            THEN account_id = :account_id AND provider = :provider
        ELSE provider = :provider AND account_snapshot = :account_snapshot
    END
ORDER BY id DESC LIMIT 1
"""
INSERT = """
INSERT INTO account_action_candidates (
    action_type, status, provider, file_name, auth_index, account_snapshot, account_id,
    auth_label, reason_code, reason, may_disable, evidence, first_seen_at_ms, last_seen_at_ms,
    created_at_ms, updated_at_ms, hit_count, disabled_at_ms, mark_ms, last_error
) VALUES (
    :action_type, :status, :provider, :file_name, :auth_index, :account_snapshot, :account_id,
    :auth_label, :reason_code, :reason, :may_disable, :evidence, :first_seen_at_ms,
    :last_seen_at_ms, :created_at_ms, :updated_at_ms, :hit_count, :disabled_at_ms, :mark_ms,
    :last_error
) RETURNING id
"""
UPDATE = """
UPDATE account_action_candidates SET
    status = :status, auth_index = :auth_index, account_snapshot = :account_snapshot,
    account_id = :account_id, auth_label = :auth_label, reason = :reason,
    may_disable = :may_disable, evidence = :evidence, last_seen_at_ms = :last_seen_at_ms,
    updated_at_ms = :updated_at_ms, hit_count = :hit_count, disabled_at_ms = :disabled_at_ms,
    mark_ms = :mark_ms, last_error = :last_error
WHERE id = :id
"""
RECOGNIZE = "UPDATE account_action_candidates SET account_id = ?2 WHERE id = ?1 AND account_id = ''"
MADE_SINCE = """
SELECT created_at_ms FROM account_action_candidates WHERE created_at_ms >= ? ORDER BY created_at_ms
"""
DISABLED_SINCE = "SELECT count(*) FROM account_action_candidates WHERE disabled_at_ms >= ?"
FORGET = "DELETE FROM account_action_candidates WHERE status <> 'pending' AND updated_at_ms < ?"


def get(conn: sqlite3.Connection, candidate_id: int) -> Candidate | None:
    """The candidate of that id."""
    row = conn.execute(GET, (candidate_id,)).fetchone()
    return None if row is None else _candidate(row)


def listing(conn: sqlite3.Connection, status: str, limit: int) -> tuple[list[Candidate], int]:
    """Candidates of a status ("": all), open ones first; and how many are open."""
    rows = conn.execute(LIST, (status, limit)).fetchall()
    return [_candidate(row) for row in rows], conn.execute(PENDING_COUNT).fetchone()[0]


def same(conn: sqlite3.Connection, wanted: Candidate, status: str) -> Candidate | None:
    """A stored candidate of the same credential and reason in this status."""
    row = conn.execute(SAME, {**_values(wanted), "status": status}).fetchone()
    return None if row is None else _candidate(row)


def hit(conn: sqlite3.Connection, seen: Candidate) -> Candidate:
    """Count a failure: into the open row of its kind, or as a new one."""
    known = same(conn, seen, PENDING)
    if known is None:
        seen.id = int(conn.execute(INSERT, _values(seen)).fetchone()[0])
        return seen
    known.hit_count += 1
    known.last_seen_at_ms = max(known.last_seen_at_ms, seen.last_seen_at_ms)
    known.updated_at_ms, known.last_error = seen.updated_at_ms, ""
    known.may_disable = known.may_disable or seen.may_disable
    known.evidence = {**known.evidence, **{k: v for k, v in seen.evidence.items() if v}}
    for name in ("auth_index", "account_snapshot", "account_id", "auth_label", "reason"):
        setattr(known, name, getattr(seen, name) or getattr(known, name))
    update(conn, known)
    return known


def made_since(conn: sqlite3.Connection, since_ms: int) -> list[int]:
    """When candidates were made from then on."""
    return [row[0] for row in conn.execute(MADE_SINCE, (since_ms,))]


def disabled_since(conn: sqlite3.Connection, since_ms: int) -> int:
    """How many credentials were disabled for their failures from then on."""
    return int(conn.execute(DISABLED_SINCE, (since_ms,)).fetchone()[0])


def update(conn: sqlite3.Connection, candidate: Candidate) -> None:
    """Store what has become of a candidate."""
    conn.execute(UPDATE, _values(candidate))


def recognize(conn: sqlite3.Connection, candidate_id: int, account_id: str) -> None:
    """Note whose credential it is, where that is not known."""
    conn.execute(RECOGNIZE, (candidate_id, account_id))


def forget_old(conn: sqlite3.Connection, now_ms: int) -> None:
    """Delete those that have long been over."""
    conn.execute(FORGET, (now_ms - KEPT_MS,))


def _values(candidate: Candidate) -> dict[str, Any]:
    return {**attrs.asdict(candidate), "evidence": orjson.dumps(candidate.evidence).decode()}


def _candidate(row: Sequence[Any]) -> Candidate:
    fields = list(row)
    fields[10] = bool(fields[10])
    fields[11] = orjson.loads(fields[11])
    return Candidate(*fields)
