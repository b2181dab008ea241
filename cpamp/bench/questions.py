"""The questions that pages ask, with what each must take (analytics contract, sections 14, 16)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from cpamp.bench.workloads import DAY_MS, MONITORING_BEGIN_MS, MONITORING_DAYS

MONITORING = "/v0/management/monitoring"
ANALYTICS = f"{MONITORING}/analytics"
HISTORY = f"{MONITORING}/account-history"
DASHBOARD = "/v0/management/dashboard/summary"
END_MS = MONITORING_BEGIN_MS + MONITORING_DAYS * DAY_MS
# Those for which there are targets.
MILLION, THREE_MILLION = 1_000_000, 3_000_000
Body = dict[str, Any]


@attrs.frozen
class Question:
    """A request; `body(i)` is that of the i-th asking, each with another range.

    `target_ms` is for a million and for three million events, `baselines_ms` by number of events.
    """

    name: str
    path: str
    body: Callable[[int], Body | None]
    target_ms: tuple[float, float] | None = None
    baselines_ms: Mapping[int, float] = attrs.field(factory=dict)

    @property
    def method(self) -> str:
        """GET where there is no body."""
        return "GET" if self.body(0) is None else "POST"

    def path_of(self, i: int) -> str:
        """The path of the i-th asking."""
        return self.path.format(now_ms=MONITORING_BEGIN_MS + DAY_MS + i, limit=1_000 + i)

    def target(self, events: int) -> float | None:
        """What it must take with so many events, in ms; None where nothing was said."""
        if self.target_ms is None or events not in (MILLION, THREE_MILLION):
            return None
        return self.target_ms[events == THREE_MILLION]


def _flags(*names: str, **others: Any) -> Body:
    return {**dict.fromkeys(names, True), **others}


_PAGE = {"events_page": {"limit": 500}}
FULL = _flags(
    *("summary", "timeline", "hourly_distribution", "model_share", "channel_share"),
    *("model_stats", "failure_sources", "account_stats", "api_key_stats", "filter_options"),
    "task_buckets",
    recent_failures=8,
    **_PAGE,
    granularity="day",
)
EVERYTHING = FULL | _flags(
    *("credential_stats", "credential_timeline", "api_key_timeline", "heatmap", "anomaly_points"),
    summary_comparison=True,
)
_COMPACT = _flags("summary", summary_profile="compact", granularity="day")
_OVERVIEW = _COMPACT | _flags(
    *("summary_percentiles", "summary_comparison", "timeline", "model_stats", "channel_share"),
    *("api_key_stats", "anomaly_points"),
)
_TRENDS = _COMPACT | _flags(
    "summary_comparison", "timeline", "model_stats", "api_key_stats", "anomaly_points"
)


def _month(include: Body, **members: Any) -> Callable[[int], Body]:
    return _since(MONITORING_BEGIN_MS + 1, include, **members)


def _since(from_ms: int, include: Body, **members: Any) -> Callable[[int], Body]:
    last = {"to_ms": END_MS, "now_ms": END_MS, "include": include, **members}
    return lambda i: {"from_ms": from_ms + i, **last}


def _ask(
    name: str,
    body: Callable[[int], Body | None],
    target_ms: tuple[float, float] | None = None,
    *baselines_ms: float,
    path: str = ANALYTICS,
) -> Question:
    """`baselines_ms`: at a million events, at a hundred thousand."""
    baselines = dict(zip((MILLION, 100_000), baselines_ms, strict=False))
    return Question(name, path, body, target_ms, baselines)


FULL_MONTH = _ask("M2 full, 30 d", _month(FULL), (120, 280), 26_087, 2_117)
ALL_TIME = _ask(
    "M3 the same, all time, Asia/Shanghai",
    _since(1, FULL, time_zone="Asia/Shanghai"),
    (120, 280),
    24_271,
    2_216,
)
OVERVIEW = _ask("M6 overview", _month(_OVERVIEW), (80, 220), 7_410, 888)
DASHBOARD_DAY = _ask(
    "dashboard of a day",
    lambda i: None,
    (30, 50),
    296,
    37,
    path=f"{DASHBOARD}?today_start_ms={MONITORING_BEGIN_MS}&now_ms={{now_ms}}"
    "&top_models=5&recent_failures=5",
)


def _general() -> Iterator[Question]:
    """What can be asked of any set."""
    full, small = (120, 280), (60, 120)
    filters = {"models": ["gpt-00"], "api_key_hashes": ["key-000"], "accounts": ["auth-000"]}
    yield _ask("M1 every section", _month(EVERYTHING), full)
    yield FULL_MONTH
    yield ALL_TIME
    one = _month(FULL, filters={"models": ["gpt-00"]})
    yield _ask("M4 full, one model", one, small, 4_805, 549)
    yield _ask("full, three filters", _month(FULL, filters=filters), small, 17_606, 1_695)
    tab = (60, 140)
    for name, flag, *baselines in (
        ("accounts", "account_stats", 695, 152),
        ("keys", "api_key_stats", 567, 154),
    ):
        yield _ask(f"M5 {name}", _month(_COMPACT | _flags(flag, **_PAGE)), tab, *baselines)
    yield _ask("M5 realtime", _month(_COMPACT | _PAGE), tab, 317, 102)
    yield OVERVIEW
    yield _ask("M6 trends", _month(_TRENDS), (80, 220), 1_509, 392)
    models = _COMPACT | _flags("timeline", "model_stats", "api_key_stats")
    yield _ask("M6 models", _month(models), (80, 220), 1_498, 387)
    yield _ask("M6 keys", _month(_COMPACT | _flags("api_key_stats")), (80, 220))
    yield _ask("M6 credentials", _month(_COMPACT | _flags("credential_stats")), tab, 7_563, 777)
    yield _ask("M6 heatmap", _month(_COMPACT | _flags("heatmap")), tab, 7_816, 992)
    credential = _month(
        _flags("credential_timeline", granularity="day"), filters={"auth_files": [_file(0)]}
    )
    yield _ask("M7 one credential's timeline", credential, tab)
    yield _ask(
        "M8 selectors", _month(_flags("filter_options", "filter_selectors")), (25, 50), 103, 31
    )
    search = _month({"events_page": {"limit": 100}}, search_query="trace-099999")
    yield _ask("M9 search for one trace", search, (40, 100), 26, 21)
    for name, text in (("eight hexadecimal digits", "5eed0bad"), ("one character", "e")):
        found = _month({"events_page": {"limit": 100}}, search_query=text)
        yield _ask(f"search for {name}", found, (40, 100))
    yield _ask("M10 summary", _month(_flags("summary", granularity="day")), (80, 220))
    yield _ask("M10 compact with percentiles", _month(_COMPACT | _flags("summary_percentiles")))
    yield _ask("M10 compact", _month(_COMPACT))
    core = _flags("summary", "model_stats", "timeline", granularity="day")
    yield _ask("M11 summary, models, timeline", _month(core), (80, 220))
    yield _ask("page of 500 events, first", _month(_PAGE), (30, 60))
    deep = {"events_page": {"limit": 500, "before_ms": MONITORING_BEGIN_MS + DAY_MS}}
    yield _ask("page of 500 events, near the last", _month(deep), (30, 60))


def _file(account: int) -> str:
    return f"account-{account:03d}.json"


def _target(account: int) -> Body:
    return {
        "auth_file_snapshot": _file(account),
        "account_snapshot": f"account-{account:03d}@example.com",
        "auth_provider_snapshot": "codex",
        "auth_index": f"auth-{account:03d}",
        "source": _file(account),
    }


def _windows(i: int) -> Body:
    """W-WIN: of each account four windows that overlap."""
    return {
        "windows": [
            {
                "row_key": f"{_file(account)}\0auth-{account:03d}",
                "window_key": f"overlap-{k}",
                "from_ms": MONITORING_BEGIN_MS + k * 5 * DAY_MS + i,
                "to_ms": MONITORING_BEGIN_MS + (k * 5 + 15) * DAY_MS + i,
                "auth_project_id_snapshot": f"project-{account % 10:02d}",
                **_target(account),
            }
            for account in range(100)
            for k in range(4)
        ]
    }


def _histories(i: int) -> Body:
    return {
        "accounts": [
            {"row_key": f"row-{i}-{row}", **_target(row % 100), "auth_label_snapshot": f"{row}"}
            for row in range(200)
        ]
    }


def _histories_of(count: int) -> Question:
    """W-HIST: so many of its accounts."""

    def body(i: int) -> Body:
        return {
            "accounts": [
                {
                    "row_key": f"row-{i}-{account:04d}",
                    "auth_index": f"auth-{account:04d}",
                    "auth_provider_snapshot": "openai",
                    "account_snapshot": f"account-{account:04d}@example.com",
                }
                for account in range(count)
            ]
        }

    return _ask(f"W-HIST {count} account histories", body, path=HISTORY)


def _accounts() -> Iterator[Question]:
    windows = f"{MONITORING}/account-window-usage"
    snapshots = f"{MONITORING}/header-snapshots?days=30&limit={{limit}}"
    yield _ask("W-WIN 400 account windows", _windows, (80, 170), 1_395, 179, path=windows)
    yield _ask("200 account histories", _histories, (40, 70), 21, 19, path=HISTORY)
    yield _ask("M12 header snapshots", lambda i: None, path=snapshots)


# By set of events.
QUESTIONS: Mapping[str, tuple[Question, ...]] = {
    "monitoring": (*_general(), *_accounts()),
    "skewed": tuple(_general()),
    "wide": tuple(_general()),
    "dashboard": (DASHBOARD_DAY,),
    "history": tuple(map(_histories_of, (20, 100, 200))),
}
