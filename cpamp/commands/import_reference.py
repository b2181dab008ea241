"""``cpamp import-reference``: take over a database of the existing server that lies elsewhere."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import LoopingCall, react

from cpamp.commands.command import Command, Surroundings, db_path_flag
from cpamp.commands.offline import existing, locked
from cpamp.errors import Problem
from cpamp.security.lock import canonical
from cpamp.security.secrets import PREFIX, SecretError
from cpamp.security.vault import Vault
from cpamp.settings import Settings
from cpamp.store import Store
from cpamp.store.database import open_database, open_reader
from cpamp.store.transaction import transaction
from cpamp.takeover import progress, reference
from cpamp.takeover.carrying import Reseal, carry
from cpamp.takeover.history import begin
from cpamp.takeover.progress import Progress
from cpamp.takeover.reference import Unreadable
from cpamp.takeover.service import Takeovers

SHOWN_SECONDS = 5.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its flags."""
    parser.add_argument(
        "source", metavar="PATH", help="its usage.sqlite, or the folder in which that is"
    )
    parser.add_argument(
        "--data-key", metavar="PATH", help="its data key (default: data.key beside the database)"
    )
    db_path_flag(parser)


def run(args: argparse.Namespace, at: Surroundings) -> int:
    """Carry over what is small, then bring the history in; what was interrupted goes on."""
    given = at.cwd / args.source
    source = existing(canonical(given / "usage.sqlite" if given.is_dir() else given))
    settings, path = at.settings(), at.database(args.db_path)
    if source == path:
        raise Problem(f"the daemon takes {path} over by itself when it starts")
    ours = Vault(settings.data_key, settings.data_key_path)
    key = at.cwd / args.data_key if args.data_key else source.with_name("data.key")
    theirs = Vault("" if key.exists() else settings.data_key, key)
    with locked(path, "import lock"):
        ours.load()
        theirs.load()
        _prepare(at, path, source, _Resealing(at, ours, theirs).reseal)
        entry = _bring_in(at, settings, path, source)
    if "problem" in entry:
        raise Problem(entry["problem"])
    at.say(
        "{added:,} events added, {skipped:,} were here already, {unreadable:,} could not be read; "
        "{deadLetters:,} dead letters added".format(**entry)
    )
    return 0


@attrs.frozen
class _Resealing:
    """Seals the CPA key anew, under our data key."""

    at: Surroundings
    ours: Vault
    theirs: Vault

    def reseal(self, stored: str) -> str:
        """The key as we store it; "" where it can't be opened."""
        if not stored.startswith(PREFIX):
            return self.ours.sealed(stored)
        try:
            return self.ours.encrypt(self.theirs.decrypt(stored))
        except SecretError as error:
            self.at.say(f"The CPA key stays behind, enter it again: {error.message}")
            return ""


def _prepare(at: Surroundings, path: Path, source: Path, reseal: Reseal) -> None:
    """Carry the settings, prices and names, once, and note that the history is to come."""
    if not reference.is_foreign(source):
        raise Unreadable(f"{source} is no database of the existing server")
    with (
        reference.unused(source),
        reference.opened(source) as theirs,
        closing(open_database(path)) as ours,
        transaction(ours),
    ):
        if not reference.is_reference(theirs):
            raise Unreadable(f"{source} is no database of the existing server")
        reference.check(theirs)
        earlier = {one.source: one for one in progress.load(ours)}.get(str(source))
        if earlier is None:
            carried = carry(ours, theirs, reseal, at.now_ms())
            at.say("Settings carried over" if carried else "Settings kept: there were some already")
        if earlier is None or earlier.finished:
            begin(ours, theirs, Progress(str(source), False, at.now_ms()))


def _bring_in(at: Surroundings, settings: Settings, path: Path, source: Path) -> dict[str, Any]:
    """Run the takeovers to their end; what `/status` would say of this one."""
    ended: list[dict[str, Any]] = []

    async def bring(reactor: Any) -> None:
        store = Store(reactor, path, at.now_ms)
        keep_raw = settings.keep_payload_days > 0
        takeovers = Takeovers(reactor, store, at.now_ms, path, keep_raw)
        with closing(open_reader(path)) as conn:
            takeovers.load(conn)
        store.startService()
        takeovers.startService()
        show = LoopingCall(lambda: _show(at, takeovers.status()))
        show.start(SHOWN_SECONDS, now=False)
        assert takeovers.done is not None

        async def stop() -> None:
            await maybeDeferred(takeovers.stopService)
            await store.stopService()

        # A signal ends the batch in hand first; either way nothing is left running.
        reactor.addSystemEventTrigger("before", "shutdown", lambda: Deferred.fromCoroutine(stop()))
        await takeovers.done
        show.stop()
        ended.extend(e for e in takeovers.status() if e["source"] == str(source))

    try:
        react(lambda reactor: Deferred.fromCoroutine(bring(reactor)))
    except SystemExit as error:
        if error.code:
            raise Problem("the import failed; see the lines above") from error
    if not ended or ended[0]["state"] == "running":
        raise Problem("interrupted; call it again to go on")
    return ended[0]


def _show(at: Surroundings, entries: list[dict[str, Any]]) -> None:
    for entry in entries:
        if entry["state"] == "running":
            at.say("{read:,} of {of:,} events read".format(**entry["events"]))


COMMAND = Command(
    name="import-reference",
    help="take over a database of the existing server that lies elsewhere (both must be stopped)",
    label="import reference",
    arguments=arguments,
    run=run,
)
