"""The settings of an inspection: what a submission makes of them (inspection contract, 2)."""

from __future__ import annotations

from typing import Any

import pytest

from cpamp.errors import InvalidJson
from cpamp.inspection.problems import InvalidTarget, InvalidTimeZone
from cpamp.inspection.settings import MODES, InspectionSettings

POINTS = {"schedule": {"mode": "time_points", "timePoints": ["7:5", "23:59", "24:00", "07:05"]}}

# saved, submitted, members after it
MERGED: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({}, {}, {"enabled": False, "workers": 4, "timeout": 15_000, "autoActionMode": "none"}),
    ({"enabled": True}, {}, {"enabled": True}),
    (
        {"workers": 2, "retries": 3},
        {"timeout": 2000},
        {"workers": 2, "timeout": 2000, "retries": 0},
    ),
    ({"workers": 2}, {"workers": None, "retries": 1}, {"workers": 2, "retries": 1}),
    ({"workers": 2}, {"workers": 0}, {"workers": 2}),
    ({}, {"workers": 9}, {"workers": 9, "deleteWorkers": 9}),
    ({"deleteWorkers": 3}, {"workers": 9, "deleteWorkers": 2}, {"deleteWorkers": 2}),
    ({"deleteWorkers": 3}, {"workers": 9, "deleteWorkers": 0}, {"deleteWorkers": 9}),
    ({"deleteWorkers": 3}, {"deleteWorkers": -1}, {"deleteWorkers": 3}),
    ({"timeout": 2000}, {"timeout": 0}, {"timeout": 2000}),
    ({"enabled": True}, {"enabled": False}, {"enabled": False}),
    ({"xaiInferenceEnabled": True}, {}, {"xaiInferenceEnabled": False}),
    ({"xaiInferenceModel": "m"}, {"xaiInferenceModel": ""}, {"xaiInferenceModel": "m"}),
    ({}, {"xaiInferencePrompt": " p "}, {"xaiInferencePrompt": "p"}),
    ({}, {"xaiInferenceUserAgent": "u"}, {"xaiInferenceUserAgent": "u"}),
    ({}, {"userAgent": " b "}, {"userAgent": "b"}),
    ({}, {"usedPercentThreshold": 1}, {"usedPercentThreshold": 100}),
    ({}, {"usedPercentThreshold": 1.5}, {"usedPercentThreshold": 1.5}),
    ({"usedPercentThreshold": 70}, {"usedPercentThreshold": -5}, {"usedPercentThreshold": 70}),
    ({"autoActionMode": "delete"}, {"autoActionMode": " "}, {"autoActionMode": "delete"}),
    *(({}, {"autoActionMode": mode}, {"autoActionMode": mode}) for mode in MODES),
    ({}, {"targetTypes": ["xai"], "targetType": "codex"}, {"targetTypes": ["xai"]}),
    ({"deleteWorkers": 3}, {"timeout": 1}, {"deleteWorkers": 3, "timeout": 1_000}),
    (
        {},
        {"workers": 1000, "retries": 99, "timeout": 10**9},
        {"workers": 64, "retries": 5, "timeout": 60_000},
    ),
    (
        {"retries": 2, "sampleSize": 7},
        {"retries": -1, "sampleSize": -1},
        {"retries": 2, "sampleSize": 7},
    ),
    ({}, {"usedPercentThreshold": 0.8}, {"usedPercentThreshold": 80}),
    ({"usedPercentThreshold": 70}, {"usedPercentThreshold": 0}, {"usedPercentThreshold": 70}),
    ({"usedPercentThreshold": 70}, {"usedPercentThreshold": 101}, {"usedPercentThreshold": 70}),
    ({"autoActionMode": "delete"}, {"autoActionMode": "destroy"}, {"autoActionMode": "delete"}),
    ({"autoRecoverEnabled": True}, {}, {"autoRecoverEnabled": False}),
    ({"userAgent": "a"}, {"userAgent": " "}, {"userAgent": "a"}),
    (
        {},
        {"targetTypes": ["XAI", " codex ", "xai"]},
        {"targetTypes": ["codex", "xai"], "targetType": "codex"},
    ),
    ({}, {"targetType": "xai"}, {"targetTypes": ["xai"], "targetType": "xai"}),
    ({"targetTypes": ["xai"]}, {"targetTypes": None}, {"targetTypes": ["xai"]}),
]

# saved, submitted, the schedule after it
SCHEDULES: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({}, POINTS, {"mode": "time_points", "timePoints": ["07:05", "23:59"]}),
    ({}, {"schedule": {"timePoints": ["1:00"]}}, {"mode": "time_points"}),
    ({}, {"schedule": {"mode": "time_points"}}, {"mode": "interval"}),
    (POINTS, {"schedule": {"intervalMinutes": 5}}, {"mode": "interval", "intervalMinutes": 5}),
    (
        POINTS,
        {"schedule": {"timePoints": ["x"]}},
        {"mode": "time_points", "timePoints": ["07:05", "23:59"]},
    ),
    (POINTS, {"schedule": {"mode": "later"}}, {"mode": "time_points"}),
    ({}, {"schedule": {"intervalMinutes": 10**6}}, {"intervalMinutes": 43_200}),
    ({}, {"schedule": {"intervalMinutes": 0}}, {"intervalMinutes": 60}),
    (
        {"schedule": {"timeZone": "Asia/Tokyo"}},
        {"schedule": {"mode": "interval"}},
        {"timeZone": "Asia/Tokyo"},
    ),
    ({"schedule": {"timeZone": "Asia/Tokyo"}}, {"schedule": {"timeZone": ""}}, {"timeZone": ""}),
]


def test_defaults() -> None:
    """Table of section 2."""
    assert InspectionSettings().json() == {
        "enabled": False,
        "schedule": {"mode": "interval", "intervalMinutes": 60, "timePoints": [], "timeZone": ""},
        "targetTypes": ["codex"],
        "targetType": "codex",
        "workers": 4,
        "deleteWorkers": 4,
        "timeout": 15_000,
        "retries": 0,
        "sampleSize": 0,
        "usedPercentThreshold": 100,
        "userAgent": "codex_cli_rs/0.76.0 (Debian 13.0.0; x86_64) WindowsTerminal",
        "autoActionMode": "none",
        "autoRecoverEnabled": False,
        "xaiInferenceEnabled": False,
        "xaiInferenceModel": "grok-4.5",
        "xaiInferencePrompt": "Reply with exactly OK.",
        "xaiInferenceUserAgent": "xai-grok-workspace/0.2.101",
    }


# mode, whether it brings back what it disabled -> whether nothing is ever changed
@pytest.mark.parametrize(
    ("mode", "recovers", "only"),
    [("none", False, True), ("none", True, False), ("disable", False, False)],
)
def test_what_only_records(mode: str, recovers: bool, only: bool) -> None:
    settings = InspectionSettings(auto_action_mode=mode, auto_recover=recovers)
    assert settings.record_only is only


@pytest.mark.parametrize(("saved", "submitted", "after"), MERGED)
def test_merging(saved: dict[str, Any], submitted: dict[str, Any], after: dict[str, Any]) -> None:
    merged = InspectionSettings.read(saved).merged(submitted).json()
    assert after.items() <= merged.items()
    assert InspectionSettings.read(merged).json() == merged


@pytest.mark.parametrize(("saved", "submitted", "after"), SCHEDULES)
def test_merging_the_schedule(
    saved: dict[str, Any], submitted: dict[str, Any], after: dict[str, Any]
) -> None:
    merged = InspectionSettings.read(saved).merged(submitted).json()
    assert after.items() <= merged["schedule"].items()


@pytest.mark.parametrize("zone", ["Mars/Base", "../etc/passwd", "/etc/localtime", "a\0b", "Europe"])
def test_unknown_zones(zone: str) -> None:
    with pytest.raises(InvalidTimeZone):
        InspectionSettings().merged({"schedule": {"timeZone": zone}})


@pytest.mark.parametrize(
    "submitted",
    [{"targetTypes": []}, {"targetTypes": ["claude"]}, {"targetType": "claude"}],
)
def test_unknown_targets(submitted: dict[str, Any]) -> None:
    with pytest.raises(InvalidTarget):
        InspectionSettings().merged(submitted)


@pytest.mark.parametrize(
    "submitted", [{"workers": "4"}, {"retries": 1.5}, {"schedule": []}, {"targetTypes": "codex"}]
)
def test_wrong_types(submitted: dict[str, Any]) -> None:
    with pytest.raises(InvalidJson):
        InspectionSettings().merged(submitted)


def test_damaged_settings_are_the_defaults() -> None:
    assert InspectionSettings.read({"workers": "many"}) == InspectionSettings()
