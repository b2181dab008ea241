"""Overwriting the texts of an account, a key or a caller (storage design, section 2).

The rows stay, and so do all totals and the check for duplicates: only what they call by name is
gone. A row that was overwritten has a digest that no text has.
"""

from __future__ import annotations

import hashlib
import sqlite3
from typing import Literal

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
WHERE (raw IS NOT NULL OR unknown IS NOT NULL OR fail_body IS NOT NULL)
    AND event IN (SELECT id FROM events WHERE {column} = ?)
"""


def forget(conn: sqlite3.Connection, kind: Kind, text: str) -> int:
    """Overwrite what names the text, in the caller's transaction; returns how many rows did.

    A key may be named by itself or by its hash. `conn` must have ``secure_delete`` on, so that
    the old texts are gone from the file's pages too.
    """
    wanted = text.strip().lower()
    hashed = hashlib.sha256(text.strip().encode()).hexdigest()
    find, change = {
        "account": (ACCOUNT_ROWS, FORGET_ACCOUNT),
        "key": (KEY_ROWS, FORGET_KEY),
        "caller": (CALLER_ROWS, FORGET_CALLER),
    }[kind]
    column = "who" if kind == "account" else kind
    found = conn.execute(find, {"text": wanted, "hash": hashed}).fetchall()
    for (number,) in found:
        conn.execute(change, (number,))
        conn.execute(FORGET_DETAILS.format(column=column), (number,))
    if kind == "account" and found and len(wanted) >= TELLING_CHARS:
        conn.execute(FORGET_SUMMARIES, (wanted,))
    return len(found)
