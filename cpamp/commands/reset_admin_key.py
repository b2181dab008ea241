"""``cpamp reset-admin-key``: a new admin key for a daemon that is stopped.

Source: server contract, section 7.1. The data key is not needed.
"""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from cpamp.commands.command import Command, Surroundings, UsageError, db_path_flag
from cpamp.commands.offline import existing, locked, open_ours
from cpamp.errors import Problem
from cpamp.security import admin
from cpamp.security.admin import Credential
from cpamp.store import settings as stored
from cpamp.store.transaction import transaction


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its flags."""
    db_path_flag(parser)
    parser.add_argument("--admin-key", metavar="VALUE", help="the new key (default: generated)")
    parser.add_argument("--admin-key-file", metavar="PATH", help="a file that holds the new key")


def run(args: argparse.Namespace, at: Surroundings) -> int:
    """Replace the credential; prints the key only if it was generated."""
    given = _given_key(args, at.cwd)
    path = existing(at.database(args.db_path))
    key = given or admin.generate()
    now_ms = at.now_ms()
    with (
        locked(path, "admin reset lock"),
        closing(open_ours(path)) as conn,
        transaction(conn),
    ):
        old = Credential.read(stored.get(conn, admin.SETTING))
        source = "cli" if given else "cli-generated"
        new = Credential.of(key, source, now_ms, replacing=old)
        stored.put(conn, admin.SETTING, new.record(), now_ms)
    at.say("CPA Manager Plus admin key reset.")
    if given:
        at.say("Use the provided admin key to log in after restarting Manager Server.")
    else:
        at.say(f"New admin key: {key}")
        at.say("Save this value now. It will not be shown again.")
    return 0


def _given_key(args: argparse.Namespace, cwd: Path) -> str:
    """The key by value or file, "" for one to be generated."""
    if args.admin_key is not None and args.admin_key_file is not None:
        raise UsageError("--admin-key and --admin-key-file cannot be used together")
    if args.admin_key is not None:
        key: str = args.admin_key.strip()
        if not key:
            raise UsageError("admin key is empty")
        return key
    if args.admin_key_file is None:
        return ""
    path = cwd / args.admin_key_file
    try:
        key = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as e:
        raise Problem(f"read admin key file {path}: {e}") from e
    if not key:
        raise Problem("admin key file is empty")
    return key


COMMAND = Command(
    name="reset-admin-key",
    aliases=("reset-admin-password",),
    help="replace the admin key (the daemon must be stopped)",
    label="reset admin key",
    arguments=arguments,
    run=run,
)
