/** The rows of requests: one page from the server after the other, and new ones on top. */

import { analytics, type Analytics, type EventRow, type Events, type Strip, type Summary } from "../../api/analytics";
import type { Outcome } from "../../charts/marks";
import { rangeOf, searchOf, type View } from "../../filters/view";
import type { Granularity, Range } from "../../text/ranges";

export const PAGE_ROWS = 200;
export const MOST_ROWS = 2_000;
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

/** Where the next page begins. */
export interface Cursor {
  readonly before_ms: number;
  readonly before_id: number;
}

export interface Older {
  readonly items: readonly EventRow[];
  readonly cursor: Cursor | null;
}

/** The page of rows behind a cursor, of the same range. */
export async function readOlder(view: View, shown: Shown, cursor: Cursor): Promise<Older> {
  const include = { events_page: { limit: PAGE_ROWS, ...cursor } };
  const { range, now } = shown;
  const { events } = await analytics({ range, now, ...searchOf(view), filters: view.filters, include });
  return { items: events?.items ?? [], cursor: cursorOf(events) };
}

export function cursorOf(events: Analytics["events"]): Cursor | null {
  return events?.has_more ? { before_ms: events.next_before_ms, before_id: events.next_before_id } : null;
}

/** The rows that are on the screen, and where those behind them begin. */
export interface Held {
  readonly rows: readonly EventRow[];
  readonly cursor: Cursor | null;
}

/** A new first page before the rows that are there; rows that it does not reach are dropped. */
export function onTop(first: Events, held: Held): Held {
  const last = first.items[first.items.length - 1];
  const at = held.rows.findIndex((row) => row.event_hash === last?.event_hash);
  const behind = at < 0 ? [] : held.rows.slice(at + 1);
  return {
    rows: [...first.items, ...behind].slice(0, MOST_ROWS),
    cursor: behind.length ? held.cursor : cursorOf(first),
  };
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
