"""Readings of the machine and of a process, from Linux's /proc."""

from __future__ import annotations

import math
import os
import platform
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

MIB = 1024 * 1024


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile of `values` (0 < share <= 1)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


def median(values: Sequence[float]) -> float:
    """The middle value."""
    return statistics.median(values)


def anonymous_bytes(pid: int) -> int:
    """Memory of a process that no file stands behind (RssAnon), in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"no RssAnon of process {pid}")


def written_bytes(pid: int) -> int:
    """What a process has sent to the disk since its start, in bytes."""
    for line in Path(f"/proc/{pid}/io").read_text().splitlines():
        if line.startswith("write_bytes:"):
            return int(line.split()[1])
    raise ValueError(f"no write_bytes of process {pid}")


def cpu_seconds(pid: int) -> float:
    """Processor time of a process, user and system, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def disk_bytes(folder: Path) -> int:
    """The blocks that the files below `folder` take, in bytes (holes take none)."""
    return sum(f.stat().st_blocks * 512 for f in folder.rglob("*") if f.is_file())


def fsync_ms(folder: Path, times: int = 50) -> float:
    """The median time of an fsync after a page was written, in ms."""
    taken = []
    with tempfile.TemporaryFile(dir=folder) as f:
        for _ in range(times):
            f.write(b"x" * 4096)
            f.flush()
            start = time.perf_counter()
            os.fsync(f.fileno())
            taken.append((time.perf_counter() - start) * 1000)
    return median(taken)


def pace() -> tuple[float, float]:
    """How quick a core is, in ms: adding a million numbers in Python, counting as many in numpy.

    Tables of two machines can be compared by it.
    """
    groups = np.random.default_rng(1).integers(0, 10_000, 1_000_000)
    return best_ms(lambda: sum(i for i in range(1_000_000))), best_ms(lambda: np.bincount(groups))


def best_ms(work: Callable[[], object], times: int = 7) -> float:
    """The least processor time of so many turns, in ms."""
    taken = []
    for _ in range(times):
        start = time.process_time()
        work()
        taken.append((time.process_time() - start) * 1000)
    return min(taken)


def machine() -> str:
    """One line about the machine."""
    cpu = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.partition(":")[2].strip()
            break
    return f"{os.cpu_count()} cores, {cpu}, Python {platform.python_version()}"


class PeakMemory:
    """Watches the anonymous memory of a process while a block runs; `peak` is in bytes."""

    def __init__(self, pid: int, every: float = 0.05) -> None:
        self.peak = anonymous_bytes(pid)
        self._pid = pid
        self._every = every
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._ended.wait(self._every):
            self.peak = max(self.peak, anonymous_bytes(self._pid))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        self.peak = max(self.peak, anonymous_bytes(self._pid))
