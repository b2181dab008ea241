/** What the Manager itself knows of credentials: their past, their headers, their inspections. */

import { api } from "../state/session";
import type { AccountHistories, AccountHistory as History, CandidateList as Candidates, CooldownJson as Cooldown, CooldownList, HeaderSnapshot, HeaderSnapshots, ResultJson, RunDetail, Runs, WindowUsage, WindowUsages } from "./answers.generated";
import type { AuthFile } from "./authfile";
import { providerOf } from "./authfile";

export type {
  AccountHistory as History,
  CandidateJson as Candidate,
  CandidateList as Candidates,
  CooldownJson as Cooldown,
  HeaderSnapshot,
  LogJson as LogEntry,
  Mark as LastRequest,
  OutcomeJson as Outcome,
  ResultJson as Result,
  RunDetail,
  RunJson as Run,
  Runs,
  WindowUsage,
} from "./answers.generated";

export type Action = ResultJson["action"];

const BASE = "/v0/management";
const BATCH = 200;

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
    const { items } = await api().call<AccountHistories>(`${BASE}/monitoring/account-history`, { method: "POST", body: { accounts }, signal });
    for (const item of items) found.set(item.row_key, item);
  }
  return found;
}

export async function readHeaders(signal: AbortSignal): Promise<readonly HeaderSnapshot[]> {
  const path = `${BASE}/monitoring/header-snapshots?days=30&limit=1000`;
  return (await api().call<HeaderSnapshots>(path, { signal })).items;
}

/** Credentials that the Manager lets rest until their quota is back. */
export async function readCooldowns(signal: AbortSignal): Promise<readonly Cooldown[]> {
  return (await api().call<CooldownList>("/usage-service/quota-cooldowns", { signal })).items;
}

export const CANDIDATES = `${BASE}/account-action-candidates`;

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
  return (await api().call<WindowUsages>(`${BASE}/monitoring/account-window-usage`, { method: "POST", body: { windows }, signal })).items;
}

// -- inspection ---------------------------------------------------------------------------------

export const INSPECTION = `${BASE}/codex-inspection`;

export function readRuns(limit: number, signal?: AbortSignal): Promise<Runs> {
  return api().call<Runs>(`${INSPECTION}/runs?limit=${limit}`, { signal });
}

export function readRun(id: number, signal?: AbortSignal): Promise<RunDetail> {
  return api().call<RunDetail>(`${INSPECTION}/runs/${id}`, { signal });
}
