"""A few days of inspections stand for a year of them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from cpamp.bench import year
from cpamp.store.quota import FINE_MS, KEPT_MS

DAY_MS = 86_400_000
DAYS, ACCOUNTS = 4, 500


def ask(data: Path, question: str, *values: Any) -> Any:
    with closing(sqlite3.connect(data / "usage.sqlite")) as conn:
        return conn.execute(question, values).fetchone()[0]


def test_what_is_kept_of_a_year_is_little(tmp_path: Path) -> None:
    runs = DAYS * year.RUNS_A_DAY
    small, large = (year.inspect(tmp_path / str(n), n, runs) for n in (2, 4))
    # All that goes again within these days, and the points that stay a month.
    end_ms = year.START_MS + runs * year.STEP_MS
    old = "SELECT count(*) FROM quota_points WHERE observed_at_ms < ?"
    points = ask(tmp_path / "4", old, end_ms - FINE_MS)
    a_day = points / 4 / (DAYS - FINE_MS / DAY_MS)
    # Of each of two windows one an hour, and the last ones before a reset.
    assert 0 < a_day < 60
    bytes_of_point = 48
    mb = (large - small) / 2 + a_day * KEPT_MS / DAY_MS * bytes_of_point / 1e6
    assert ACCOUNTS * mb < 200
    assert ask(tmp_path / "4", "SELECT count(*) FROM inspection_runs") == 200
