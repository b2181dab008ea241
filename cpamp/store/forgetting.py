"""Overwriting the texts of an account, a key or a caller (storage design, section 2).

The rows stay, and so do all totals and the check for duplicates: only what they call by name is
gone. A row that was overwritten has a digest that no text has.
"""

from __future__ import annotations

import hashlib
import sqlite3
from typing import Literal

from cpamp.store import aliases, versions
from cpamp.store.transaction import transaction

Kind = Literal["account", "key", "caller"]
KINDS: tuple[Kind, ...] = ("account", "key", "caller")

# In each: the rows that name the text, ignoring case.
ACCOUNT_ROWS = """
SELECT id FROM who WHERE :text IN (
    lower(auth_index), lower(source), lower(source_hash), lower(account_snapshot),
    lower(auth_label_snapshot), lower(auth_file_snapshot), lower(auth_project_id_snapshot)
)
"""
KEY_ROWS = "SELECT id FROM key WHERE lower(api_key_hash) IN (:text, :hash)"
CALLER_ROWS = """
SELECT id FROM caller WHERE :text IN (lower(client_ip), lower(user_agent))
    OR instr(',' || replace(lower(x_forwarded_for), ' ', '') || ',', ',' || :text || ',')
"""
FORGET_ACCOUNT = """
UPDATE who SET digest = randomblob(16), auth_index = 'forgotten-' || id, source = '',
    source_hash = '', account_snapshot = '', auth_label_snapshot = '', auth_file_snapshot = '',
    auth_project_id_snapshot = ''
WHERE id = ?
"""
FORGET_KEY = (
    "UPDATE key SET digest = randomblob(16), api_key_hash = 'forgotten-' || id WHERE id = ?"
)
FORGET_ALIAS = "DELETE FROM api_key_aliases WHERE api_key_hash IN (:text, :hash)"
FORGET_CALLER = """
UPDATE caller SET digest = randomblob(16), client_ip = '', x_forwarded_for = '', user_agent = ''
WHERE id = ?
"""
# Failure texts are shared by events; one that names an account is overwritten for all of them.
FORGET_SUMMARIES = """
UPDATE ending SET digest = randomblob(16), fail_summary = '[forgotten]'
WHERE instr(lower(fail_summary), ?)
"""
# A shorter text would be found in summaries that mean something else.
TELLING_CHARS = 6
# Texts of single events may name whom their dictionary row named.
FORGET_DETAILS = """
UPDATE details SET raw = NULL, unknown = NULL, fail_body = NULL
WHERE event > :after AND event <= :end
    AND (raw IS NOT NULL OR unknown IS NOT NULL OR fail_body IS NOT NULL)
    AND (SELECT {column} FROM events WHERE id = event) IN (SELECT value FROM json_each(:rows))
"""
FORGET_LETTERS = """
UPDATE dead_letter_events SET payload = '[forgotten]', error = '[forgotten]'
WHERE instr(lower(payload), :text) OR instr(lower(error), :text)
"""
LAST_DETAILS = "SELECT coalesce(max(event), 0) FROM details"
# Events that one transaction looks at.
STEP = 20_000


def forget(conn: sqlite3.Connection, kind: Kind, text: str) -> int:
    """Overwrite what names the text; returns how many rows named it, of dictionaries and aliases.

    Works in transactions of bounded size, the dictionary rows last: what an interrupted call has
    left is found again by the next. A key may be named by itself or by its hash. `conn` is in
    autocommit mode, with ``secure_delete`` on, so that the old texts are gone from the file's
    pages too.
    """
    wanted = text.strip().lower()
    if not wanted:
        # What is not told has an empty text, and names nobody.
        return 0
    hashed = hashlib.sha256(text.strip().encode()).hexdigest()
    find, change, column = {
        "account": (ACCOUNT_ROWS, FORGET_ACCOUNT, "who"),
        "key": (KEY_ROWS, FORGET_KEY, "key"),
        "caller": (CALLER_ROWS, FORGET_CALLER, "caller"),
    }[kind]
    found = [row[0] for row in conn.execute(find, {"text": wanted, "hash": hashed})]
    if found:
        _forget_details(conn, column, found)
    with transaction(conn):
        conn.executemany(change, [(number,) for number in found])
        named = _forget_alias(conn, wanted, hashed) if kind == "key" else 0
        if len(wanted) >= TELLING_CHARS:
            conn.execute(FORGET_LETTERS, {"text": wanted})
            if kind == "account" and found:
                conn.execute(FORGET_SUMMARIES, (wanted,))
    return len(found) + named


def _forget_alias(conn: sqlite3.Connection, text: str, hashed: str) -> int:
    gone = conn.execute(FORGET_ALIAS, {"text": text, "hash": hashed}).rowcount
    if gone:
        versions.bump(conn, aliases.SUBJECT, 0)
    return gone


def _forget_details(conn: sqlite3.Connection, column: str, rows: list[int]) -> None:
    statement = FORGET_DETAILS.format(column=column)
    (last,) = conn.execute(LAST_DETAILS).fetchone()
    for after in range(0, last, STEP):
        with transaction(conn):
            conn.execute(statement, {"after": after, "end": after + STEP, "rows": str(rows)})
