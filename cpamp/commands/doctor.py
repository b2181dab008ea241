"""``cpamp doctor``: one page on the state of an installation, with what to do about it."""

from __future__ import annotations

import argparse
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from cpamp.commands.command import Command, Surroundings, db_path_flag
from cpamp.cpa.client import CpaClient
from cpamp.cpa.keyguard import KeyGuard
from cpamp.cpa.network import make_agent
from cpamp.doctor import cpa, machine
from cpamp.doctor.finding import Finding, Level, bad, note, ok, page
from cpamp.errors import Problem
from cpamp.settings import Settings
from cpamp.setup.bootstrap import CONFIG_SETTING
from cpamp.setup.config import ManagerConfig, encrypted_key, read_record
from cpamp.store import settings as stored
from cpamp.store.database import open_reader


def run(args: argparse.Namespace, at: Surroundings) -> int:
    """Look at everything, print the page; the status is 1 where something is to be repaired."""
    settings = at.settings()
    database = at.database(args.db_path)
    findings = list(_look_around(settings, database))
    record, written_ms, about_database = _saved(database)
    findings.append(machine.clock(at.now_ms(), written_ms))
    about_key, key = machine.data_key(settings, encrypted_key(record))
    findings += [about_database, about_key]
    config = _effective(record, settings, key)
    if config.connection.complete:
        findings += _ask_cpa(config)
    else:
        findings.append(note("CPA", "no connection is set up", "POST /setup, or the panel"))
    at.say(page(findings))
    return int(any(f.level is Level.BAD for f in findings))


def _look_around(settings: Settings, database: Path) -> Iterator[Finding]:
    yield machine.versions()
    yield machine.daemon(settings, database)
    yield machine.disk(settings.data_dir)
    yield machine.descriptors()
    yield from machine.modes(settings, database)


def _saved(database: Path) -> tuple[Any, int, Finding]:
    """The stored configuration, when settings were written last, and how the database is."""
    subject = "database"
    if not database.exists():
        return None, 0, note(subject, f"none yet at {database}", "the first start makes it")
    try:
        with closing(open_reader(database)) as conn:
            record = stored.get(conn, CONFIG_SETTING)
            size = database.stat().st_size // machine.MIB
            written_ms = stored.last_written_ms(conn)
            return record, written_ms, ok(subject, f"{database}, {size:,} MiB")
    except Problem as e:
        return None, 0, bad(subject, e.message, "name the right one in USAGE_DB_PATH")
    except (sqlite3.Error, OSError) as e:
        return None, 0, bad(subject, f"{database}: {e}", "cpamp check tells more")


def _effective(record: Any, settings: Settings, key: str) -> ManagerConfig:
    """What the daemon would use; `key` is the decrypted CPA key."""
    defaults = ManagerConfig.by(settings)
    saved = read_record(record, defaults, lambda _sealed: key) if record else defaults
    return saved.overlaid(settings)


def _ask_cpa(config: ManagerConfig) -> list[Finding]:
    """Run the reactor for the calls to CPA."""
    findings: list[Finding] = []

    async def ask(reactor: Any) -> None:
        client = CpaClient(
            reactor,
            config.connection.url,
            config.connection.key,
            KeyGuard(reactor),
            make_agent(reactor),
        )
        findings.extend(await cpa.look(reactor, client, config.collector))

    try:
        react(lambda reactor: Deferred.fromCoroutine(ask(reactor)))
    except SystemExit as e:
        if e.code:
            findings.append(bad("CPA", "the look at CPA failed", "see the lines above"))
    return findings


COMMAND = Command(
    name="doctor",
    help="tell what works, what does not, and what to do about it",
    label="doctor",
    arguments=db_path_flag,
    run=run,
)
