"""Small rules: how foreign texts are kept, what logs hide, when a call is tried again."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from cpamp.cpa.credentials import Credentials
from cpamp.cpa.errors import CpaProblem
from cpamp.errors import StoreUnavailable
from cpamp.inspection.account import Account
from cpamp.inspection.probing import DETAIL_BYTES, CodexProber, Retries, blank_result, detail
from cpamp.inspection.recorder import MESSAGES, Recorder, entry, redacted
from cpamp.inspection.settings import InspectionSettings
from cpamp.store.inspection import LogEntry
from tests.cpa.test_credentials import Client

CUT = "...(truncated)"


@given(st.text(st.characters(codec="utf-8"), max_size=40), st.integers(1, 200))
def test_no_character_is_split_where_a_text_is_cut(text: str, times: int) -> None:
    kept = detail(text * times)
    assert len(kept.removesuffix(CUT).encode()) <= DETAIL_BYTES
    assert "\ufffd" not in kept or "\ufffd" in text


def test_where_a_text_is_cut() -> None:
    assert detail("x" * DETAIL_BYTES) == "x" * DETAIL_BYTES
    assert detail("\u00fc" * DETAIL_BYTES) == "\u00fc" * (DETAIL_BYTES // 2) + CUT
    # A character of three bytes that would lie across the end goes whole.
    assert detail("\u20ac" * 1000) == "\u20ac" * (DETAIL_BYTES // 3) + CUT


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ({"fileName": "a.json"}, {"fileName": "a.json"}),
        ({"triggerKey": "manual"}, {"triggerKey": "manual"}),
        ({"accessToken": "x", "apiKey": 1}, {"accessToken": "[redacted]", "apiKey": "[redacted]"}),
        (
            {"a": [{"Authorization": {"b": 1}}, {"clientSecret": None}]},
            {"a": [{"Authorization": "[redacted]"}, {"clientSecret": "[redacted]"}]},
        ),
    ],
)
def test_what_logs_hide(told: dict[str, Any], kept: dict[str, Any]) -> None:
    assert redacted(told) == kept
    assert entry("info", "x", 5, told).detail == kept


def test_messages_are_keys_of_the_panel() -> None:
    assert entry("info", "completed", 5, {}).message == f"{MESSAGES}completed"
    assert entry("info", "monitoring.other", 5, {}).message == "monitoring.other"


def tried(most: int, again: int, *answers: Any) -> tuple[list[float], Any]:
    """When calls were made that get these answers, and what came of it."""
    clock, times, over = Clock(), list[float](), list[Any]()
    left = list(answers)

    async def ask() -> Any:
        times.append(clock.seconds())
        answer = left.pop(0)
        if answer == "fails":
            raise CpaProblem("500")
        return answer

    call = Retries(clock, most).call(ask, lambda answer: bool(answer == "good"), again)
    Deferred.fromCoroutine(call).addBoth(over.append)
    for _ in range(1000):
        clock.advance(0.1)
    return [round(at, 1) for at in times], over[0]


@attrs.define
class Told:
    """A recorder's place: what it was told."""

    lines: list[tuple[str, str]] = attrs.field(factory=list)

    def log(self, level: str, message: str, **detail: Any) -> None:
        self.lines.append((level, message))


HEADERS = {
    "Authorization": "Bearer $TOKEN$",
    "Content-Type": "application/json",
    "User-Agent": "ua",
}


@pytest.mark.parametrize(
    ("who", "more"), [({}, {}), ({"account_id": "acc"}, {"Chatgpt-Account-Id": "acc"})]
)
def test_what_a_provider_is_asked(who: dict[str, Any], more: dict[str, str]) -> None:
    account = Account.of({"name": "a.json", "provider": "codex", "auth_index": "a1", **who})
    client: Any = Client(b'{"status_code":200,"body":"{}"}')
    told: Any = Told()
    settings = InspectionSettings(user_agent="ua")
    prober = CodexProber(Clock(), Credentials(client), settings, told, lambda: 5)
    result = blank_result(account, "k", 1, 5)
    Deferred.fromCoroutine(prober.probe(account, result, False))
    ((_, _, body),) = client.asked
    assert body == {
        "authIndex": "a1",
        "method": "GET",
        "url": "https://chatgpt.com/backend-api/wham/usage",
        "header": HEADERS | more,
    }
    assert told.lines == [("info", "probe_completed")]
    assert (result.status_code, result.action) == (200, "keep")


@attrs.define
class Store:
    """A store that does not take what comes first."""

    refusals: int
    lines: list[LogEntry] = attrs.field(factory=list)

    async def write(
        self, work: Any, run_id: int, rows: list[Any], logs: list[LogEntry], *_: Any
    ) -> list[int]:
        if self.refusals:
            self.refusals -= 1
            raise StoreUnavailable("the disk is full")
        self.lines += logs
        return list(range(1, len(rows) + 1))


@pytest.mark.parametrize(("refusals", "lost"), [(0, 0), (1, 0), (9, 1)])
def test_results_that_the_store_does_not_take_at_once(refusals: int, lost: int) -> None:
    store: Any = Store(refusals)
    recorder = Recorder(store, 1, lambda: 5)
    account = Account.of({"name": "a.json", "provider": "codex", "auth_index": "a1"})
    recorder.add(blank_result(account, "k", 1, 5))
    over: list[Any] = []
    Deferred.fromCoroutine(recorder.again()).addBoth(over.append)
    assert over == [lost]
    told = [line.detail for line in store.lines]
    assert told == [
        {
            "fileName": "a.json",
            "displayAccount": "a.json",
            "retryScheduled": True,
            "error": "the disk is full",
        }
    ] * (refusals == 1)


def test_pauses_between_tries_double() -> None:
    times, end = tried(3, 3, "fails", "bad", "fails", "good")
    assert (times, end) == ([0, 0.5, 1.5, 3.5], "good")


def test_failures_and_answers_that_are_not_good_have_bounds_of_their_own() -> None:
    times, end = tried(2, 1, "bad", "bad")
    assert (times, end) == ([0, 0.5], "bad")
    times, failure = tried(2, 1, "fails", "fails", "fails")
    assert times == [0, 0.5, 1.5]
    assert failure.check(CpaProblem)
    assert tried(0, 1, "bad") == ([0], "bad")
