"""The tables of inspections: runs, results and logs (inspection contract, 1.2 and 14)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import attrs
import orjson

RUNNING, CANCELLING = "running", "cancelling"
COMPLETED, FAILED, CANCELLED, INTERRUPTED = "completed", "failed", "cancelled", "interrupted"
KEPT_RUNS = 200
KEPT_MS = 90 * 86_400_000


@attrs.define
class Run:
    """One run; `finished_at_ms` None while it is under way."""

    id: int
    trigger_type: str
    trigger_key: str
    status: str
    started_at_ms: int
    settings: dict[str, Any]
    finished_at_ms: int | None = None
    total_files: int = 0
    probe_set_count: int = 0
    sampled_count: int = 0
    completed_count: int = 0
    disabled_count: int = 0
    enabled_count: int = 0
    delete_count: int = 0
    disable_count: int = 0
    enable_count: int = 0
    reauth_count: int = 0
    keep_count: int = 0
    error: str = ""
    action_error: str = ""
    created_at_ms: int = 0
    updated_at_ms: int = 0

    @property
    def under_way(self) -> bool:
        """Whether it has not ended, as far as the table knows."""
        return self.status in (RUNNING, CANCELLING)

    def count(self, results: Iterable[Result]) -> None:
        """Count suggestions, and who is disabled, anew."""
        actions = [result.action for result in results]
        self.delete_count, self.disable_count, self.enable_count, self.reauth_count = (
            actions.count(action) for action in ("delete", "disable", "enable", "reauth")
        )
        named = self.delete_count + self.disable_count + self.enable_count + self.reauth_count
        self.keep_count = len(actions) - named


@attrs.define
class Result:
    """What one run found of one account; `id` 0 until it is stored."""

    run_id: int
    account_key: str
    file_name: str
    display_account: str
    account_snapshot: str
    auth_index: str
    account_id: str
    provider: str
    disabled: bool
    status: str
    state: str
    action: str = "keep"
    action_reason: str = ""
    reason_code: str = ""
    action_status: str = "none"
    executed_action: str = ""
    action_error: str = ""
    status_code: int | None = None
    used_percent: float | None = None
    is_quota: bool = False
    auto_recover: bool = False
    error: str = ""
    error_kind: str = ""
    error_detail: str = ""
    plan_type: str = ""
    windows: list[dict[str, Any]] = attrs.field(factory=list)
    observed: bool = False
    created_at_ms: int = 0
    id: int = 0


@attrs.frozen
class LogEntry:
    """A line of a run's log; `detail` is redacted."""

    level: str
    message: str
    detail: dict[str, Any]
    created_at_ms: int
    id: int = 0


BEGIN = """
INSERT INTO inspection_runs (
    trigger_type, trigger_key, status, started_at_ms, settings, created_at_ms, updated_at_ms
) VALUES (?1, ?2, 'running', ?3, ?4, ?3, ?3) RETURNING id
"""
RUN_COLUMNS = """
id, trigger_type, trigger_key, status, started_at_ms, settings, finished_at_ms, total_files,
probe_set_count, sampled_count, completed_count, disabled_count, enabled_count, delete_count,
disable_count, enable_count, reauth_count, keep_count, error, action_error, created_at_ms,
updated_at_ms
"""
RUN = f"SELECT {RUN_COLUMNS} FROM inspection_runs WHERE id = ?"
RUNS = f"""
SELECT {RUN_COLUMNS} FROM inspection_runs
WHERE ?2 = 0 OR (started_at_ms, id) < (SELECT started_at_ms, id FROM inspection_runs WHERE id = ?2)
ORDER BY started_at_ms DESC, id DESC LIMIT ?1
"""
LATEST_SCHEDULED = """
SELECT started_at_ms, coalesce(finished_at_ms, 0) FROM inspection_runs
WHERE trigger_type = 'scheduled' ORDER BY started_at_ms DESC, id DESC LIMIT 1
"""
TRIGGER_EXISTS = """
SELECT 1 FROM inspection_runs WHERE trigger_type = 'scheduled' AND trigger_key = ?
"""
UPDATE = """
UPDATE inspection_runs SET
    status = :status, finished_at_ms = :finished_at_ms, total_files = :total_files,
    probe_set_count = :probe_set_count, sampled_count = :sampled_count,
    completed_count = max(completed_count, :completed_count), disabled_count = :disabled_count,
    enabled_count = :enabled_count, delete_count = :delete_count, disable_count = :disable_count,
    enable_count = :enable_count, reauth_count = :reauth_count, keep_count = :keep_count,
    error = :error, action_error = :action_error, updated_at_ms = :updated_at_ms
WHERE id = :id
"""
LISTED = """
UPDATE inspection_runs SET
    total_files = :total_files, probe_set_count = :probe_set_count,
    sampled_count = :sampled_count, disabled_count = :disabled_count,
    enabled_count = :enabled_count
WHERE id = :id
"""
UNENDED = "SELECT id FROM inspection_runs WHERE status IN ('running', 'cancelling')"
INTERRUPT = """
UPDATE inspection_runs
SET status = 'interrupted', finished_at_ms = ?2, updated_at_ms = ?2, error = ?3
WHERE id = ?1
"""
CANCELLING_NOW = """
UPDATE inspection_runs SET status = 'cancelling', error = ?3, updated_at_ms = ?2
WHERE id = ?1 AND status = 'running'
"""
PUT_RESULT = """
INSERT INTO inspection_results (
    run_id, account_key, file_name, display_account, account_snapshot, auth_index, account_id,
    provider, disabled, status, state, action, action_reason, reason_code, action_status,
    executed_action, action_error, status_code, used_percent, is_quota, auto_recover, error,
    error_kind, error_detail, plan_type, windows, observed, created_at_ms
) VALUES (
    :run_id, :account_key, :file_name, :display_account, :account_snapshot, :auth_index,
    :account_id, :provider, :disabled, :status, :state, :action, :action_reason, :reason_code,
    :action_status, :executed_action, :action_error, :status_code, :used_percent, :is_quota,
    :auto_recover, :error, :error_kind, :error_detail, :plan_type, :windows, :observed,
    :created_at_ms
) ON CONFLICT (run_id, account_key) DO UPDATE SET
    disabled = excluded.disabled, status = excluded.status, state = excluded.state,
    action = excluded.action, action_reason = excluded.action_reason,
    reason_code = excluded.reason_code, action_status = excluded.action_status,
    executed_action = excluded.executed_action, action_error = excluded.action_error,
    windows = CASE WHEN excluded.observed THEN excluded.windows ELSE windows END,
    observed = max(observed, excluded.observed)
RETURNING id
"""
PROGRESS = """
UPDATE inspection_runs SET updated_at_ms = ?2, completed_count =
    (SELECT count(*) FROM inspection_results WHERE run_id = ?1)
WHERE id = ?1
"""
RESULT_COLUMNS = """
run_id, account_key, file_name, display_account, account_snapshot, auth_index, account_id,
provider, disabled, status, state, action, action_reason, reason_code, action_status,
executed_action, action_error, status_code, used_percent, is_quota, auto_recover, error,
error_kind, error_detail, plan_type, windows, observed, created_at_ms, id
"""
RESULTS = f"""
SELECT {RESULT_COLUMNS} FROM inspection_results WHERE run_id = ? AND id > ?
ORDER BY file_name, display_account, id
"""
PUT_LOG = """
INSERT INTO inspection_logs (run_id, level, message, detail, created_at_ms)
VALUES (?, ?, ?, ?, ?)
"""
LOGS = """
SELECT level, message, detail, created_at_ms, id FROM inspection_logs
WHERE run_id = ? AND id > ? ORDER BY created_at_ms, id
"""
# Runs that looked at all accounts know how many of them were on in the end.
ENABLED = """
SELECT run.finished_at_ms, result.provider, sum(NOT result.disabled)
FROM inspection_runs AS run JOIN inspection_results AS result ON result.run_id = run.id
WHERE run.status = 'completed' AND run.finished_at_ms >= ?
    AND json_extract(run.settings, '$.sampleSize') = 0
GROUP BY run.id, result.provider ORDER BY run.finished_at_ms
"""
# The newest scheduled run stays: the schedule counts from it.
OLD_RUNS = """
SELECT id FROM inspection_runs
WHERE status NOT IN ('running', 'cancelling')
    AND (
        started_at_ms < :before_ms
        OR id NOT IN (
            SELECT id FROM inspection_runs ORDER BY started_at_ms DESC, id DESC LIMIT :kept
        )
    )
    AND id IS NOT (
        SELECT id FROM inspection_runs WHERE trigger_type = 'scheduled'
        ORDER BY started_at_ms DESC, id DESC LIMIT 1
    )
LIMIT 10
"""
FORGET = (
    "DELETE FROM inspection_results WHERE run_id = ?",
    "DELETE FROM inspection_logs WHERE run_id = ?",
    "DELETE FROM inspection_runs WHERE id = ?",
)


def begin(
    conn: sqlite3.Connection, trigger_type: str, key: str, settings: dict[str, Any], now_ms: int
) -> int | None:
    """A new run that is under way: its id; None where the scheduled moment has had one."""
    if trigger_type == "scheduled" and conn.execute(TRIGGER_EXISTS, (key,)).fetchone():
        return None
    row = (trigger_type, key, now_ms, orjson.dumps(settings).decode())
    return int(conn.execute(BEGIN, row).fetchone()[0])


def read_run(conn: sqlite3.Connection, run_id: int) -> Run | None:
    """The run of that id."""
    row = conn.execute(RUN, (run_id,)).fetchone()
    return None if row is None else _run(row)


def read_runs(conn: sqlite3.Connection, limit: int, before_id: int = 0) -> list[Run]:
    """The newest runs, newest first; those before a run where one is given."""
    return [_run(row) for row in conn.execute(RUNS, (limit, before_id))]


def read_detail(
    conn: sqlite3.Connection, run_id: int, after_result: int = 0, after_log: int = 0
) -> tuple[Run, list[Result], list[LogEntry]] | None:
    """A run with its results and logs, or those behind some ids."""
    run = read_run(conn, run_id)
    if run is None:
        return None
    return run, read_results(conn, run_id, after_result), read_logs(conn, run_id, after_log)


def read_results(conn: sqlite3.Connection, run_id: int, after: int = 0) -> list[Result]:
    """The results of a run in their order."""
    return [_result(row) for row in conn.execute(RESULTS, (run_id, after))]


def read_logs(conn: sqlite3.Connection, run_id: int, after: int = 0) -> list[LogEntry]:
    """The log of a run, oldest first."""
    return [
        LogEntry(level, message, orjson.loads(detail) if detail else {}, at_ms, number)
        for level, message, detail, at_ms, number in conn.execute(LOGS, (run_id, after))
    ]


def enabled_since(conn: sqlite3.Connection, since_ms: int) -> list[tuple[int, str, int]]:
    """How many accounts of each provider were on at the ends of runs from then on."""
    return conn.execute(ENABLED, (since_ms,)).fetchall()


def latest_scheduled(conn: sqlite3.Connection) -> tuple[int, int] | None:
    """When the latest scheduled run began and ended (0: it has not)."""
    found: tuple[int, int] | None = conn.execute(LATEST_SCHEDULED).fetchone()
    return found


def record(
    conn: sqlite3.Connection,
    run_id: int,
    results: Sequence[Result],
    logs: Sequence[LogEntry],
    now_ms: int,
    listed: Run | None = None,
) -> list[int]:
    """Store results, log entries and what is counted of a listing; returns the results' ids."""
    if listed is not None:
        conn.execute(LISTED, _run_values(listed))
    ids = [int(conn.execute(PUT_RESULT, _values(result)).fetchone()[0]) for result in results]
    conn.executemany(PUT_LOG, [_log_row(run_id, entry) for entry in logs])
    if results:
        conn.execute(PROGRESS, (run_id, now_ms))
    return ids


def update(conn: sqlite3.Connection, run: Run, logs: Sequence[LogEntry] = ()) -> None:
    """Store what has become of a run, with its last log entries."""
    conn.execute(UPDATE, _run_values(run))
    conn.executemany(PUT_LOG, [_log_row(run.id, entry) for entry in logs])


def cancelling(conn: sqlite3.Connection, run_id: int, now_ms: int, error: str) -> None:
    """A person wants the run to end."""
    conn.execute(CANCELLING_NOW, (run_id, now_ms, error))


def interrupt_unended(conn: sqlite3.Connection, now_ms: int, error: str, entry: LogEntry) -> int:
    """End every run that an earlier process left under way; returns how many."""
    ids = [row[0] for row in conn.execute(UNENDED)]
    for run_id in ids:
        conn.execute(INTERRUPT, (run_id, now_ms, error))
        conn.execute(PUT_LOG, _log_row(run_id, entry))
    return len(ids)


def forget_old(conn: sqlite3.Connection, now_ms: int) -> int:
    """Delete a few of the runs that are not kept; returns how many."""
    old = conn.execute(OLD_RUNS, {"before_ms": now_ms - KEPT_MS, "kept": KEPT_RUNS}).fetchall()
    for statement in FORGET:
        conn.executemany(statement, old)
    return len(old)


def _run_values(run: Run) -> dict[str, Any]:
    return attrs.asdict(run, filter=attrs.filters.exclude("settings"))


def _run(row: Sequence[Any]) -> Run:
    fields = list(row)
    fields[5] = orjson.loads(fields[5])
    return Run(*fields)


def _result(row: Sequence[Any]) -> Result:
    names = [field.name for field in attrs.fields(Result)]
    fields = dict(zip(names, row, strict=True))
    fields["windows"] = orjson.loads(fields["windows"]) if fields["windows"] else []
    for name in ("disabled", "is_quota", "auto_recover", "observed"):
        fields[name] = bool(fields[name])
    return Result(**fields)


def _values(result: Result) -> dict[str, Any]:
    windows = orjson.dumps(result.windows).decode() if result.windows else ""
    return {**attrs.asdict(result, recurse=False), "windows": windows}


def _log_row(run_id: int, entry: LogEntry) -> tuple[Any, ...]:
    detail = orjson.dumps(entry.detail).decode() if entry.detail else ""
    return (run_id, entry.level, entry.message, detail, entry.created_at_ms)
