/** The headline figures of a range, the same on every page. */

import type { Comparison, Summary } from "../api/analytics";
import { carried, searchOf, type View } from "../filters/view";
import { fmt, t } from "../i18n/language";
import type { Data } from "../state/freshness";
import { hashOf, query } from "../state/router";
import { change } from "../text/format";
import type { Range } from "../text/ranges";
import { Tile, Tiles } from "../ui/block";
import { Unpriced } from "./figures";
import { Verify } from "./verify";

export interface Headline {
  readonly summary: Summary;
  readonly before?: Comparison | undefined;
  /** Of which range and moment the figures are, where they can be verified. */
  readonly range?: Range;
  readonly now?: number;
}

// Fewer calls than these make no alarm.
const ENOUGH_CALLS = 20;
const GOOD_RATE = 0.95;
const POOR_RATE = 0.85;

function toneOf({ total_calls, success_rate }: Summary): "warn" | "bad" | undefined {
  if (total_calls < ENOUGH_CALLS || success_rate >= GOOD_RATE) return undefined;
  return success_rate >= POOR_RATE ? "warn" : "bad";
}

const VERIFIED = { summary: true, summary_profile: "compact", summary_percentiles: true };

/** By how much a figure differs from the range before. More is neither good nor bad. */
function Delta({ now, before }: { readonly now: number; readonly before: number | undefined }) {
  const found = before === undefined ? null : change(now, before);
  if (found === null) return null;
  return <span class="delta" title={t("common.before")}>{found === "new" ? t("common.new") : fmt.value.delta(found)} </span>;
}

interface SummaryProps {
  readonly data: Data<Headline>;
  readonly view: View;
  /** What of the view the figures are of. */
  readonly of?: Readonly<Record<string, string>>;
}

export function SummaryTiles({ data, view, of }: SummaryProps) {
  /** The rows behind a figure. */
  const behind = (more: Readonly<Record<string, string | number>> = {}) => hashOf("/monitoring", { ...carried(query.value, view), ...of, tab: "realtime", ...more });
  const { range, now } = data.now.value.value ?? {};
  const verify = range && now !== undefined && <Verify question={{ range, now, ...searchOf(view), filters: view.filters, include: VERIFIED }} />;
  return (
    <Tiles id="summary" data={data} count={8} aside={verify}>
      {({ summary: s, before }) => {
        const some = s.total_calls > 0;
        const cost = some && s.unpriced_calls >= s.total_calls ? null : s.total_cost;
        const both = s.input_tokens + s.output_tokens;
        const cached = s.cached_tokens + s.cache_read_tokens;
        const count = (value: number) => ({ value, text: fmt.value.compact(value), full: fmt.value.full(value) });
        return (
          <>
            <Tile metric="requests" label={t("column.requests")} {...count(s.total_calls)} href={behind()} note={<Delta now={s.total_calls} before={before?.total_calls} />} />
            <Tile metric="success-rate" label={t("dashboard.success")} value={some ? s.success_rate : null} text={fmt.value.percent(some ? s.success_rate : null, 2)} tone={toneOf(s)} href={behind()} note={<a href={behind({ status: "failed" })} data-metric="failures" data-value={s.failure_calls} class={s.failure_calls ? "bad-text" : ""}>{t("dashboard.failed", { n: s.failure_calls })}</a>} />
            <Tile metric="latency" label={t("column.latency")} value={s.average_latency_ms} text={fmt.value.duration(s.average_latency_ms)} href={behind()} note={<a href={behind({ min_latency_ms: Math.floor(s.p95_latency_ms ?? 0) })} data-metric="p95" data-value={s.p95_latency_ms ?? "null"}>{t("monitor.p95", { value: fmt.value.duration(s.p95_latency_ms) })}</a>} />
            <Tile metric="cost" label={t("column.cost")} value={cost} text={fmt.value.usd(cost)} href={behind()} note={<><Delta now={s.total_cost} before={before?.total_cost} />{s.unpriced_calls > 0 ? <Unpriced n={s.unpriced_calls} models={s.unpriced_models} /> : t("monitor.perCall", { cost: fmt.value.usdRequest(some ? s.average_cost_per_call : null) })}</>} />
            <Tile metric="tokens" label={t("column.tokens")} {...count(s.total_tokens)} href={behind()} note={<><Delta now={s.total_tokens} before={before?.total_tokens} /><span data-metric="reasoning" data-value={s.reasoning_tokens}>{t("monitor.reasoning", { count: fmt.value.compact(s.reasoning_tokens) })}</span></>} />
            <Tile metric="input" label={t("column.input")} {...count(s.input_tokens)} href={behind()} note={t("monitor.share", { rate: fmt.value.percent(both ? s.input_tokens / both : null) })} />
            <Tile metric="output" label={t("column.output")} {...count(s.output_tokens)} href={behind()} note={t("monitor.share", { rate: fmt.value.percent(both ? s.output_tokens / both : null) })} />
            <Tile metric="cached" label={t("column.cached")} {...count(cached)} href={behind({ cache_status: "hit" })} note={t("monitor.cacheHit", { rate: fmt.value.percent(s.input_tokens ? s.cache_hit_rate : null) })} />
          </>
        );
      }}
    </Tiles>
  );
}
