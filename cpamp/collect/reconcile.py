"""CPA's own counters against what was stored: a difference is suspected, never proven.

CPA counts attempts per credential since its start, and by ten minutes of its local time for the
last 200 minutes. Neither is exact (image records, streams that were cut, buckets without a date),
hence the tolerance; and no minute becomes lost by a difference alone (design, "Collection" 6).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

TOLERANCE_SHARE = 0.05
TOLERANCE_LEAST = 5
BUCKET_MS = 600_000
# Zones lie at multiples of this from UTC.
QUARTER_MINUTES = 15
MINUTE_MS = 60_000
CREDENTIALS_SHOWN = 10
Attempts = Mapping[str, int]


@attrs.frozen
class Span:
    """Attempts by auth index in ``[from_ms, to_ms)``, by the time of their end."""

    from_ms: int
    to_ms: int
    attempts: Attempts


def totals(entries: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Attempts by auth index since CPA's start, as a listing counts them."""
    found: dict[str, int] = {}
    for entry in entries:
        count = _attempts(entry)
        index = entry.get("auth_index")
        if count is not None and isinstance(index, str) and index:
            found[index] = found.get(index, 0) + count
    return found


def _attempts(counter: Mapping[str, Any]) -> int | None:
    numbers = (counter.get("success"), counter.get("failed"))
    return sum(numbers) if all(type(n) is int for n in numbers) else None  # type: ignore[arg-type]


def buckets(entries: Iterable[Mapping[str, Any]], now_ms: int) -> list[Span]:
    """The whole ten minutes of a listing, oldest first; the running ones are left out."""
    by_start: dict[int, dict[str, int]] = {}
    for entry in entries:
        index, recent = entry.get("auth_index"), entry.get("recent_requests")
        if not isinstance(index, str) or not index or not isinstance(recent, list) or not recent:
            continue
        newest = bucket_start(recent[-1], now_ms)
        if newest is None:
            continue
        for age, bucket in enumerate(reversed(recent[:-1]), 1):
            count = _attempts(bucket) if isinstance(bucket, dict) else None
            counted = by_start.setdefault(newest - age * BUCKET_MS, {})
            counted[index] = counted.get(index, 0) + (count or 0)
    return [Span(start, start + BUCKET_MS, by_start[start]) for start in sorted(by_start)]


def bucket_start(bucket: Any, now_ms: int) -> int | None:
    """When the running bucket began; None where its label does not fit to the present.

    The label is CPA's local time. Zones differ by quarters of an hour, so the minutes of the
    label, taken by the quarter, tell which of the last ten minutes it is.
    """
    label = bucket.get("time") if isinstance(bucket, dict) else None
    if not isinstance(label, str) or len(label) < 5 or not label[3:5].isdecimal():
        return None
    wanted = int(label[3:5]) % QUARTER_MINUTES
    minute = now_ms // MINUTE_MS
    for back in range(BUCKET_MS // MINUTE_MS):
        if (minute - back) % QUARTER_MINUTES == wanted:
            return (minute - back) * MINUTE_MS
    return None


def grown(before: Attempts, after: Attempts) -> dict[str, int] | None:
    """What was counted between two listings; None where CPA has begun to count anew."""
    if any(after.get(index, count) < count for index, count in before.items()):
        return None
    return {index: count - before.get(index, 0) for index, count in after.items()}


def compare(spans: Iterable[Span], stored: Iterable[Attempts]) -> dict[str, Any]:
    """What CPA counted in some spans against what was stored of the same credentials.

    Records that are stored and were not counted are no reason for suspicion.
    """
    counted: dict[str, int] = {}
    kept: dict[str, int] = {}
    for span, found in zip(spans, stored, strict=True):
        for index, count in span.attempts.items():
            counted[index] = counted.get(index, 0) + count
            kept[index] = kept.get(index, 0) + found.get(index, 0)
    all_counted, all_kept = sum(counted.values()), sum(kept.values())
    missing, tolerance = all_counted - all_kept, _tolerance(all_counted)
    short = sorted(
        (index for index in counted if counted[index] - kept[index] > _tolerance(counted[index])),
        key=lambda index: kept[index] - counted[index],
    )
    return {
        "state": "suspected" if missing > tolerance or short else "agrees",
        "cpaAttempts": all_counted,
        "storedAttempts": all_kept,
        "difference": missing,
        "tolerance": tolerance,
        "credentials": [
            {"authIndex": index, "cpaAttempts": counted[index], "storedAttempts": kept[index]}
            for index in short[:CREDENTIALS_SHOWN]
        ],
    }


def _tolerance(attempts: int) -> int:
    return max(TOLERANCE_LEAST, round(attempts * TOLERANCE_SHARE))
