"""How figures are shown, and read from samples."""

from __future__ import annotations

import pytest

from cpamp.bench.measure import percentile
from cpamp.bench.table import Figure, number, render


def test_a_table_says_what_is_missed_and_how_much_better() -> None:
    rows = render(
        [
            Figure("speed", 5_000, "/s", target=10_000, better="more", baseline=100),
            Figure("time", 0.25, "s", target=0.7, baseline=1),
            Figure("lost", 0, "events", target=0),
            Figure("memory", 31.25, "MB"),
        ]
    ).splitlines()[2:]
    assert rows == [
        "| speed | 5,000 /s **missed** | ≥ 10,000 /s | 100 /s | 50 × |",
        "| time | 0.25 s | ≤ 0.7 s | 1 s | 4 × |",
        "| lost | 0 events | ≤ 0 events | – | – |",
        "| memory | 31.2 MB | – | – | – |",
    ]


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.00123, "0.00123"), (9.876, "9.88"), (12345.6, "12,346")]
)
def test_number(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_percentile(share: float, value: int) -> None:
    assert percentile(range(100, 0, -1), share) == value
