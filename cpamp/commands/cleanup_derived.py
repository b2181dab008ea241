"""``cpamp cleanup-derived``: bring the columns level with the database of a stopped daemon.

Source: server contract, section 7.2. The daemon does the same in the background after its start,
so that nothing ever depends on this.
"""

from __future__ import annotations

import argparse

from cpamp.commands.command import Command, Surroundings, db_path_flag
from cpamp.commands.offline import NotADatabase, existing, locked, open_ours
from cpamp.store.derived import Derived
from cpamp.store.reading import Dictionaries
from cpamp.store.writing import WriterConnection


def run(args: argparse.Namespace, at: Surroundings) -> int:
    """Read again what the columns lack."""
    path = at.database(args.db_path)
    try:
        existing(path)
    except NotADatabase as e:
        raise NotADatabase(f"{path} is not a non-empty file: {e.message}") from e
    with locked(path, "offline cleanup lock"):
        open_ours(path).close()
        derived = Derived.beside(path, Dictionaries())
        writer = WriterConnection(path, derived, lambda: None)
        writer.open()
        try:
            assert derived.columns is not None
            before = derived.columns.n
            pending = not derived.level
            if pending:
                writer.finish_columns()
            rows = derived.columns.n - before
        finally:
            writer.close()
    if not pending:
        at.say("No pending derived cleanup jobs.")
    else:
        at.say(f"Derived cleanup completed: jobs=1 processed_rows={rows} prepared_indexes=0")
    return 0


COMMAND = Command(
    name="cleanup-derived",
    help="make the columns whole without the daemon (it does so by itself)",
    label="cleanup derived data",
    arguments=db_path_flag,
    run=run,
)
