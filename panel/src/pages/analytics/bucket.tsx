/** One bucket of time in a drawer: why it stands out, and its newest requests. */

import type { Anomaly, EventRow } from "../../api/analytics";
import { carried, rangeOf, type View } from "../../filters/view";
import { fmt, t } from "../../i18n/language";
import { useData } from "../../state/freshness";
import { go, hashOf, query, setQuery } from "../../state/router";
import { bucketEnd, type Granularity } from "../../text/ranges";
import { Block } from "../../ui/block";
import { Modal } from "../../ui/overlay";
import { Table, type Column } from "../../ui/table";
import { eventColumns } from "../monitor/realtime";
import { readBucket, type Shown } from "./read";

const SPIKES = {
  request_spike: ["analytics.requestSpike", "request_change"],
  cost_spike: ["analytics.costSpike", "cost_change"],
  tokens_per_request_spike: ["analytics.tokenSpike", "tokens_per_request_change"],
  cache_hit_drop: ["analytics.cacheDrop", "cache_hit_rate_change"],
  failure_rate_spike: ["analytics.failureSpike", "failure_rate_change"],
  latency_spike: ["analytics.latencySpike", "latency_p95_change"],
} as const;
type Spike = keyof typeof SPIKES;
/** What is a part of something changes by points, not by a part of itself. */
const PARTS: readonly Spike[] = ["cache_hit_drop", "failure_rate_spike"];
const MOST_CAUSES = 4;

const isSpike = (key: string): key is Spike => key in SPIKES;

export function spikeName(key: string): string {
  return isSpike(key) ? t(SPIKES[key][0]) : key;
}

export function bucketName(from: number, { granularity }: { readonly granularity: Granularity }): string {
  const day = fmt.value.day(from);
  return granularity === "day" ? day : `${day} ${fmt.value.clock(from)}`;
}

/** Opens a bucket, wherever its name stands. */
export function BucketLink({ from, of }: { readonly from: number; readonly of: { readonly granularity: Granularity } }) {
  return (
    <a href={hashOf("/usage-analytics", { ...query.value, bucket: from })} data-action="open-bucket">
      {bucketName(from, of)}
    </a>
  );
}

interface BucketProps {
  readonly from: number;
  readonly view: View;
  /** What the page around knows. */
  readonly shown: Shown | null;
}

export function Bucket({ from, view, shown }: BucketProps) {
  const data = useData(`bucket ${from} ${JSON.stringify(view)}`, (signal) => readBucket(view, from, signal));
  const { granularity } = rangeOf(view, Date.now());
  const link = hashOf("/monitoring", { ...carried(query.value, view), tab: "realtime", time_range: null, from_ms: from, to_ms: bucketEnd(from, granularity) });
  const anomaly = shown?.answer.anomaly_points?.find((point) => point.bucket_ms === from);
  return (
    <Modal id="bucket" drawer title={bucketName(from, { granularity })} onClose={() => setQuery({ bucket: null })}>
      {anomaly && <Causes of={anomaly} />}
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

/** By what a bucket differs from the one before. */
function Causes({ of }: { readonly of: Anomaly }) {
  return (
    <section class="part" data-table="causes">
      <h3>{t("analytics.causes")}</h3>
      {of.metric_keys.filter(isSpike).slice(0, MOST_CAUSES).map((key) => {
        const change = of[SPIKES[key][1]];
        return (
          <p key={key} data-row={key} data-value={change}>
            {spikeName(key)} <b>{PARTS.includes(key) ? t("analytics.points", { n: (change * 100).toFixed(1) }) : fmt.value.delta(change)}</b>
          </p>
        );
      })}
    </section>
  );
}

const LISTED = ["time", "status", "model", "key", "latency", "cost", "reason"];

/** What fits; the rest of a request is one click away. */
function drillColumns(): Column<EventRow>[] {
  const known = eventColumns().filter((column) => LISTED.includes(column.id)).map(({ width: _, ...column }) => column);
  const tokens: Column<EventRow> = { id: "tokens", title: t("column.tokens"), kind: "number", value: (row) => row.total_tokens, cell: (row) => <span title={fmt.value.full(row.total_tokens)}>{fmt.value.compact(row.total_tokens)}</span> };
  const id: Column<EventRow> = { id: "request", title: t("monitor.requestId"), value: (row) => row.request_id || row.event_hash.slice(0, 10) };
  return [...known.slice(0, 4), tokens, ...known.slice(4, -1), id, ...known.slice(-1)];
}
