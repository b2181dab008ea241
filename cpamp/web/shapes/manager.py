"""What the daemon tells of itself (server contract, sections 10 to 12)."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from cpamp.web.shapes.counts import Derived


class Alive(TypedDict):
    """That the process answers, and what it is."""

    ok: bool
    service: str


class Ok(TypedDict):
    """Done."""

    ok: Literal[True]


class Connected(Ok):
    """CPA has been asked, and is there."""

    upstream: str
    warnings: NotRequired[list[str]]


class Info(TypedDict):
    """What answers here, and how far it is set up."""

    service: str
    mode: str
    startedAt: int
    configured: bool
    projectInitialized: bool
    adminReady: bool
    setupRequired: bool
    migrationStatus: str
    dataKeyReady: bool
    hasHistoricalData: bool
    inContainer: bool


class WatchedDay(TypedDict):
    """The last 24 hours in minutes by state."""

    coveredMinutes: int
    atRiskMinutes: int
    lostMinutes: int


class Hole(TypedDict):
    """A stretch of time that was not watched."""

    fromMs: int
    toMs: int
    state: Literal["at_risk", "lost"]
    reason: str


class Gap(TypedDict):
    """Since when nothing is watched."""

    sinceMs: int
    reason: str


class Coverage(TypedDict):
    """What was watched."""

    last24h: WatchedDay
    holes: list[Hole]
    gap: Gap | None


class CountedCredential(TypedDict):
    """Both counts of one credential."""

    authIndex: str
    cpaAttempts: int
    storedAttempts: int


class Counted(TypedDict):
    """A count of CPA's held against ours."""

    state: Literal["unknown", "agrees", "suspected"]
    reason: NotRequired[str]
    checkedAtMs: NotRequired[int]
    fromMs: NotRequired[int]
    toMs: NotRequired[int]
    cpaAttempts: NotRequired[int]
    storedAttempts: NotRequired[int]
    difference: NotRequired[int]
    tolerance: NotRequired[float]
    credentials: NotRequired[list[CountedCredential]]


class Reconciliation(Counted):
    """CPA's totals held against ours, and its counts of ten minutes."""

    buckets: NotRequired[Counted]


class KeyState(TypedDict):
    """What CPA thinks of its key."""

    state: str
    reason: NotRequired[str]
    retryInSeconds: NotRequired[float]


class CollectorStatus(TypedDict):
    """How collecting does."""

    collector: Literal["stopped", "starting", "running", "error"]
    upstream: str
    mode: str
    transport: str
    queue: str
    publishing: bool | None
    cpaVersion: str
    key: KeyState
    lastConsumedAt: int
    lastInsertedAt: int
    totalInserted: int
    totalSkipped: int
    deadLetters: int
    coverage: Coverage
    reconciliation: Reconciliation
    intakeBytes: int
    intakeLimitBytes: int
    spoolBytes: int
    spoolEvents: int
    spoolLimitBytes: int
    lastError: NotRequired[str]


class Checkpointed(TypedDict):
    """What the last checkpoint of the WAL did."""

    mode: str
    executedAtMs: int
    busy: int
    logFrames: int
    checkpointedFrames: int
    durationMs: int
    error: NotRequired[str]


class DatabaseFile(TypedDict):
    """The database on the disk."""

    databaseBytes: int
    walBytes: int
    shmBytes: int
    totalBytes: int
    journalSizeLimitBytes: int
    checkpoint: NotRequired[Checkpointed]


class StoreState(TypedDict):
    """Whether events can be stored."""

    ready: bool
    problem: str


class DataMigration(TypedDict):
    """A migration that is never wanted."""

    name: str
    status: str
    lastEventId: int
    targetEventId: int
    processedRows: int
    changedRows: int
    appliedRows: int
    updatedAtMs: int


class Maintenance(TypedDict):
    """Work on the database that wants a person."""

    required: bool
    performanceDegraded: bool
    deferredIndexes: int
    offlineJobs: int
    reasons: list[str]


class ReadOf(TypedDict):
    """How many events were read of how many."""

    read: int
    of: int


class Takeover(TypedDict):
    """A database of another server on its way in."""

    source: str
    state: Literal["completed", "waiting", "running"]
    events: ReadOf
    added: int
    skipped: int
    unreadable: int
    deadLetters: int
    startedAtMs: int
    finishedAtMs: int | None
    problem: NotRequired[str]
    goBack: NotRequired[Any]


class Status(TypedDict):
    """How the daemon does."""

    service: str
    version: str
    dbPath: str
    events: int
    deadLetters: int
    collector: CollectorStatus
    dataMigration: DataMigration
    databaseMaintenance: Maintenance
    takeovers: list[Takeover]
    reactorLagMs: float
    database: DatabaseFile
    derived: Derived
    store: StoreState


class Alias(TypedDict):
    """What a client key is called."""

    apiKeyHash: str
    alias: str
    updatedAtMs: int


class AliasList(TypedDict):
    """By name."""

    items: list[Alias]


class TokenInfo(TypedDict):
    """A token that may read."""

    id: int
    name: str
    scopes: list[str]
    createdAtMs: int
    lastUsedAtMs: int | None


class TokenList(TypedDict):
    """The oldest first."""

    items: list[TokenInfo]


class CreatedToken(TokenInfo):
    """A token, told this once."""

    token: str


class ImportResult(TypedDict):
    """What became of the lines of a file."""

    format: str
    added: int
    skipped: int
    total: int
    failed: int
    unsupported: int
    warnings: list[str] | None


class FindingJson(TypedDict):
    """One thing that was looked at; where something is wrong, `advice` says what to do."""

    subject: str
    level: Literal["ok", "note", "bad"]
    seen: str
    advice: str


class Diagnosis(TypedDict):
    """What works, and what does not."""

    atMs: int
    findings: list[FindingJson]


class Backup(TypedDict):
    """A copy; `dataKey` is false where the key is kept elsewhere, or there is none."""

    folder: str
    databaseBytes: int
    dataKey: bool


class Upload(TypedDict):
    """A file on its way in, by pieces."""

    id: str
    filename: str
    status: Literal["uploading", "ready", "processing", "completed", "failed", "cancelled"]
    size_bytes: int
    received_bytes: int
    chunk_size_bytes: int
    created_at_ms: int
    updated_at_ms: int
    expires_at_ms: int
    retryable: bool
    error: NotRequired[str]
    result: NotRequired[ImportResult]


class Uploads(TypedDict):
    """All that are known."""

    sessions: list[Upload]
