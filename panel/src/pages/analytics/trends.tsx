/** How it goes: models against each other, health, and what the tokens are. */

import { useMemo } from "preact/hooks";
import type { TimelineBucket } from "../../api/analytics";
import { axisOf, valuesOn } from "../../charts/buckets";
import { colorAt, colorsOf } from "../../charts/colors";
import { Series, type Line } from "../../charts/series";
import { fmt, t } from "../../i18n/language";
import type { Data } from "../../state/freshness";
import { Block } from "../../ui/block";
import { chosenMetric, MetricSwitch } from "./course";
import { measure, write, type Shown } from "./read";

export function Trends({ data }: { readonly data: Data<Shown> }) {
  const empty = (shown: Shown) => shown.summary.total_calls === 0 && t("common.noData");
  return (
    <>
      <Block id="model-trend" height={280} data={data} title={t("analytics.modelTrend")} aside={<MetricSwitch />} empty={empty}>
        {(shown) => <ModelTrend shown={shown} />}
      </Block>
      <div class="row">
        <Block id="health-trend" class="w-6" height={304} data={data} title={t("analytics.healthTrend")} empty={empty}>
          {(shown) => <HealthTrend shown={shown} />}
        </Block>
        <Block id="token-structure" class="w-6" height={304} data={data} title={t("analytics.tokenStructure")} empty={empty}>
          {(shown) => <TokenStructure shown={shown} />}
        </Block>
      </div>
    </>
  );
}

function useAxis(shown: Shown) {
  return useMemo(() => axisOf(shown.range, shown.granularity, shown.answer.timeline ?? [], shown.now), [shown]);
}

function ModelTrend({ shown }: { readonly shown: Shown }) {
  const metric = chosenMetric();
  const axis = useAxis(shown);
  const lines = useMemo(() => {
    const rows = shown.answer.model_timeline ?? [];
    const totals = new Map<string | null, number>();
    for (const row of rows) totals.set(row.model, (totals.get(row.model) ?? 0) + row.calls);
    const models = [...totals].sort((a, b) => Number(a[0] === null) - Number(b[0] === null) || b[1] - a[1]).map(([model]) => model);
    const colors = colorsOf(models.filter((model) => model !== null));
    return models.map((model, at): Line => ({
      id: model ?? "other",
      label: model ?? t("common.other"),
      color: colors[at] ?? "var(--text-3)",
      values: valuesOn(axis, rows.filter((row) => row.model === model), (row) => measure(metric, row)),
    }));
  }, [shown, metric, axis]);
  return <Series id="model-trend" label={t("analytics.modelTrend")} axis={axis} lines={lines} format={(value) => write(metric, value)} whole={metric !== "cost"} height={196} />;
}

function HealthTrend({ shown }: { readonly shown: Shown }) {
  const axis = useAxis(shown);
  const { rates, latencies } = useMemo(() => {
    const rows: readonly TimelineBucket[] = shown.answer.timeline ?? [];
    const line = (id: string, label: string, place: number, value: (row: TimelineBucket) => number | null): Line => ({ id, label, color: colorAt(place), values: valuesOn(axis, rows, value, null) });
    return {
      rates: [line("success-rate", t("dashboard.success"), 2, (row) => (row.calls ? row.success_rate : null))],
      latencies: [line("latency", `P95 ${t("column.latency")}`, 0, (row) => row.p95_latency_ms), line("ttft", `P95 ${t("column.ttft")}`, 1, (row) => row.p95_ttft_ms)],
    };
  }, [shown, axis]);
  return (
    <>
      <Series id="success-trend" label={t("dashboard.success")} axis={axis} lines={rates} format={(value) => fmt.value.percent(value, value === 1 || value === 0 ? 0 : 1)} most={1} height={80} hideAxis sync="health" />
      <Series id="latency-trend" label={t("column.latency")} axis={axis} lines={latencies} format={(value) => fmt.value.duration(value)} height={112} sync="health" />
    </>
  );
}

/** Parts that do not overlap: what was read from a cache is not counted as input again. */
function TokenStructure({ shown }: { readonly shown: Shown }) {
  const axis = useAxis(shown);
  const lines = useMemo(() => {
    const rows: readonly TimelineBucket[] = shown.answer.timeline ?? [];
    const cached = (row: TimelineBucket) => row.cached_tokens + row.cache_read_tokens + row.cache_creation_tokens;
    const part = (id: string, label: string, place: number, value: (row: TimelineBucket) => number): Line => ({ id, label, color: colorAt(place), values: valuesOn(axis, rows, value) });
    return [
      part("input", t("dashboard.mixInput"), 0, (row) => Math.max(row.input_tokens - cached(row), 0)),
      part("cached", t("dashboard.mixCached"), 4, cached),
      part("output", t("dashboard.mixOutput"), 1, (row) => row.output_tokens),
    ];
  }, [shown, axis]);
  return <Series id="token-structure" label={t("analytics.tokenStructure")} axis={axis} lines={lines} format={(value) => fmt.value.compact(value)} bars stacked whole height={228} />;
}
