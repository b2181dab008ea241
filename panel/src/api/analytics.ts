/** The answers of `monitoring/analytics` and `dashboard/summary`, and how they are asked for. */

import { api } from "../state/session";
import type { Granularity, Range } from "../text/ranges";

export interface Calls {
  readonly calls: number;
  readonly success_calls: number;
  readonly failure_calls: number;
  readonly success_rate: number;
}

export interface Tokens {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cached_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_creation_tokens: number;
}

export interface Cost {
  /** USD of the calls that have a price. */
  readonly cost: number;
  readonly unpriced_calls: number;
}

export interface Snapshots {
  readonly account_snapshot?: string;
  readonly auth_label_snapshot?: string;
  readonly auth_provider_snapshot?: string;
  readonly auth_index?: string;
  readonly source?: string;
}

export interface Summary extends Tokens {
  readonly total_calls: number;
  readonly success_calls: number;
  readonly failure_calls: number;
  readonly success_rate: number;
  readonly cache_hit_rate: number;
  readonly reasoning_tokens: number;
  readonly total_tokens: number;
  readonly total_cost: number;
  readonly average_cost_per_call: number;
  readonly average_latency_ms: number | null;
  readonly p95_latency_ms: number | null;
  readonly p95_ttft_ms: number | null;
  readonly unpriced_calls: number;
  readonly unpriced_models?: readonly string[];
}

export interface Comparison {
  readonly total_calls: number;
  readonly success_rate: number;
  readonly total_tokens: number;
  readonly total_cost: number;
}

export interface Bucket extends Tokens, Cost {
  readonly bucket_ms: number;
  readonly calls: number;
  readonly success: number;
  readonly failure: number;
  readonly reasoning_tokens: number;
  readonly total_tokens: number;
  readonly average_latency_ms: number | null;
  readonly success_rate: number;
  readonly failure_rate: number;
}

export interface TimelineBucket extends Bucket {
  readonly cache_hit_rate: number;
  readonly p95_latency_ms: number | null;
  readonly p95_ttft_ms: number | null;
}

export interface ModelStats extends Calls, Tokens, Cost {
  readonly model: string;
  readonly cache_hit_rate: number;
  readonly total_tokens: number;
  readonly last_seen_ms?: number;
}

export interface GroupStats extends Calls, Tokens, Cost, Snapshots {
  readonly id: string;
  readonly total_tokens: number;
  readonly average_latency_ms: number | null;
  readonly last_seen_ms: number;
  readonly models?: readonly ModelStats[];
}

export interface KeyContext extends Calls, Cost, Snapshots {
  readonly id: string;
  readonly failure_rate: number;
  readonly total_tokens: number;
  readonly last_seen_ms: number;
}

export interface KeyStats extends GroupStats {
  readonly api_key_hash: string;
  readonly api_key_alias?: string;
  readonly contexts?: readonly KeyContext[];
}

export interface CredentialStats extends GroupStats {
  readonly auth_file_snapshot?: string;
  readonly auth_project_id_snapshot?: string;
}

export interface ChannelShare extends Cost, Snapshots {
  readonly calls: number;
  readonly success: number;
  readonly failure: number;
  readonly tokens: number;
  readonly average_latency_ms: number | null;
}

export interface Anomaly {
  readonly bucket_ms: number;
  readonly bucket_end_ms: number;
  readonly severity: "low" | "medium" | "high";
  readonly metric_keys: readonly string[];
  readonly calls: number;
  readonly total_tokens: number;
  readonly cost: number;
  readonly confidence?: "normal" | "low";
}

export interface Contributor extends Cost {
  readonly key: string;
  readonly label?: string;
  readonly alias?: string;
  readonly calls: number;
  readonly share: number;
}

export interface HeatCell extends Cost {
  readonly weekday: number;
  readonly hour: number;
  readonly calls: number;
  readonly failure: number;
  readonly tokens: number;
  readonly failure_rate: number;
  readonly model_contributors?: readonly Contributor[];
  readonly api_key_contributors?: readonly Contributor[];
  readonly provider_contributors?: readonly Contributor[];
}

export interface Failure extends Snapshots {
  readonly timestamp_ms: number;
  readonly model: string;
  readonly duration_ms: number | null;
  readonly fail_status_code?: number;
  readonly fail_summary?: string;
}

export interface EventRow extends Tokens, Snapshots {
  readonly event_hash: string;
  readonly request_id?: string;
  readonly timestamp_ms: number;
  readonly model: string;
  readonly analytics_model?: string;
  readonly requested_model?: string;
  readonly resolved_model?: string;
  readonly endpoint: string;
  readonly method: string;
  readonly path: string;
  readonly client_ip?: string;
  readonly x_forwarded_for?: string;
  readonly user_agent?: string;
  readonly source_hash: string;
  readonly api_key_hash: string;
  readonly api_key_alias?: string;
  readonly auth_file_snapshot?: string;
  readonly auth_project_id_snapshot?: string;
  readonly reasoning_effort?: string;
  readonly service_tier?: string;
  readonly executor_type?: string;
  readonly reasoning_tokens: number;
  readonly total_tokens: number;
  readonly latency_ms: number | null;
  readonly ttft_ms: number | null;
  readonly failed: boolean;
  /** USD; null without a price. */
  readonly cost: number | null;
  readonly pricing_model?: string;
  readonly fail_status_code?: number;
  readonly fail_summary?: string;
  readonly header_error_kind?: string;
  readonly header_error_code?: string;
  readonly header_trace_id?: string;
  readonly header_quota_plan_type?: string;
  readonly response_metadata?: unknown;
}

export interface Events {
  readonly items: readonly EventRow[];
  readonly next_before_ms: number;
  readonly next_before_id: number;
  readonly has_more: boolean;
  readonly total_count: number;
}

export interface Selectors {
  readonly models?: readonly string[];
  readonly api_key_hashes?: readonly string[];
  readonly providers?: readonly string[];
  readonly auth_files?: readonly string[];
  readonly accounts?: readonly string[];
  readonly account_count?: number;
  readonly api_key_count?: number;
}

export interface Strip {
  readonly id: string;
  readonly success: readonly number[];
  readonly failure: readonly number[];
}

/** What was asked for is there; other sections are absent. */
export interface Analytics {
  readonly generated_at_ms: number;
  readonly granularity: Granularity;
  readonly summary?: Summary;
  readonly summary_comparison?: Comparison;
  readonly timeline?: readonly TimelineBucket[];
  readonly model_stats?: readonly ModelStats[];
  readonly model_timeline?: readonly (Bucket & { readonly model: string | null; readonly others: boolean })[];
  readonly channel_share?: readonly ChannelShare[];
  readonly account_stats?: readonly GroupStats[];
  readonly account_strips?: readonly Strip[];
  readonly api_key_stats?: readonly KeyStats[];
  readonly api_key_timeline?: readonly (Bucket & { readonly api_key_hash: string })[];
  readonly credential_stats?: readonly CredentialStats[];
  readonly credential_timeline?: readonly (Bucket & { readonly id: string })[];
  readonly heatmap?: readonly HeatCell[];
  readonly anomaly_points?: readonly Anomaly[];
  readonly recent_failures?: readonly Failure[];
  readonly events?: Events;
  readonly drilldown_preview?: Events;
  readonly filter_options?: Selectors;
}

export interface Filters {
  readonly models?: readonly string[];
  readonly providers?: readonly string[];
  readonly accounts?: readonly string[];
  readonly credential_ids?: readonly string[];
  readonly auth_files?: readonly string[];
  readonly auth_indices?: readonly string[];
  readonly api_key_hashes?: readonly string[];
  readonly project_ids?: readonly string[];
  readonly request_types?: readonly string[];
  readonly include_failed?: boolean;
  readonly failed_only?: boolean;
  readonly min_latency_ms?: number;
  readonly cache_status?: string;
}

export interface Question {
  readonly range: Range;
  readonly now: number;
  readonly search?: string;
  readonly searchHash?: string;
  readonly filters?: Filters;
  readonly include: Readonly<Record<string, unknown>>;
}

/** The time zone in which the server draws days and hours. */
export const TIME_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Ask for sections of figures. */
export function analytics(question: Question, signal?: AbortSignal): Promise<Analytics> {
  const { range, now, search, searchHash, filters, include } = question;
  const body = {
    from_ms: Math.max(1, Math.trunc(range.from)),
    to_ms: Math.trunc(range.to),
    now_ms: now,
    time_zone: TIME_ZONE,
    ...(search && { search_query: search }),
    ...(searchHash && { search_api_key_hash: searchHash }),
    ...(filters && Object.keys(filters).length && { filters }),
    include,
  };
  return api().call<Analytics>("/v0/management/monitoring/analytics", { method: "POST", body, signal });
}

export interface HealthPoint {
  readonly bucket_ms: number;
  readonly calls: number;
  readonly success: number;
  readonly failure: number;
  readonly success_rate: number;
  readonly tone: "good" | "warn" | "bad" | "empty" | "future";
}

export interface Channel extends Cost, Snapshots {
  readonly calls: number;
  readonly failures: number;
  readonly success_rate: number;
  readonly average_latency_ms: number | null;
  readonly tone: "good" | "warn" | "bad";
}

export interface Dashboard {
  readonly generated_at_ms: number;
  readonly today: Summary & { readonly zero_token_calls: number };
  readonly rolling_30m: { readonly rpm: number; readonly tpm: number; readonly total_calls: number; readonly total_tokens: number };
  readonly model_cost_rank: readonly (Cost & { readonly model: string; readonly calls: number; readonly tokens: number })[];
  readonly top_models_today: readonly (Cost & { readonly model: string; readonly calls: number; readonly tokens: number })[];
  readonly traffic_timeline: readonly { readonly bucket_ms: number; readonly calls: number; readonly tokens: number; readonly failure: number }[];
  readonly today_request_health_timeline: { readonly points: readonly HealthPoint[] };
  readonly token_mix: readonly { readonly key: "input" | "cached" | "output" | "reasoning"; readonly tokens: number; readonly share: number }[];
  readonly channel_health: readonly Channel[];
  readonly recent_failures: readonly Failure[];
}
