/** What the Manager says of an account's quota and of what was done to it. */

import { api } from "../state/session";
import type { AccountShares, AccountTimeline, Forecast, WindowShares } from "./answers.generated";
import { providerOf, type AuthFile } from "./authfile";
import { ApiError } from "./client";
import { targetOf } from "./manager";

export type { AccountForecast, Burn, Deed, Forecast, Pool, Share, WindowShares } from "./answers.generated";

const BASE = "/v0/management/monitoring";
/** Longer than the Manager waits for the provider. */
const REFRESH_MS = 40_000;

export function readForecast(signal: AbortSignal): Promise<Forecast> {
  return api().call(`${BASE}/forecast`, { signal });
}

function queryOf(file: AuthFile, more: Readonly<Record<string, string>> = {}): string {
  const known = Object.entries({ ...targetOf(file), ...more }).filter((pair): pair is [string, string] => Boolean(pair[1]));
  return new URLSearchParams(known).toString();
}

/** Who used up the windows of a credential. */
export async function readShares(file: AuthFile, signal: AbortSignal): Promise<readonly WindowShares[]> {
  return (await api().call<AccountShares>(`${BASE}/account-window-shares?${queryOf(file)}`, { signal })).windows;
}

interface Refreshed {
  readonly items: readonly { readonly windows: unknown; readonly error?: string }[];
}

/** Have the Manager ask a provider, and keep what it tells: the windows; null from a Manager that can't. */
export async function refreshQuota(file: AuthFile): Promise<unknown> {
  const account = { row_key: file.name, provider: providerOf(file), account: targetOf(file) };
  const body = { accounts: [account] };
  try {
    const { items } = await api().call<Refreshed>("/v0/management/quota-snapshots/refresh", { method: "POST", body, timeoutMs: REFRESH_MS });
    const item = items[0];
    if (item?.error) throw new ApiError("provider_refused", 502, item.error);
    return item?.windows ?? [];
  } catch (error) {
    if (error instanceof ApiError && (error.status === 404 || error.status === 405)) return null;
    throw error;
  }
}

export function readTimeline(file: AuthFile, before: string, signal?: AbortSignal): Promise<AccountTimeline> {
  const query = new URLSearchParams({ auth_file_snapshot: file.name, auth_index: file.auth_index ?? "", ...(before && { before }) });
  return api().call(`${BASE}/account-timeline?${query}`, { signal });
}
