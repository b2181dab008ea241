/** What each tab asks for, and the figures that can be drawn. */

import { analytics, type Analytics, type Filters, type Summary } from "../../api/analytics";
import { rangeOf, searchOf, type View } from "../../filters/view";
import { fmt, t } from "../../i18n/language";
import { bucketEnd, type Granularity, type Range } from "../../text/ranges";
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
  trends: { summary_comparison: true, timeline: true, model_timeline: SERIES },
  models: { summary_comparison: true, model_stats: true },
  apiKeys: { summary_comparison: true, api_key_stats: true },
  credentials: { summary_comparison: true, credential_stats: true },
  heatmap: { summary_comparison: true, heatmap: true },
};

/** Everything that a tab shows, in one answer. */
export async function readTab(view: View, tab: Tab, signal: AbortSignal): Promise<Shown> {
  return read(view, view.filters, { summary: true, summary_profile: "compact", summary_percentiles: true, ...SECTIONS[tab] }, signal);
}

/** The course of one thing alone, beside the filters of the page. */
export async function readCourse(view: View, filters: Filters, signal: AbortSignal): Promise<Shown> {
  return read(view, { ...view.filters, ...filters }, { summary: true, summary_profile: "compact", summary_percentiles: true, timeline: true }, signal);
}

/** The newest requests of a bucket. */
export async function readBucket(view: View, from: number, signal: AbortSignal): Promise<Analytics> {
  const now = Date.now();
  const { range, granularity } = rangeOf(view, now);
  const preview = { from_ms: from, to_ms: bucketEnd(from, granularity), limit: 12 };
  return analytics({ range, now, ...searchOf(view), filters: view.filters, include: { drilldown_preview: preview } }, signal);
}

async function read(view: View, filters: Filters, include: object, signal: AbortSignal): Promise<Shown> {
  const now = Date.now();
  const { range, granularity } = rangeOf(view, now);
  const answer = await analytics({ range, now, ...searchOf(view), filters, include: { granularity, ...include } }, signal);
  return { range, granularity, now, answer, summary: answer.summary! };
}

// -- metrics ------------------------------------------------------------------------------------

export const METRICS = ["cost", "calls", "tokens"] as const;
export type Metric = (typeof METRICS)[number];

export function isMetric(name: string | undefined): name is Metric {
  return METRICS.some((metric) => metric === name);
}

interface Measured {
  readonly calls: number;
  readonly cost: number;
  readonly unpriced_calls: number;
  readonly total_tokens: number;
}

/** A figure of a bucket; null where nothing of it is known. */
export function measure(metric: Metric, row: Measured): number | null {
  if (metric === "calls") return row.calls;
  return metric === "tokens" ? row.total_tokens : knownCost({ cost: row.cost, unpriced: row.unpriced_calls, calls: row.calls });
}

export function write(metric: Metric, value: number | null): string {
  return metric === "cost" ? fmt.value.usd(value) : fmt.value.compact(value);
}

export function metricName(metric: Metric): string {
  return t(metric === "calls" ? "column.requests" : `column.${metric}`);
}
