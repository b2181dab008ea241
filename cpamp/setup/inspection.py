"""The inspection's settings, as far as saving them goes: merged by member, a few members checked.

Source: server contract, section 11.2 step 2; inspection contract, section 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cpamp.errors import InvalidJson
from cpamp.setup import members
from cpamp.setup.problems import InvalidTarget, InvalidTimeZone

TARGETS = ("codex", "xai")
# Absent from a submission means 0 or false for these; other members then keep their value.
ALWAYS_REPLACED = ("retries", "sampleSize", "xaiInferenceEnabled", "autoRecoverEnabled")


def merge(saved: Mapping[str, Any], submitted: dict[str, Any]) -> dict[str, Any]:
    """The settings after a submission; raises a `BadRequest` for a bad zone or target."""
    kept = {key: value for key, value in saved.items() if key not in ALWAYS_REPLACED}
    given = {key: value for key, value in submitted.items() if value is not None}
    merged = {**kept, **given}
    schedule = members.child(submitted, "schedule")
    if schedule:
        _check_zone(members.text(schedule, "timeZone"))
        merged["schedule"] = {**(saved.get("schedule") or {}), **schedule}
    targets = _targets(given)
    if targets:
        merged["targetTypes"] = targets
        merged["targetType"] = targets[0]
    return merged


def _check_zone(name: str) -> None:
    if not name or name == "Local":
        return
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as e:
        raise InvalidTimeZone(name) from e


def _targets(given: dict[str, Any]) -> list[str]:
    """The targets in their fixed order; [] where the submission names none."""
    if "targetTypes" in given:
        listed = given["targetTypes"]
        if not isinstance(listed, list) or not all(isinstance(t, str) for t in listed):
            raise InvalidJson("targetTypes must be a list of texts")
        if not listed:
            raise InvalidTarget("targetTypes must name at least one of codex, xai")
    else:
        single = members.text(given, "targetType")
        listed = [single] if single else []
    wanted = {target.strip().lower() for target in listed}
    for unknown in sorted(wanted.difference(TARGETS)):
        raise InvalidTarget(f'unsupported inspection target "{unknown}"')
    return [target for target in TARGETS if target in wanted]
