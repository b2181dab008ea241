"""CPA's own counters against what was stored: a difference is suspected, never proven.

CPA counts attempts per credential since its start. Its counters and the records are not exactly
the same (image records, streams that were cut), hence the tolerance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import attrs

TOLERANCE_SHARE = 0.05
TOLERANCE_LEAST = 5


def attempts(entries: list[dict[str, Any]]) -> dict[str, int]:
    """Attempts by auth index, as a listing counts them."""
    found: dict[str, int] = {}
    for entry in entries:
        index = entry.get("auth_index")
        numbers = (entry.get("success"), entry.get("failed"))
        if isinstance(index, str) and index and all(type(n) is int for n in numbers):
            found[index] = found.get(index, 0) + sum(numbers)  # type: ignore[arg-type]
    return found


@attrs.define
class Reconciliation:
    """Compares two listings and what was stored between them."""

    _before: dict[str, int] | None = None
    _stored_before: Counter[str] = attrs.Factory(Counter)
    status: dict[str, Any] = attrs.Factory(lambda: {"state": "unknown"})

    def listed(self, now_ms: int, counted: Mapping[str, int], stored: Counter[str]) -> bool:
        """Compare; whether CPA has begun to count anew since the last listing."""
        before, self._before = self._before, dict(counted)
        stored_before, self._stored_before = self._stored_before, Counter(stored)
        if before is None:
            return False
        if any(counted.get(index, count) < count for index, count in before.items()):
            self.status = {"state": "unknown", "reason": "CPA counts anew", "checkedAtMs": now_ms}
            return True
        grown = sum(count - before.get(index, 0) for index, count in counted.items())
        ours = sum(stored[index] - stored_before[index] for index in counted)
        tolerance = max(TOLERANCE_LEAST, round(grown * TOLERANCE_SHARE))
        missing = grown - ours
        self.status = {
            "state": "suspected" if missing > tolerance else "agrees",
            "checkedAtMs": now_ms,
            "cpaAttempts": grown,
            "storedAttempts": ours,
            "difference": missing,
            "tolerance": tolerance,
        }
        if missing > tolerance and ours == 0:
            self.status["reason"] = (
                "CPA counts attempts, but none of their records came: "
                "another subscriber or consumer may be taking them"
            )
        return False
