"""What is known of accounts: their past, their headers, inspections, and what was done."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from cpamp.web.shapes.config import InspectionJson
from cpamp.web.shapes.counts import HeaderFacts, Made
from cpamp.web.shapes.groups import Credential, Mark

SyncStatus = Literal["ready", "empty"]


class Checkpoint(TypedDict):
    """Up to where the figures reach."""

    last_event_id: int
    latest_id: int
    pending: bool
    processed: int


class AccountHistory(TypedDict):
    """The lifetime figures of one row of the request."""

    row_key: str
    account_key: str
    matched: bool
    total_requests: int
    success_calls: int
    failure_calls: int
    total_tokens: int
    total_cost: float
    unpriced_calls: int
    unpriced_tokens: int
    success_rate: float | None
    first_seen_ms: int | None
    last_seen_ms: int | None
    sync_status: SyncStatus
    latest_request: NotRequired[Mark]
    recent_requests: NotRequired[list[Mark]]


class AccountHistories(Made):
    """In the order of the request."""

    checkpoint: Checkpoint
    items: list[AccountHistory]


class WindowUsage(TypedDict):
    """What was used within one window of the request."""

    request_key: str
    row_key: str
    window_key: str
    provider_window_id: str
    period: str
    from_ms: int
    to_ms: int
    matched: bool
    total_requests: int
    success_calls: int
    failure_calls: int
    total_tokens: int
    total_cost: float
    unpriced_calls: int
    unpriced_tokens: int
    success_rate: float | None
    last_seen_ms: int | None
    sync_status: SyncStatus
    scope_match_status: Literal["complete", "partial", "unmatched"]
    unmatched_requests: int


class WindowUsages(Made):
    """In the order of the request."""

    items: list[WindowUsage]


class HeaderSnapshot(Credential, HeaderFacts):
    """The newest call of a credential, and what its headers told."""

    event_hash: str
    timestamp_ms: int
    model: str
    analytics_model: str
    requested_model: str
    resolved_model: str


class HeaderSnapshots(Made):
    """The newest first."""

    from_ms: int
    to_ms: int
    items: list[HeaderSnapshot]


# -- automatic treatment --------------------------------------------------------------------------


class PolicySwitch(TypedDict):
    """One automatic part."""

    enabled: bool
    configured: bool
    source: Literal["startup", "env", "database"]
    locked: bool
    envKey: str
    configFileKey: str
    dependsOn: NotRequired[str]


class AccountPolicy(TypedDict):
    """Which automatic parts are on."""

    source: Literal["startup", "env", "database"]
    updatedAtMs: NotRequired[int]
    codexQuotaCooldown: PolicySwitch
    authIssueQueue: PolicySwitch
    authIssueAutoDisable: PolicySwitch


class CooldownJson(TypedDict):
    """A credential that rests until its quota is back."""

    authFileName: str
    authIndex: str
    provider: str
    owner: str
    recoverAtMs: int
    disabledAtMs: int
    createdAtMs: int
    accountSnapshot: NotRequired[str]
    reasonCode: NotRequired[str]
    windowKind: NotRequired[str]
    evidence: NotRequired[dict[str, Any]]


class CooldownList(TypedDict):
    """By the time of their end."""

    items: list[CooldownJson]


class CandidateJson(TypedDict):
    """An account that wants a person."""

    id: int
    actionType: Literal["delete", "reauth", "review"]
    status: Literal["pending", "ignored", "resolved", "deleted"]
    authFileName: str
    reason: str
    autoDisableEligible: bool
    firstSeenAtMs: int
    lastSeenAtMs: int
    hitCount: int
    createdAtMs: int
    updatedAtMs: int
    provider: NotRequired[str]
    authIndex: NotRequired[str]
    accountSnapshot: NotRequired[str]
    accountIdSnapshot: NotRequired[str]
    authLabel: NotRequired[str]
    reasonCode: NotRequired[str]
    autoDisabledAtMs: NotRequired[int]
    evidence: NotRequired[dict[str, Any]]
    lastError: NotRequired[str]


class DecidedCandidate(TypedDict):
    """A candidate after a decision."""

    item: CandidateJson


class CandidateList(TypedDict):
    """Open ones first."""

    items: list[CandidateJson]
    pendingCount: int


class ActorJson(TypedDict):
    """Who did something; `means` is the part of the daemon, or through what a person did it."""

    kind: Literal["daemon", "person", "outside"]
    means: str
    name: NotRequired[str]


class Deed(TypedDict):
    """Something that was done to a credential, or seen of it."""

    id: str
    at_ms: int
    kind: str
    action: str
    actor: ActorJson
    done: bool
    reason_code: str
    reason: str
    evidence: dict[str, Any]


class AccountTimeline(TypedDict):
    """The newest first; `next` leads on to those before."""

    items: list[Deed]
    next: NotRequired[str]


class RunJson(TypedDict):
    """An inspection."""

    id: int
    triggerType: Literal["manual", "scheduled"]
    triggerKey: NotRequired[str]
    status: Literal["running", "cancelling", "completed", "failed", "cancelled", "interrupted"]
    startedAtMs: int
    finishedAtMs: NotRequired[int]
    createdAtMs: int
    updatedAtMs: int
    totalFiles: int
    probeSetCount: int
    sampledCount: int
    completedCount: int
    disabledCount: int
    enabledCount: int
    deleteCount: int
    disableCount: int
    enableCount: int
    reauthCount: int
    keepCount: int
    settings: InspectionJson
    error: NotRequired[str]
    active: bool
    cancellable: bool


class Runs(TypedDict):
    """The newest inspections first."""

    items: list[RunJson]
    nextScheduledAtMs: NotRequired[int]


class ResultJson(TypedDict):
    """What an inspection found of a credential."""

    id: int
    runId: int
    accountKey: str
    fileName: str
    displayAccount: str
    accountSnapshot: NotRequired[str]
    authIndex: NotRequired[str]
    accountId: NotRequired[str]
    provider: str
    disabled: bool
    status: NotRequired[str]
    state: NotRequired[str]
    action: Literal["keep", "disable", "enable", "delete", "reauth"]
    actionReason: str
    actionReasonCode: NotRequired[str]
    actionStatus: Literal["none", "pending", "success", "failed", "skipped", "needs_review"]
    executedAction: NotRequired[str]
    actionError: NotRequired[str]
    statusCode: NotRequired[int]
    usedPercent: NotRequired[float]
    isQuota: bool
    autoRecoverEligible: bool
    quotaInventoryObserved: bool
    error: NotRequired[str]
    planType: NotRequired[str]
    quotaWindows: NotRequired[Any]
    errorKind: NotRequired[str]
    errorDetail: NotRequired[str]
    createdAtMs: int


class LogJson(TypedDict):
    """A line of the log of an inspection."""

    id: int
    runId: int
    level: Literal["info", "success", "warning", "error"]
    message: str
    detail: NotRequired[dict[str, Any]]
    createdAtMs: int


class RunDetail(TypedDict):
    """An inspection, and what it found."""

    run: RunJson
    results: list[ResultJson]
    logs: list[LogJson]


class OutcomeJson(TypedDict):
    """What became of one result that was acted on."""

    resultId: int
    accountKey: str
    fileName: str
    displayAccount: str
    action: str
    status: Literal["planned", "success", "failed", "skipped", "needs_review"]
    success: bool
    error: NotRequired[str]


class Acted(TypedDict):
    """What was done, or would be, and the inspection since then."""

    outcomes: list[OutcomeJson]
    detail: RunDetail
