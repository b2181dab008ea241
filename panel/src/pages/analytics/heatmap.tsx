/** When: a row for each weekday, a column for each hour, and what a cell is made of. */

import type { Contributor, HeatCell } from "../../api/analytics";
import { firstWeekday, quantileSteps } from "../../charts/heat";
import { carried } from "../../filters/view";
import { fmt, language, t } from "../../i18n/language";
import type { Data } from "../../state/freshness";
import { keyName } from "../../state/names";
import { hashOf, query, setQuery } from "../../state/router";
import { bucketEnd, buckets } from "../../text/ranges";
import { Block } from "../../ui/block";
import { Segments } from "../../ui/controls";
import { Modal } from "../../ui/overlay";
import { Ranks } from "../../charts/marks";
import { Facts } from "../../ui/facts";
import { analyticsView } from "./overview";
import { CostText, knownCost } from "../figures";
import type { Shown } from "./read";

const METRICS = ["calls", "tokens", "cost", "failure_rate"] as const;
type HeatMetric = (typeof METRICS)[number];
const SCALES = ["all", "weekday", "hour"] as const;
type Scale = (typeof SCALES)[number];
const ENOUGH_CALLS = 5;
const TOP = 5;
const MOST_DATES = 60;

function nameOf(metric: HeatMetric): string {
  return t(metric === "calls" ? "column.requests" : metric === "failure_rate" ? "column.failureRate" : `column.${metric}`);
}

function write(metric: HeatMetric, value: number | null): string {
  if (metric === "cost") return fmt.value.usd(value);
  return metric === "failure_rate" ? fmt.value.percent(value) : fmt.value.compact(value);
}

/** The value of a cell; what has no price has no cost, and a rate of very few calls says nothing. */
function valueOf(metric: HeatMetric, cell: HeatCell | undefined): number | null {
  if (!cell) return metric === "failure_rate" ? null : 0;
  if (metric === "cost") return knownCost({ cost: cell.cost, unpriced: cell.unpriced_calls, calls: cell.calls });
  return metric === "failure_rate" && cell.calls < ENOUGH_CALLS ? null : cell[metric];
}

const placeOf = (cell: { readonly weekday: number; readonly hour: number }) => cell.weekday * 24 + cell.hour;

/** The steps of all cells: among all of them, or among those of a weekday or of an hour. */
function stepsOf(values: readonly (number | null)[], scale: Scale): number[] {
  if (scale === "all") return quantileSteps(values);
  const steps = new Array<number>(values.length).fill(0);
  const lines = scale === "weekday" ? 7 : 24;
  for (let line = 0; line < lines; line += 1) {
    const places = values.flatMap((_, place) => ((scale === "weekday" ? Math.floor(place / 24) : place % 24) === line ? [place] : []));
    quantileSteps(places.map((place) => values[place] ?? null)).forEach((step, at) => (steps[places[at]!] = step));
  }
  return steps;
}

export function Heatmap({ data }: { readonly data: Data<Shown> }) {
  const metric = METRICS.find((name) => name === query.value["metric"]) ?? "calls";
  const scale = SCALES.find((name) => name === query.value["scale"]) ?? "all";
  const aside = (
    <>
      <Segments name="metric" label={t("analytics.metric")} value={metric} choices={METRICS.map((value) => ({ value, text: nameOf(value) }))} onChange={(value) => setQuery({ metric: value }, true)} />
      <Segments name="scale" label={t("analytics.scale")} value={scale} choices={SCALES.map((value) => ({ value, text: t(`analytics.scale_${value}`) }))} onChange={(value) => setQuery({ scale: value }, true)} />
    </>
  );
  return (
    <div class="row">
      <Block id="heatmap" class="w-9" height={360} data={data} title={t("analytics.heatmap")} aside={aside} empty={(shown) => shown.summary.total_calls === 0 && t("common.noData")}>
        {(shown) => <Grid cells={shown.answer.heatmap ?? []} metric={metric} scale={scale} />}
      </Block>
      <Block id="busiest" class="w-3" height={360} data={data} title={t("analytics.highest")} empty={(shown) => shown.summary.total_calls === 0 && t("common.noData")}>
        {(shown) => <Highest shown={shown} metric={metric} />}
      </Block>
      <Cell data={data} />
    </div>
  );
}

function Grid({ cells, metric, scale }: { readonly cells: readonly HeatCell[]; readonly metric: HeatMetric; readonly scale: Scale }) {
  const at = new Map(cells.map((cell) => [placeOf(cell), cell]));
  const values = Array.from({ length: 168 }, (_, place) => valueOf(metric, at.get(place)));
  const steps = stepsOf(values, scale);
  const first = firstWeekday(language.value);
  const days = Array.from({ length: 7 }, (_, i) => (first + i) % 7);
  return (
    <figure class="heat" data-chart="heatmap" data-points={cells.length}>
      {days.map((day) => [
        <span key={day} class="label">
          {fmt.value.weekday(day)}
        </span>,
        ...Array.from({ length: 24 }, (_, hour) => {
          const place = placeOf({ weekday: day, hour });
          const cell = at.get(place);
          const text = `${cellName(day, hour)}: ${write(metric, values[place] ?? null)} · ${t("analytics.calls", { n: cell?.calls ?? 0 })}`;
          return <button key={place} type="button" class={`step-${steps[place]}`} title={text} aria-label={text} data-cell={place} data-value={values[place] ?? "null"} disabled={!cell} onClick={() => setQuery({ cell: place })} />;
        }),
      ])}
      <span class="label" />
      {Array.from({ length: 24 }, (_, hour) => (
        <span key={hour} class="label">
          {hour % 3 === 0 ? String(hour).padStart(2, "0") : ""}
        </span>
      ))}
    </figure>
  );
}

function cellName(weekday: number, hour: number): string {
  const clock = (n: number) => `${String(n % 24).padStart(2, "0")}:00`;
  return `${fmt.value.weekday(weekday, "long")} ${clock(hour)}–${clock(hour + 1)}`;
}

function Highest({ shown, metric }: { readonly shown: Shown; readonly metric: HeatMetric }) {
  const cells = (shown.answer.heatmap ?? []).filter((cell) => (valueOf(metric, cell) ?? 0) > 0);
  const best = [...cells].sort((a, b) => (valueOf(metric, b) ?? 0) - (valueOf(metric, a) ?? 0) || b.calls - a.calls).slice(0, TOP);
  const sum = metric === "failure_rate" ? 1 : cells.reduce((total, cell) => total + (valueOf(metric, cell) ?? 0), 0);
  return <Ranks id="highest-cells" rows={best.map((cell) => ({ id: String(placeOf(cell)), name: cellName(cell.weekday, cell.hour), share: (valueOf(metric, cell) ?? 0) / sum, figure: write(metric, valueOf(metric, cell)) }))} />;
}

function Cell({ data }: { readonly data: Data<Shown> }) {
  const place = Number(query.value["cell"] ?? -1);
  const shown = data.now.value.value;
  const cell = shown?.answer.heatmap?.find((candidate) => placeOf(candidate) === place);
  if (!cell || !shown) return null;
  return (
    <Modal id="cell" drawer title={cellName(cell.weekday, cell.hour)} onClose={() => setQuery({ cell: null })}>
      <Facts
        rows={[
          [t("column.requests"), `${fmt.value.full(cell.calls)} (${fmt.value.percent(cell.calls / shown.summary.total_calls)})`],
          [t("column.failed"), fmt.value.full(cell.failure)],
          [t("column.failureRate"), fmt.value.percent(cell.failure_rate)],
          [t("column.tokens"), fmt.value.full(cell.tokens)],
          [t("column.cost"), <CostText cost={cell.cost} unpriced={cell.unpriced_calls} calls={cell.calls} />],
        ]}
      />
      <Dates cell={cell} shown={shown} />
      <Contributors title={t("column.model")} rows={cell.model_contributors} nameOf={(row) => row.label || row.key} />
      <Contributors title={t("column.key")} rows={cell.api_key_contributors} nameOf={(row) => row.alias || keyName(row.key)} />
      <Contributors title={t("column.provider")} rows={cell.provider_contributors} nameOf={(row) => row.label || row.key} />
    </Modal>
  );
}

/** The hours of the range that a cell is the sum of, newest first, each with its requests. */
function Dates({ cell, shown }: { readonly cell: HeatCell; readonly shown: Shown }) {
  const hours = buckets(shown.range, "hour").filter((start) => {
    const date = new Date(start);
    return date.getDay() === cell.weekday && date.getHours() === cell.hour;
  });
  return (
    <section class="part">
      <h3>{t("analytics.dates")}</h3>
      <p class="chips">
        {hours.reverse().slice(0, MOST_DATES).map((start) => (
          <a key={start} class="badge" href={hashOf("/monitoring", { ...carried(query.value, analyticsView()), time_range: null, tab: "realtime", from_ms: start, to_ms: bucketEnd(start, "hour") })}>
            {fmt.value.day(start)}
          </a>
        ))}
      </p>
    </section>
  );
}

function Contributors({ title, rows = [], nameOf }: { readonly title: string; readonly rows?: readonly Contributor[] | undefined; readonly nameOf: (row: Contributor) => string }) {
  if (rows.length === 0) return null;
  return (
    <section class="part">
      <h3>{title}</h3>
      <Ranks id="contributors" rows={rows.map((row) => ({ id: row.key, name: nameOf(row), share: row.share, figure: <>{fmt.value.full(row.calls)} · <CostText cost={row.cost} unpriced={row.unpriced_calls} calls={row.calls} /></> }))} />
    </section>
  );
}
