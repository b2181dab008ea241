"""The shapes of what requests send. What is left out keeps its value, or has its usual one."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

# -- setup --------------------------------------------------------------------------------------


class ConnectionPart(TypedDict, total=False):
    """Where a CPA is; a key that is masked or absent stands for the stored one."""

    cpaBaseUrl: str
    managementKey: str


class CollectorPart(TypedDict, total=False):
    """How records are taken from CPA."""

    enabled: bool
    collectorMode: str
    queue: str
    popSide: Literal["left", "right"]
    batchSize: int
    pollIntervalMs: int
    queryLimit: int
    tlsSkipVerify: bool
    ensureUsageStatisticsEnabled: bool


class SetupBody(CollectorPart, total=False):
    """Where a CPA is, and how records are taken from it."""

    cpaBaseUrl: str
    cpaManagementKey: str
    requestMonitoringEnabled: bool


class SchedulePart(TypedDict, total=False):
    """When inspections begin by themselves."""

    mode: str
    intervalMinutes: int
    timePoints: list[str]
    timeZone: str


class InspectionPart(TypedDict, total=False):
    """How accounts are inspected."""

    enabled: bool
    schedule: SchedulePart
    targetTypes: list[str]
    targetType: str
    workers: int
    deleteWorkers: int
    timeout: int
    retries: int
    sampleSize: int
    usedPercentThreshold: float
    autoActionMode: str
    autoRecoverEnabled: bool
    userAgent: str
    xaiInferenceEnabled: bool
    xaiInferenceModel: str
    xaiInferencePrompt: str
    xaiInferenceUserAgent: str


class ConfigParts(TypedDict, total=False):
    """The parts of the configuration that are to change."""

    cpaConnection: ConnectionPart
    collector: CollectorPart
    codexInspection: InspectionPart


class ConfigBody(TypedDict):
    """A configuration to be saved."""

    config: ConfigParts


class PolicyBody(TypedDict, total=False):
    """Which automatic parts are to be on."""

    codexQuotaCooldownEnabled: bool
    authIssueQueueEnabled: bool
    authIssueAutoDisableEnabled: bool


# -- prices and names ---------------------------------------------------------------------------


class GivenRates(TypedDict, total=False):
    """USD per million tokens; with its flag a rate of 0 is free, without it is unknown."""

    prompt: float
    completion: float
    cache: float
    cacheRead: float
    cacheCreation: float
    promptConfigured: bool
    completionConfigured: bool
    cacheReadConfigured: bool
    cacheCreationConfigured: bool


class GivenContextTier(GivenRates):
    """Rates of calls with more input than the threshold."""

    thresholdTokens: int
    cacheConfigured: NotRequired[bool]


class GivenServiceTier(GivenRates):
    """Rates of calls of a service tier."""

    mode: str
    serviceTier: str
    cacheConfigured: NotRequired[bool]


class GivenPrice(GivenRates, total=False):
    """The price of a model."""

    source: str
    sourceModelId: str
    rawJson: str
    contextTiers: list[GivenContextTier]
    serviceTiers: list[GivenServiceTier]
    syncedAtMs: int


class BookBody(TypedDict):
    """All prices, by model."""

    prices: dict[str, GivenPrice]


class SyncBody(TypedDict, total=False):
    """Which models are to be priced, all where none is named; a dry run writes nothing."""

    models: list[str]
    dryRun: bool
    overwriteManual: bool


class GivenAlias(TypedDict):
    """The name of a key."""

    apiKeyHash: str
    alias: str
    updatedAtMs: NotRequired[int]


class AliasesBody(TypedDict):
    """Names of keys; a name may be taken over from a key that is not among the active ones."""

    items: list[GivenAlias]
    activeApiKeyHashes: NotRequired[list[str]]
    allowOrphanAliasCleanup: NotRequired[bool]


# -- figures ------------------------------------------------------------------------------------


class TargetNames(TypedDict, total=False):
    """By what a credential is known; one of them is enough."""

    account_snapshot: str
    auth_label_snapshot: str
    auth_file_snapshot: str
    auth_provider_snapshot: str
    auth_project_id_snapshot: str
    auth_index: str
    source: str


class HistoryTarget(TargetNames):
    """A row, and its credential."""

    row_key: str
    account_key: NotRequired[str]


class HistoryBody(TypedDict):
    """Up to 200 credentials."""

    accounts: list[HistoryTarget]
    catch_up: NotRequired[bool]


class ModelScope(TypedDict):
    """Which models count in a window."""

    kind: Literal["all", "family", "models", "product", "feature"]
    key: NotRequired[str]
    models: NotRequired[list[str]]
    complete: NotRequired[bool]


class WindowTarget(TargetNames):
    """A quota window of a credential; `from_ms` to `to_ms` is its range."""

    row_key: str
    from_ms: int
    to_ms: int
    provider_window_id: NotRequired[str]
    window_key: NotRequired[str]
    request_key: NotRequired[str]
    period: NotRequired[Literal["current", "previous", "previous_equal_range"]]
    model_scope: NotRequired[ModelScope]


class WindowsBody(TypedDict):
    """Up to 400 windows."""

    windows: list[WindowTarget]


# -- quotas -------------------------------------------------------------------------------------


class ResetCredit(TypedDict):
    """A right to begin a window anew."""

    id: str
    expires_at_ms: int


class GivenWindow(TypedDict):
    """A quota window as it was observed."""

    provider_window_id: str
    window_mode: Literal["fixed", "calendar", "rolling", "non_window", "unknown"]
    model_scope_kind: Literal["all", "family", "models", "product", "feature"]
    source: Literal["response_header", "response_body", "api_query", "inspection"]
    boundary_accuracy: Literal["exact", "derived", "estimated", "unknown"]
    observed_at_ms: NotRequired[int]
    provider_window_aliases: NotRequired[list[str]]
    window_kind: NotRequired[str]
    model_scope_key: NotRequired[str]
    model_ids: NotRequired[list[str]]
    source_observation_id: NotRequired[str]
    cycle_start_ms: NotRequired[int]
    cycle_end_ms: NotRequired[int]
    duration_seconds: NotRequired[int]
    used_percent: NotRequired[float]
    remaining_percent: NotRequired[float]
    used_value: NotRequired[float]
    limit_value: NotRequired[float]
    quota_unit: NotRequired[str]
    reset_credits_available: NotRequired[int]
    reset_credits: NotRequired[list[ResetCredit]]
    plan_type: NotRequired[str]
    relationship_kind: NotRequired[str]
    container_provider_window_id: NotRequired[str]


class RemovedWindow(TypedDict):
    """A quota window that there is no longer."""

    provider_window_id: str
    model_scope_kind: Literal["all", "family", "models", "product", "feature"]
    model_scope_key: NotRequired[str]
    window_kind: NotRequired[str]
    model_ids: NotRequired[list[str]]


class GivenObservation(TypedDict):
    """One look at an account: when, by what means, and how much of it was seen."""

    source: Literal["response_header", "response_body", "api_query", "inspection"]
    inventory_scope_key: str
    inventory_mode: Literal["partial", "delta", "complete"]
    observed_at_ms: NotRequired[int]
    source_observation_id: NotRequired[str]


class QuotaEntry(TypedDict):
    """What was observed of one account; its `account` are the names by which it is known."""

    provider: str
    account: dict[str, str]
    row_key: NotRequired[str]
    windows: NotRequired[list[GivenWindow]]
    removed_windows: NotRequired[list[RemovedWindow]]
    observation: NotRequired[GivenObservation]


class QuotaEntries(TypedDict):
    """Observations to be stored."""

    entries: list[QuotaEntry]


class QuotaAccount(TypedDict):
    """A row, and its account."""

    row_key: str
    provider: str
    account: dict[str, str]


class QuotaQuestion(TypedDict):
    """Up to 200 accounts."""

    accounts: list[QuotaAccount]
    now_ms: NotRequired[int]
    include_inactive: NotRequired[bool]


# -- everything else ----------------------------------------------------------------------------


class ActionOverride(TypedDict):
    """To do something else than the result says."""

    resultId: int
    action: Literal["delete"]


class ActionsBody(TypedDict):
    """The results to act on; a dry run only tells what would be done."""

    resultIds: list[int]
    actionOverrides: NotRequired[list[ActionOverride]]
    dryRun: NotRequired[bool]


ChannelBody = TypedDict(
    "ChannelBody",
    {
        "means": Literal["webhook", "email", "telegram"],
        "name": NotRequired[str],
        "url": NotRequired[str],
        "secret": NotRequired[str],
        "host": NotRequired[str],
        "port": NotRequired[int | str],
        "security": NotRequired[Literal["starttls", "tls", "none"]],
        "user": NotRequired[str],
        "password": NotRequired[str],
        "from": NotRequired[str],
        "to": NotRequired[str],
        "chat": NotRequired[str],
        "token": NotRequired[str],
    },
)
ChannelBody.__doc__ = """A way to reach people; a secret that is not given stays as it is."""


class RuleBody(TypedDict):
    """What is worth a notice, and by which ways; by all where none is named."""

    kind: str
    name: NotRequired[str]
    channels: NotRequired[list[int]]
    limit: NotRequired[float]
    provider: NotRequired[str]
    timeZone: NotRequired[str]
    quietMinutes: NotRequired[int]
    enabled: NotRequired[bool]


class UploadBody(TypedDict):
    """The file that will be uploaded; the same resume key finds the same upload."""

    filename: NotRequired[str]
    size_bytes: int
    resume_key: NotRequired[str]
