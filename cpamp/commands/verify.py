"""``cpamp verify``: the figures of the pages against the count event by event."""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from cpamp.analytics.answer import Answerer
from cpamp.analytics.engine import Memory
from cpamp.analytics.explain import Explanation
from cpamp.analytics.request import SECTIONS, AnalyticsRequest
from cpamp.commands.command import Command, Surroundings, db_path_flag
from cpamp.commands.offline import existing
from cpamp.errors import Problem
from cpamp.pricing.cost import PriceBook
from cpamp.store import aliases, prices
from cpamp.store.checking import LAST_ID, level_columns
from cpamp.store.database import open_reader
from cpamp.store.reading import Dictionaries

DAY_MS = 86_400_000
# All time, and how far back the others go.
ALL = "all time"
RANGES = {"today": 1, "7 days": 7, "30 days": 30, ALL: 0}
SHOWN = 20
INCLUDE: dict[str, Any] = {
    **{name: True for name in SECTIONS if not name.startswith("filter_")},
    "summary_comparison": True,
    "model_timeline": 5,
    "granularity": "day",
}


def run(args: argparse.Namespace, at: Surroundings) -> int:
    """Print for each range how many figures agree; the status is 1 where one does not."""
    path = existing(at.database(args.db_path))
    now = at.now_ms()
    tomorrow = (now // DAY_MS + 1) * DAY_MS
    different = 0
    with closing(open_reader(path)) as conn:
        if not conn.execute(LAST_ID).fetchone()[0]:
            at.say("there are no events yet, and so no figures")
            return 0
        with _answerer(conn, path) as answerer:
            for name, days in RANGES.items():
                body = {
                    "from_ms": tomorrow - days * DAY_MS if days else 1,
                    # Clocks that were ahead made events of the future.
                    "to_ms": tomorrow if days else max(tomorrow, answerer.view.newest_ms + 1),
                    "now_ms": now,
                    "time_zone": args.time_zone,
                    "include": INCLUDE,
                }
                different += _verify(at, name, answerer, AnalyticsRequest.read(body, now))
    return int(different > 0)


@contextmanager
def _answerer(conn: sqlite3.Connection, path: Path) -> Iterator[Answerer]:
    """What answers from the columns as they were last synced, and from what came since."""
    book: PriceBook = prices.read(conn)
    names = {alias.api_key_hash: alias.alias for alias in aliases.read(conn)[0]}
    with tempfile.TemporaryDirectory(prefix="cpamp-verify-") as folder:
        columns = level_columns(conn, path, Path(folder))
        if columns is None:
            raise Problem("there are no columns yet; start the daemon, then try again")
        memory = Memory(lambda: Path(folder))
        yield memory.answerer(conn, Dictionaries(), columns.snapshot(), book, names)


def _verify(at: Surroundings, name: str, answerer: Answerer, request: AnalyticsRequest) -> int:
    """Print what came of one range; how many of its figures differ."""
    explanation = Explanation.begin(answerer, request)
    explanation.count(answerer.reading.conn, answerer.reading.dictionaries)
    found = list(explanation.figures())
    wrong = [figure for figure in found if not figure.agrees]
    told = f"{len(wrong)} of {len(found):,} figures differ" if wrong else "all figures agree"
    at.say(f"{name:<8}  {explanation.recount.events:>11,} events  {len(found):>9,} figures  {told}")
    for figure in wrong[:SHOWN]:
        at.say(f"          {figure.name}: {figure.answer} shown, {figure.recount} counted")
    if len(wrong) > SHOWN:
        at.say(f"          and {len(wrong) - SHOWN:,} more")
    return len(wrong)


def _arguments(parser: argparse.ArgumentParser) -> None:
    db_path_flag(parser)
    parser.add_argument(
        "--time-zone", metavar="ZONE", default="UTC", help="whose days and hours (default: UTC)"
    )


COMMAND = Command(
    name="verify",
    help="count all figures anew, event by event, and compare; also while the daemon runs",
    label="verify",
    arguments=_arguments,
    run=run,
)
