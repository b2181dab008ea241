/** When: a row for each weekday, a column for each hour; on a phone the other way round. */

import type { HeatCell } from "../../api/analytics";
import { firstWeekday, placeOf, quantileSteps, stepBounds } from "../../charts/heat";
import { Ranks } from "../../charts/marks";
import { fmt, language, t } from "../../i18n/language";
import { usePart, type Data } from "../../state/freshness";
import { phone } from "../../state/preferences";
import { hashOf, query, setQuery } from "../../state/router";
import { Block } from "../../ui/block";
import { Segments } from "../../ui/controls";
import { CellDrawer } from "./cell";
import { cellName, ENOUGH_CALLS, HEAT_METRICS, heatName, valueOf, writeHeat, type HeatMetric } from "./heat";
import type { Shown } from "./read";

const SCALES = ["all", "weekday", "hour"] as const;
type Scale = (typeof SCALES)[number];
const TOP = 3;

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
  const metric = HEAT_METRICS.find((name) => name === query.value["metric"]) ?? "calls";
  const scale = SCALES.find((name) => name === query.value["scale"]) ?? "all";
  const cells = usePart(data, ({ answer }) => answer.heatmap ?? []);
  const empty = (found: readonly HeatCell[]) => found.length === 0 && t("common.noData");
  const aside = (
    <>
      <Segments name="metric" label={t("analytics.metric")} value={metric} choices={HEAT_METRICS.map((value) => ({ value, text: heatName(value) }))} onChange={(value) => setQuery({ metric: value }, true)} />
      <Segments name="scale" label={t("analytics.scale")} value={scale} choices={SCALES.map((value) => ({ value, text: t(`analytics.scale_${value}`) }))} onChange={(value) => setQuery({ scale: value }, true)} />
    </>
  );
  return (
    <div class="row">
      <Block id="heatmap" class="w-9" height={396} data={cells} title={t("analytics.heatmap")} aside={aside} empty={empty}>
        {(found) => <Grid cells={found} metric={metric} scale={scale} />}
      </Block>
      <Block id="highlights" class="w-3" height={396} data={cells} empty={empty}>
        {(found) => (
          <>
            <Highest id="busiest" cells={found} metric="calls" />
            <Highest id="dearest" cells={found} metric="cost" />
            <Highest id="riskiest" cells={found} metric="failure_rate" />
          </>
        )}
      </Block>
      <CellDrawer data={data} metric={metric} />
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
    <>
      <figure class="heat" data-chart="heatmap" data-points={cells.length}>
        {days.map((day) => [
          <span key={day} class="label">
            {fmt.value.weekday(day)}
          </span>,
          ...Array.from({ length: 24 }, (_, hour) => {
            const place = placeOf({ weekday: day, hour });
            const cell = at.get(place);
            const value = values[place] ?? null;
            const text = `${cellName({ weekday: day, hour })}: ${writeHeat(metric, value)} · ${t("analytics.calls", { n: cell?.calls ?? 0 })}`;
            return (
              <button key={place} type="button" class={`step-${steps[place]}`} title={text} aria-label={text} data-cell={place} data-value={value ?? "null"} disabled={!cell} onClick={() => setQuery({ cell: place })}>
                {phone.value && cell && writeHeat(metric, value)}
              </button>
            );
          }),
        ])}
        <span class="label hour" />
        {Array.from({ length: 24 }, (_, hour) => (
          <span key={hour} class="label hour">
            {phone.value || hour % 3 === 0 ? String(hour).padStart(2, "0") : ""}
          </span>
        ))}
      </figure>
      <Legend values={values} steps={steps} metric={metric} scale={scale} />
    </>
  );
}

/** What the colours mean. */
function Legend({ values, steps, metric, scale }: { readonly values: readonly (number | null)[]; readonly steps: readonly number[]; readonly metric: HeatMetric; readonly scale: Scale }) {
  const bounds = stepBounds(values, steps);
  return (
    <p class="legend heat-legend" title={t("analytics.legend")}>
      {scale !== "all" && <span>{t("analytics.least")}</span>}
      {bounds.map(({ step, low, high }) => (
        <span key={step} data-step={step}>
          <i class={`dot step-${step}`} />
          {scale === "all" && [low, high].map((value) => writeHeat(metric, value)).filter((text, at, all) => all.indexOf(text) === at).join("–")}
        </span>
      ))}
      {scale !== "all" && (
        <span>
          {t("analytics.most")} ({t(`analytics.scale_${scale}`)})
        </span>
      )}
    </p>
  );
}

interface HighestProps {
  readonly id: "busiest" | "dearest" | "riskiest";
  readonly cells: readonly HeatCell[];
  readonly metric: HeatMetric;
}

function Highest({ id, cells, metric }: HighestProps) {
  const known = cells.filter((cell) => (valueOf(metric, cell) ?? 0) > 0);
  const best = [...known].sort((a, b) => (valueOf(metric, b) ?? 0) - (valueOf(metric, a) ?? 0) || b.calls - a.calls || placeOf(a) - placeOf(b)).slice(0, TOP);
  const sum = metric === "failure_rate" ? 1 : known.reduce((total, cell) => total + (valueOf(metric, cell) ?? 0), 0);
  return (
    <section class="part" title={id === "riskiest" ? t("analytics.atLeast", { n: ENOUGH_CALLS }) : undefined}>
      <h3>{t(`analytics.${id}`)}</h3>
      <Ranks id={id} rows={best.map((cell) => ({ id: String(placeOf(cell)), name: cellName(cell), share: (valueOf(metric, cell) ?? 0) / sum, figure: writeHeat(metric, valueOf(metric, cell)), href: hashOf("/usage-analytics", { ...query.value, cell: placeOf(cell) }) }))} />
      {best.length === 0 && <p class="dim">--</p>}
    </section>
  );
}
