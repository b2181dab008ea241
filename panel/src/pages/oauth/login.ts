/** A login at a provider, from its link to its end. */

import { api } from "../../state/session";

const BASE = "/v0/management";

export interface Started {
  readonly url: string;
  readonly state: string;
  readonly userCode?: string;
}

/** Begin a login; with a helper on CPA's machine where the provider sends the browser there. */
export async function begin(provider: string, helped: boolean): Promise<Started> {
  const answer = await api().call<{ url?: string; state?: string; user_code?: string }>(`${BASE}/${provider}-auth-url${helped ? "?is_webui=true" : ""}`);
  return { url: answer.url ?? "", state: answer.state ?? "", ...(answer.user_code && { userCode: answer.user_code }) };
}

export interface Progress {
  readonly status: "wait" | "ok" | "error";
  readonly error?: string;
}

export function progressOf(state: string, signal: AbortSignal): Promise<Progress> {
  return api().call(`${BASE}/get-auth-status?state=${encodeURIComponent(state)}`, { signal });
}

/** Hand over where the provider has sent the browser, or the bare code. */
export async function finish(provider: string, state: string, pasted: string): Promise<void> {
  const text = pasted.trim();
  const body = /^[a-z]+:\/\//i.test(text) ? { provider, redirect_url: text } : { provider, code: text, state };
  await api().call(`${BASE}/oauth-callback`, { method: "POST", body });
}

/** Give a login up. CPA before 7.2.64 forgets it by itself. */
export function abandon(state: string): void {
  api().call(`${BASE}/oauth-session?state=${encodeURIComponent(state)}`, { method: "DELETE" }).catch(() => undefined);
}

export interface Imported {
  readonly project_id?: string;
  readonly email?: string;
  readonly location?: string;
  readonly "auth-file"?: string;
}

/** A service account of Vertex. */
export function importVertex(file: File, place: string): Promise<Imported> {
  const form = new FormData();
  form.set("file", file);
  if (place.trim()) form.set("location", place.trim());
  return api().call<Imported>(`${BASE}/vertex/import`, { method: "POST", body: form });
}

/** Whether a link may be opened: it comes from CPA, and from plugins. */
export function isWeb(url: string): boolean {
  return /^https?:\/\//i.test(url);
}
