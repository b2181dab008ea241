/** How it goes: in all, or models or keys against each other; health, and what the tokens are. */

import { useMemo } from "preact/hooks";
import type { TimelineBucket } from "../../api/analytics";
import { axisOf, valuesOn, type Axis } from "../../charts/buckets";
import { colorAt, colorsOf } from "../../charts/colors";
import { Series, type Line } from "../../charts/series";
import type { View } from "../../filters/view";
import { fmt, language, t } from "../../i18n/language";
import { useData, type Data } from "../../state/freshness";
import { keyName } from "../../state/names";
import { query, setQuery } from "../../state/router";
import { Block, Tile, Tiles } from "../../ui/block";
import { Segments } from "../../ui/controls";
import { BucketLink } from "./bucket";
import { chosenMetric, Course, MetricSwitch } from "./course";
import { BUCKET_METRICS, measure, readKeys, restOf, write, type Shown } from "./read";

const KINDS = ["models", "keys", "total"] as const;
const KIND_NAMES = { models: "analytics.models", keys: "analytics.apiKeys", total: "common.all" } as const;
const ENOUGH_CALLS = 10;
const pick = (from: number) => setQuery({ bucket: from });

export function Trends({ data, view }: { readonly data: Data<Shown>; readonly view: View }) {
  const empty = (shown: Shown) => shown.summary.total_calls === 0 && t("common.noData");
  const kind = KINDS.find((name) => name === query.value["by"]) ?? "models";
  const keys = useData(kind === "keys" ? `keys ${JSON.stringify(view)}` : null, (signal) => readKeys(view, signal));
  const aside = (
    <>
      <Segments name="by" label={t("analytics.series")} value={kind} choices={KINDS.map((value) => ({ value, text: t(KIND_NAMES[value]) }))} onChange={(by) => setQuery({ by, hide: null }, true)} />
      <MetricSwitch metrics={BUCKET_METRICS} />
    </>
  );
  return (
    <>
      <Peaks data={data} />
      <Block id="model-trend" height={280} data={kind === "keys" ? keys : data} title={t("analytics.course")} aside={aside} empty={empty}>
        {(shown) => (kind === "total" ? <Course id="trend" shown={shown} height={196} metrics={BUCKET_METRICS} onPick={pick} /> : <Compared shown={shown} by={kind} />)}
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

/** The bucket that is highest in something, of those where it is known. */
function top(rows: readonly TimelineBucket[], of: (row: TimelineBucket) => number | null): TimelineBucket | undefined {
  const known = rows.filter((row) => (of(row) ?? 0) > 0);
  return known.sort((a, b) => (of(b) ?? 0) - (of(a) ?? 0))[0];
}

/** The extremes of the range, each with the bucket that it is found in. */
function Peaks({ data }: { readonly data: Data<Shown> }) {
  const metric = chosenMetric(BUCKET_METRICS);
  return (
    <Tiles id="peaks" slim data={data} count={4}>
      {(shown) => {
        const rows = shown.answer.timeline ?? [];
        const enough = rows.filter((row) => row.calls >= ENOUGH_CALLS);
        const [peak, failing, slow] = [top(rows, (row) => measure(metric, row)), top(enough, (row) => row.failure_rate), top(enough, (row) => row.p95_latency_ms)];
        const at = (row: TimelineBucket | undefined) => (row ? <BucketLink from={row.bucket_ms} of={shown} /> : "");
        const most = peak ? measure(metric, peak) : null;
        const axis = axisOf(shown.range, shown.granularity, rows, shown.now);
        const measured = axis.starts.filter((start) => start >= axis.since && start <= shown.now).length;
        const known = rows.flatMap((row) => measure(metric, row) ?? []);
        const mean = known.length > 0 ? known.reduce((sum, value) => sum + value, 0) / measured : null;
        return (
          <>
            <Tile metric="peak-bucket" label={t("analytics.peak")} value={most} text={write(metric, most)} note={at(peak)} />
            <Tile metric="mean-bucket" label={t(`analytics.mean_${shown.granularity}`)} value={mean} text={write(metric, mean)} note={t(`analytics.of_${shown.granularity}`, { n: measured })} />
            <Tile metric="worst-failure-rate" label={t("analytics.worstFailure")} value={failing?.failure_rate ?? null} text={fmt.value.percent(failing?.failure_rate)} note={at(failing)} />
            <Tile metric="worst-p95" label={t("analytics.worstLatency")} value={slow?.p95_latency_ms ?? null} text={fmt.value.duration(slow?.p95_latency_ms)} note={at(slow)} />
          </>
        );
      }}
    </Tiles>
  );
}

/** The courses of models or of keys. */
function Compared({ shown, by }: { readonly shown: Shown; readonly by: "models" | "keys" }) {
  const metric = chosenMetric(BUCKET_METRICS);
  const axis = useAxis(shown);
  const names = shown.answer.api_key_stats?.map(({ id }) => keyName(id)).join();
  const lines = useMemo(() => (by === "keys" ? keyLines : modelLines)(shown, axis, (row) => measure(metric, row)), [shown, metric, axis, by, names, language.value]);
  return <Series id={by === "keys" ? "key-trend" : "model-trend"} label={t(KIND_NAMES[by])} axis={axis} lines={lines} format={(value) => write(metric, value)} whole={metric !== "cost"} height={196} choose onPick={pick} />;
}

type Measure = (row: Parameters<typeof measure>[1]) => number | null;

function modelLines({ answer }: Shown, axis: Axis, of: Measure): Line[] {
  const rows = answer.model_timeline ?? [];
  const totals = new Map<string | null, number>();
  for (const row of rows) totals.set(row.model, (totals.get(row.model) ?? 0) + row.calls);
  const models = [...totals].sort((a, b) => Number(a[0] === null) - Number(b[0] === null) || b[1] - a[1]).map(([model]) => model);
  const colors = colorsOf(models.filter((model) => model !== null));
  return models.map((model, at) => ({
    id: model ?? "other",
    label: model ?? t("common.other"),
    color: colors[at] ?? "var(--text-3)",
    values: valuesOn(axis, rows.filter((row) => row.model === model), of),
  }));
}

function keyLines({ answer }: Shown, axis: Axis, of: Measure): Line[] {
  const keys = answer.api_key_stats ?? [];
  const colors = colorsOf(keys.map(({ id }) => id));
  const rows = answer.api_key_timeline ?? [];
  const lines = keys.map(({ id, api_key_alias }, at) => ({
    id,
    label: api_key_alias || keyName(id),
    color: colors[at]!,
    values: valuesOn(axis, rows.filter((row) => row.api_key_hash === id), of),
  }));
  const rest = restOf(answer.timeline ?? [], rows);
  return rest.length === 0 ? lines : [...lines, { id: "other", label: t("common.other"), color: "var(--text-3)", values: valuesOn(axis, rest, of) }];
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
  }, [shown, axis, language.value]);
  return (
    <>
      <Series id="success-trend" label={t("dashboard.success")} axis={axis} lines={rates} format={(value) => fmt.value.percent(value, value === 1 || value === 0 ? 0 : 1)} most={1} height={80} hideAxis sync="health" onPick={pick} />
      <Series id="latency-trend" label={t("column.latency")} axis={axis} lines={latencies} format={(value) => fmt.value.duration(value)} height={112} sync="health" onPick={pick} />
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
  }, [shown, axis, language.value]);
  return <Series id="token-structure" label={t("analytics.tokenStructure")} axis={axis} lines={lines} format={(value) => fmt.value.compact(value)} bars stacked whole height={228} onPick={pick} />;
}
