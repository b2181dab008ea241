"""CPA's refusals, in its own words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpamp.cpa.errors import (
    KeyBanned,
    KeyRefused,
    ManagementOff,
    RemoteDisabled,
    ban_seconds,
    go_duration,
    key_problem,
)
from cpamp.simulator.keys import go_duration as as_go_writes

BANNED = "IP banned due to too many failed attempts"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30m0s", 1800.0),
        ("29m59s", 1799.0),
        ("59s", 59.0),
        ("1h0m5s", 3605.0),
        ("2h", 7200.0),
        ("1.5s", 1.5),
        ("59s.", 59.0),
        ("", None),
        ("soon", None),
        ("5", None),
        ("-5s", None),
        ("5s5m", None),
    ],
)
def test_durations(text: str, seconds: float | None) -> None:
    assert go_duration(text) == seconds


@given(st.integers(1, 100_000))
def test_every_duration_that_go_writes(seconds: int) -> None:
    assert go_duration(as_go_writes(seconds)) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (f"{BANNED}. Try again in 29m59s", 1799.0),
        (f"ERR {BANNED}. Try again in 1s", 1.0),
        (f"{BANNED}. Try again in a while", 1800.0),
        (BANNED, 1800.0),
        ("invalid management key", None),
    ],
)
def test_bans(text: str, seconds: float | None) -> None:
    assert ban_seconds(text) == seconds


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"{BANNED}. Try again in 5m0s", KeyBanned),
        ("ERR invalid management key", KeyRefused),
        ("missing management key", KeyRefused),
        ("remote management disabled", RemoteDisabled),
        ("remote management key not set", ManagementOff),
        # These doors are shut, and the key was not judged.
        ("ERR RESP AUTH disabled; use mTLS", None),
        ("ERR redis usage output disabled in home mode", None),
        ("NOAUTH Authentication required.", None),
        ("unsupported channel 'x'", None),
        ("<html>403</html>", None),
        ("", None),
    ],
)
def test_what_a_refusal_says_of_the_key(text: str, problem: type | None) -> None:
    found = key_problem(text)
    assert (None if found is None else type(found)) is problem
    # A person can see what CPA said, but a page of HTML is cut.
    assert found is None or len(found.message) < 600
