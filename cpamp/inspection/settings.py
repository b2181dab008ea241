"""What an inspection goes by, and how a submission changes it (inspection contract, section 2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import attrs

from cpamp import members
from cpamp.errors import BadRequest
from cpamp.inspection.problems import InvalidTarget, InvalidTimeZone

TARGETS = ("codex", "xai")
MODES = ("none", "enable", "disable", "delete")
MOST_WORKERS = 64
MOST_RETRIES = 5
TIMEOUT_MS = (1_000, 60_000)
MOST_MINUTES = 43_200
_POINT = re.compile(r"\s*(\d{1,2}):(\d{1,2})\s*$", re.ASCII)


@attrs.frozen
class Schedule:
    """When runs begin by themselves: every so many minutes, or at times of the day in a zone."""

    mode: str = "interval"  # or "time_points"
    interval_minutes: int = 60
    time_points: tuple[str, ...] = ()  # HH:MM, ascending
    time_zone: str = ""  # "" is the server's own

    def merged(self, submitted: dict[str, Any]) -> Schedule:
        """This schedule after a submission; raises a `BadRequest`."""
        minutes = members.positive(submitted, "intervalMinutes", 0)
        points = _points(members.texts(submitted, "timePoints") or [])
        mode = members.text(submitted, "mode")
        if mode not in ("interval", "time_points"):
            mode = "time_points" if points else "interval" if minutes else self.mode
        zone = self.time_zone
        if submitted.get("timeZone") is not None:
            zone = _known_zone(members.text(submitted, "timeZone"))
        kept = points or self.time_points
        return Schedule(
            mode=mode if kept else "interval",
            interval_minutes=min(minutes or self.interval_minutes, MOST_MINUTES),
            time_points=kept,
            time_zone=zone,
        )

    def json(self) -> dict[str, Any]:
        """The members of the contract."""
        return {
            "mode": self.mode,
            "intervalMinutes": self.interval_minutes,
            "timePoints": list(self.time_points),
            "timeZone": self.time_zone,
        }


@attrs.frozen
class InspectionSettings:
    """Everything that a run goes by; a run keeps the settings that it began with."""

    enabled: bool = False  # only the schedule asks
    schedule: Schedule = Schedule()
    targets: tuple[str, ...] = ("codex",)
    workers: int = 4
    action_workers: int = 4
    timeout_ms: int = 15_000
    retries: int = 0
    sample_size: int = 0  # per provider; 0: all
    threshold: float = 100.0  # percent
    user_agent: str = "codex_cli_rs/0.76.0 (Debian 13.0.0; x86_64) WindowsTerminal"
    auto_action_mode: str = "none"
    auto_recover: bool = False
    xai_inference: bool = False
    xai_model: str = "grok-4.5"
    xai_prompt: str = "Reply with exactly OK."
    xai_user_agent: str = "xai-grok-workspace/0.2.101"

    @classmethod
    def read(cls, saved: Mapping[str, Any]) -> InspectionSettings:
        """Settings as `json` wrote them; what can't be read holds the defaults."""
        try:
            return cls().merged(dict(saved))
        except BadRequest:
            return cls()

    def merged(self, submitted: dict[str, Any]) -> InspectionSettings:
        """These settings after a submission; raises a `BadRequest` for a bad zone or target."""
        workers = members.positive(submitted, "workers", 0)
        timeout = members.positive(submitted, "timeout", self.timeout_ms)
        mode = members.text(submitted, "autoActionMode")
        action_workers = members.positive(submitted, "deleteWorkers", workers)
        return InspectionSettings(
            enabled=members.flag(submitted, "enabled", self.enabled),
            schedule=self.schedule.merged(members.child(submitted, "schedule")),
            targets=_targets(submitted) or self.targets,
            workers=min(workers or self.workers, MOST_WORKERS),
            action_workers=min(action_workers or self.action_workers, MOST_WORKERS),
            timeout_ms=min(max(timeout, TIMEOUT_MS[0]), TIMEOUT_MS[1]),
            retries=min(_count(submitted, "retries", self.retries), MOST_RETRIES),
            sample_size=_count(submitted, "sampleSize", self.sample_size),
            threshold=_percent(members.number(submitted, "usedPercentThreshold"), self.threshold),
            user_agent=members.text(submitted, "userAgent") or self.user_agent,
            auto_action_mode=mode if mode in MODES else self.auto_action_mode,
            auto_recover=members.flag(submitted, "autoRecoverEnabled", False),
            xai_inference=members.flag(submitted, "xaiInferenceEnabled", False),
            xai_model=members.text(submitted, "xaiInferenceModel") or self.xai_model,
            xai_prompt=members.text(submitted, "xaiInferencePrompt") or self.xai_prompt,
            xai_user_agent=members.text(submitted, "xaiInferenceUserAgent") or self.xai_user_agent,
        )

    @property
    def record_only(self) -> bool:
        """Whether a run changes nothing in CPA."""
        return self.auto_action_mode == "none" and not self.auto_recover

    def json(self) -> dict[str, Any]:
        """The members of the contract."""
        return {
            "enabled": self.enabled,
            "schedule": self.schedule.json(),
            "targetTypes": list(self.targets),
            "targetType": self.targets[0],
            "workers": self.workers,
            "deleteWorkers": self.action_workers,
            "timeout": self.timeout_ms,
            "retries": self.retries,
            "sampleSize": self.sample_size,
            "usedPercentThreshold": self.threshold,
            "userAgent": self.user_agent,
            "autoActionMode": self.auto_action_mode,
            "autoRecoverEnabled": self.auto_recover,
            "xaiInferenceEnabled": self.xai_inference,
            "xaiInferenceModel": self.xai_model,
            "xaiInferencePrompt": self.xai_prompt,
            "xaiInferenceUserAgent": self.xai_user_agent,
        }


def _points(texts: list[str]) -> tuple[str, ...]:
    found = (match.groups() for match in map(_POINT.match, texts) if match)
    times = {(int(hour), int(minute)) for hour, minute in found}
    return tuple(f"{h:02}:{m:02}" for h, m in sorted(times) if h < 24 and m < 60)


def _known_zone(name: str) -> str:
    if name and name != "Local":
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as e:
            raise InvalidTimeZone(name) from e
    return name


def _targets(submitted: dict[str, Any]) -> tuple[str, ...]:
    """The targets in their fixed order; () where the submission names none."""
    listed = members.texts(submitted, "targetTypes")
    if listed is None:
        single = members.text(submitted, "targetType")
        listed = [single] if single else []
    elif not listed:
        raise InvalidTarget("targetTypes must name at least one of codex, xai")
    wanted = {target.lower() for target in listed}
    for unknown in sorted(wanted.difference(TARGETS)):
        raise InvalidTarget(f'unsupported inspection target "{unknown}"')
    return tuple(target for target in TARGETS if target in wanted)


def _count(submitted: dict[str, Any], key: str, current: int) -> int:
    """A whole number from 0; absent is 0, a negative one keeps what is there."""
    value = submitted.get(key)
    if isinstance(value, int) and not isinstance(value, bool) and value < 0:
        return current
    return members.positive(submitted, key, 0)


def _percent(value: float | None, current: float) -> float:
    """A share up to 1, or a percentage above it."""
    if value is None or not 0 < value <= 100:
        return current
    return round(value * 100, 6) if value <= 1 else value
