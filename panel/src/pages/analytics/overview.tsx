/** Where tokens and money go: the course, what stands out, and the dearest. */

import type { Anomaly, EventRow } from "../../api/analytics";
import { Ranks, type Rank } from "../../charts/marks";
import { viewOf, carried, type View } from "../../filters/view";
import { fmt, t } from "../../i18n/language";
import { useData, type Data } from "../../state/freshness";
import { keyName } from "../../state/names";
import { go, hashOf, query, setQuery } from "../../state/router";
import { bucketEnd } from "../../text/ranges";
import { Block } from "../../ui/block";
import { Modal } from "../../ui/overlay";
import { Table, type Column } from "../../ui/table";
import { CostText } from "../figures";
import { eventColumns } from "../monitor/realtime";
import { chosenMetric, Course, MetricSwitch } from "./course";
import { measure, readBucket, write, type Shown } from "./read";

const TOP = 6;
const MOST_ANOMALIES = 5;
const ENOUGH_CALLS = 10;

export function Overview({ data, view }: { readonly data: Data<Shown>; readonly view: View }) {
  const bucket = Number(query.value["bucket"]);
  return (
    <>
      <div class="row">
        <Block id="course" class="w-9" height={320} data={data} aside={<MetricSwitch />} title={t("analytics.course")} empty={empty}>
          {(shown) => <Course id="trend" shown={shown} height={246} onPick={(from) => setQuery({ bucket: from })} />}
        </Block>
        <Anomalies data={data} />
      </div>
      <div class="row">
        <RankBlock id="by-model" class="w-4" data={data} title={t("analytics.byModel")} rows={(shown) => (shown.answer.model_stats ?? []).map((row) => ({ ...row, id: row.model, name: row.model, param: "model" }))} />
        <RankBlock id="by-key" class="w-4" data={data} title={t("analytics.byKey")} rows={(shown) => (shown.answer.api_key_stats ?? []).map((row) => ({ ...row, name: row.api_key_alias || keyName(row.api_key_hash), param: "api_key_hash" }))} />
        <RankBlock id="by-provider" class="w-4" data={data} title={t("analytics.byProvider")} rows={providers} />
      </div>
      {bucket > 0 && <Bucket from={bucket} view={view} />}
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

/** Only what concerns enough calls, and is compared with the bucket right before. */
function notable(points: readonly Anomaly[]): readonly Anomaly[] {
  return points.filter((point) => point.calls >= ENOUGH_CALLS && point.confidence !== "low").slice(0, MOST_ANOMALIES);
}

const SEVERITIES = { low: "", medium: "warn", high: "bad" } as const;

function Anomalies({ data }: { readonly data: Data<Shown> }) {
  return (
    <Block id="anomalies" class="w-3" height={320} data={data} title={t("analytics.anomalies")} empty={(shown) => notable(shown.answer.anomaly_points ?? []).length === 0 && t("analytics.noAnomalies")}>
      {(shown) => (
        <ol class="anomalies" data-table="anomalies">
          {notable(shown.answer.anomaly_points ?? []).map((point) => (
            <li key={point.bucket_ms} data-row={point.bucket_ms}>
              <button type="button" data-action="open-bucket" onClick={() => setQuery({ bucket: point.bucket_ms })}>
                <span class="bar-line">
                  <span class={`badge ${SEVERITIES[point.severity]}`}>{t(`analytics.${point.severity}`)}</span>
                  <b>{bucketName(point.bucket_ms, shown)}</b>
                  <span class="grow" />
                  <span class="dim" title={t("analytics.calls", { n: point.calls })}>{fmt.value.usd(point.cost)}</span>
                </span>
                <span class="dim cut">{point.metric_keys.slice(0, 3).map(spikeName).join(", ")}</span>
              </button>
            </li>
          ))}
        </ol>
      )}
    </Block>
  );
}

const SPIKES = {
  request_spike: "analytics.requestSpike",
  cost_spike: "analytics.costSpike",
  tokens_per_request_spike: "analytics.tokenSpike",
  cache_hit_drop: "analytics.cacheDrop",
  failure_rate_spike: "analytics.failureSpike",
  latency_spike: "analytics.latencySpike",
} as const;

function spikeName(key: string): string {
  return key in SPIKES ? t(SPIKES[key as keyof typeof SPIKES]) : key;
}

function bucketName(from: number, { granularity }: { readonly granularity: "hour" | "day" }): string {
  const day = fmt.value.day(from);
  return granularity === "day" ? day : `${day} ${fmt.value.clock(from)}`;
}

function Bucket({ from, view }: { readonly from: number; readonly view: View }) {
  const data = useData(`bucket ${from} ${JSON.stringify(view)}`, (signal) => readBucket(view, from, signal));
  const granularity = data.now.value.value?.granularity ?? "hour";
  const link = hashOf("/monitoring", { ...carried(query.value, view), tab: "realtime", time_range: null, from_ms: from, to_ms: bucketEnd(from, granularity) });
  return (
    <Modal id="bucket" drawer title={bucketName(from, { granularity })} onClose={() => setQuery({ bucket: null })}>
      <Block id="drilldown" class="bare" data={data} empty={(answer) => answer.drilldown_preview?.total_count === 0 && t("common.noData")}>
        {(answer) => (
          <>
            <Table id="drilldown" label={t("monitor.realtime")} rows={answer.drilldown_preview?.items ?? []} rowKey={(row) => row.event_hash} columns={drillColumns()} sortable={false} onRow={(row) => go("/monitoring", { ...carried(query.value, view), tab: "realtime", event: row.event_hash })} />
            <a href={link}>
              {t("common.openMonitor")} ({fmt.value.full(answer.drilldown_preview?.total_count)})
            </a>
          </>
        )}
      </Block>
    </Modal>
  );
}

const DRILL_COLUMNS = new Set(["time", "status", "model", "latency", "cost"]);

/** Few columns, as wide as they need to be; the rest of a request is one click away. */
function drillColumns(): Column<EventRow>[] {
  return eventColumns()
    .filter((column) => DRILL_COLUMNS.has(column.id))
    .map(({ width: _, ...column }) => column);
}

/** The view of this page's address. */
export function analyticsView(): View {
  return viewOf(query.value, "24h");
}
