/** The rows of requests: pages of them from the server, as they are looked at. */

import { analytics, type Analytics, type EventRow, type Strip, type Summary } from "../../api/analytics";
import type { Outcome } from "../../charts/marks";
import { rangeOf, searchOf, type View } from "../../filters/view";
import type { Granularity, Range } from "../../text/ranges";

export const PAGE_ROWS = 200;
/** Browsers draw nothing that is higher. */
export const MOST_ROWS = 500_000;
/** What is here at a time. */
const MOST_PAGES = 10;
export const TABS = ["realtime", "accounts", "apiKeys"] as const;
export type Tab = (typeof TABS)[number];

export interface Shown {
  readonly range: Range;
  readonly granularity: Granularity;
  readonly now: number;
  readonly answer: Analytics;
  readonly summary: Summary;
}

const SECTIONS: Readonly<Record<Tab, object>> = {
  realtime: { events_page: { limit: PAGE_ROWS }, account_strips: true },
  accounts: { account_stats: true, account_strips: true },
  apiKeys: { api_key_stats: true },
};

/** Everything that a tab shows, in one answer. */
export async function readTab(view: View, tab: Tab, signal: AbortSignal): Promise<Shown> {
  const now = Date.now();
  const { range, granularity } = rangeOf(view, now);
  const include = { summary: true, summary_profile: "compact", summary_percentiles: true, granularity, ...SECTIONS[tab] };
  const answer = await analytics({ range, now, ...searchOf(view), filters: view.filters, include }, signal);
  return { range, granularity, now, answer, summary: answer.summary! };
}

/** The rows of a tab, with no more of them than it takes to count them. */
export async function countRows(view: View, tab: "accounts" | "apiKeys", signal: AbortSignal): Promise<Analytics> {
  const now = Date.now();
  const include = tab === "accounts" ? { account_strips: true } : { api_key_stats: true, api_key_details: false };
  return analytics({ range: rangeOf(view, now).range, now, ...searchOf(view), filters: view.filters, include }, signal);
}

/** The account of a request, by the name that the server has for it. */
export function accountOf(row: EventRow): string {
  return [row.account_snapshot, row.auth_label_snapshot, row.source, row.auth_index].find((name) => name.trim()) ?? "-";
}

/** How the calls of each account went, within what is shown. */
export type Streams = ReadonlyMap<string, Strip>;

export function streamsOf(answer: Analytics | undefined): Streams {
  return new Map(answer?.account_strips?.map((strip) => [strip.id, strip]));
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
export const callsOf = ({ success, failure }: Strip): number => sum(success) + sum(failure);

/** The same with half as many parts, for where there is little room. */
export function halved(strip: Strip): Strip {
  const pairs = (numbers: readonly number[]) => numbers.flatMap((one, at) => (at % 2 ? [] : [one + (numbers[at + 1] ?? 0)]));
  return { ...strip, success: pairs(strip.success), failure: pairs(strip.failure) };
}

/** What became of the calls of each part of the range. */
export function outcomesOf(strip: Strip): readonly Outcome[] {
  return strip.success.map((good, at) => {
    const bad = strip.failure[at] ?? 0;
    return good && bad ? "mixed" : good ? "success" : bad ? "failure" : "idle";
  });
}

/** The rows of one moment, of which those around what is looked at are here, a page at a time. */
export interface Held {
  /** The view that they are of. */
  readonly of: string;
  readonly shown: Shown;
  readonly pages: ReadonlyMap<number, readonly EventRow[]>;
}

export function heldOf(of: string, shown: Shown): Held {
  return { of, shown, pages: new Map([[0, shown.answer.events?.items ?? []]]) };
}

export function countOf({ shown }: Held): number {
  return Math.min(shown.answer.events?.total_count ?? 0, MOST_ROWS);
}

/** The row at a place; null while it is not here. */
export function rowAt({ pages }: Held, place: number): EventRow | null {
  return pages.get(Math.floor(place / PAGE_ROWS))?.[place % PAGE_ROWS] ?? null;
}

/** The first page that is looked at and not here. */
export function missing(held: Held, first: number, last: number): number | null {
  for (let page = Math.floor(first / PAGE_ROWS); page * PAGE_ROWS < Math.min(last, countOf(held)); page += 1) {
    if (!held.pages.has(page)) return page;
  }
  return null;
}

/** With one more page; those farthest from it are let go, but for the first. */
export function withPage(held: Held, page: number, rows: readonly EventRow[]): Held {
  const near = [...held.pages.keys()].filter((other) => other > 0).sort((a, b) => Math.abs(a - page) - Math.abs(b - page));
  const kept = new Set([0, ...near.slice(0, MOST_PAGES - 2)]);
  return { ...held, pages: new Map([...[...held.pages].filter(([other]) => kept.has(other)), [page, rows]]) };
}

/** How many rows a later answer has before those that are here. */
export function newer(later: Shown, { shown }: Held): number {
  const first = shown.answer.events?.items[0]?.event_hash;
  const items = later.answer.events?.items ?? [];
  const at = items.findIndex((row) => row.event_hash === first);
  return at < 0 ? items.length : at;
}

/** A page of the same rows. */
export async function readPage(view: View, { shown }: Held, page: number, signal: AbortSignal): Promise<readonly EventRow[]> {
  const include = { events_page: { limit: PAGE_ROWS, skip: page * PAGE_ROWS } };
  const { range, now } = shown;
  const { events } = await analytics({ range, now, ...searchOf(view), filters: view.filters, include }, signal);
  return events?.items ?? [];
}

/** One request by its hash, wherever it is. */
export async function readEvent(hash: string, signal: AbortSignal): Promise<EventRow | null> {
  const now = Date.now();
  const question = { range: { from: 1, to: now }, now, search: hash, include: { events_page: { limit: 1 } } };
  const { events } = await analytics(question, signal);
  return events?.items[0] ?? null;
}

const TOO_QUICK_MS = 100;

/** Output tokens a second; null where the answer came too quickly to tell. */
export function speedOf(row: EventRow): number | null {
  const { latency_ms, output_tokens } = row;
  return latency_ms !== null && latency_ms >= TOO_QUICK_MS && output_tokens > 0 ? output_tokens / (latency_ms / 1000) : null;
}
