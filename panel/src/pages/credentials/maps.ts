/** Rules for the models of whole providers: which are left out, and what they are called. */

import { api } from "../../state/session";
import type { Alias } from "./lines";

const BASE = "/v0/management";

export interface Rules {
  readonly provider: string;
  readonly excluded: readonly string[];
  readonly aliases: readonly Alias[];
}

type MapOf<T> = Readonly<Record<string, readonly T[]>> | null;

/** The rules of all providers that have some, and of those that are known besides. */
export async function readRules(known: readonly string[], signal: AbortSignal): Promise<readonly Rules[]> {
  const [excluded, aliases] = await Promise.all([
    api().call<{ "oauth-excluded-models": MapOf<string> }>(`${BASE}/oauth-excluded-models`, { signal }),
    api().call<{ "oauth-model-alias": MapOf<Alias> }>(`${BASE}/oauth-model-alias`, { signal }),
  ]);
  const [left, named] = [excluded["oauth-excluded-models"] ?? {}, aliases["oauth-model-alias"] ?? {}];
  const providers = [...new Set([...known, ...Object.keys(left), ...Object.keys(named)])].filter(Boolean).sort();
  return providers.map((provider) => ({ provider, excluded: left[provider] ?? [], aliases: named[provider] ?? [] }));
}

/** Write what has changed of a provider's rules. */
export async function writeRules(before: Rules, after: Rules): Promise<void> {
  const changed = (name: "excluded" | "aliases") => JSON.stringify(before[name]) !== JSON.stringify(after[name]);
  const { provider } = before;
  if (changed("excluded")) await api().call(`${BASE}/oauth-excluded-models`, { method: "PATCH", body: { provider, models: after.excluded } });
  if (changed("aliases")) await api().call(`${BASE}/oauth-model-alias`, { method: "PATCH", body: { channel: provider, aliases: after.aliases } });
}
