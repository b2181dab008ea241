"""What the figures are measured on: folders with events, daemons on them, and a made-up CPA."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import attrs
import orjson

from cpamp.bench import workloads
from cpamp.bench.workloads import batches
from cpamp.lab import CPA_KEY, Cpa, Manager
from cpamp.pricing.price import read_book
from cpamp.store import prices
from cpamp.store.database import open_database
from cpamp.store.derived import Derived
from cpamp.store.reading import Dictionaries
from cpamp.store.writing import WriterConnection
from cpamp.usage.event import Event
from cpamp.usage.exported import read_exported

BATCH = 5_000


@attrs.frozen
class Plan:
    """How much is measured."""

    # Events of the large store, of the small one, and of one load of the collector.
    events: int = 1_000_000
    small: int = 100_000
    load: int = 60_000
    # How long a steady state is watched, in seconds.
    seconds: float = 20.0
    # How often a question is asked.
    times: int = 7
    # How long a page is left open.
    open_seconds: float = 600.0
    # Accounts that are inspected; of a year of it, and forecasts of each habit.
    accounts: int = 500
    year_accounts: int = 2
    year_days: int = 365
    windows: int = 250


QUICK = Plan(
    events=2_000,
    small=1_000,
    load=1_000,
    seconds=1.0,
    times=1,
    open_seconds=2.0,
    accounts=12,
    year_accounts=1,
    year_days=1,
    windows=10,
)


def _exported(lines: Iterable[bytes]) -> Iterator[Event]:
    return (read_exported(orjson.loads(line), now_ms=0) for line in lines)


SETS: Mapping[str, Callable[[int], Iterable[Event]]] = {
    "monitoring": lambda count: _exported(workloads.monitoring(count)),
    "recent": lambda count: _exported(workloads.recent(count, time.time_ns() // 1_000_000)),
    "dashboard": lambda count: _exported(workloads.dashboard(count)),
    "history": lambda count: _exported(workloads.history(count)),
    "skewed": lambda count: _exported(workloads.skewed(count)),
    "wide": lambda count: _exported(workloads.wide(count)),
    "codex": workloads.codex,
}


@attrs.frozen
class Ground:
    """Everything below one folder. Sets of events are made once, and kept until the end."""

    folder: Path
    plan: Plan

    def events(self, kind: str, count: int) -> Path:
        """A folder for a daemon that has so many events of a set of `SETS`."""
        place = self.folder / f"{kind}-{count}"
        if not place.exists():
            fill(place / "data", SETS[kind](count))
        return place

    def copy(self, kind: str, count: int) -> Path:
        """The same, to be changed."""
        place = self.empty()
        shutil.copytree(self.events(kind, count), place, dirs_exist_ok=True)
        return place

    def empty(self) -> Path:
        """A new folder."""
        place = self.folder / f"run-{sum(1 for _ in self.folder.iterdir())}"
        place.mkdir()
        return place

    @contextmanager
    def manager(self, place: Path, **environ: str) -> Iterator[Manager]:
        """A daemon on a folder, not yet started, which ends with the block."""
        manager = Manager.prepare(place)
        manager.process.env = {**manager.process.env, **environ}
        try:
            yield manager
        finally:
            manager.stop()

    @contextmanager
    def cpa(self, *options: str) -> Iterator[Cpa]:
        """A running made-up CPA, whose HTTP calls take as long as a real one's."""
        cpa = Cpa.start(self.empty(), *(options or ("--bcrypt-ms", "30")))
        try:
            yield cpa
        finally:
            cpa.process.stop()

    @contextmanager
    def collecting(self, cpa: Cpa, place: Path, mode: str = "subscribe") -> Iterator[Manager]:
        """A daemon that collects from it."""
        connection = {"CPA_UPSTREAM_URL": cpa.url, "CPA_MANAGEMENT_KEY": CPA_KEY}
        with self.manager(place, USAGE_COLLECTOR_MODE=mode, **connection) as manager:
            manager.start()
            manager.wait_for_collector()
            yield manager


def fill(data: Path, events: Iterable[Event]) -> None:
    """Store events and the price book in a new data folder, without a daemon."""
    data.mkdir(parents=True)
    path = data / "usage.sqlite"
    open_database(path).close()
    writer = WriterConnection(path, Derived.beside(path, Dictionaries()), lambda: None)
    writer.open()
    with closing(writer):
        writer.finish_columns()
        book = read_book(workloads.prices())
        writer.transaction(lambda conn: prices.replace(conn, book, 0))
        for batch in batches(events, BATCH):
            writer.add(batch, 1)
