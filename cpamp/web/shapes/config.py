"""What can be set, as it is shown and saved."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class ConnectionJson(TypedDict):
    """Where CPA is; the key is a mask."""

    cpaBaseUrl: str
    managementKeySet: bool
    managementKey: NotRequired[str]


class CollectorJson(TypedDict):
    """How records are collected."""

    enabled: bool
    collectorMode: str
    queue: str
    popSide: str
    batchSize: int
    pollIntervalMs: int
    queryLimit: int
    tlsSkipVerify: NotRequired[Literal[True]]
    ensureUsageStatisticsEnabled: NotRequired[Literal[False]]


class ScheduleJson(TypedDict):
    """When inspections begin by themselves."""

    mode: Literal["interval", "time_points"]
    intervalMinutes: int
    timePoints: list[str]
    timeZone: str


class InspectionJson(TypedDict):
    """How accounts are inspected."""

    enabled: bool
    schedule: ScheduleJson
    targetTypes: list[str]
    targetType: str
    workers: int
    deleteWorkers: int
    timeout: int
    retries: int
    sampleSize: int
    usedPercentThreshold: float
    userAgent: str
    autoActionMode: str
    autoRecoverEnabled: bool
    xaiInferenceEnabled: bool
    xaiInferenceModel: str
    xaiInferencePrompt: str
    xaiInferenceUserAgent: str


class External(TypedDict):
    """What is never on."""

    enabled: bool


class ConfigJson(TypedDict):
    """The configuration."""

    cpaConnection: ConnectionJson
    collector: CollectorJson
    codexInspection: InspectionJson
    externalUsageService: External


class CpaUsage(TypedDict):
    """What CPA says of its own statistics."""

    usageStatisticsEnabled: bool
    redisUsageQueueRetentionSeconds: int
    retentionSourceDefault: bool


class StartedWith(TypedDict):
    """What the start-up settings say of a connection that is not complete."""

    cpaBaseUrl: str


class ShownConfig(TypedDict):
    """The configuration, and where it comes from."""

    config: ConfigJson
    source: Literal["", "db", "env"]
    warnings: NotRequired[list[str]]
    cpaUsage: NotRequired[CpaUsage]
    startedWith: NotRequired[StartedWith]
