/** Reading, writing and trying AI providers. */

import { signal } from "@preact/signals";
import { ApiError } from "../../api/client";
import { callThrough, type Reply } from "../../api/cpa";
import type { Tries } from "../../api/authfile";
import { api, noteHeaders } from "../../state/session";
import { bare, equal, isOff, isSame, keysOf, list, modelsOf, switched, text } from "./entries";
import { isOpenai, KINDS, type Entry, type Kind } from "./kinds";

const BASE = "/v0/management";

export interface Row {
  readonly key: string;
  readonly kind: Kind;
  readonly entry: Entry;
  readonly off: boolean;
  readonly tries: readonly Tries[];
}

type Config = Readonly<Record<string, unknown>>;
type Usage = Readonly<Record<string, Readonly<Record<string, { readonly recent_requests?: readonly Tries[] }>>>>;

export interface Providers {
  /** The kinds that this CPA knows. */
  readonly kinds: readonly Kind[];
  readonly rows: readonly Row[];
  /** Whether its entries may say themselves if they cool down. */
  readonly cooling: boolean;
}

export async function readProviders(signal: AbortSignal): Promise<Providers> {
  const [{ value: config, headers }, usage] = await Promise.all([
    api().answer<Config>(`${BASE}/config`, { signal }),
    // Without these figures the list is as good.
    api().call<Usage>(`${BASE}/api-key-usage`, { signal }).catch(() => ({})),
  ]);
  noteHeaders(headers);
  const kinds = KINDS.filter(({ section }) => section in config);
  const rows = kinds.flatMap((kind) => entriesOf(config, kind).map((entry, at) => ({ key: `${kind.id}-${at}`, kind, entry, off: isOff(kind, entry), tries: triesOf(entry, usage) })));
  return { kinds, rows, cooling: "disable-cooling" in config };
}

function entriesOf(config: Config, kind: Kind): readonly Entry[] {
  return list(config[kind.section]) as readonly Entry[];
}

/** Tries are counted by address and key. */
function triesOf(entry: Entry, usage: Usage): readonly Tries[] {
  const base = text(entry["base-url"]);
  const keys = keysOf(entry);
  const found = Object.values(usage).flatMap((group) => Object.entries(group));
  const mine = found.filter(([name]) => keys.some((key) => name === `${base}|${key}` || (base === "" && name.endsWith(`|${key}`))));
  const [first, ...others] = mine.map(([, counted]) => counted.recent_requests ?? []);
  return (first ?? []).map((bucket, at) => others.reduce((sum, tries) => ({ ...sum, success: sum.success + (tries[at]?.success ?? 0), failed: sum.failed + (tries[at]?.failed ?? 0) }), bucket));
}

// -- writing ------------------------------------------------------------------------------------

/** Replace an entry, or add one with `before` null; refused if it is not what was read. */
export async function writeEntry(kind: Kind, before: Entry | null, after: Entry): Promise<void> {
  const config = await api().call<Config>(`${BASE}/config`);
  const now = entriesOf(config, kind);
  const at = before ? now.findIndex((entry) => isSame(kind, entry, before)) : -1;
  if (before && (at < 0 || !equal(now[at] ?? {}, before))) throw new ApiError("changed_meanwhile", 409, "");
  if (now.some((entry, index) => index !== at && isSame(kind, entry, after))) throw new ApiError("exists_already", 409, "");
  const items = at < 0 ? [...now, after] : now.map((entry, index) => (index === at ? after : entry));
  await api().call(`${BASE}/${kind.section}`, { method: "PUT", body: items.map(bare) });
}

export function switchEntry({ kind, entry }: Row, off: boolean): Promise<void> {
  return writeEntry(kind, entry, switched(kind, entry, off));
}

export async function deleteEntry({ kind, entry }: Row): Promise<void> {
  const which: Record<string, string> = isOpenai(kind) ? { name: text(entry["name"]) } : { "api-key": text(entry["api-key"]), "base-url": text(entry["base-url"]) };
  await api().call(`${BASE}/${kind.section}?${new URLSearchParams(which)}`, { method: "DELETE" });
}

// -- trying -------------------------------------------------------------------------------------

export interface Trial {
  readonly ok: boolean;
  readonly ms: number;
  readonly detail: string;
}

/** What came of trials in this session, by credential. */
const trials = signal<ReadonlyMap<string, Trial | "running">>(new Map());

const credentialOf = (kind: Kind, entry: Entry): string => [kind.id, text(entry["base-url"]), text(entry["name"]), ...keysOf(entry)].join("\n");

export function trialOf({ kind, entry }: Pick<Row, "kind" | "entry">): Trial | "running" | undefined {
  return trials.value.get(credentialOf(kind, entry));
}

function noteTrial(kind: Kind, entry: Entry, trial: Trial | "running"): void {
  trials.value = new Map(trials.value).set(credentialOf(kind, entry), trial);
}

const TRIAL_MS: Readonly<Record<string, number>> = { codex: 20_000 };

function send(kind: Kind, entry: Entry, key: string, method: "GET" | "POST", path: string, body?: unknown): Promise<Reply> {
  const base = (text(entry["base-url"]) || kind.base).replace(/\/+$/, "");
  const proxy = text(entry["proxy-url"]);
  const own = (entry["headers"] ?? {}) as Readonly<Record<string, string>>;
  const call = { method, url: base + path, header: { ...kind.header(key), ...own }, ...(body !== undefined && { data: JSON.stringify(body) }), ...(proxy && { proxy_url: proxy }) };
  return callThrough(call, TRIAL_MS[kind.id] ?? 30_000);
}

/** Try an entry with a tiny question to its first model; without models, list what it has. */
export async function tryEntry(kind: Kind, entry: Entry): Promise<void> {
  const started = performance.now();
  noteTrial(kind, entry, "running");
  const [model] = modelsOf(entry);
  let trial: Trial = { ok: true, ms: 0, detail: "" };
  for (const key of keysOf(entry)) {
    try {
      const { path, body } = model || !kind.models ? kind.probe(model ?? "") : { path: kind.models, body: undefined };
      const reply = await send(kind, entry, key, body === undefined ? "GET" : "POST", path, body);
      if (reply.status < 200 || reply.status > 299) trial = { ok: false, ms: 0, detail: `${reply.status} ${reply.text.slice(0, 200)}` };
    } catch (error) {
      trial = { ok: false, ms: 0, detail: error instanceof ApiError ? error.message : String(error) };
    }
    if (!trial.ok) break;
  }
  noteTrial(kind, entry, { ...trial, ms: performance.now() - started });
}

const AT_ONCE = 3;

export async function tryAll(rows: readonly Row[]): Promise<void> {
  const left = [...rows];
  const work = async () => {
    for (let row = left.shift(); row; row = left.shift()) await tryEntry(row.kind, row.entry);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

/** The models that the provider itself lists. */
export async function discover(kind: Kind, entry: Entry): Promise<readonly string[]> {
  const reply = await send(kind, entry, keysOf(entry)[0] ?? "", "GET", kind.models);
  if (reply.status < 200 || reply.status > 299) throw new ApiError("provider_refused", reply.status, reply.text.slice(0, 300));
  const answer = (reply.json ?? {}) as { data?: readonly { id?: string }[]; models?: readonly { name?: string }[] };
  const names = [...(answer.data ?? []).map((model) => model.id), ...(answer.models ?? []).map((model) => model.name?.replace(/^models\//, ""))];
  return [...new Set(names)].filter((name) => name !== undefined).sort();
}
