/** Where tokens and money go: the course, what stands out, and the dearest. */

import type { Anomaly } from "../../api/analytics";
import { Ranks, type Rank } from "../../charts/marks";
import { carried, pageView, type View } from "../../filters/view";
import { fmt, t } from "../../i18n/language";
import type { Data } from "../../state/freshness";
import { keyName } from "../../state/names";
import { hashOf, location, query, setQuery } from "../../state/router";
import { Block } from "../../ui/block";
import { CostText } from "../figures";
import { bucketName, spikeName } from "./bucket";
import { chosenMetric, Course, MetricSwitch } from "./course";
import { measure, write, type Shown } from "./read";

const TOP = 6;
const MOST_ANOMALIES = 5;
const ENOUGH_CALLS = 10;

export function Overview({ data }: { readonly data: Data<Shown> }) {
  return (
    <>
      <div class="row">
        <Block id="course" class="w-9" height={340} data={data} aside={<MetricSwitch />} title={t("analytics.course")} empty={empty}>
          {(shown) => <Course id="trend" shown={shown} height={266} onPick={(from) => setQuery({ bucket: from })} />}
        </Block>
        <Anomalies data={data} />
      </div>
      <div class="row">
        <RankBlock id="by-model" class="w-4" data={data} title={t("analytics.byModel")} rows={(shown) => (shown.answer.model_stats ?? []).map((row) => ({ ...row, id: row.model, name: row.model, param: "model" }))} />
        <RankBlock id="by-key" class="w-4" data={data} title={t("analytics.byKey")} rows={(shown) => (shown.answer.api_key_stats ?? []).map((row) => ({ ...row, name: row.api_key_alias || keyName(row.api_key_hash), param: "api_key_hash" }))} />
        <RankBlock id="by-provider" class="w-4" data={data} title={t("analytics.byProvider")} rows={providers} />
      </div>
    </>
  );
}

function empty(shown: Shown): string | false {
  return shown.summary.total_calls === 0 && t("common.noData");
}

interface Ranked {
  readonly id: string;
  readonly name: string;
  readonly param: string;
  readonly calls: number;
  readonly cost: number;
  readonly unpriced_calls: number;
  readonly total_tokens: number;
}

/** Channels together by their provider. */
function providers(shown: Shown): readonly Ranked[] {
  const found = new Map<string, Ranked>();
  for (const row of shown.answer.channel_share ?? []) {
    const name = row.auth_provider_snapshot || t("common.unknown");
    const sum = found.get(name) ?? { id: name, name, param: row.auth_provider_snapshot ? "provider" : "", calls: 0, cost: 0, unpriced_calls: 0, total_tokens: 0 };
    found.set(name, { ...sum, calls: sum.calls + row.calls, cost: sum.cost + row.cost, unpriced_calls: sum.unpriced_calls + row.unpriced_calls, total_tokens: sum.total_tokens + row.tokens });
  }
  return [...found.values()];
}

interface RankBlockProps {
  readonly id: string;
  readonly class: string;
  readonly title: string;
  readonly data: Data<Shown>;
  readonly rows: (shown: Shown) => readonly Ranked[];
}

function RankBlock({ id, class: name, title, data, rows }: RankBlockProps) {
  const metric = chosenMetric();
  return (
    <Block id={id} class={name} height={236} data={data} title={title} empty={empty}>
      {(shown) => {
        const all = rows(shown);
        const sum = all.reduce((total, row) => total + (measure(metric, row) ?? 0), 0);
        const best = [...all].sort((a, b) => (measure(metric, b) ?? -1) - (measure(metric, a) ?? -1) || b.calls - a.calls || (a.id < b.id ? -1 : 1)).slice(0, TOP);
        return <Ranks id={id} rows={best.map((row) => rankOf(row, sum))} />;
      }}
    </Block>
  );
}

function rankOf(row: Ranked, sum: number): Rank {
  const metric = chosenMetric();
  const value = measure(metric, row);
  const share = sum > 0 && value !== null ? value / sum : null;
  return {
    id: row.id,
    name: row.name,
    share: share ?? 0,
    ...(row.param && { href: hashOf("/monitoring", { ...carried(query.value, analyticsView()), tab: "realtime", [row.param]: row.id }) }),
    figure: (
      <>
        {metric === "cost" ? <CostText cost={row.cost} unpriced={row.unpriced_calls} calls={row.calls} /> : write(metric, value)} <span class="dim">{fmt.value.percent(share)}</span>
      </>
    ),
  };
}

/** Only what concerns enough calls, and is compared with the bucket right before; the worst first. */
function notable(points: readonly Anomaly[]): readonly Anomaly[] {
  const enough = points.filter((point) => point.calls >= ENOUGH_CALLS && point.confidence !== "low");
  return enough.sort((a, b) => HEAVY.indexOf(b.severity) - HEAVY.indexOf(a.severity) || b.cost - a.cost);
}

const SEVERITIES = { low: "", medium: "warn", high: "bad" } as const;
const HEAVY = ["low", "medium", "high"];

export function Severity({ of }: { readonly of: keyof typeof SEVERITIES }) {
  return <span class={`badge ${SEVERITIES[of]}`}>{t(`analytics.${of}`)}</span>;
}

function Anomalies({ data }: { readonly data: Data<Shown> }) {
  const found = notable(data.now.value.value?.answer.anomaly_points ?? []);
  const count = found.length > 0 && <span data-metric="anomalies" data-value={found.length}>{fmt.value.full(found.length)}</span>;
  return (
    <Block id="anomalies" class="w-3" height={340} data={data} title={t("analytics.anomalies")} aside={count} empty={() => found.length === 0 && t("analytics.noAnomalies")}>
      {(shown) => (
        <ol class="anomalies" data-table="anomalies">
          {found.slice(0, MOST_ANOMALIES).map((point) => (
            <li key={point.bucket_ms} data-row={point.bucket_ms}>
              <button type="button" data-action="open-bucket" onClick={() => setQuery({ bucket: point.bucket_ms })}>
                <span class="bar-line">
                  <Severity of={point.severity} />
                  <b>{bucketName(point.bucket_ms, shown)}</b>
                  <span class="grow" />
                  <CostText cost={point.cost} unpriced={point.unpriced_calls} calls={point.calls} />
                </span>
                <span class="cut">{point.metric_keys.slice(0, 3).map(spikeName).join(", ")}</span>
                <span class="dim cut">
                  {t("analytics.calls", { n: point.calls })} · {t("analytics.tokens", { count: fmt.value.compact(point.total_tokens) })}
                </span>
              </button>
            </li>
          ))}
        </ol>
      )}
    </Block>
  );
}

/** The view of this page's address. */
export function analyticsView(): View {
  return pageView(location.value, "24h");
}
