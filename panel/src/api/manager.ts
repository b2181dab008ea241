/** What the Manager itself knows of credentials: their past, their headers, their inspections. */

import { api } from "../state/session";
import type { AuthFile } from "./authfile";
import { providerOf } from "./authfile";

const BASE = "/v0/management";
const BATCH = 200;

export interface LastRequest {
  readonly timestamp_ms: number;
  readonly failed: boolean;
  readonly fail_status_code?: number;
  readonly fail_summary?: string;
  readonly header_error_kind?: string;
}

export interface History {
  readonly row_key: string;
  readonly matched: boolean;
  readonly total_requests: number;
  readonly success_calls: number;
  readonly failure_calls: number;
  readonly total_tokens: number;
  readonly total_cost: number;
  readonly success_rate: number | null;
  readonly first_seen_ms: number | null;
  readonly last_seen_ms: number | null;
  readonly recent_requests?: readonly LastRequest[];
}

export interface HeaderSnapshot {
  readonly timestamp_ms: number;
  readonly auth_file_snapshot?: string;
  readonly auth_index?: string;
  readonly model?: string;
  readonly response_metadata?: unknown;
  readonly header_quota_recover_at_ms?: number;
  readonly header_quota_used_percent?: number | null;
  readonly header_quota_plan_type?: string;
  readonly header_error_kind?: string;
  readonly header_error_code?: string;
  readonly header_trace_id?: string;
}

export interface WindowUsage {
  readonly window_key?: string;
  readonly total_requests: number;
  readonly total_tokens: number;
  readonly total_cost: number;
  readonly scope_match_status: "complete" | "partial" | "unmatched";
}

/** Who is asked about, as events remember it. */
export function targetOf(file: AuthFile): Readonly<Record<string, string | undefined>> {
  return {
    account_snapshot: file.account || file.email || "",
    auth_label_snapshot: file.label ?? "",
    auth_file_snapshot: file.name,
    auth_provider_snapshot: providerOf(file),
    auth_project_id_snapshot: file.project_id ?? "",
    auth_index: file.auth_index ?? "",
  };
}

/** The lifetime figures of credentials, by their keys. */
export async function readHistory(files: readonly (readonly [string, AuthFile])[], signal: AbortSignal): Promise<ReadonlyMap<string, History>> {
  const found = new Map<string, History>();
  for (let at = 0; at < files.length; at += BATCH) {
    const accounts = files.slice(at, at + BATCH).map(([key, file]) => ({ row_key: key, ...targetOf(file) }));
    const { items } = await api().call<{ items: readonly History[] }>(`${BASE}/monitoring/account-history`, { method: "POST", body: { accounts }, signal });
    for (const item of items) found.set(item.row_key, item);
  }
  return found;
}

export async function readHeaders(signal: AbortSignal): Promise<readonly HeaderSnapshot[]> {
  const path = `${BASE}/monitoring/header-snapshots?days=30&limit=1000`;
  return (await api().call<{ items: readonly HeaderSnapshot[] }>(path, { signal })).items;
}

export interface Cooldown {
  readonly authFileName: string;
  readonly authIndex: string;
  readonly recoverAtMs: number;
}

/** Credentials that the Manager lets rest until their quota is back. */
export async function readCooldowns(signal: AbortSignal): Promise<readonly Cooldown[]> {
  return (await api().call<{ items: readonly Cooldown[] }>("/usage-service/quota-cooldowns", { signal })).items;
}

export const CANDIDATES = `${BASE}/account-action-candidates`;

/** An account that wants a person, as failed requests have shown. */
export interface Candidate {
  readonly id: number;
  readonly actionType: "delete" | "reauth" | "review";
  readonly status: "pending" | "ignored" | "resolved" | "deleted";
  readonly provider?: string;
  readonly authFileName: string;
  readonly authIndex?: string;
  readonly accountSnapshot?: string;
  readonly authLabel?: string;
  readonly reasonCode?: string;
  readonly reason: string;
  readonly autoDisabledAtMs?: number;
  readonly evidence?: Readonly<Record<string, unknown>>;
  readonly lastError?: string;
  readonly firstSeenAtMs: number;
  readonly lastSeenAtMs: number;
  readonly hitCount: number;
}

export interface Candidates {
  readonly items: readonly Candidate[];
  readonly pendingCount: number;
}

export function readCandidates(status: string, limit: number, signal: AbortSignal): Promise<Candidates> {
  return api().call(`${CANDIDATES}?status=${status}&limit=${limit}`, { signal });
}

export interface Span {
  readonly key: string;
  readonly from: number;
  readonly to: number;
}

/** What a credential has used in each of some spans, in their order. */
export async function readWindowUsage(file: AuthFile, spans: readonly Span[], signal: AbortSignal): Promise<readonly WindowUsage[]> {
  if (spans.length === 0) return [];
  const windows = spans.map(({ key, from, to }) => ({ row_key: file.name, provider_window_id: key, window_key: key, period: "current", from_ms: from, to_ms: to, ...targetOf(file) }));
  return (await api().call<{ items: readonly WindowUsage[] }>(`${BASE}/monitoring/account-window-usage`, { method: "POST", body: { windows }, signal })).items;
}

// -- inspection ---------------------------------------------------------------------------------

export interface Run {
  readonly id: number;
  readonly triggerType: "manual" | "scheduled";
  readonly status: "running" | "cancelling" | "completed" | "failed" | "cancelled" | "interrupted";
  readonly startedAtMs: number;
  readonly finishedAtMs?: number;
  readonly totalFiles: number;
  readonly probeSetCount: number;
  readonly sampledCount: number;
  readonly completedCount: number;
  readonly deleteCount: number;
  readonly disableCount: number;
  readonly enableCount: number;
  readonly reauthCount: number;
  readonly keepCount: number;
  readonly error?: string;
  readonly active: boolean;
  readonly cancellable: boolean;
}

export type Action = "keep" | "disable" | "enable" | "delete" | "reauth";

export interface Result {
  readonly id: number;
  readonly fileName: string;
  readonly displayAccount: string;
  readonly authIndex?: string;
  readonly provider: string;
  readonly disabled: boolean;
  readonly action: Action;
  readonly actionReason?: string;
  readonly actionReasonCode?: string;
  readonly actionStatus: "none" | "pending" | "success" | "failed" | "skipped" | "needs_review";
  readonly executedAction?: string;
  readonly actionError?: string;
  readonly statusCode?: number;
  readonly usedPercent?: number;
  readonly error?: string;
  readonly planType?: string;
  readonly quotaWindows?: unknown;
  readonly errorKind?: string;
  readonly errorDetail?: string;
  readonly createdAtMs: number;
}

export interface LogEntry {
  readonly id: number;
  readonly level: "info" | "success" | "warning" | "error";
  readonly message: string;
  readonly detail?: Readonly<Record<string, unknown>>;
  readonly createdAtMs: number;
}

export interface RunDetail {
  readonly run: Run;
  readonly results: readonly Result[];
  readonly logs: readonly LogEntry[];
}

export interface Runs {
  readonly items: readonly Run[];
  readonly nextScheduledAtMs?: number;
}

export interface Outcome {
  readonly resultId: number;
  readonly fileName: string;
  readonly displayAccount: string;
  readonly action: string;
  readonly status: "planned" | "success" | "failed" | "skipped" | "needs_review";
  readonly error?: string;
}

export const INSPECTION = `${BASE}/codex-inspection`;

export function readRuns(limit: number, signal?: AbortSignal): Promise<Runs> {
  return api().call<Runs>(`${INSPECTION}/runs?limit=${limit}`, { signal });
}

export function readRun(id: number, signal?: AbortSignal): Promise<RunDetail> {
  return api().call<RunDetail>(`${INSPECTION}/runs/${id}`, { signal });
}
