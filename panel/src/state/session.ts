/** Which server answers, who is logged in, and how far the start has come. */

import { batch, computed, signal } from "@preact/signals";
import { bootstrap, type CpaParts } from "../api/bootstrap";
import { ApiError, Client } from "../api/client";
import type { Aliases, Info, ManagerConfig, Status } from "../api/types";
import { apiBase } from "../text/address";
import { store, stored } from "./preferences";
import { go, location } from "./router";

export type Mode = "manager" | "cpa";
export type Boot = "checking" | "setup" | "login" | "restoring" | "running";

const NAME = "cpamp.session";
const SERVICES = ["cpa-manager-plus", "cpa-manager", "cpa-usage-service"];
const PROBE_MS = 5_000;

interface Remembered {
  readonly mode: Mode;
  readonly base: string;
  readonly key?: string;
}

export const mode = signal<Mode>("manager");
export const boot = signal<Boot>("checking");
export const info = signal<Info | null>(null);
export const base = signal(apiBase(window.location.href));
/** Why the session ended, if not by the user. */
export const ended = signal<ApiError | null>(null);
/** What the Manager says of its configuration; null until it has been read. */
export const config = signal<ManagerConfig | null>(null);
export const status = signal<Status | null>(null);
export const statusAt = signal(0);
/** The names of client keys; null until they have been read. */
export const aliasList = signal<Aliases | null>(null);
/** What CPA says of itself, part by part; null until it has answered, or has not in time. */
export const cpa = signal<CpaParts | null>(null);
/** Headers of CPA that came with one of its answers. */
export const cpaHeaders = signal<Readonly<Record<string, string>>>({});
const client = signal<Client | null>(null);

/** The client of the session; there is one whenever a page is shown. */
export function api(): Client {
  if (!client.value) throw new Error("nobody is logged in");
  return client.value;
}

/** Why CPA tells nothing of itself; null where it does, and while it is not known. */
export const cpaProblem = computed<ApiError | null>(() => {
  const usage = cpa.value?.usage;
  return usage && "code" in usage ? new ApiError(usage.code, 0, usage.error) : null;
});

/** Whether the key was refused in the middle of things: the page waits, with all that was typed in it. */
export const interrupted = computed(() => boot.value === "login" && client.value !== null);

/** Whether CPA does not answer the Manager: null while that is not known. */
export const cpaDown = computed<boolean | null>(() => {
  if (mode.value === "cpa") return false;
  if (!config.value || !cpa.value) return null;
  return Boolean(config.value.config.cpaConnection?.cpaBaseUrl) && cpaProblem.value !== null;
});

/** Whether pages of recorded usage have something to show. */
export const monitored = computed(() => {
  if (mode.value === "cpa") return false;
  if ((status.value?.events ?? 0) > 0 || !config.value) return true;
  const { cpaConnection, collector } = config.value.config;
  return Boolean(cpaConnection?.cpaBaseUrl && cpaConnection.managementKey) && collector?.enabled !== false;
});

/** Find out what answers here, and go on from there. */
export async function start(): Promise<void> {
  const found = await detect();
  const remembered = recall();
  if (found) info.value = found;
  mode.value = found ? "manager" : "cpa";
  if (found && needsSetup(found)) {
    boot.value = "setup";
    return;
  }
  const key = remembered?.mode === mode.value && remembered.base === base.value ? remembered.key : undefined;
  if (!key) {
    boot.value = "login";
    return;
  }
  boot.value = "restoring";
  try {
    await logIn(key, true);
  } catch (error) {
    const refused = error instanceof ApiError && error.status === 401;
    batch(() => {
      ended.value = error instanceof ApiError ? error : new ApiError("failed", 0, String(error));
      boot.value = "login";
    });
    if (refused) forget();
  }
}

export function needsSetup(found: Info): boolean {
  return found.setupRequired === true || (found.projectInitialized ?? found.configured) !== true;
}

async function detect(): Promise<Info | null> {
  const placed = document.getElementById("cpamp-boot")?.textContent;
  try {
    const known: unknown = placed ? JSON.parse(placed) : null;
    if (isManager(known)) return known;
  } catch {
    // What the server placed in the page can't be read: ask it.
  }
  try {
    const probe = new Client(base.value, "", () => undefined);
    const answer = await probe.call<unknown>("/usage-service/info", { timeoutMs: PROBE_MS });
    return isManager(answer) ? answer : null;
  } catch {
    return null;
  }
}

function isManager(answer: unknown): answer is Info {
  return SERVICES.includes((answer as Info | null)?.service ?? "");
}

/** Check a key, and open the panel with it; raises `ApiError` if it is not accepted. */
export async function logIn(key: string, remember: boolean): Promise<void> {
  const candidate = new Client(base.value, key, refuse, () => cpaDown.peek() === true);
  const trial = new Client(base.value, key, () => undefined);
  if (mode.value === "manager") {
    await begin(trial);
    readAtLogin = status.peek();
  } else {
    const { headers } = await trial.answer("/v0/management/config");
    noteHeaders(headers);
  }
  if (remember) store(NAME, JSON.stringify({ mode: mode.value, base: base.value, key }));
  batch(() => {
    client.value = candidate;
    ended.value = null;
    boot.value = "running";
  });
}

/** Read all that every page needs; CPA may take its time to answer, and nothing waits for it. */
async function begin(by: Client): Promise<void> {
  const started = await bootstrap(by);
  const { own } = started;
  batch(() => {
    info.value = own.info;
    config.value = own.config;
    status.value = own.status;
    statusAt.value = Date.now();
    aliasList.value = own.aliases;
  });
  void started.cpa.then((parts) => {
    cpa.value = parts;
    if ("data" in parts.version) cpaHeaders.value = { ...parts.version.data };
  });
}

// What the login has read is good enough for the first page, but not for later ones.
let readAtLogin: Status | null = null;
const LOGIN_MS = 10_000;

/** Read how the Manager does. */
export async function readStatus(signal?: AbortSignal): Promise<Status> {
  const early = Date.now() - statusAt.peek() < LOGIN_MS ? readAtLogin : null;
  const found = early ?? (await api().call<Status>("/status", { signal }));
  readAtLogin = null;
  batch(() => {
    status.value = found;
    statusAt.value = Date.now();
  });
  return found;
}

/** Read the configuration again, and all that came with it at the start. */
export async function readConfig(): Promise<void> {
  try {
    await begin(api());
  } catch {
    // The pages say themselves what they can't show; the next refresh asks again.
  }
}

/** Remember what CPA tells of itself with every answer. */
export function noteHeaders(headers: Headers): void {
  const found: Record<string, string> = {};
  const names = { version: "Version", commit: "Commit", buildDate: "Build-Date", plugins: "Support-Plugin" } as const;
  for (const [name, header] of Object.entries(names)) {
    const value = headers.get(`X-CPA-${header}`) ?? headers.get(`X-Server-${header}`);
    if (value) found[name] = value;
  }
  if (Object.keys(found).length) cpaHeaders.value = { ...cpaHeaders.value, ...found };
}

function refuse(error: ApiError): void {
  // Behind the Manager a 401 is the Manager's own word only with this code.
  if (mode.value === "manager" && !["invalid_admin_key", "http_401"].includes(error.code)) return;
  if (boot.value !== "running") return;
  forget();
  client.value?.close(error);
  batch(() => {
    ended.value = error;
    boot.value = "login";
  });
}

/** End the session by the user's wish; the next one starts at the first page. */
export function logOut(): void {
  forget();
  leave();
  go("/");
}

function leave(): void {
  batch(() => {
    client.value = null;
    config.value = null;
    status.value = null;
    aliasList.value = null;
    cpa.value = null;
    ended.value = null;
    boot.value = "login";
  });
}

function recall(): Remembered | null {
  try {
    return JSON.parse(stored(NAME) ?? "null") as Remembered | null;
  } catch {
    return null;
  }
}

/** Forget the key, but not where the server is. */
export function forget(): void {
  store(NAME, JSON.stringify({ mode: mode.value, base: base.value }));
}

// Tabs follow each other: who logs out in one has logged out in all.
window.addEventListener("storage", (event) => {
  if (event.key === NAME && boot.value === "running" && !recall()?.key && event.oldValue?.includes('"key"')) {
    leave();
  }
});

/** The place that was asked for is kept in the address while the login form is shown. */
export const place = computed(() => location.value.path);
