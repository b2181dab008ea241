/** What each tab asks for, and the figures that can be drawn. */

import { analytics, type Analytics, type Filters, type Summary } from "../../api/analytics";
import { rangeOf, searchOf, type View } from "../../filters/view";
import { fmt, t } from "../../i18n/language";
import { bucketEnd, midnight, type Granularity, type Range } from "../../text/ranges";
import { knownCost } from "../figures";

export const TABS = ["overview", "trends", "models", "apiKeys", "credentials", "heatmap"] as const;
export type Tab = (typeof TABS)[number];

export interface Shown {
  readonly range: Range;
  readonly granularity: Granularity;
  readonly now: number;
  readonly answer: Analytics;
  readonly summary: Summary;
}

const SERIES = 7;
const SECTIONS: Readonly<Record<Tab, object>> = {
  overview: { summary_comparison: true, timeline: true, model_stats: true, channel_share: true, api_key_stats: true, api_key_details: false, anomaly_points: true },
  trends: { summary_comparison: true, timeline: true, model_timeline: SERIES, anomaly_points: true },
  models: { summary_comparison: true, model_stats: true },
  apiKeys: { summary_comparison: true, api_key_stats: true },
  credentials: { summary_comparison: true, credential_stats: true },
  heatmap: { summary_comparison: true, heatmap: true },
};

/** Everything that a tab shows, in one answer. */
export async function readTab(view: View, tab: Tab, signal: AbortSignal): Promise<Shown> {
  return read(view, view.filters, SECTIONS[tab], signal);
}

/** The course of one thing alone, beside the filters of the page. */
export async function readCourse(view: View, filters: Filters, more: object, signal: AbortSignal): Promise<Shown> {
  return read(view, { ...view.filters, ...filters }, { timeline: true, ...more }, signal);
}

/** The courses of the client keys that cost most. */
export async function readKeys(view: View, signal: AbortSignal): Promise<Shown> {
  const whole = await read(view, view.filters, { timeline: true, api_key_stats: true, api_key_details: false }, signal);
  const keys = dearest(whole.answer.api_key_stats ?? [], ({ id }) => id).filter(({ api_key_hash }) => api_key_hash).slice(0, SERIES);
  if (keys.length === 0) return whole;
  const filters = { ...view.filters, api_key_hashes: keys.map(({ api_key_hash }) => api_key_hash) };
  const { answer } = await read(view, filters, { api_key_timeline: true }, signal, whole.now);
  return { ...whole, answer: { ...whole.answer, api_key_stats: keys, api_key_timeline: answer.api_key_timeline ?? [] } };
}

/** The hours of a day, as far as they are in the range. */
export async function readDay(view: View, moment: number, signal: AbortSignal): Promise<Shown> {
  const now = Date.now();
  const { range } = rangeOf(view, now);
  const day = { from: Math.max(midnight(moment), range.from), to: Math.min(midnight(moment, 1), range.to) };
  return { ...(await readRange(view, view.filters, day, { granularity: "hour", timeline: true, heatmap: true }, signal, now)), granularity: "hour" };
}

/** The newest requests of a bucket. */
export async function readBucket(view: View, from: number, signal: AbortSignal): Promise<Analytics> {
  const now = Date.now();
  const { range, granularity } = rangeOf(view, now);
  const preview = { from_ms: from, to_ms: bucketEnd(from, granularity), limit: 12 };
  return analytics({ range, now, ...searchOf(view), filters: view.filters, include: { drilldown_preview: preview } }, signal);
}

async function read(view: View, filters: Filters, include: object, signal: AbortSignal, now = Date.now()): Promise<Shown> {
  const { range, granularity } = rangeOf(view, now);
  return { ...(await readRange(view, filters, range, { granularity, ...include }, signal, now)), granularity };
}

async function readRange(view: View, filters: Filters, range: Range, include: object, signal: AbortSignal, now: number) {
  const headline = { summary: true, summary_profile: "compact", summary_percentiles: true };
  const answer = await analytics({ range, now, ...searchOf(view), filters, include: { ...headline, ...include } }, signal);
  return { range, now, answer, summary: answer.summary! };
}

/** Dearest first; what has no price after that, by calls. */
export function dearest<R extends { readonly cost: number; readonly calls: number }>(rows: readonly R[], rowKey: (row: R) => string): readonly R[] {
  return [...rows].sort((a, b) => b.cost - a.cost || b.calls - a.calls || (rowKey(a) < rowKey(b) ? -1 : 1));
}

// -- metrics ------------------------------------------------------------------------------------

export const METRICS = ["cost", "calls", "tokens"] as const;
/** What is known of buckets. */
export const BUCKET_METRICS = [...METRICS, "input", "output", "cached"] as const;
export type Metric = (typeof BUCKET_METRICS)[number];

interface Measured {
  readonly calls: number;
  readonly cost: number;
  readonly unpriced_calls: number;
  readonly total_tokens: number;
  readonly input_tokens?: number;
  readonly output_tokens?: number;
  readonly cached_tokens?: number;
  readonly cache_read_tokens?: number;
}

const COUNTED = ["calls", "cost", "unpriced_calls", "total_tokens", "input_tokens", "output_tokens", "cached_tokens", "cache_read_tokens"] as const;
export type Counts = Readonly<Record<(typeof COUNTED)[number] | "bucket_ms", number>>;

/** What parts leave of the whole, bucket by bucket; where they leave no call there is no bucket. */
export function restOf(whole: readonly Counts[], parts: readonly Counts[]): readonly Counts[] {
  const taken = new Map<number, Record<string, number>>();
  for (const part of parts) {
    const sums = taken.get(part.bucket_ms) ?? {};
    for (const name of COUNTED) sums[name] = (sums[name] ?? 0) + part[name];
    taken.set(part.bucket_ms, sums);
  }
  return whole
    .map((bucket) => ({ bucket_ms: bucket.bucket_ms, ...Object.fromEntries(COUNTED.map((name) => [name, Math.max(0, bucket[name] - (taken.get(bucket.bucket_ms)?.[name] ?? 0))])) }) as Counts)
    .filter(({ calls }) => calls > 0);
}

/** A figure of a bucket; null where nothing of it is known. */
export function measure(metric: Metric, row: Measured): number | null {
  switch (metric) {
    case "calls":
      return row.calls;
    case "tokens":
      return row.total_tokens;
    case "input":
      return row.input_tokens ?? null;
    case "output":
      return row.output_tokens ?? null;
    case "cached":
      return (row.cached_tokens ?? 0) + (row.cache_read_tokens ?? 0);
    case "cost":
      return knownCost({ cost: row.cost, unpriced: row.unpriced_calls, calls: row.calls });
  }
}

export function write(metric: Metric, value: number | null): string {
  return metric === "cost" ? fmt.value.usd(value) : fmt.value.compact(value);
}

export function metricName(metric: Metric): string {
  return t(metric === "calls" ? "column.requests" : `column.${metric}`);
}
