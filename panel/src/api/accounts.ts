/** What the Manager says of an account's quota and of what was done to it. */

import { api } from "../state/session";
import type { AccountShares, AccountTimeline, Forecast, WindowShares } from "./answers.generated";
import type { AuthFile } from "./authfile";
import { targetOf } from "./manager";

export type { AccountForecast, Burn, Deed, Forecast, Pool, Share, WindowShares } from "./answers.generated";

const BASE = "/v0/management/monitoring";

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

export function readTimeline(file: AuthFile, before: string, signal?: AbortSignal): Promise<AccountTimeline> {
  const query = new URLSearchParams({ auth_file_snapshot: file.name, auth_index: file.auth_index ?? "", ...(before && { before }) });
  return api().call(`${BASE}/account-timeline?${query}`, { signal });
}
