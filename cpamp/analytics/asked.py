"""What Claude told of its quota windows when it was asked, as series for the forecast."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping

from cpamp.analytics.burning import DAY_MS, Sample
from cpamp.analytics.view import View
from cpamp.usage.event import Who
from cpamp.usage.identity import account_key_of

# The windows that are there, and of each its newest point and those of the last two days.
POINTS = """
SELECT w.account_key, w.window_id, json_extract(w.state, '$.seen.duration_seconds'),
    p.observed_at_ms, p.used_percent, coalesce(p.cycle_end_ms, 0)
FROM quota_windows AS w JOIN quota_points AS p ON p.window = w.id
WHERE w.provider = 'claude' AND w.last_seen_ms >= :since
    AND json_extract(w.state, '$.availability') = 'active'
    AND p.used_percent IS NOT NULL
    AND (p.observed_at_ms >= :recent OR p.observed_at_ms = w.last_seen_ms)
ORDER BY w.id, p.observed_at_ms
"""


def asked_series(
    conn: sqlite3.Connection, view: View, now_ms: int, seen_ms: int
) -> Iterator[tuple[Who, Mapping[str, list[Sample]]]]:
    """Of each account with events, that was asked since `seen_ms`: the samples of its windows."""
    accounts: dict[str, dict[str, list[Sample]]] = {}
    times = {"since": seen_ms, "recent": now_ms - 2 * DAY_MS}
    for key, name, seconds, at_ms, used, end_ms in conn.execute(POINTS, times):
        samples = accounts.setdefault(key, {}).setdefault(name, [])
        samples.append(Sample(at_ms, used, end_ms, (seconds or 0) / 60))
    if not accounts:
        return
    # Of several credentials of one account the last, which is the newest.
    known = map(view.facets.who, range(view.size("who")))
    newest = {account_key_of(who): who for who in known}
    for key, windows in accounts.items():
        if key in newest:
            yield newest[key], windows
