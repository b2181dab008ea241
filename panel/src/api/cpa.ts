/** What CPA answers of its credentials and settings, directly or through the Manager's proxy. */

import { api, mode, noteHeaders } from "../state/session";
import { providerOf, type AuthFile } from "./authfile";

const BASE = "/v0/management";

/** All credentials that have a file, or live in CPA's memory. */
export async function readAuthFiles(signal?: AbortSignal): Promise<readonly AuthFile[]> {
  const { value, headers } = await api().answer<{ files: readonly AuthFile[] | null }>(`${BASE}/auth-files`, { signal });
  noteHeaders(headers);
  return value.files ?? [];
}

/** Who is meant, for the Manager: it refuses a change if CPA has somebody else by now. */
function identity(file: AuthFile): Readonly<Record<string, string>> {
  return {
    name: file.name,
    runtimeId: file.id,
    authIndex: file.auth_index ?? "",
    provider: providerOf(file),
    accountId: file.id_token?.chatgpt_account_id ?? "",
    accountSnapshot: file.account || file.email || "",
  };
}

const coded = (value: unknown): string => encodeURIComponent(JSON.stringify(value));

/** Switch a credential on or off. */
export async function switchFile(file: AuthFile, disabled: boolean): Promise<void> {
  const who = identity(file);
  const verified = {
    cpamp_physical_name: who["name"],
    cpamp_runtime_id: who["runtimeId"],
    cpamp_provider: who["provider"],
    cpamp_account_id: who["accountId"],
    cpamp_account_snapshot: who["accountSnapshot"],
  };
  const body = { name: file.id || file.name, auth_index: file.auth_index, disabled, ...(mode.value === "manager" && verified) };
  await api().call(`${BASE}/auth-files/status`, { method: "PATCH", body });
}

/** Delete a file with all the credentials that come from it. */
export async function deleteFile(name: string, members: readonly AuthFile[]): Promise<void> {
  const headers = {
    "X-CPAMP-Auth-File-Physical-Name": encodeURIComponent(name),
    "X-CPAMP-Auth-File-Delete-Identities": coded(members.map(identity)),
  };
  const path = `${BASE}/auth-files?name=${encodeURIComponent(name)}`;
  await api().call(path, { method: "DELETE", ...(mode.value === "manager" && { headers }) });
}

export async function changeFields(name: string, fields: Readonly<Record<string, unknown>>): Promise<void> {
  await api().call(`${BASE}/auth-files/fields`, { method: "PATCH", body: { name, ...fields } });
}

/** Store a credential under a name; one of the same name is replaced. */
export async function uploadFile(name: string, text: string): Promise<void> {
  const body = new Blob([text], { type: "application/json" });
  await api().call(`${BASE}/auth-files?name=${encodeURIComponent(name)}`, { method: "POST", body });
}

/** The file itself, with its live tokens. */
export async function downloadFile(name: string): Promise<Blob> {
  const response = await api().open(`${BASE}/auth-files/download?name=${encodeURIComponent(name)}`);
  return response.blob();
}

export interface FileModel {
  readonly id: string;
  readonly display_name?: string;
  readonly owned_by?: string;
}

export async function readFileModels(name: string, signal: AbortSignal): Promise<readonly FileModel[]> {
  const path = `${BASE}/auth-files/models?name=${encodeURIComponent(name)}`;
  return (await api().call<{ models: readonly FileModel[] | null }>(path, { signal })).models ?? [];
}

export interface Call {
  readonly authIndex?: string | undefined;
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly header: Readonly<Record<string, string>>;
  readonly data?: string;
  readonly proxy_url?: string;
}

export interface Reply {
  readonly status: number;
  readonly text: string;
  /** The body, if it is JSON. */
  readonly json: unknown;
}

/** One HTTP call that CPA makes; `$TOKEN$` in a header stands for the credential's token. */
export async function callThrough(call: Call, timeoutMs = 30_000): Promise<Reply> {
  const reply = await api().call<{ status_code?: number; body?: unknown }>(`${BASE}/api-call`, { method: "POST", body: call, timeoutMs });
  const text = typeof reply.body === "string" ? reply.body : JSON.stringify(reply.body ?? "");
  let json: unknown = null;
  try {
    json = JSON.parse(text);
  } catch {
    // A body of another kind is looked at as a text.
  }
  return { status: reply.status_code ?? 0, text, json };
}
