"""When a recorded answer and ours are equal.

Numbers within 1e-9 relative; absent, null, "", [] and {} are alike; a missing member is like 0
and false; further members are fine; the order of lists counts.
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Callable
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


# The name of a channel is that of its newest event (analytics contract, 6); the recorded server
# takes any.
_ANY_NAMES = ("account_snapshot", "auth_label_snapshot", "auth_provider_snapshot", "source")
# Where the contract asks for something else than was recorded, by the answer's name.
DEVIATIONS = {
    "life.channel_share": _ANY_NAMES,
    "life.filter_options": _ANY_NAMES,
    # A local day ends at the next midnight, also when the clock changes (section 7).
    "life.anomaly.day.Europe/Berlin": ("bucket_end_ms",),
}


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


def _text(row: dict[str, Any], *names: str) -> str:
    return next(filter(None, (row.get(name) for name in names)), "")


# The recorded server leaves the order of equals to chance; the contract does not.
ORDERS: dict[str, Callable[[Any], Any]] = {
    "model_stats": lambda r: (-r["calls"], r["model"]),
    "model_share": lambda r: (-r["calls"], r["model"]),
    "channel_share": lambda r: (-r["calls"], r["auth_index"]),
    "failure_sources": lambda r: (
        *(-r.get("failure", r.get("failures", 0)), -r["last_seen_ms"]),
        *(_text(r, "source_hash"), _text(r, "auth_index")),
    ),
    "credential_timeline": lambda r: (
        r["bucket_ms"],
        _text(r, "auth_file_snapshot", "auth_index", "source_hash", "source"),
    ),
    "models": lambda m: m if isinstance(m, str) else 0,
    "endpoints": lambda text: text,
}


def _in_order(rows: list[Any], path: str) -> list[Any]:
    key = ORDERS.get(path.rpartition(".")[2])
    return sorted(rows, key=key) if key else rows


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
        expected, found = _in_order(expected, path), _in_order(found, path)
        for i, (one, other) in enumerate(zip(expected, found, strict=False)):
            lines += differences(one, other, f"{path}[{i}]")
        return lines
    if isinstance(expected, int | float) and isinstance(found, int | float):
        same = math.isclose(expected, found, rel_tol=1e-9) and not isinstance(expected, bool)
        return [] if same or expected is found else [f"{path}: {expected!r} expected, {found!r}"]
    return [] if expected == found else [f"{path}: {expected!r} expected, {found!r} found"]
