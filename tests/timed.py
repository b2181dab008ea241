"""``python -m tests.timed FILE ARGV…``: twistd on a reactor that notes what holds it for long.

One JSON line in FILE for each turn of a callback that took longer than `LONG_MS`: what was called,
for how long, how much of that the processor worked for it, and for how long it was ready but other
processes had the processor.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from twisted.internet.epollreactor import EPollReactor
from twisted.internet.main import installReactor

LONG_MS = 10.0


class TimedReactor(EPollReactor):
    """Times every event of a descriptor, and every round of delayed and threads' calls."""

    def __init__(self, notes: Path) -> None:
        super().__init__()
        self._notes = notes
        self._schedule = os.open("/proc/thread-self/schedstat", os.O_RDONLY)

    def _waited(self) -> float:
        """For how long this thread was ready without running, in seconds."""
        return int(os.pread(self._schedule, 100, 0).split()[1]) / 1e9

    def _timed(self, what: object, work: Any, *args: Any) -> Any:
        began, worked, waited = time.perf_counter(), time.thread_time(), self._waited()
        try:
            return work(*args)
        finally:
            took = time.perf_counter() - began
            if took * 1000 > LONG_MS:
                note = {
                    "what": str(what)[:200],
                    "took_ms": round(took * 1000, 1),
                    "worked_ms": round((time.thread_time() - worked) * 1000, 1),
                    "waited_ms": round((self._waited() - waited) * 1000, 1),
                }
                with self._notes.open("a") as out:
                    out.write(json.dumps(note) + "\n")

    def runUntilCurrent(self) -> None:
        self._timed(self.threadCallQueue[:2], super().runUntilCurrent)

    def _doReadOrWrite(self, selectable: Any, fd: int, event: int) -> None:
        self._timed(selectable, super()._doReadOrWrite, selectable, fd, event)


def main() -> None:
    notes = Path(sys.argv.pop(1))
    installReactor(TimedReactor(notes))
    from twisted.scripts.twistd import run

    run()


if __name__ == "__main__":
    main()
