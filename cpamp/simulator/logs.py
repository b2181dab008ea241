"""CPA's log file, its files of failures, and what it answers of them (CPA contract, section 11)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import attrs

MOST_LINES = 20_000
BEGIN = ["[2026-08-22 14:39:05] [--------] [info ] made-up CPA started"]


@attrs.define
class Logs:
    """The lines, and the files of requests by their names."""

    lines: list[str] = attrs.field(factory=BEGIN.copy)
    # Requests that failed, each as (its content, when it was written in seconds).
    failures: dict[str, tuple[str, int]] = attrs.field(factory=dict)
    # Whole requests by their ids, while they are logged.
    requests: dict[str, str] = attrs.field(factory=dict)
    # Lines that were there before the first of `lines`, and how often the file began anew.
    _dropped: int = 0
    _file: int = 0

    def add(self, lines: Iterable[str]) -> None:
        """Write lines as they are."""
        self.lines.extend(lines)
        excess = max(0, len(self.lines) - MOST_LINES)
        del self.lines[:excess]
        self._dropped += excess

    def call(self, record: Mapping[str, Any], at_ms: float) -> None:
        """Write the line of an attempt that a usage record tells of."""
        moment = datetime.fromtimestamp(at_ms / 1000).strftime("%Y-%m-%d %H:%M:%S")
        # Tests publish records whose members are of any type.
        fail, latency = record.get("fail"), record.get("latency_ms")
        status = (fail.get("status_code") if isinstance(fail, dict) else None) or 200
        level, place = ("warn", 95) if record.get("failed") else ("info", 97)
        seconds = f"{(latency if isinstance(latency, int | float) else 0) / 1000:.3g}s"
        method, _, path = str(record.get("endpoint", "POST /v1/responses")).partition(" ")
        head = f"[{moment}] [{record.get('request_id') or '--------'}] [{level} ]"
        client = str(record.get("client_ip", "127.0.0.1"))
        self.add(
            [
                f"{head} [gin_logger.go:{place}] {status} | {seconds:>13} | {client:>15} | "
                f'{method:<7} "{path}"'
            ]
        )

    def clear(self) -> int:
        """Begin a new file; returns how many there were."""
        self.lines.clear()
        self._dropped, self._file = 0, self._file + 1
        return 1

    @property
    def cursor(self) -> str:
        """The place behind the last line."""
        return f"{self._file}:{self._dropped + len(self.lines)}"

    def since(self, cursor: str) -> list[str] | None:
        """The lines behind a place; None where that place is no more."""
        file, _, offset = cursor.partition(":")
        if file != str(self._file) or not offset.isdigit() or int(offset) < self._dropped:
            return None
        return self.lines[int(offset) - self._dropped :]
