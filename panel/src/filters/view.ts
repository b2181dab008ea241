/** Range, search and filters of a page, as its address has them, and the request they make. */

import type { Filters } from "../api/analytics";
import { isKeyHash } from "../state/names";
import { preferences } from "../state/preferences";
import { valuesOf, type Location, type Query } from "../state/router";
import { sha256 } from "../text/sha256";
import { bucketStart, granularityOf, HOUR, midnight, namedRange, type Granularity, type Range, type RangeName } from "../text/ranges";

/** Names in the address, and the filters that they are. */
export const LISTS = {
  model: "models",
  api_key_hash: "api_key_hashes",
  provider: "providers",
  account: "accounts",
  auth_file: "auth_files",
  auth_index: "auth_indices",
  credential: "credential_ids",
  project_id: "project_ids",
  request_type: "request_types",
} as const satisfies Readonly<Record<string, keyof Filters>>;

export type ListName = keyof typeof LISTS;
export const LIST_NAMES = Object.keys(LISTS) as readonly ListName[];

/** All names that belong to filters, in the order of their chips. */
export const FILTER_NAMES = [...LIST_NAMES, "status", "min_latency_ms", "cache_status", "search", "search_hash"] as const;
export type FilterName = (typeof FILTER_NAMES)[number];

export const RANGE_NAMES = ["24h", "today", "yesterday", "7d", "14d", "30d", "all", "custom"] as const;

/** What an address asks to be shown. */
export interface View {
  readonly name: RangeName;
  readonly custom: Range | null;
  readonly granularity: Granularity | "auto";
  readonly search: string;
  readonly searchHash: string;
  readonly filters: Filters;
}

/** Whether anything but the range is chosen. */
export function isFiltered(view: View): boolean {
  return Boolean(view.search || view.searchHash) || Object.keys(view.filters).length > 0;
}

/** The view that an address has; `otherwise` is the range of a page that is not told any. */
export function viewOf(query: Query, otherwise: RangeName): View {
  const [from, to] = [Number(query["from_ms"]), Number(query["to_ms"])];
  const custom = from > 0 && to > from ? { from, to } : null;
  const asked = RANGE_NAMES.find((name) => name === query["time_range"]);
  const name = asked === "custom" && !custom ? otherwise : (asked ?? (custom ? "custom" : otherwise));
  const { granularity } = query;
  return {
    name,
    custom: name === "custom" ? custom : null,
    granularity: granularity === "hour" || granularity === "day" ? granularity : "auto",
    search: query["search"] ?? "",
    searchHash: query["search_hash"] ?? "",
    filters: filtersOf(query),
  };
}

/** The view of a page: without a range in its address it has the one that was chosen last. */
export function pageView({ path, query }: Location, otherwise: RangeName): View {
  return viewOf(query, RANGE_NAMES.find((name) => name === preferences.value.ranges?.[path]) ?? otherwise);
}

/** What a link may say of an account instead of its name, and the filters that it is. */
const ACCOUNT_KINDS = { auth: "auth_indices", source: "source_hashes", "api-key": "api_key_hashes" } as const;
const ACCOUNT = /^(?:account:|(auth|source|api-key):)?(.*)$/s;

/** What is searched for, of which a link says how it is known. */
export function accountOf(value: string): string {
  return ACCOUNT.exec(value)?.[2] ?? value;
}

function whose(value: string): readonly (readonly [keyof Filters, string])[] {
  const kind = ACCOUNT.exec(value)?.[1] as keyof typeof ACCOUNT_KINDS | undefined;
  const name = accountOf(value);
  return kind ? name.split(",").map((one) => [ACCOUNT_KINDS[kind], one] as const) : [["accounts", name]];
}

function filtersOf(query: Query): Filters {
  const latency = Math.trunc(Number(query["min_latency_ms"]));
  const chosen = LIST_NAMES.flatMap((name) => valuesOf(query[name]).flatMap((value) => (name === "account" ? whose(value) : [[LISTS[name], value] as const])));
  const lists: Record<string, readonly string[]> = {};
  for (const [list, value] of chosen) lists[list] = [...(lists[list] ?? []), value];
  return {
    ...lists,
    ...(query["status"] === "failed" && { failed_only: true }),
    ...(query["status"] === "success" && { include_failed: false }),
    ...(latency > 0 && { min_latency_ms: latency }),
    ...(query["cache_status"] && { cache_status: query["cache_status"] }),
  };
}

/** The exact range of a view at a moment, and how it is cut. */
export function rangeOf(view: View, now: number): { readonly range: Range; readonly granularity: Granularity } {
  const range = namedRange(view.name, now, view.custom ?? undefined);
  const granularity = view.granularity === "auto" ? granularityOf(range) : view.granularity;
  return { range, granularity };
}

/** Until when a view shows the same events if none come: hours of the last 24 pass, and days. */
export function holdsUntil({ name }: View, now: number): number {
  if (name === "custom" || name === "all") return Infinity;
  return name === "24h" ? bucketStart(now, "hour") + HOUR : midnight(now, 1);
}

const KEY_LENGTH = 20;

/** Whether a text is a client key: one that is known, or looks like one. */
function isKey(text: string): boolean {
  return (text.startsWith("sk-") && text.length >= KEY_LENGTH) || isKeyHash(sha256(text));
}

/** What a typed search text becomes in the address: a client key is never written there. */
export function searchQuery(text: string): { readonly search: string; readonly search_hash: string } {
  const trimmed = text.trim();
  return isKey(trimmed) ? { search: "", search_hash: sha256(trimmed) } : { search: trimmed, search_hash: "" };
}

/** The searching part of a request: a text may be a whole key, which is known by its hash alone. */
export function searchOf(view: View): { readonly search: string; readonly searchHash: string } {
  if (view.searchHash) return { search: "", searchHash: view.searchHash };
  return { search: isKey(view.search) ? "" : view.search, searchHash: view.search ? sha256(view.search) : "" };
}

/** The range and the filters of a view, to be taken along to another page. */
export function carried(query: Query, view: View): Record<string, string | number> {
  const filters = FILTER_NAMES.flatMap((name) => (query[name] ? [[name, query[name]] as const] : []));
  const range = view.custom ? { from_ms: view.custom.from, to_ms: view.custom.to } : { time_range: view.name };
  return { ...Object.fromEntries(filters), ...range };
}
