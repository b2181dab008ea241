"""When a recorded answer and ours are equal.

Numbers within 1e-9 relative; absent, null, "", [] and {} are alike; a missing member is like 0
and false; further members are fine; the order of lists counts.
"""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
# Made anew by every server.
VOLATILE = frozenset(
    (
        "created_at_ms",
        "updatedAtMs",
        "generated_at_ms",
        "checkpoint",
        "next_before_id",
        "updated_at_ms",
    )
)


def answers(name: str) -> list[dict[str, Any]]:
    """The requests of a set, each with the answer that must come."""
    with gzip.open(DATA / "answers" / f"{name}.answers.jsonl.gz") as f:
        return [json.loads(line) for line in f]


def events(name: str) -> bytes:
    """The events of a set, as JSON lines."""
    with gzip.open(DATA / "answers" / f"{name}.events.jsonl.gz") as f:
        return f.read()


def setup(name: str) -> dict[str, Any]:
    """What to load before the requests of a set, and the import's reply."""
    found: dict[str, Any] = json.loads((DATA / "answers" / f"{name}.setup.json").read_text())
    return found


def _nothing(value: Any) -> bool:
    return value is None or value == "" or value == [] or value == {}


def differences(expected: Any, found: Any, path: str = "") -> list[str]:
    """Where an answer differs from the recorded one; [] if they are equal."""
    if _nothing(expected) or expected is False or expected == 0:
        empty = _nothing(found) or found is False or found == 0
        return [] if empty else [f"{path}: {expected!r} expected, {found!r} found"]
    if isinstance(expected, dict) and isinstance(found, dict):
        return [
            line
            for name, value in expected.items()
            if name not in VOLATILE
            for line in differences(value, found.get(name), f"{path}.{name}")
        ]
    if isinstance(expected, list) and isinstance(found, list):
        lines = [f"{path}: {len(expected)} expected, {len(found)} found"]
        lines = lines if len(expected) != len(found) else []
        for i, (one, other) in enumerate(zip(expected, found, strict=False)):
            lines += differences(one, other, f"{path}[{i}]")
        return lines
    if isinstance(expected, int | float) and isinstance(found, int | float):
        same = math.isclose(expected, found, rel_tol=1e-9) and not isinstance(expected, bool)
        return [] if same or expected is found else [f"{path}: {expected!r} expected, {found!r}"]
    return [] if expected == found else [f"{path}: {expected!r} expected, {found!r} found"]
