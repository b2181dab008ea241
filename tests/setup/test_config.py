"""Merging, masking and storing the configuration (server contract, sections 6.1 to 6.4)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cpamp.errors import InvalidJson
from cpamp.inspection.settings import InspectionSettings
from cpamp.settings import Settings, load
from cpamp.setup.config import (
    MASK,
    CollectorSettings,
    Connection,
    ManagerConfig,
    encrypted_key,
    read_record,
)
from cpamp.setup.problems import ConnectionRequired

CPA = Connection("http://cpa:8317", "secret")


def settings(**environ: str) -> Settings:
    return load({"USAGE_DATA_DIR": "/nowhere", **environ}, Path("/nowhere"))


def config(**environ: str) -> ManagerConfig:
    return ManagerConfig(
        CPA, CollectorSettings.by(settings(**environ)), InspectionSettings(workers=2)
    )


# what is submitted as cpaConnection, what holds after
CONNECTIONS: list[tuple[dict[str, Any] | None, Connection]] = [
    (None, CPA),
    ({}, CPA),
    ({"cpaBaseUrl": "", "managementKey": " "}, CPA),
    ({"cpaBaseUrl": None, "managementKey": None}, CPA),
    ({"cpaBaseUrl": "cpa:8317/v0/management/", "managementKey": MASK}, CPA),
    ({"cpaBaseUrl": "http://cpa:8317"}, CPA),
    ({"cpaBaseUrl": "cpa:8317", "managementKey": " new "}, Connection(CPA.url, "new")),
    ({"cpaBaseUrl": "https://h/p/v0/", "managementKey": "k"}, Connection("https://h/p", "k")),
    ({"managementKey": "new"}, Connection("", "new")),
]


@pytest.mark.parametrize(("submitted", "after"), CONNECTIONS)
def test_merging_the_connection(submitted: dict[str, Any] | None, after: Connection) -> None:
    assert config().merged({"cpaConnection": submitted}).connection == after


@pytest.mark.parametrize(
    "submitted",
    [
        {"cpaBaseUrl": "http://thief"},
        {"cpaBaseUrl": "http://thief", "managementKey": MASK},
        {"managementKey": MASK},
        {"cpaBaseUrl": "https://cpa:8317", "managementKey": ""},
    ],
)
def test_a_withheld_key_is_never_sent_elsewhere(submitted: dict[str, Any]) -> None:
    with pytest.raises(ConnectionRequired):
        config().merged({"cpaConnection": submitted})


def test_mask_without_a_saved_key_means_nothing() -> None:
    fresh = ManagerConfig.by(settings())
    assert fresh.merged({"cpaConnection": {"managementKey": MASK}}).connection == Connection()
    with pytest.raises(ConnectionRequired):
        fresh.merged({"cpaConnection": {"cpaBaseUrl": "http://a", "managementKey": MASK}})


# what is submitted as collector, the members that differ after
COLLECTORS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {"tls_skip_verify": False}),
    ({"enabled": False, "tlsSkipVerify": True}, {"enabled": False}),
    ({"tlsSkipVerify": True, "collectorMode": " HTTP "}, {"mode": "http"}),
    ({"tlsSkipVerify": True, "collectorMode": "smoke"}, {"mode": "auto"}),
    ({"tlsSkipVerify": True, "collectorMode": " "}, {}),
    (
        {"tlsSkipVerify": True, "queue": " q ", "popSide": "RIGHT"},
        {"queue": "q", "pop_side": "right"},
    ),
    ({"tlsSkipVerify": True, "queue": "", "popSide": "middle"}, {}),
    ({"tlsSkipVerify": True, "batchSize": 0, "pollIntervalMs": -1, "queryLimit": 0}, {}),
    (
        {"tlsSkipVerify": True, "batchSize": 1, "pollIntervalMs": 2, "queryLimit": 3},
        {"batch_size": 1, "poll_interval_ms": 2, "query_limit": 3},
    ),
    ({"tlsSkipVerify": True, "enabled": None, "batchSize": None, "unknown": 1}, {}),
    (
        {"tlsSkipVerify": True, "ensureUsageStatisticsEnabled": False},
        {"ensure_publishing": False},
    ),
]


@pytest.mark.parametrize(("submitted", "changed"), COLLECTORS)
def test_merging_the_collector(submitted: dict[str, Any], changed: dict[str, Any]) -> None:
    before = config(
        USAGE_COLLECTOR_MODE="resp",
        USAGE_RESP_POP_SIDE="left",
        USAGE_RESP_QUEUE="mine",
        USAGE_RESP_TLS_SKIP_VERIFY="1",
    )
    after = before.merged({"collector": submitted}).collector
    fields = CollectorSettings.__slots__[:-1]  # type: ignore[attr-defined]
    differing = {
        name: getattr(after, name)
        for name in fields
        if getattr(after, name) != getattr(before.collector, name)
    }
    assert differing == changed


def test_an_empty_submission_changes_nothing() -> None:
    before = config(USAGE_RESP_TLS_SKIP_VERIFY="1")
    assert before.merged({}) == before


@pytest.mark.parametrize(
    "submitted",
    [
        {"cpaConnection": 5},
        {"cpaConnection": {"cpaBaseUrl": 5}},
        {"collector": []},
        {"collector": {"enabled": "yes"}},
        {"collector": {"batchSize": 1.5}},
        {"collector": {"batchSize": True}},
        {"collector": {"queue": {}}},
        {"codexInspection": "x"},
        {"codexInspection": {"schedule": 1}},
        {"codexInspection": {"targetTypes": "codex"}},
    ],
)
def test_wrong_types(submitted: dict[str, Any]) -> None:
    with pytest.raises(InvalidJson):
        config().merged(submitted)


def test_answers_never_hold_the_key() -> None:
    answer = config(USAGE_RESP_TLS_SKIP_VERIFY="yes").json()
    assert answer == {
        "cpaConnection": {
            "cpaBaseUrl": "http://cpa:8317",
            "managementKey": MASK,
            "managementKeySet": True,
        },
        "collector": {
            "enabled": True,
            "collectorMode": "auto",
            "queue": "usage",
            "popSide": "right",
            "batchSize": 100,
            "pollIntervalMs": 500,
            "queryLimit": 50_000,
            "tlsSkipVerify": True,
        },
        "codexInspection": InspectionSettings(workers=2).json(),
        "externalUsageService": {"enabled": False},
    }
    assert len(MASK) == 12
    unset = ManagerConfig.by(settings()).json()
    assert unset["cpaConnection"] == {"cpaBaseUrl": "", "managementKeySet": False}
    assert "tlsSkipVerify" not in unset["collector"]
    assert "secret" not in repr(config())


def test_records_come_back() -> None:
    before = config(USAGE_COLLECTOR_MODE="http", USAGE_RESP_TLS_SKIP_VERIFY="1")
    record = before.record(lambda text: f"sealed({text})", 77)
    assert record["updatedAtMs"] == 77
    assert encrypted_key(record) == "sealed(secret)"
    unseal = {"sealed(secret)": "secret"}
    assert read_record(record, ManagerConfig.by(settings()), unseal.__getitem__) == before


@pytest.mark.parametrize("record", [{}, {"collector": {"batchSize": "x"}}, {"cpaConnection": 1}])
def test_damaged_records_hold_the_defaults(record: dict[str, Any]) -> None:
    defaults = ManagerConfig.by(settings(USAGE_BATCH_SIZE="9"))
    assert read_record(record, defaults, str) == defaults
    assert encrypted_key(record) == encrypted_key(None) == ""


def test_the_environment_on_top() -> None:
    saved = config(USAGE_BATCH_SIZE="7", USAGE_QUERY_LIMIT="7")
    env = settings(CPA_UPSTREAM_URL="other:1/", CPA_MANAGEMENT_KEY="k", USAGE_BATCH_SIZE="9")
    held = saved.overlaid(env)
    assert held.connection == Connection("http://other:1", "k")
    assert (held.collector.batch_size, held.collector.query_limit) == (9, 7)
    assert held.inspection.workers == 2
    assert saved.overlaid(settings(CPA_UPSTREAM_URL="other:1")) == saved
