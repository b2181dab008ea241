/** What the Manager says of an account's quota and of what was done to it. */

import { api } from "../state/session";
import type { AuthFile } from "./authfile";
import { targetOf } from "./manager";

const BASE = "/v0/management/monitoring";

/** A quota window at the present rates: percent an hour, null where too little is known. */
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

export interface AccountForecast {
  readonly auth_file_snapshot: string;
  readonly auth_index: string;
  readonly windows: readonly Burn[];
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

export interface Forecast {
  readonly accounts: readonly AccountForecast[];
  readonly pools: readonly Pool[];
}

export function readForecast(signal: AbortSignal): Promise<Forecast> {
  return api().call(`${BASE}/forecast`, { signal });
}

export interface Use {
  readonly total_requests: number;
  readonly total_tokens: number;
  readonly total_cost: number;
  readonly unpriced_calls: number;
}

export interface Share extends Use {
  readonly api_key_hash: string;
  readonly model: string;
  /** Of the whole window, and of what is used of it. */
  readonly percent: number;
  readonly share: number;
}

export interface WindowShares {
  readonly provider_window_id: string;
  readonly model_scope: { readonly kind: string; readonly key: string };
  readonly from_ms: number | null;
  readonly to_ms: number;
  readonly over: boolean;
  readonly used_percent: number | null;
  readonly observed_at_ms: number;
  readonly unknown: string;
  readonly basis?: "cost" | "tokens";
  readonly scope_match_status?: "complete" | "partial" | "unmatched";
  readonly unmatched_requests?: number;
  readonly explained_percent?: number;
  readonly unexplained_percent?: number;
  readonly total?: Use;
  readonly later?: Use;
  readonly rows?: readonly Share[];
  readonly rest?: Use & { readonly groups: number; readonly percent: number };
}

function queryOf(file: AuthFile, more: Readonly<Record<string, string>> = {}): string {
  const known = Object.entries({ ...targetOf(file), ...more }).filter((pair): pair is [string, string] => Boolean(pair[1]));
  return new URLSearchParams(known).toString();
}

/** Who used up the windows of a credential. */
export async function readShares(file: AuthFile, signal: AbortSignal): Promise<readonly WindowShares[]> {
  return (await api().call<{ windows: readonly WindowShares[] }>(`${BASE}/account-window-shares?${queryOf(file)}`, { signal })).windows;
}

/** Something that was done to a credential, or seen of it. */
export interface Deed {
  readonly id: string;
  readonly at_ms: number;
  readonly kind: string;
  readonly action: string;
  readonly actor: { readonly kind: "daemon" | "person" | "outside"; readonly means: string; readonly name?: string };
  readonly done: boolean;
  readonly reason_code: string;
  readonly reason: string;
  readonly evidence: Readonly<Record<string, unknown>>;
}

export interface Timeline {
  readonly items: readonly Deed[];
  readonly next?: string;
}

export function readTimeline(file: AuthFile, before: string, signal?: AbortSignal): Promise<Timeline> {
  const query = new URLSearchParams({ auth_file_snapshot: file.name, auth_index: file.auth_index ?? "", ...(before && { before }) });
  return api().call(`${BASE}/account-timeline?${query}`, { signal });
}
