/** The price book, the models that were seen, and what of them has no price. */

import type { Price, PriceBook, SyncResult, UsageSummary } from "../../api/answers.generated";
import { analytics } from "../../api/analytics";
import { ApiError } from "../../api/client";
import { api } from "../../state/session";

export type { Candidate, Price, SyncResult } from "../../api/answers.generated";

/** What is sent of a price; when it was, the server says. */
export type NewPrice = Omit<Price, "updatedAtMs">;

export interface Row {
  readonly model: string;
  readonly calls: number;
  readonly price: Price | null;
  /** Whether calls of it have no price at all: not its own, nor another that stands for it. */
  readonly unpriced: boolean;
}

export interface Book {
  readonly rows: readonly Row[];
  /** The version that changes are made to. */
  readonly tag: string;
  readonly unpricedCalls: number;
  readonly calls: number;
}

const PATH = "/v0/management/model-prices";
const SYNC_MS = 45_000;

export async function readBook(signal: AbortSignal): Promise<Book> {
  const now = Date.now();
  const [book, seen, summary] = await Promise.all([
    api().answer<PriceBook>(PATH, { signal }),
    // The book is of use without it.
    api().call<UsageSummary>(`${PATH}/usage-summary`, { signal }).catch(unless(signal)),
    analytics({ range: { from: 1, to: now }, now, include: { summary: true, summary_profile: "compact" } }, signal),
  ]);
  const calls = new Map(seen?.models.filter((row) => row.model !== "-").map((row) => [row.model, row.calls]));
  const unpriced = new Set(summary.summary?.unpriced_models);
  const names = new Set([...Object.keys(book.value.prices), ...calls.keys(), ...unpriced]);
  const rows = [...names].map((model) => ({ model, calls: calls.get(model) ?? 0, price: book.value.prices[model] ?? null, unpriced: unpriced.has(model) }));
  rows.sort((a, b) => Number(b.unpriced) - Number(a.unpriced) || b.calls - a.calls || (a.model < b.model ? -1 : 1));
  return {
    rows,
    tag: book.headers.get("ETag") ?? "",
    unpricedCalls: summary.summary?.unpriced_calls ?? 0,
    calls: summary.summary?.total_calls ?? 0,
  };
}

function unless(signal: AbortSignal): (error: unknown) => null {
  return (error) => {
    if (signal.aborted || !(error instanceof ApiError)) throw error;
    return null;
  };
}

/** Save one price; the others stay. Fails if the book was changed since it was read. */
export async function savePrice(model: string, price: NewPrice, tag: string): Promise<void> {
  await api().call(`${PATH}/${encodeURIComponent(model)}`, { method: "PUT", body: price, headers: { "If-Match": tag } });
}

export async function deletePrice(model: string, tag: string): Promise<void> {
  await api().call(`${PATH}/${encodeURIComponent(model)}`, { method: "DELETE", headers: { "If-Match": tag } });
}

/** Ask the sources; `dryRun`: only to see what would be written. */
export function sync(models: readonly string[], dryRun: boolean): Promise<SyncResult> {
  return api().call<SyncResult>(`${PATH}/sync`, { method: "POST", body: { models, dryRun }, timeoutMs: SYNC_MS });
}

// -- fields of the form -------------------------------------------------------------------------

export const FIELDS = ["prompt", "completion", "cache", "cacheRead", "cacheCreation"] as const;
export type FieldName = (typeof FIELDS)[number];
export type Typed = Readonly<Record<FieldName, string>>;

/** A price that was set, even if it is 0; null where it was not. */
export function priceOf(price: NewPrice | null, field: FieldName): number | null {
  if (!price) return null;
  const value = price[field] ?? 0;
  const configured = field === "cache" ? false : price[`${field}Configured`] === true;
  return configured || value > 0 ? value : null;
}

export function typedOf(price: NewPrice | null): Typed {
  const text = (field: FieldName) => String(priceOf(price, field) ?? "");
  return { prompt: text("prompt"), completion: text("completion"), cache: text("cache"), cacheRead: text("cacheRead"), cacheCreation: text("cacheCreation") };
}

/** Whether a typed price will do: empty, or a number of at least 0. */
export function isPrice(text: string): boolean {
  return text.trim() === "" || (/^\d+(\.\d*)?$|^\.\d+$/.test(text.trim()) && Number.isFinite(Number(text)));
}

/** The price that was typed. What is empty is not set; an empty cache price is the input's. */
export function priceTyped(typed: Typed): NewPrice {
  const number = (field: FieldName) => Number(typed[field].trim() || 0);
  const set = (field: FieldName) => typed[field].trim() !== "";
  return {
    prompt: number("prompt"),
    completion: number("completion"),
    cache: set("cache") ? number("cache") : number("prompt"),
    cacheRead: number("cacheRead"),
    cacheCreation: number("cacheCreation"),
    promptConfigured: set("prompt"),
    completionConfigured: set("completion"),
    cacheReadConfigured: set("cacheRead"),
    cacheCreationConfigured: set("cacheCreation"),
    source: "manual",
  };
}
