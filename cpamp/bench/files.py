"""Files in and out: import, export, and what events take on the disk."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from pathlib import Path

import orjson

from cpamp.bench import existing
from cpamp.bench.ground import Ground
from cpamp.bench.measure import MIB, PeakMemory, disk_bytes, median
from cpamp.bench.table import Figure
from cpamp.bench.workloads import batches, monitoring
from cpamp.lab import Http, LabError, Manager, wait_until

USAGE = "/v0/management/usage"
EXPORTED = 50_000


def figures(ground: Ground) -> Iterator[Figure]:
    """All figures of files and the disk."""
    small, large = ground.plan.small, ground.plan.events
    yield from _imports(ground, small, again=True)
    yield from _imports(ground, large, again=False)
    yield _taken_over(ground, small)
    yield from _exports(ground, small)
    yield from _exports(ground, large)
    yield _disk(ground, "codex", small, "Codex records", 400)
    yield _disk(ground, "monitoring", small, "W-MON", 250)


def _file(ground: Ground, count: int) -> Path:
    """W-MON as a compressed file, which fits into one request."""
    path = ground.folder / f"monitoring-{count}.jsonl.gz"
    if not path.exists():
        with gzip.open(path, "wb", compresslevel=4) as out:
            out.writelines(b"".join(lines) for lines in batches(monitoring(count), 1_000))
    return path


def _imports(ground: Ground, count: int, *, again: bool) -> Iterator[Figure]:
    body = _file(ground, count).read_bytes()
    baselines = {100_000: 3_470.0, 1_000_000: 2_610.0}
    with ground.manager(ground.empty()) as manager:
        manager.start()
        with PeakMemory(manager.process.pid) as memory:
            rate = count / imported(manager, body, count)
        yield Figure(
            f"import of {count:,} into an empty store",
            rate,
            "events/s",
            target=12_000,
            better="more",
            baseline=baselines.get(count),
        )
        yield Figure(f"memory while {count:,} are imported", memory.peak / MIB, "MB", target=150)
        if again:
            rate = count / imported(manager, body, 0)
            yield Figure(
                f"import of the same {count:,} again",
                rate,
                "events/s",
                target=30_000,
                better="more",
                baseline={100_000: 9_500.0}.get(count),
            )


def imported(manager: Manager, body: bytes, added: int) -> float:
    """The seconds that an import took, which must add so many events."""
    http = Http(manager.http.port, manager.http.key, timeout=600)
    begin = time.perf_counter()
    status, answer = http.request("POST", f"{USAGE}/import", body)
    seconds = time.perf_counter() - begin
    http.close()
    if status != 200 or orjson.loads(answer)["added"] != added:
        raise LabError(f"the import answered {status}: {answer[:300]!r}")
    return seconds


def _taken_over(ground: Ground, count: int) -> Figure:
    """Events a second, from the first that are seen to the last."""
    place = ground.empty()
    (place / "data").mkdir()
    existing.make(place / "data" / "usage.sqlite", count)
    with ground.manager(place) as manager:
        manager.start()
        begin, before = time.perf_counter(), manager.events()
        wait_until(
            lambda: manager.status()["takeovers"][0]["state"] == "completed",
            seconds=600,
            what="the takeover",
            every=0.05,
        )
        seconds, added = time.perf_counter() - begin, manager.events()
    if added != count:
        raise LabError(f"{added} of {count} events were taken over")
    return Figure(
        f"taken over, {count:,} rich records",
        (added - before) / seconds,
        "events/s",
        target=12_000,
        better="more",
    )


def _exports(ground: Ground, size: int) -> Iterator[Figure]:
    limit = min(EXPORTED, size)
    with ground.manager(ground.events("monitoring", size)) as manager:
        manager.start()
        seconds = _downloaded(ground, manager, f"{USAGE}/export?limit={limit}")
        baseline = {100_000: 1.4, 1_000_000: 9.1}.get(size)
        name = f"export of {limit:,} of {size:,}"
        yield Figure(name, seconds, "s", target=0.7, baseline=baseline)
        if size == ground.plan.events:
            seconds = _downloaded(ground, manager, USAGE)
            baseline = {1_000_000: 1.4}.get(size)
            name = f"GET usage, {limit:,} of {size:,}"
            yield Figure(name, seconds, "s", target=0.7, baseline=baseline)
            with PeakMemory(manager.process.pid) as memory:
                _downloaded(ground, manager, f"{USAGE}/export", times=1)
            name = f"memory while all {size:,} are exported"
            yield Figure(name, memory.peak / MIB, "MB", target=120)


def _downloaded(ground: Ground, manager: Manager, path: str, times: int = 0) -> float:
    """The median time of a whole answer, in seconds."""
    taken = []
    for _ in range(times or ground.plan.times):
        begin = time.perf_counter()
        status, _ = manager.http.request("GET", path)
        if status != 200:
            raise LabError(f"{path} answered {status}")
        taken.append(time.perf_counter() - begin)
    return median(taken)


def _disk(ground: Ground, kind: str, count: int, name: str, target: float) -> Figure:
    baseline = {"codex": 7_000.0, "monitoring": 2_000.0}[kind]
    size = disk_bytes(ground.events(kind, count) / "data") / count
    name = f"on disk, {count:,} {name}"
    return Figure(name, size, "bytes/event", target=target, baseline=baseline)
