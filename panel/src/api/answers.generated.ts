/* Made from the description of the API by `make panel-types`; not to be edited. */

/** The windows of a credential. */
export interface AccountForecast {
  readonly auth_file_snapshot: string;
  readonly auth_index: string;
  readonly account_snapshot: string;
  readonly auth_label_snapshot: string;
  readonly auth_provider_snapshot: string;
  readonly windows: readonly Burn[];
}

/** In the order of the request. */
export interface AccountHistories {
  readonly generated_at_ms: number;
  readonly derived?: Derived;
  readonly checkpoint: Checkpoint;
  readonly items: readonly AccountHistory[];
}

/** The lifetime figures of one row of the request. */
export interface AccountHistory {
  readonly row_key: string;
  readonly account_key: string;
  readonly matched: boolean;
  readonly total_requests: number;
  readonly success_calls: number;
  readonly failure_calls: number;
  readonly total_tokens: number;
  readonly total_cost: number;
  readonly unpriced_calls: number;
  readonly unpriced_tokens: number;
  readonly success_rate: number | null;
  readonly first_seen_ms: number | null;
  readonly last_seen_ms: number | null;
  readonly sync_status: "ready" | "empty";
  readonly latest_request?: Mark;
  readonly recent_requests?: readonly Mark[];
}

/** Which automatic parts are on. */
export interface AccountPolicy {
  readonly source: "startup" | "env" | "database";
  readonly updatedAtMs?: number;
  readonly codexQuotaCooldown: PolicySwitch;
  readonly authIssueQueue: PolicySwitch;
  readonly authIssueAutoDisable: PolicySwitch;
}

/** The windows of an account, the short ones first. */
export interface AccountShares {
  readonly generated_at_ms: number;
  readonly derived?: Derived;
  readonly account_key: string;
  readonly windows: readonly WindowShares[];
}

/** An account; `recent_requests` only where they are asked for. */
export interface AccountStats {
  readonly calls: number;
  readonly success_calls: number;
  readonly failure_calls: number;
  readonly success_rate: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cached_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_creation_tokens: number;
  readonly cost: number;
  readonly unpriced_calls: number;
  readonly unpriced_tokens: number;
  readonly id: string;
  readonly total_tokens: number;
  readonly average_latency_ms: number | null;
  readonly first_seen_ms: number;
  readonly last_seen_ms: number;
  readonly models: readonly GroupModel[];
  readonly account_snapshot: string;
  readonly auth_label_snapshot: string;
  readonly auth_provider_snapshot: string;
  readonly auth_indices: readonly string[];
  readonly sources: readonly string[];
  readonly source_hashes: readonly string[];
  readonly recent_requests?: readonly Mark[];
}

/** The newest first; `next` leads on to those before. */
export interface AccountTimeline {
  readonly items: readonly Deed[];
  readonly next?: string;
}

/** What was done, or would be, and the inspection since then. */
export interface Acted {
  readonly outcomes: readonly OutcomeJson[];
  readonly detail: RunDetail;
}

/** To do something else than the result says. */
export interface ActionOverride {
  readonly resultId: number;
  readonly action: "delete";
}

/** The results to act on; a dry run only tells what would be done. */
export interface ActionsBody {
  readonly resultIds: readonly number[];
  readonly actionOverrides?: readonly ActionOverride[];
  readonly dryRun?: boolean;
}

/** How busy an hour was against the busiest. */
export interface ActiveHour {
  readonly hour_index: number;
  readonly bucket_ms: number;
  readonly calls: number;
  readonly tokens: number;
  readonly intensity: number;
}

/** Who did something; `means` is the part of the daemon, or through what a person did it. */
export interface ActorJson {
  readonly kind: "daemon" | "person" | "outside";
  readonly means: string;
  readonly name?: string;
}

/** What a client key is called. */
export interface Alias {
  readonly apiKeyHash: string;
  readonly alias: string;
  readonly updatedAtMs: number;
}

/** By name. */
export interface AliasList {
  readonly items: readonly Alias[];
}

/** Names of keys; a name may be taken over from a key that is not among the active ones. */
export interface AliasesBody {
  readonly items: readonly GivenAlias[];
  readonly activeApiKeyHashes?: readonly string[];
  readonly allowOrphanAliasCleanup?: boolean;
}

/** That the process answers, and what it is. */
export interface Alive {
  readonly ok: boolean;
  readonly service: string;
}

/** The sections that were asked for. */
export interface Analytics {
  readonly generated_at_ms: number;
  readonly derived?: Derived;
  readonly granularity: "hour" | "day";
  readonly summary?: Summary;
  readonly summary_comparison?: Comparison;
  readonly timeline?: readonly TimelineBucket[];
  readonly coverage_holes?: readonly CoverageHole[];
  readonly anomaly_points?: readonly Anomaly[];
  readonly hourly_distribution?: readonly HourlyCalls[];
  readonly heatmap?: readonly HeatCell[];
  readonly model_share?: readonly ModelStats[];
  readonly model_stats?: readonly ModelStats[];
  readonly model_timeline?: readonly ModelBucket[];
  readonly channel_share?: readonly ChannelShare[];
  readonly failure_sources?: readonly FailureSource[];
  readonly account_stats?: readonly AccountStats[];
  readonly account_strips?: readonly Strip[];
  readonly api_key_stats?: readonly KeyStats[];
  readonly api_key_timeline?: readonly KeyBucket[];
  readonly credential_stats?: readonly CredentialStats[];
  readonly credential_timeline?: readonly CredentialBucket[];
  readonly task_buckets?: readonly TaskBucket[];
  readonly recent_failures?: readonly Failure[];
  readonly events?: Events;
  readonly drilldown_preview?: Events;
  readonly filter_options?: FilterOptions;
}

/** A bucket that stands out against the one before. */
export interface Anomaly {
  readonly bucket_ms: number;
  readonly bucket_end_ms: number;
  readonly label: string;
  readonly severity: "low" | "medium" | "high";
  readonly metric_keys: readonly string[];
  readonly calls: number;
  readonly total_tokens: number;
  readonly cost: number;
  readonly unpriced_calls: number;
  readonly unpriced_tokens: number;
  readonly failure_rate: number;
  readonly request_change: number;
  readonly cost_change: number;
  readonly tokens_per_request_change: number;
  readonly cache_hit_rate_change: number;
  readonly failure_rate_change: number;
  readonly latency_p95_change: number;
  readonly confidence: "normal" | "low";
}

/** A copy; `dataKey` is false where the key is kept elsewhere, or there is none. */
export interface Backup {
  readonly folder: string;
  readonly databaseBytes: number;
  readonly dataKey: boolean;
}

/** All prices, by model. */
export interface BookBody {
  readonly prices: Readonly<Record<string, GivenPrice>>;
}

/** A window at the present rates, which are percent an hour; null where too little is known. */
export interface Burn {
  readonly window: string;
  readonly used_percent: number;
  readonly observed_at_ms: number;
  readonly reset_at_ms: number;
  readonly window_minutes: number;
  readonly rate_hour: number | null;
  readonly rate_day: number | null;
  readonly spent_at_ms: number | null;
  readonly earliest_ms: number | null;
  readonly latest_ms: number | null;
  readonly lasts: boolean | null;
  readonly unknown: string;
}

/** A model of a source that a model may be. */
export interface Candidate {
  readonly sourceModelId: string;
  readonly score: number;
  readonly reason: string;
  readonly price: Price;
}

/** An account that wants a person. */
export interface CandidateJson {
  readonly id: number;
  readonly actionType: "delete" | "reauth" | "review";
  readonly status: "pending" | "ignored" | "resolved" | "deleted";
  readonly authFileName: string;
  readonly reason: string;
  readonly autoDisableEligible: boolean;
  readonly firstSeenAtMs: number;
  readonly lastSeenAtMs: number;
  readonly hitCount: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly provider?: string;
  readonly authIndex?: string;
  readonly accountSnapshot?: string;
  readonly accountIdSnapshot?: string;
  readonly authLabel?: string;
  readonly reasonCode?: string;
  readonly autoDisabledAtMs?: number;
  readonly evidence?: Readonly<Record<string, unknown>>;
  readonly lastError?: string;
}

/** Open ones first. */
export interface CandidateList {
  readonly items: readonly CandidateJson[];
  readonly pendingCount: number;
}

/** What a model that was not found may be. */
export interface Candidates {
  readonly model: string;
  readonly candidates: readonly Candidate[];
}

/** How an auth index does. */
export interface Channel {
  readonly cost: number;
  readonly unpriced_calls: number;
  readonly unpriced_tokens: number;
  readonly account_snapshot: string;
  readonly auth_label_snapshot: string;
  readonly auth_provider_snapshot: string;
  readonly auth_index: string;
  readonly source: string;
  readonly calls: number;
  readonly tokens: number;
  readonly failures: number;
  readonly failure_rate: number;
  readonly success_rate: number;
  readonly average_latency_ms: number | null;
  readonly tone: "good" | "warn" | "bad";
}

/** A way to reach people; a secret that is not given stays as it is. */
export interface ChannelBody {
  readonly means: "webhook" | "email" | "telegram";
  readonly name?: string;
  readonly url?: string;
  readonly secret?: string;
  readonly host?: string;
  readonly port?: number | string;
  readonly security?: "starttls" | "tls" | "none";
  readonly user?: string;
  readonly password?: string;
  readonly from?: string;
  readonly to?: string;
  readonly chat?: string;
  readonly token?: string;
}

/** A way to reach people: the settings of its means, and its secret as a mask. */
export interface ChannelJson {
  readonly from?: string;
  readonly id: number;
  readonly means: "webhook" | "email" | "telegram";
  readonly name: string;
  readonly url?: string;
  readonly secret?: string;
  readonly host?: string;
  readonly port?: string;
  readonly security?: string;
  readonly user?: string;
  readonly password?: string;
  readonly to?: string;
  readonly chat?: string;
  readonly token?: string;
}

/** An auth index. */
export interface ChannelShare {
  readonly calls: number;
  readonly tokens: number;
  readonly success: number;
  readonly failure: number;
  readonly cost: number;
  readonly unpriced_calls: number;
  readonly unpriced_tokens: number;
  readonly account_snapshot: string;
  readonly auth_label_snapshot: string;
  readonly auth_provider_snapshot: string;
  readonly auth_index: string;
  readonly source: string;
  readonly average_latency_ms: number | null;
}

/** Up to where the figures reach. */
export interface Checkpoint {
  readonly last_event_id: number;
  readonly latest_id: number;
  readonly pending: boolean;
  readonly processed: number;
}

/** What the last checkpoint of the WAL did. */
export interface Checkpointed {
  readonly mode: string;
  readonly executedAtMs: number;
  readonly busy: number;
  readonly logFrames: number;
  readonly checkpointedFrames: number;
  readonly durationMs: number;
  readonly error?: string;
}

/** The keys of CPA's clients, masked, by their hashes. */
export interface ClientKeysPart {
  readonly data: Readonly<Record<string, string>>;
}

/** How records are collected. */
export interface CollectorJson {
  readonly enabled: boolean;
  readonly collectorMode: string;
  readonly queue: string;
  readonly popSide: string;
  readonly batchSize: number;
  readonly pollIntervalMs: number;
  readonly queryLimit: number;
  readonly tlsSkipVerify?: true;
  readonly ensureUsageStatisticsEnabled?: false;
}

/** How records are taken from CPA. */
export interface CollectorPart {
  readonly enabled?: boolean;
  readonly collectorMode?: string;
  readonly queue?: string;
  readonly popSide?: "left" | "right";
  readonly batchSize?: number;
  readonly pollIntervalMs?: number;
  readonly queryLimit?: number;
  readonly tlsSkipVerify?: boolean;
  readonly ensureUsageStatisticsEnabled?: boolean;
}

/** How collecting does. */
export interface CollectorStatus {
  readonly collector: "stopped" | "starting" | "running" | "error";
  readonly upstream: string;
  readonly mode: string;
  readonly transport: string;
  readonly queue: string;
  readonly publishing: boolean | null;
  readonly cpaVersion: string;
  readonly key: KeyState;
  readonly lastConsumedAt: number;
  readonly lastInsertedAt: number;
  readonly totalInserted: number;
  readonly totalSkipped: number;
  readonly deadLetters: number;
  readonly coverage: Coverage;
  readonly reconciliation: Reconciliation;
  readonly intakeBytes: number;
  readonly intakeLimitBytes: number;
  readonly spoolBytes: number;
  readonly spoolEvents: number;
  readonly spoolLimitBytes: number;
  readonly lastError?: string;
}

/** The range of the same length before. */
export interface Comparison {
  readonly from_ms: number;
  readonly to_ms: number;
  readonly total_calls: number;
  readonly success_calls: number;
  readonly failure_calls: number;
  readonly success_rate: number;
  readonly total_tokens: number;
  readonly total_cost: number;
  readonly unpriced_calls: number;
  readonly unpriced_tokens: number;
  readonly unpriced_models: readonly string[];
}

/** A configuration to be saved. */
export interface ConfigBody {
  readonly config: ConfigParts;
}

/** The configuration. */
export interface ConfigJson {
  readonly cpaConnection: ConnectionJson;
  readonly collector: CollectorJson;
  readonly codexInspection: InspectionJson;
  readonly externalUsageService: External;
}

/** The parts of the configuration that are to change. */
export interface ConfigParts {
  readonly cpaConnection?: ConnectionPart;
  readonly collector?: CollectorPart;
  readonly codexInspection?: InspectionPart;
}

/** CPA has been asked, and is there. */
export interface Connected {
  readonly ok: true;
  readonly upstream: string;
  readonly warnings?: readonly string[];
}

/** Where CPA is; the key is a mask. */
export interface ConnectionJson {
  readonly cpaBaseUrl: string;
  readonly managementKeySet: boolean;
  readonly managementKey?: string;
}

/** Where a CPA is; a key that is masked or absent stands for the stored one. */
export interface ConnectionPart {
  readonly cpaBaseUrl?: string;
  readonly managementKey?: string;
}

/** Rates of calls with more input than the threshold. */
export interface ContextTier {
  readonly prompt: number;
  readonly completion: number;
  readonly cache: number;
  readonly cacheRead?: number;
  readonly cacheCreation?: number;
  readonly promptConfigured?: boolean;
  readonly completionConfigured?: boolean;
  readonly cacheReadConfigured?: boolean;
  readonly cacheCreationConfigured?: boolean;
  readonly thresholdTokens: number;
  readonly cacheConfigured?: boolean;
}

/** Who had most of the calls of a cell; `label` is `key`. */
export interface Contributor {
  readonly calls: number;
  readonly tokens: number;
  readonly success: number;
  readonly failure: number;
  readonly cost: number;
  readonly unpriced_calls: number;
  readonly unpriced_tokens: number;
  readonly failure_rate: number;
  readonly key: string;
  readonly label: string;
  readonly alias: string;
  readonly share: number;
}

/** A credential that rests until its quota is back. */
export interface CooldownJson {
  readonly authFileName: string;
  readonly authIndex: string;
  readonly provider: string;
  readonly owner: string;
  readonly recoverAtMs: number;
  readonly disabledAtMs: number;
  readonly createdAtMs: number;
  readonly accountSnapshot?: string;
  readonly reasonCode?: string;
  readonly windowKind?: string;
  readonly evidence?: Readonly<Record<string, unknown>>;
}

/** By the time of their end. */
export interface CooldownList {
  readonly items: readonly CooldownJson[];
}

/** A count of CPA's held against ours. */
export interface Counted {
  readonly state: "unknown" | "agrees" | "suspected";
  readonly reason?: string;
  readonly checkedAtMs?: number;
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly cpaAttempts?: number;
  readonly storedAttempts?: number;
  readonly difference?: number;
  readonly tolerance?: number;
  readonly credentials?: readonly CountedCredential[];
}

/** Both counts of one credential. */
export interface CountedCredential {
  readonly authIndex: string;
  readonly cpaAttempts: number;
  readonly storedAttempts: number;
}

/** What was watched. */
export interface Coverage {
  readonly last24h: WatchedDay;
  readonly holes: readonly Hole[];
  readonly gap: Gap | null;
}

/** A stretch of time that was not watched. */
export interface CoverageHole {
  readonly from_ms: number;
  readonly to_ms: number;
  readonly state: "at_risk" | "lost";
  readonly reason: string;
}

/** What CPA says of itself: for each part its data, or why there are none. */
export interface CpaParts {
  readonly version: VersionPart | Trouble;
  readonly switches: SwitchesPart | Trouble;
  readonly usage: UsagePart | Trouble;
  readonly plugins: PluginsPart | Trouble;
  readonly clientKeys: ClientKeysPart | Trouble;
  readonly providers: ProvidersPart | Trouble;
  readonly models: ModelsPart | Trouble;
}

/** What CPA says of its own statistics. */
export interface CpaUsage {
  readonly usageStatisticsEnabled: boolean;
  readonly redisUsageQueueRetentionSeconds: number;
  readonly retentionSourceDefault: boolean;
}

/** A token, told this once. */
export interface CreatedToken {
  readonly id: number;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly createdAtMs: number;
  readonly lastUsedAtMs: number | null;
  readonly token: string;
}

/** A bucket of one credential. */
export interface CredentialBucket {
  readonly calls: number;
  readonly tokens: number;
  readonly success: number;
  readonly failure: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cached_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_creation_tokens: number;
  readonly cost: number;
  readonly unpriced_calls: number;
  readonly unpriced_tokens: number;
  readonly bucket_ms: number;
  readonly reasoning_tokens: number;
  readonly total_tokens: number;
  readonly average_latency_ms: number | null;
  readonly success_rate: number;
  readonly failure_rate: number;
  readonly account_snapshot: string;
  readonly auth_label_snapshot: string;
  readonly auth_provider_snapshot: string;
  readonly auth_file_snapshot: string;
  readonly auth_index: string;
  readonly source: string;
  readonly source_hash: string;
  readonly auth_project_id_snapshot: string;
  readonly id: string;
  readonly label: string;
  readonly bucket_label: string;
}

/** A credential. */
export interface CredentialStats {
  readonly calls: number;
  readonly success_calls: number;
  readonly failure_calls: number;
  readonly success_rate: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cached_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_creation_tokens: number;
  readonly cost: number;
  readonly unpriced_calls: number;
  readonly unpriced_tokens: number;
  readonly id: string;
  readonly total_tokens: number;
  readonly average_latency_ms: number | null;
  readonly first_seen_ms: number;
  readonly last_seen_ms: number;
  readonly models: readonly GroupModel[];
  readonly account_snapshot: string;
  readonly auth_label_snapshot: string;
  readonly auth_provider_snapshot: string;
  readonly auth_file_snapshot: string;
  readonly auth_index: string;
  readonly source: string;
  readonly source_hash: string;
  readonly auth_project_id_snapshot: string;
}

/** One day. */
export interface Dashboard {
  readonly generated_at_ms: number;
  readonly derived?: Derived;
  readonly window: DayWindow;
  readonly today: Totals;
  readonly rolling_30m: Rolling;
  readonly top_models_today: readonly RankedModel[];
  readonly model_cost_rank: readonly RankedModel[];
  readonly traffic_timeline: readonly TrafficHour[];
  readonly hourly_activity: readonly ActiveHour[];
  readonly today_request_health_timeline: HealthTimeline;
  readonly token_mix: readonly TokenPart[];
  readonly channel_health: readonly Channel[];
  readonly failure_sources: readonly TonedSource[];
  readonly recent_failures: readonly Failure[];
}

/** A migration that is never wanted. */
export interface DataMigration {
  readonly name: string;
  readonly status: string;
  readonly lastEventId: number;
  readonly targetEventId: number;
  readonly processedRows: number;
  readonly changedRows: number;
  readonly appliedRows: number;
  readonly updatedAtMs: number;
}

/** The database on the disk. */
export interface DatabaseFile {
  readonly databaseBytes: number;
  readonly walBytes: number;
  readonly shmBytes: number;
  readonly totalBytes: number;
  readonly journalSizeLimitBytes: number;
  readonly checkpoint?: Checkpointed;
}

/** What the figures are of. */
export interface DayWindow {
  readonly today_start_ms: number;
  readonly now_ms: number;
  readonly rolling_30m_start_ms: number;
}

/** A candidate after a decision. */
export interface DecidedCandidate {
  readonly item: CandidateJson;
}

/** Something that was done to a credential, or seen of it. */
export interface Deed {
  readonly id: string;
  readonly at_ms: number;
  readonly kind: string;
  readonly action: string;
  readonly actor: ActorJson;
  readonly done: boolean;
  readonly reason_code: string;
  readonly reason: string;
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** How far the columns are; 0 of 0 for who may see one key's events alone. */
export interface Derived {
  readonly ready: boolean;
  readonly rows: number;
  readonly of: number;
}

/** An event; what is empty is left out. */
export interface Detail {
  readonly timestamp: string;
  readonly source: string;
  readonly auth_index?: string;
  readonly api_key_hash?: string;
  readonly account_snapshot?: string;
  readonly auth_label_snapshot?: string;
  readonly auth_file_snapshot?: string;
  readonly auth_provider_snapshot?: string;
  readonly auth_project_id_snapshot?: string;
  readonly auth_snapshot_at_ms?: number;
  readonly latency_ms?: number;
  readonly ttft_ms?: number;
  readonly requested_model?: string;
  readonly resolved_model?: string;
  readonly reasoning_effort?: string;
  readonly service_tier?: string;
  readonly request_service_tier?: string;
  readonly response_service_tier?: string;
  readonly cache_input_mode?: "included_in_input" | "separate_from_input";
  readonly executor_type?: string;
  readonly tokens: DetailTokens;
  readonly failed: boolean;
  readonly fail_status_code?: number;
  readonly fail_summary?: string;
  readonly response_metadata?: Readonly<Record<string, unknown>>;
}

/** The token counts of an event; both members of cached tokens have the compatible count. */
export interface DetailTokens {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly reasoning_tokens: number;
  readonly cached_tokens: number;
  readonly cache_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_creation_tokens: number;
  readonly total_tokens: number;
}

/** What works, and what does not. */
export interface Diagnosis {
  readonly atMs: number;
  readonly findings: readonly FindingJson[];
}

/** The models at an endpoint, by name. */
export interface EndpointModels {
  readonly models: Readonly<Record<string, ModelDetails>>;
}

/** A call. */
export interface EventRow {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cached_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_creation_tokens: number;
  readonly account_snapshot: string;
  readonly auth_label_snapshot: string;
  readonly auth_provider_snapshot: string;
  readonly auth_file_snapshot: string;
  readonly auth_index: string;
  readonly source: string;
  readonly source_hash: string;
  readonly auth_project_id_snapshot: string;
  readonly response_metadata: unknown;
  readonly header_quota_recover_at_ms: number | null;
  readonly header_quota_used_percent: number | null;
  readonly header_quota_plan_type: string;
  readonly header_error_kind: string;
  readonly header_error_code: string;
  readonly header_trace_id: string | null;
  readonly event_hash: string;
  readonly request_id: string;
  readonly timestamp_ms: number;
  readonly model: string;
  readonly analytics_model: string;
  readonly requested_model: string;
  readonly resolved_model: string;
  readonly endpoint: string;
  readonly method: string;
  readonly path: string;
  readonly client_ip: string;
  readonly x_forwarded_for: string;
  readonly user_agent: string;
  readonly api_key_hash: string;
  readonly api_key_alias: string;
  readonly reasoning_effort: string;
  readonly service_tier: string;
  readonly executor_type: string;
  readonly reasoning_tokens: number;
  readonly total_tokens: number;
  readonly latency_ms: number | null;
  readonly ttft_ms: number | null;
  readonly failed: boolean;
  readonly cost: number | null;
  readonly pricing_model: string | null;
  readonly fail_status_code: number | null;
  readonly fail_summary: string;
}

/** A page of calls, the newest first; the next one begins before `next_before_…`. */
export interface Events {
  readonly items: readonly EventRow[];
  readonly next_before_ms: number;
  readonly next_before_id: number;
  readonly has_more: boolean;
  readonly total_count: number;
}

/** What is never on. */
export interface External {
  readonly enabled: boolean;
}

/** A failed call. */
export interface Failure {
  readonly account_snapshot: string;
  readonly auth_label_snapshot: string;
  readonly auth_provider_snapshot: string;
  readonly response_metadata: unknown;
  readonly header_quota_recover_at_ms: number | null;
  readonly header_quota_used_percent: number | null;
  readonly header_quota_plan_type: string;
  readonly header_error_kind: string;
  readonly header_error_code: string;
  readonly header_trace_id: string | null;
  readonly timestamp_ms: number;
  readonly model: string;
  readonly api_key_hash: string;
  readonly api_key_alias: string;
  readonly source_hash: string;
  readonly auth_index: string;
  readonly endpoint: string;
  readonly source: string;
  readonly auth_project_id_snapshot: string;
  readonly duration_ms: number | null;
  readonly fail_status_code: number | null;
  readonly fail_summary: string;
}

/** A source that had failures. */
export interface FailureSource {
  readonly account_snapshot: string;
  readonly auth_label_snapshot: string;
  readonly auth_provider_snapshot: string;
  readonly source_hash: string;
  readonly auth_index: string;
  readonly source: string;
  readonly calls: number;
  readonly failure: number;
  readonly failure_rate: number;
  readonly last_seen_ms: number;
  readonly average_latency_ms: number | null;
}

/** From where and from when a field is. */
export interface FieldSource {
  readonly source: string;
  readonly observed_at_ms: number;
}

/** The sources of the fields that come together. */
export interface FieldSources {
  readonly quota: FieldSource;
  readonly boundary?: FieldSource;
  readonly plan_type?: FieldSource;
  readonly reset_credits_available?: FieldSource;
  readonly reset_credits?: FieldSource;
}

/** What may be chosen; `filter_selectors` and `filter_options` have different members. */
export interface FilterOptions {
  readonly models?: readonly string[];
  readonly api_key_hashes?: readonly string[];
  readonly api_key_aliases?: Readonly<Record<string, string>>;
  readonly providers?: readonly string[];
  readonly auth_files?: readonly string[];
  readonly accounts?: readonly string[];
  readonly account_count?: number;
  readonly api_key_count?: number;
  readonly account_stats?: readonly (AccountStats | KnownAccount)[];
  readonly api_key_stats?: readonly KeyStats[];
  readonly channel_share?: readonly ChannelShare[];
  readonly model_stats?: readonly ModelStats[];
  readonly project_ids?: readonly string[];
  readonly request_types?: readonly string[];
  readonly header_error_kinds?: readonly string[];
  readonly header_error_codes?: readonly string[];
  readonly header_quota_plans?: readonly string[];
  readonly header_trace_ids?: readonly string[];
}

/** One thing that was looked at; where something is wrong, `advice` says what to do. */
export interface FindingJson {
  readonly subject: string;
  readonly level: "ok" | "note" | "bad";
  readonly seen: string;
  readonly advice: string;
}

/** What is used up first comes first. */
export interface Forecast {
  readonly generated_at_ms: number;
  readonly derived?: Derived;
  readonly accounts: readonly AccountForecast[];
  readonly pools: readonly Pool[];
}

/** Since when nothing is watched. */
export interface Gap {
  readonly sinceMs: number;
  readonly reason: string;
}

/** The name of a key. */
export interface GivenAlias {
  readonly apiKeyHash: string;
  readonly alias: string;
  readonly updatedAtMs?: number;
}

/** Rates of calls with more input than the threshold. */
export interface GivenContextTier {
  readonly prompt?: number;
  readonly completion?: number;
  readonly cache?: number;
  readonly cacheRead?: number;
  readonly cacheCreation?: number;
  readonly promptConfigured?: boolean;
  readonly completionConfigured?: boolean;
  readonly cacheReadConfigured?: boolean;
  readonly cacheCreationConfigured?: boolean;
  readonly thresholdTokens: number;
  readonly cacheConfigured?: boolean;
}

/** One look at an account: when, by what means, and how much of it was seen. */
export interface GivenObservation {
  readonly source: "response_header" | "response_body" | "api_query" | "inspection";
  readonly inventory_scope_key: string;
  readonly inventory_mode: "partial" | "delta" | "complete";
  readonly observed_at_ms?: number;
  readonly source_observation_id?: string;
}

/** The price of a model. */
export interface GivenPrice {
  readonly prompt?: number;
  readonly completion?: number;
  readonly cache?: number;
  readonly cacheRead?: number;
  readonly cacheCreation?: number;
  readonly promptConfigured?: boolean;
  readonly completionConfigured?: boolean;
  readonly cacheReadConfigured?: boolean;
  readonly cacheCreationConfigured?: boolean;
  readonly source?: string;
  readonly sourceModelId?: string;
  readonly rawJson?: string;
  readonly contextTiers?: readonly GivenContextTier[];
  readonly serviceTiers?: readonly GivenServiceTier[];
  readonly syncedAtMs?: number;
}

/** Rates of calls of a service tier. */
export interface GivenServiceTier {
  readonly prompt?: number;
  readonly completion?: number;
  readonly cache?: number;
  readonly cacheRead?: number;
  readonly cacheCreation?: number;
  readonly promptConfigured?: boolean;
  readonly completionConfigured?: boolean;
  readonly cacheReadConfigured?: boolean;
  readonly cacheCreationConfigured?: boolean;
  readonly mode: string;
  readonly serviceTier: string;
  readonly cacheConfigured?: boolean;
}

/** A quota window as it was observed. */
export interface GivenWindow {
  readonly provider_window_id: string;
  readonly window_mode: "fixed" | "calendar" | "rolling" | "non_window" | "unknown";
  readonly model_scope_kind: "all" | "family" | "models" | "product" | "feature";
  readonly source: "response_header" | "response_body" | "api_query" | "inspection";
  readonly boundary_accuracy: "exact" | "derived" | "estimated" | "unknown";
  readonly observed_at_ms?: number;
  readonly provider_window_aliases?: readonly string[];
  readonly window_kind?: string;
  readonly model_scope_key?: string;
  readonly model_ids?: readonly string[];
  readonly source_observation_id?: string;
  readonly cycle_start_ms?: number;
  readonly cycle_end_ms?: number;
  readonly duration_seconds?: number;
  readonly used_percent?: number;
  readonly remaining_percent?: number;
  readonly used_value?: number;
  readonly limit_value?: number;
  readonly quota_unit?: string;
  readonly reset_credits_available?: number;
  readonly reset_credits?: readonly ResetCredit[];
  readonly plan_type?: string;
  readonly relationship_kind?: string;
  readonly container_provider_window_id?: string;
}

/** A model of one account, key or credential. */
export interface GroupModel {
  readonly calls: number;
  readonly success_calls: number;
  readonly failure_calls: number;
  readonly success_rate: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cached_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_creation_tokens: number;
  readonly cache_hit_tokens: number;
  readonly cache_hit_input_tokens: number;
  readonly cache_hit_rate: number;
  readonly cost: number;
  readonly unpriced_calls: number;
  readonly unpriced_tokens: number;
  readonly model: string;
  readonly total_tokens: number;
  readonly last_seen_ms: number;
}

/** The newest call of a credential, and what its headers told. */
export interface HeaderSnapshot {
  readonly account_snapshot: string;
  readonly auth_label_snapshot: string;
  readonly auth_provider_snapshot: string;
  readonly auth_file_snapshot: string;
  readonly auth_index: string;
  readonly source: string;
  readonly source_hash: string;
  readonly auth_project_id_snapshot: string;
  readonly response_metadata: unknown;
  readonly header_quota_recover_at_ms: number | null;
  readonly header_quota_used_percent: number | null;
  readonly header_quota_plan_type: string;
  readonly header_error_kind: string;
  readonly header_error_code: string;
  readonly header_trace_id: string | null;
  readonly event_hash: string;
  readonly timestamp_ms: number;
  readonly model: string;
  readonly analytics_model: string;
  readonly requested_model: string;
  readonly resolved_model: string;
}

/** The newest first. */
export interface HeaderSnapshots {
  readonly generated_at_ms: number;
  readonly derived?: Derived;
  readonly from_ms: number;
  readonly to_ms: number;
  readonly items: readonly HeaderSnapshot[];
}

/** Ten minutes of the day. */
export interface HealthPoint {
  readonly calls: number;
  readonly tokens: number;
  readonly success: number;
  readonly failure: number;
  readonly bucket_ms: number;
  readonly success_rate: number;
  readonly failure_rate: number;
  readonly tone: "good" | "warn" | "bad" | "empty" | "future";
  readonly intensity: number;
  readonly future: boolean;
}

/** The day in cells of ten minutes. */
export interface HealthTimeline {
  readonly from_ms: number;
  readonly to_ms: number;
  readonly bucket_ms: number;
  readonly success_calls: number;
  readonly failure_calls: number;
  readonly total_calls: number;
  readonly success_rate: number;
  readonly points: readonly HealthPoint[];
}

/** An hour of the week; 0 is Sunday. */
export interface HeatCell {
  readonly calls: number;
  readonly tokens: number;
  readonly success: number;
  readonly failure: number;
  readonly cost: number;
  readonly unpriced_calls: number;
  readonly unpriced_tokens: number;
  readonly failure_rate: number;
  readonly weekday: number;
  readonly hour: number;
  readonly model_contributors: readonly Contributor[];
  readonly api_key_contributors: readonly Contributor[];
  readonly provider_contributors: readonly Contributor[];
}

/** Up to 200 credentials. */
export interface HistoryBody {
  readonly accounts: readonly HistoryTarget[];
  readonly catch_up?: boolean;
}

/** A row, and its credential. */
export interface HistoryTarget {
  readonly account_snapshot?: string;
  readonly auth_label_snapshot?: string;
  readonly auth_file_snapshot?: string;
  readonly auth_provider_snapshot?: string;
  readonly auth_project_id_snapshot?: string;
  readonly auth_index?: string;
  readonly source?: string;
  readonly row_key: string;
  readonly account_key?: string;
}

/** A stretch of time that was not watched. */
export interface Hole {
  readonly fromMs: number;
  readonly toMs: number;
  readonly state: "at_risk" | "lost";
  readonly reason: string;
}

/** An hour of the day. */
export interface HourlyCalls {
  readonly hour: number;
  readonly calls: number;
  readonly tokens: number;
}

/** What became of the lines of a file. */
export interface ImportResult {
  readonly format: string;
  readonly added: number;
  readonly skipped: number;
  readonly total: number;
  readonly failed: number;
  readonly unsupported: number;
  readonly warnings: readonly string[] | null;
}

/** What answers here, and how far it is set up. */
export interface Info {
  readonly service: string;
  readonly mode: string;
  readonly startedAt: number;
  readonly configured: boolean;
  readonly projectInitialized: boolean;
  readonly adminReady: boolean;
  readonly setupRequired: boolean;
  readonly migrationStatus: string;
  readonly dataKeyReady: boolean;
  readonly hasHistoricalData: boolean;
  readonly inContainer: boolean;
}

/** How accounts are inspected. */
export interface InspectionJson {
  readonly enabled: boolean;
  readonly schedule: ScheduleJson;
  readonly targetTypes: readonly string[];
  readonly targetType: string;
  readonly workers: number;
  readonly deleteWorkers: number;
  readonly timeout: number;
  readonly retries: number;
  readonly sampleSize: number;
  readonly usedPercentThreshold: number;
  readonly userAgent: string;
  readonly autoActionMode: string;
  readonly autoRecoverEnabled: boolean;
  readonly xaiInferenceEnabled: boolean;
  readonly xaiInferenceModel: string;
  readonly xaiInferencePrompt: string;
  readonly xaiInferenceUserAgent: string;
}

/** How accounts are inspected. */
export interface InspectionPart {
  readonly enabled?: boolean;
  readonly schedule?: SchedulePart;
  readonly targetTypes?: readonly string[];
  readonly targetType?: string;
  readonly workers?: number;
  readonly deleteWorkers?: number;
  readonly timeout?: number;
  readonly retries?: number;
  readonly sampleSize?: number;
  readonly usedPercentThreshold?: number;
  readonly autoActionMode?: string;
  readonly autoRecoverEnabled?: boolean;
  readonly userAgent?: string;
  readonly xaiInferenceEnabled?: boolean;
  readonly xaiInferenceModel?: string;
  readonly xaiInferencePrompt?: string;
  readonly xaiInferenceUserAgent?: string;
}

/** A bucket of one client key. */
export interface KeyBucket {
  readonly calls: number;
  readonly tokens: number;
  readonly success: number;
  readonly failure: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cached_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_creation_tokens: number;
  readonly cost: number;
  readonly unpriced_calls: number;
  readonly unpriced_tokens: number;
  readonly bucket_ms: number;
  readonly reasoning_tokens: number;
  readonly total_tokens: number;
  readonly average_latency_ms: number | null;
  readonly success_rate: number;
  readonly failure_rate: number;
  readonly api_key_hash: string;
  readonly api_key_alias: string;
  readonly bucket_label: string;
}

/** Where a client key was used. */
export interface KeyContext {
  readonly calls: number;
  readonly success_calls: number;
  readonly failure_calls: number;
  readonly success_rate: number;
  readonly cost: number;
  readonly unpriced_calls: number;
  readonly unpriced_tokens: number;
  readonly account_snapshot: string;
  readonly auth_label_snapshot: string;
  readonly auth_provider_snapshot: string;
  readonly id: string;
  readonly auth_index: string;
  readonly source: string;
  readonly source_hash: string;
  readonly failure_rate: number;
  readonly total_tokens: number;
  readonly average_latency_ms: number | null;
  readonly last_seen_ms: number;
}

/** What CPA thinks of its key. */
export interface KeyState {
  readonly state: string;
  readonly reason?: string;
  readonly retryInSeconds?: number;
}

/** A client key. */
export interface KeyStats {
  readonly calls: number;
  readonly success_calls: number;
  readonly failure_calls: number;
  readonly success_rate: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cached_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_creation_tokens: number;
  readonly cost: number;
  readonly unpriced_calls: number;
  readonly unpriced_tokens: number;
  readonly id: string;
  readonly total_tokens: number;
  readonly average_latency_ms: number | null;
  readonly first_seen_ms: number;
  readonly last_seen_ms: number;
  readonly models: readonly GroupModel[];
  readonly account_snapshot: string;
  readonly auth_label_snapshot: string;
  readonly auth_provider_snapshot: string;
  readonly auth_indices: readonly string[];
  readonly sources: readonly string[];
  readonly source_hashes: readonly string[];
  readonly api_key_hash: string;
  readonly api_key_alias: string;
  readonly contexts: readonly KeyContext[];
}

/** A kind of rule, and what its limit may be. */
export interface KindLimit {
  readonly kind: "collector_down" | "key_refused" | "records_lost" | "unpriced_model" | "spend" | "failure_rate" | "disk_low" | "account_needs_person" | "account_exhausted" | "pool_low";
  readonly unit: string | null;
  readonly default: number | null;
  readonly least: number | null;
  readonly most: number | null;
}

/** An account that may be chosen; its figures are zero, and mean nothing. */
export interface KnownAccount {
  readonly calls: number;
  readonly success_calls: number;
  readonly failure_calls: number;
  readonly success_rate: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cached_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_creation_tokens: number;
  readonly account_snapshot: string;
  readonly auth_label_snapshot: string;
  readonly auth_provider_snapshot: string;
  readonly auth_indices: readonly string[];
  readonly sources: readonly string[];
  readonly source_hashes: readonly string[];
  readonly id: string;
  readonly cost: number;
  readonly total_tokens: number;
  readonly average_latency_ms: null;
  readonly last_seen_ms: number;
}

/** The windows of an account, the short ones first; `error` where its provider did not tell. */
export interface KnownQuota {
  readonly row_key: string;
  readonly account_key: string;
  readonly provider: string;
  readonly windows: readonly KnownWindow[];
  readonly error?: string;
}

/** In the order of the request. */
export interface KnownQuotas {
  readonly generated_at_ms: number;
  readonly items: readonly KnownQuota[];
}

/** A quota window as it was last observed, and its life since it was first seen. */
export interface KnownWindow {
  readonly provider_window_id: string;
  readonly window_mode: "fixed" | "calendar" | "rolling" | "non_window" | "unknown";
  readonly model_scope_kind: "all" | "family" | "models" | "product" | "feature";
  readonly source: "response_header" | "response_body" | "api_query" | "inspection";
  readonly boundary_accuracy: "exact" | "derived" | "estimated" | "unknown";
  readonly observed_at_ms?: number;
  readonly provider_window_aliases?: readonly string[];
  readonly window_kind?: string;
  readonly model_scope_key?: string;
  readonly model_ids?: readonly string[];
  readonly source_observation_id?: string;
  readonly cycle_start_ms?: number;
  readonly cycle_end_ms?: number;
  readonly duration_seconds?: number;
  readonly used_percent?: number;
  readonly remaining_percent?: number;
  readonly used_value?: number;
  readonly limit_value?: number;
  readonly quota_unit?: string;
  readonly reset_credits_available?: number;
  readonly reset_credits?: readonly ResetCredit[];
  readonly plan_type?: string;
  readonly relationship_kind?: string;
  readonly container_provider_window_id?: string;
  readonly missing_since_ms?: number;
  readonly deactivated_at_ms?: number;
  readonly current_cycle?: QuotaCycle;
  readonly previous_cycle?: QuotaCycle;
  readonly stale: boolean;
  readonly field_sources: FieldSources;
  readonly logical_window_id: number;
  readonly activation_generation: number;
  readonly availability: "active" | "pending_absent" | "inactive" | "unknown";
  readonly first_seen_at_ms: number;
  readonly last_seen_at_ms: number;
}

/** A line of the log of an inspection. */
export interface LogJson {
  readonly id: number;
  readonly runId: number;
  readonly level: "info" | "success" | "warning" | "error";
  readonly message: string;
  readonly detail?: Readonly<Record<string, unknown>>;
  readonly createdAtMs: number;
}

/** Work on the database that wants a person. */
export interface Maintenance {
  readonly required: boolean;
  readonly performanceDegraded: boolean;
  readonly deferredIndexes: number;
  readonly offlineJobs: number;
  readonly reasons: readonly string[];
}

/** One call, and how it ended; what there is nothing to tell of is left out. */
export interface Mark {
  readonly timestamp_ms: number;
  readonly failed: boolean;
  readonly fail_status_code?: number;
  readonly fail_summary?: string;
  readonly header_error_kind?: string;
  readonly header_error_code?: string;
  readonly header_trace_id?: string;
}

/** A bucket of one model, or of all that are not shown by themselves. */
export interface ModelBucket {
  readonly calls: number;
  readonly tokens: number;
  readonly success: number;
  readonly failure: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cached_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_creation_tokens: number;
  readonly cost: number;
  readonly unpriced_calls: number;
  readonly unpriced_tokens: number;
  readonly bucket_ms: number;
  readonly reasoning_tokens: number;
  readonly total_tokens: number;
  readonly average_latency_ms: number | null;
  readonly success_rate: number;
  readonly failure_rate: number;
  readonly model: string | null;
  readonly others: boolean;
  readonly bucket_label: string;
}

/** The events of a model at an endpoint, newest first. */
export interface ModelDetails {
  readonly details: readonly Detail[];
}

/** Which models count in a window. */
export interface ModelScope {
  readonly kind: "all" | "family" | "models" | "product" | "feature";
  readonly key?: string;
  readonly models?: readonly string[];
  readonly complete?: boolean;
}

/** A model of the whole selection; `tokens` is `total_tokens`. */
export interface ModelStats {
  readonly calls: number;
  readonly success_calls: number;
  readonly failure_calls: number;
  readonly success_rate: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cached_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_creation_tokens: number;
  readonly cache_hit_tokens: number;
  readonly cache_hit_input_tokens: number;
  readonly cache_hit_rate: number;
  readonly cost: number;
  readonly unpriced_calls: number;
  readonly unpriced_tokens: number;
  readonly model: string;
  readonly total_tokens: number;
  readonly tokens: number;
  readonly first_seen_ms: number;
}

/** How many models CPA serves to its clients. */
export interface ModelsPart {
  readonly data: number;
}

/** The newest events, by endpoint and model, and their sums. */
export interface NewestEvents {
  readonly total_requests: number;
  readonly success_count: number;
  readonly failure_count: number;
  readonly total_tokens: number;
  readonly apis: Readonly<Record<string, EndpointModels>>;
}

/** What there is. */
export interface Notices {
  readonly channels: readonly ChannelJson[];
  readonly rules: readonly RuleJson[];
  readonly kinds: readonly KindLimit[];
}

/** Done. */
export interface Ok {
  readonly ok: true;
}

/** What became of one result that was acted on. */
export interface OutcomeJson {
  readonly resultId: number;
  readonly accountKey: string;
  readonly fileName: string;
  readonly displayAccount: string;
  readonly action: string;
  readonly status: "planned" | "success" | "failed" | "skipped" | "needs_review";
  readonly success: boolean;
  readonly error?: string;
}

/** Whether CPA has plugins. */
export interface Plugins {
  readonly supported: boolean;
  readonly enabled: boolean;
}

/** One part of what CPA says. */
export interface PluginsPart {
  readonly data: Plugins;
}

/** Which automatic parts are to be on. */
export interface PolicyBody {
  readonly codexQuotaCooldownEnabled?: boolean;
  readonly authIssueQueueEnabled?: boolean;
  readonly authIssueAutoDisableEnabled?: boolean;
}

/** One automatic part. */
export interface PolicySwitch {
  readonly enabled: boolean;
  readonly configured: boolean;
  readonly source: "startup" | "env" | "database";
  readonly locked: boolean;
  readonly envKey: string;
  readonly configFileKey: string;
  readonly dependsOn?: string;
}

/** All accounts of a provider in one kind of window. */
export interface Pool {
  readonly provider: string;
  readonly window: string;
  readonly window_minutes: number;
  readonly accounts: number;
  readonly spent: number;
  readonly left_percent: number;
  readonly dry_at_ms: number | null;
  readonly lasts: boolean | null;
}

/** The price of a model. */
export interface Price {
  readonly prompt: number;
  readonly completion: number;
  readonly cache: number;
  readonly cacheRead?: number;
  readonly cacheCreation?: number;
  readonly promptConfigured?: boolean;
  readonly completionConfigured?: boolean;
  readonly cacheReadConfigured?: boolean;
  readonly cacheCreationConfigured?: boolean;
  readonly source?: string;
  readonly sourceModelId?: string;
  readonly rawJson?: string;
  readonly contextTiers?: readonly ContextTier[];
  readonly serviceTiers?: readonly ServiceTier[];
  readonly updatedAtMs: number;
  readonly syncedAtMs?: number;
}

/** Prices by model. */
export interface PriceBook {
  readonly prices: Readonly<Record<string, Price>>;
}

export interface Problem {
  readonly code: "account_action_candidate_not_found" | "account_action_candidate_not_pending" | "account_processing_policy_env_locked" | "address_too_long" | "api_key_alias_duplicate" | "api_key_alias_invalid" | "api_key_aliases_required" | "api_token_invalid" | "auth_file_changed" | "body_cut" | "busy" | "connection_env_managed" | "cpa_banned" | "cpa_connection_required" | "cpa_connection_required_for_monitoring" | "cpa_error" | "cpa_key_refused" | "cpa_management_off" | "cpa_remote_disabled" | "cpa_resp" | "cpa_unreachable" | "cpa_unsupported" | "cpa_usage_retention_invalid" | "data_key_invalid" | "database_locked" | "database_missing" | "enable_cpa_usage_statistics_failed" | "forbidden" | "foreign_database" | "headers_too_large" | "import_invalid" | "inspection_already_running" | "inspection_no_actionable_results" | "inspection_override_invalid" | "inspection_result_ids_required" | "inspection_run_id_invalid" | "inspection_run_not_cancellable" | "inspection_run_not_completed" | "inspection_run_not_found" | "inspection_stopping" | "inspection_target_invalid" | "inspection_trigger_exists" | "intake_full" | "invalid_admin_key" | "invalid_existing_management_key" | "invalid_json" | "invalid_path" | "invalid_quota_snapshot" | "invalid_time_zone" | "listen_failed" | "management_api_config_failed" | "management_api_validation_failed" | "method_not_allowed" | "model_price_invalid" | "model_price_sync_failed" | "model_price_sync_stopped" | "model_prices_changed" | "newer_database" | "not_cpa" | "not_found" | "notification_channel_invalid" | "notification_rule_invalid" | "poll_interval_exceeds_retention" | "prices_required" | "request_failed" | "secret_unreadable" | "settings_invalid" | "setup_env_managed" | "slow_client" | "store_unavailable" | "takeover_refused" | "too_many_wrong_keys" | "usage" | "usage_import_session_conflict" | "usage_import_session_invalid_request" | "usage_import_session_limit_exceeded" | "usage_import_session_not_found" | "usage_import_session_quota_exceeded" | "usage_import_session_too_large" | "usage_import_session_unavailable" | "usage_queue_reserved" | "usage_service_not_configured";
  readonly error: string;
}

/** How many entries each kind of provider has. */
export interface ProvidersPart {
  readonly data: Readonly<Record<string, number>>;
}

/** A row, and its account. */
export interface QuotaAccount {
  readonly row_key: string;
  readonly provider: string;
  readonly account: Readonly<Record<string, string>>;
}

/** One run of a window, from its begin to its reset. */
export interface QuotaCycle {
  readonly id: number;
  readonly activation_id: number;
  readonly state: "active" | "closed";
  readonly actual_start_ms: number;
  readonly boundary_accuracy: "exact" | "derived" | "estimated" | "unknown";
  readonly forecast_eligible: boolean;
  readonly scheduled_start_ms?: number;
  readonly scheduled_end_ms?: number;
  readonly actual_end_ms?: number;
  readonly duration_seconds?: number;
  readonly end_reason?: string;
  readonly parent_cycle_id?: number;
}

/** Observations to be stored. */
export interface QuotaEntries {
  readonly entries: readonly QuotaEntry[];
}

/** What was observed of one account; its `account` are the names by which it is known. */
export interface QuotaEntry {
  readonly provider: string;
  readonly account: Readonly<Record<string, string>>;
  readonly row_key?: string;
  readonly windows?: readonly GivenWindow[];
  readonly removed_windows?: readonly RemovedWindow[];
  readonly observation?: GivenObservation;
}

/** Up to 200 accounts. */
export interface QuotaQuestion {
  readonly accounts: readonly QuotaAccount[];
  readonly now_ms?: number;
  readonly include_inactive?: boolean;
}

/** A model of the day; `cost_share` is of the dearest one. */
export interface RankedModel {
  readonly model: string;
  readonly calls: number;
  readonly tokens: number;
  readonly cost: number;
  readonly success_rate: number;
  readonly unpriced_calls: number;
  readonly unpriced_tokens: number;
  readonly cost_share?: number;
}

/** How many events were read of how many. */
export interface ReadOf {
  readonly read: number;
  readonly of: number;
}

/** CPA's totals held against ours, and its counts of ten minutes. */
export interface Reconciliation {
  readonly state: "unknown" | "agrees" | "suspected";
  readonly reason?: string;
  readonly checkedAtMs?: number;
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly cpaAttempts?: number;
  readonly storedAttempts?: number;
  readonly difference?: number;
  readonly tolerance?: number;
  readonly credentials?: readonly CountedCredential[];
  readonly buckets?: Counted;
}

/** When a rule would have told something; `unknown` says why nobody knows.

    What was before `since_ms` is not kept; null where all days are. */
export interface Rehearsed {
  readonly days: number;
  readonly count: number | null;
  readonly times_ms: readonly number[];
  readonly since_ms: number | null;
  readonly unknown: string | null;
}

/** A quota window that there is no longer. */
export interface RemovedWindow {
  readonly provider_window_id: string;
  readonly model_scope_kind: "all" | "family" | "models" | "product" | "feature";
  readonly model_scope_key?: string;
  readonly window_kind?: string;
  readonly model_ids?: readonly string[];
}

/** A right to begin a window anew. */
export interface ResetCredit {
  readonly id: string;
  readonly expires_at_ms: number;
}

/** The pairs of key and model that are not listed. */
export interface Rest {
  readonly total_requests: number;
  readonly failure_calls: number;
  readonly total_tokens: number;
  readonly total_cost: number;
  readonly unpriced_calls: number;
  readonly groups: number;
  readonly percent: number;
}

/** What an inspection found of a credential. */
export interface ResultJson {
  readonly id: number;
  readonly runId: number;
  readonly accountKey: string;
  readonly fileName: string;
  readonly displayAccount: string;
  readonly accountSnapshot?: string;
  readonly authIndex?: string;
  readonly accountId?: string;
  readonly provider: string;
  readonly disabled: boolean;
  readonly status?: string;
  readonly state?: string;
  readonly action: "keep" | "disable" | "enable" | "delete" | "reauth";
  readonly actionReason: string;
  readonly actionReasonCode?: string;
  readonly actionStatus: "none" | "pending" | "success" | "failed" | "skipped" | "needs_review";
  readonly executedAction?: string;
  readonly actionError?: string;
  readonly statusCode?: number;
  readonly usedPercent?: number;
  readonly isQuota: boolean;
  readonly autoRecoverEligible: boolean;
  readonly quotaInventoryObserved: boolean;
  readonly error?: string;
  readonly planType?: string;
  readonly quotaWindows?: unknown;
  readonly errorKind?: string;
  readonly errorDetail?: string;
  readonly createdAtMs: number;
}

/** The last half hour, per minute and as a whole. */
export interface Rolling {
  readonly rpm: number;
  readonly tpm: number;
  readonly total_calls: number;
  readonly total_tokens: number;
}

/** What is worth a notice, and by which ways; by all where none is named. */
export interface RuleBody {
  readonly kind: string;
  readonly name?: string;
  readonly channels?: readonly number[];
  readonly limit?: number;
  readonly provider?: string;
  readonly timeZone?: string;
  readonly quietMinutes?: number;
  readonly enabled?: boolean;
}

/** A rule. */
export interface RuleJson {
  readonly id: number;
  readonly kind: "collector_down" | "key_refused" | "records_lost" | "unpriced_model" | "spend" | "failure_rate" | "disk_low" | "account_needs_person" | "account_exhausted" | "pool_low";
  readonly name: string;
  readonly channels: readonly number[];
  readonly limit: number | null;
  readonly unit: string | null;
  readonly provider: string;
  readonly timeZone: string;
  readonly quietMinutes: number;
  readonly enabled: boolean;
}

/** An inspection, and what it found. */
export interface RunDetail {
  readonly run: RunJson;
  readonly results: readonly ResultJson[];
  readonly logs: readonly LogJson[];
}

/** An inspection. */
export interface RunJson {
  readonly id: number;
  readonly triggerType: "manual" | "scheduled";
  readonly triggerKey?: string;
  readonly status: "running" | "cancelling" | "completed" | "failed" | "cancelled" | "interrupted";
  readonly startedAtMs: number;
  readonly finishedAtMs?: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly totalFiles: number;
  readonly probeSetCount: number;
  readonly sampledCount: number;
  readonly completedCount: number;
  readonly disabledCount: number;
  readonly enabledCount: number;
  readonly deleteCount: number;
  readonly disableCount: number;
  readonly enableCount: number;
  readonly reauthCount: number;
  readonly keepCount: number;
  readonly settings: InspectionJson;
  readonly error?: string;
  readonly active: boolean;
  readonly cancellable: boolean;
}

/** The newest inspections first. */
export interface Runs {
  readonly items: readonly RunJson[];
  readonly nextScheduledAtMs?: number;
}

/** When inspections begin by themselves. */
export interface ScheduleJson {
  readonly mode: "interval" | "time_points";
  readonly intervalMinutes: number;
  readonly timePoints: readonly string[];
  readonly timeZone: string;
}

/** When inspections begin by themselves. */
export interface SchedulePart {
  readonly mode?: string;
  readonly intervalMinutes?: number;
  readonly timePoints?: readonly string[];
  readonly timeZone?: string;
}

/** Which models a window counts. */
export interface ScopeJson {
  readonly kind: "all" | "family" | "models" | "product" | "feature";
  readonly key: string;
  readonly models: readonly string[];
}

/** How often a model was asked for, and given. */
export interface SeenModel {
  readonly model: string;
  readonly calls: number;
  readonly requested_calls: number;
  readonly resolved_calls: number;
}

/** Rates of calls of a service tier. */
export interface ServiceTier {
  readonly prompt: number;
  readonly completion: number;
  readonly cache: number;
  readonly cacheRead?: number;
  readonly cacheCreation?: number;
  readonly promptConfigured?: boolean;
  readonly completionConfigured?: boolean;
  readonly cacheReadConfigured?: boolean;
  readonly cacheCreationConfigured?: boolean;
  readonly mode: string;
  readonly serviceTier: string;
  readonly cacheConfigured?: boolean;
}

/** Where a CPA is, and how records are taken from it. */
export interface SetupBody {
  readonly enabled?: boolean;
  readonly collectorMode?: string;
  readonly queue?: string;
  readonly popSide?: "left" | "right";
  readonly batchSize?: number;
  readonly pollIntervalMs?: number;
  readonly queryLimit?: number;
  readonly tlsSkipVerify?: boolean;
  readonly ensureUsageStatisticsEnabled?: boolean;
  readonly cpaBaseUrl?: string;
  readonly cpaManagementKey?: string;
  readonly requestMonitoringEnabled?: boolean;
}

/** A client key with a model; `percent` is of the window, `share` of what is used of it. */
export interface Share {
  readonly total_requests: number;
  readonly failure_calls: number;
  readonly total_tokens: number;
  readonly total_cost: number;
  readonly unpriced_calls: number;
  readonly api_key_hash: string;
  readonly api_key_alias: string;
  readonly model: string;
  readonly percent: number;
  readonly share: number;
}

/** The configuration, and where it comes from. */
export interface ShownConfig {
  readonly config: ConfigJson;
  readonly source: "" | "db" | "env";
  readonly warnings?: readonly string[];
  readonly cpaUsage?: CpaUsage;
  readonly startedWith?: StartedWith;
}

/** How one source answered. */
export interface SourceResult {
  readonly source: string;
  readonly models: number;
  readonly skipped: number;
  readonly error?: string;
}

/** All that the panel starts with. */
export interface Started {
  readonly info: Info;
  readonly config: ShownConfig;
  readonly status: Status;
  readonly aliases: AliasList;
  readonly cpa: CpaParts;
}

/** What the start-up settings say of a connection that is not complete. */
export interface StartedWith {
  readonly cpaBaseUrl: string;
}

/** How the daemon does. */
export interface Status {
  readonly service: string;
  readonly version: string;
  readonly dbPath: string;
  readonly events: number;
  readonly deadLetters: number;
  readonly collector: CollectorStatus;
  readonly dataMigration: DataMigration;
  readonly databaseMaintenance: Maintenance;
  readonly takeovers: readonly Takeover[];
  readonly reactorLagMs: number;
  readonly database: DatabaseFile;
  readonly derived: Derived;
  readonly store: StoreState;
}

/** Whether events can be stored. */
export interface StoreState {
  readonly ready: boolean;
  readonly problem: string;
}

/** What became of the observation of an account: how many of its windows it tells of. */
export interface StoredQuota {
  readonly row_key?: string;
  readonly account_key: string;
  readonly provider: string;
  readonly inserted_count: number;
}

/** In the order of the request. */
export interface StoredQuotas {
  readonly observed_at_ms: number;
  readonly items: readonly StoredQuota[];
}

/** The range in equal blocks, for one account. */
export interface Strip {
  readonly id: string;
  readonly success: readonly number[];
  readonly failure: readonly number[];
  readonly success_rate: number;
}

/** All figures of a range; what a compact one does not count is 0 or null. */
export interface Summary {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cached_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_creation_tokens: number;
  readonly total_calls: number;
  readonly success_calls: number;
  readonly failure_calls: number;
  readonly success_rate: number;
  readonly reasoning_tokens: number;
  readonly total_tokens: number;
  readonly total_cost: number;
  readonly average_latency_ms: number | null;
  readonly zero_token_calls: number;
  readonly unpriced_calls: number;
  readonly unpriced_tokens: number;
  readonly unpriced_models: readonly string[];
  readonly cache_hit_rate: number;
  readonly average_cost_per_call: number;
  readonly p95_latency_ms: number | null;
  readonly p95_ttft_ms: number | null;
  readonly rpm_30m: number;
  readonly tpm_30m: number;
  readonly avg_daily_requests: number;
  readonly avg_daily_tokens: number;
  readonly approx_tasks: number;
  readonly approx_task_failures: number;
  readonly approx_task_success_rate: number;
  readonly zero_token_models: readonly string[] | null;
}

/** The switches under CPA's own names. */
export interface SwitchesPart {
  readonly data: Readonly<Record<string, unknown>>;
}

/** Which models are to be priced, all where none is named; a dry run writes nothing. */
export interface SyncBody {
  readonly models?: readonly string[];
  readonly dryRun?: boolean;
  readonly overwriteManual?: boolean;
}

/** What a sync found and wrote, and the book since then. */
export interface SyncResult {
  readonly source: string;
  readonly imported: number;
  readonly skipped: number;
  readonly sources?: readonly string[];
  readonly matched?: Readonly<Record<string, Price>>;
  readonly candidates?: readonly Candidates[];
  readonly unmatched?: readonly string[];
  readonly preserved?: readonly string[];
  readonly proxyUsed?: true;
  readonly sourceResults?: readonly SourceResult[];
  readonly prices: Readonly<Record<string, Price>>;
}

/** A database of another server on its way in. */
export interface Takeover {
  readonly source: string;
  readonly state: "completed" | "waiting" | "running";
  readonly events: ReadOf;
  readonly added: number;
  readonly skipped: number;
  readonly unreadable: number;
  readonly deadLetters: number;
  readonly startedAtMs: number;
  readonly finishedAtMs: number | null;
  readonly problem?: string;
  readonly goBack?: unknown;
}

/** The calls of one moment and source. */
export interface TaskBucket {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cached_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_creation_tokens: number;
  readonly bucket_key: string;
  readonly total: number;
  readonly success: number;
  readonly failure: number;
  readonly first_ms: number;
  readonly last_ms: number;
  readonly source: string;
  readonly source_hash: string;
  readonly auth_index: string;
  readonly models: readonly string[];
  readonly endpoints: readonly string[];
  readonly total_tokens: number;
  readonly average_latency_ms: number | null;
  readonly max_latency_ms: number | null;
}

/** Whether a message got through. */
export interface Tested {
  readonly ok: boolean;
  readonly error: string;
}

/** A bucket of the whole selection. */
export interface TimelineBucket {
  readonly calls: number;
  readonly tokens: number;
  readonly success: number;
  readonly failure: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cached_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_creation_tokens: number;
  readonly cost: number;
  readonly unpriced_calls: number;
  readonly unpriced_tokens: number;
  readonly bucket_ms: number;
  readonly reasoning_tokens: number;
  readonly total_tokens: number;
  readonly average_latency_ms: number | null;
  readonly success_rate: number;
  readonly failure_rate: number;
  readonly label: string;
  readonly cache_hit_rate: number;
  readonly p95_latency_ms: number | null;
  readonly p95_ttft_ms: number | null;
  readonly coverage: WatchedMinutes;
}

/** A token that may read. */
export interface TokenInfo {
  readonly id: number;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly createdAtMs: number;
  readonly lastUsedAtMs: number | null;
}

/** The oldest first. */
export interface TokenList {
  readonly items: readonly TokenInfo[];
}

/** A part of the tokens; the parts don't overlap. */
export interface TokenPart {
  readonly key: "input" | "cached" | "output" | "reasoning";
  readonly tokens: number;
  readonly share: number;
}

/** A notice on its way, or behind it. */
export interface Told {
  readonly id: number;
  readonly at_ms: number;
  readonly rule: number;
  readonly rule_name: string;
  readonly kind: "collector_down" | "key_refused" | "records_lost" | "unpriced_model" | "spend" | "failure_rate" | "disk_low" | "account_needs_person" | "account_exhausted" | "pool_low";
  readonly key: string;
  readonly text: string;
  readonly over: boolean;
  readonly since_ms: number;
  readonly channel: number;
  readonly channel_name: string;
  readonly status: "waiting" | "sent" | "failed";
  readonly tries: number;
  readonly due_ms: number;
  readonly sent_ms: number | null;
  readonly error: string;
}

/** The newest first. */
export interface ToldList {
  readonly items: readonly Told[];
}

/** A source that had failures today. */
export interface TonedSource {
  readonly account_snapshot: string;
  readonly auth_label_snapshot: string;
  readonly auth_provider_snapshot: string;
  readonly source_hash: string;
  readonly auth_index: string;
  readonly source: string;
  readonly calls: number;
  readonly failures: number;
  readonly failure_rate: number;
  readonly last_seen_ms: number;
  readonly average_latency_ms: number | null;
  readonly tone: "warn" | "bad";
}

/** The figures of a range or of a day. */
export interface Totals {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cached_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_creation_tokens: number;
  readonly total_calls: number;
  readonly success_calls: number;
  readonly failure_calls: number;
  readonly success_rate: number;
  readonly reasoning_tokens: number;
  readonly total_tokens: number;
  readonly total_cost: number;
  readonly average_latency_ms: number | null;
  readonly zero_token_calls: number;
  readonly unpriced_calls: number;
  readonly unpriced_tokens: number;
  readonly unpriced_models: readonly string[];
}

/** An hour of the day; the shares are of the greatest hour. */
export interface TrafficHour {
  readonly calls: number;
  readonly tokens: number;
  readonly success: number;
  readonly failure: number;
  readonly bucket_ms: number;
  readonly calls_share: number;
  readonly tokens_share: number;
  readonly failure_rate: number;
}

/** Why a part of an answer is not there. */
export interface Trouble {
  readonly code: string;
  readonly error: string;
}

/** A file on its way in, by pieces. */
export interface Upload {
  readonly id: string;
  readonly filename: string;
  readonly status: "uploading" | "ready" | "processing" | "completed" | "failed" | "cancelled";
  readonly size_bytes: number;
  readonly received_bytes: number;
  readonly chunk_size_bytes: number;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
  readonly expires_at_ms: number;
  readonly retryable: boolean;
  readonly error?: string;
  readonly result?: ImportResult;
}

/** The file that will be uploaded; the same resume key finds the same upload. */
export interface UploadBody {
  readonly filename?: string;
  readonly size_bytes: number;
  readonly resume_key?: string;
}

/** All that are known. */
export interface Uploads {
  readonly sessions: readonly Upload[];
}

/** One part of what CPA says. */
export interface UsagePart {
  readonly data: CpaUsage;
}

/** The models among the newest events. */
export interface UsageSummary {
  readonly sampled_events: number;
  readonly total_events: number;
  readonly truncated: boolean;
  readonly models: readonly SeenModel[];
}

/** What some calls come to. */
export interface Use {
  readonly total_requests: number;
  readonly failure_calls: number;
  readonly total_tokens: number;
  readonly total_cost: number;
  readonly unpriced_calls: number;
}

/** One part of what CPA says. */
export interface VersionPart {
  readonly data: Versions;
}

/** What CPA's headers tell of itself. */
export interface Versions {
  readonly version?: string;
  readonly commit?: string;
  readonly buildDate?: string;
}

/** The last 24 hours in minutes by state. */
export interface WatchedDay {
  readonly coveredMinutes: number;
  readonly atRiskMinutes: number;
  readonly lostMinutes: number;
}

/** How many minutes of a stretch had which state; the others are unknown. */
export interface WatchedMinutes {
  readonly covered_minutes: number;
  readonly at_risk_minutes: number;
  readonly lost_minutes: number;
}

/** Who used up a window; where that can't be told, `unknown` says why and the rest lacks. */
export interface WindowShares {
  readonly provider_window_id: string;
  readonly window_kind: string;
  readonly model_scope: ScopeJson;
  readonly from_ms: number | null;
  readonly to_ms: number;
  readonly over: boolean;
  readonly used_percent: number | null;
  readonly observed_at_ms: number;
  readonly unknown: string;
  readonly scope_match_status?: "complete" | "partial" | "unmatched";
  readonly unmatched_requests?: number;
  readonly basis?: "cost" | "tokens";
  readonly observations?: number;
  readonly explained_percent?: number;
  readonly unexplained_percent?: number;
  readonly total?: Use;
  readonly later?: Use;
  readonly rows?: readonly Share[];
  readonly rest?: Rest;
}

/** A quota window of a credential; `from_ms` to `to_ms` is its range. */
export interface WindowTarget {
  readonly account_snapshot?: string;
  readonly auth_label_snapshot?: string;
  readonly auth_file_snapshot?: string;
  readonly auth_provider_snapshot?: string;
  readonly auth_project_id_snapshot?: string;
  readonly auth_index?: string;
  readonly source?: string;
  readonly row_key: string;
  readonly from_ms: number;
  readonly to_ms: number;
  readonly provider_window_id?: string;
  readonly window_key?: string;
  readonly request_key?: string;
  readonly period?: "current" | "previous" | "previous_equal_range";
  readonly model_scope?: ModelScope;
}

/** What was used within one window of the request. */
export interface WindowUsage {
  readonly request_key: string;
  readonly row_key: string;
  readonly window_key: string;
  readonly provider_window_id: string;
  readonly period: string;
  readonly from_ms: number;
  readonly to_ms: number;
  readonly matched: boolean;
  readonly total_requests: number;
  readonly success_calls: number;
  readonly failure_calls: number;
  readonly total_tokens: number;
  readonly total_cost: number;
  readonly unpriced_calls: number;
  readonly unpriced_tokens: number;
  readonly success_rate: number | null;
  readonly last_seen_ms: number | null;
  readonly sync_status: "ready" | "empty";
  readonly scope_match_status: "complete" | "partial" | "unmatched";
  readonly unmatched_requests: number;
}

/** In the order of the request. */
export interface WindowUsages {
  readonly generated_at_ms: number;
  readonly derived?: Derived;
  readonly items: readonly WindowUsage[];
}

/** Up to 400 windows. */
export interface WindowsBody {
  readonly windows: readonly WindowTarget[];
}

/** What comes back of each route. */
export interface Answers {
  readonly "GET /health": Alive;
  readonly "POST /setup": Connected;
  readonly "GET /status": Status;
  readonly "GET /usage-service/account-processing-policy": AccountPolicy;
  readonly "PATCH /usage-service/account-processing-policy": AccountPolicy;
  readonly "GET /usage-service/config": ShownConfig;
  readonly "PUT /usage-service/config": ShownConfig;
  readonly "GET /usage-service/info": Info;
  readonly "GET /usage-service/quota-cooldowns": CooldownList;
  readonly "POST /usage-service/retry": Ok;
  readonly "GET /v0/management/account-action-candidates": CandidateList;
  readonly "DELETE /v0/management/account-action-candidates/{number}/auth-file": DecidedCandidate;
  readonly "POST /v0/management/account-action-candidates/{number}/enable": DecidedCandidate;
  readonly "POST /v0/management/account-action-candidates/{number}/ignore": DecidedCandidate;
  readonly "POST /v0/management/account-action-candidates/{number}/resolve": DecidedCandidate;
  readonly "GET /v0/management/api-key-aliases": AliasList;
  readonly "PUT /v0/management/api-key-aliases": AliasList;
  readonly "DELETE /v0/management/api-key-aliases/{key}": Ok;
  readonly "GET /v0/management/api-tokens": TokenList;
  readonly "POST /v0/management/api-tokens": CreatedToken;
  readonly "DELETE /v0/management/api-tokens/{number}": Ok;
  readonly "POST /v0/management/backups": Backup;
  readonly "POST /v0/management/codex-inspection/run": RunDetail;
  readonly "GET /v0/management/codex-inspection/runs": Runs;
  readonly "GET /v0/management/codex-inspection/runs/{run_id}": RunDetail;
  readonly "POST /v0/management/codex-inspection/runs/{run_id}/actions": Acted;
  readonly "POST /v0/management/codex-inspection/runs/{run_id}/cancel": RunDetail;
  readonly "GET /v0/management/dashboard/summary": Dashboard;
  readonly "GET /v0/management/doctor": Diagnosis;
  readonly "GET /v0/management/model-prices": PriceBook;
  readonly "PUT /v0/management/model-prices": PriceBook;
  readonly "POST /v0/management/model-prices/sync": SyncResult;
  readonly "GET /v0/management/model-prices/usage-summary": UsageSummary;
  readonly "GET /v0/management/model-prices/{model}": PriceBook;
  readonly "PUT /v0/management/model-prices/{model}": PriceBook;
  readonly "DELETE /v0/management/model-prices/{model}": Ok;
  readonly "POST /v0/management/monitoring/account-history": AccountHistories;
  readonly "GET /v0/management/monitoring/account-timeline": AccountTimeline;
  readonly "GET /v0/management/monitoring/account-window-shares": AccountShares;
  readonly "POST /v0/management/monitoring/account-window-usage": WindowUsages;
  readonly "GET /v0/management/monitoring/analytics": Analytics;
  readonly "POST /v0/management/monitoring/analytics": Analytics;
  readonly "GET /v0/management/monitoring/forecast": Forecast;
  readonly "GET /v0/management/monitoring/header-snapshots": HeaderSnapshots;
  readonly "GET /v0/management/notifications": Notices;
  readonly "POST /v0/management/notifications/channels": ChannelJson;
  readonly "PUT /v0/management/notifications/channels/{number}": ChannelJson;
  readonly "DELETE /v0/management/notifications/channels/{number}": Ok;
  readonly "POST /v0/management/notifications/channels/{number}/test": Tested;
  readonly "GET /v0/management/notifications/log": ToldList;
  readonly "POST /v0/management/notifications/rehearsal": Rehearsed;
  readonly "POST /v0/management/notifications/rules": RuleJson;
  readonly "PUT /v0/management/notifications/rules/{number}": RuleJson;
  readonly "DELETE /v0/management/notifications/rules/{number}": Ok;
  readonly "GET /v0/management/panel/bootstrap": Started;
  readonly "POST /v0/management/quota-snapshots": StoredQuotas;
  readonly "POST /v0/management/quota-snapshots/query": KnownQuotas;
  readonly "POST /v0/management/quota-snapshots/refresh": KnownQuotas;
  readonly "GET /v0/management/usage": NewestEvents;
  readonly "POST /v0/management/usage/import": ImportResult;
  readonly "GET /v0/management/usage/import-sessions": Uploads;
  readonly "POST /v0/management/usage/import-sessions": Upload;
  readonly "GET /v0/management/usage/import-sessions/{session}": Upload;
  readonly "DELETE /v0/management/usage/import-sessions/{session}": Upload;
  readonly "PUT /v0/management/usage/import-sessions/{session}/chunk": Upload;
  readonly "POST /v0/management/usage/import-sessions/{session}/complete": Upload;
}
