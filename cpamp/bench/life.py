"""Starting: until the daemon answers, after a clean end and after kill -9, at several sizes."""

from __future__ import annotations

import gzip
import signal
import time
from collections.abc import Iterator

from cpamp.bench.files import imported
from cpamp.bench.ground import Ground
from cpamp.bench.measure import median
from cpamp.bench.table import Figure
from cpamp.bench.workloads import dashboard
from cpamp.lab import Manager, wait_until

# New events before the kill; so many are not enough for the columns to be synced.
UNSYNCED = 40_000


def figures(ground: Ground) -> Iterator[Figure]:
    """All figures of the start."""
    for size in (ground.plan.small, ground.plan.events):
        yield from _starts(ground, size)


def _starts(ground: Ground, size: int) -> Iterator[Figure]:
    """Of the two ways to end; "ready" is when the columns have every event."""
    times = ground.plan.times
    added = min(UNSYNCED, size)
    with ground.manager(ground.copy("monitoring", size)) as manager:
        clean = [_start(manager, signal.SIGTERM) for _ in range(times)]
        manager.start()
        imported(manager, gzip.compress(b"".join(dashboard(added)), 1), added)
        manager.stop(signal.SIGKILL)
        killed = [_start(manager, signal.SIGKILL) for _ in range(times)]
    for name, taken in (
        (f"a clean stop, {size:,} events", clean),
        (f"kill -9 with {added:,} of {size + added:,} events new", killed),
    ):
        answered, ready = (median(values) for values in zip(*taken, strict=True))
        yield Figure(f"start to the first answer after {name}", answered, "s", target=1)
        yield Figure(f"start to ready columns after {name}", ready, "s", target=1)


def _start(manager: Manager, end: int) -> tuple[float, float]:
    """Start and end it; the seconds to the first answer, and until the columns are level."""
    begin = time.perf_counter()
    answered = manager.start()
    wait_until(
        lambda: bool(manager.status()["derived"]["ready"]),
        seconds=60,
        what="the columns to be level",
    )
    ready = time.perf_counter() - begin
    manager.stop(end)
    return answered, ready
