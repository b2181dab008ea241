/** One cell of the heat map in a drawer: against the others, by its days, and what it is made of. */

import { useMemo } from "preact/hooks";
import type { Contributor, HeatCell } from "../../api/analytics";
import { axisOf, valuesOn } from "../../charts/buckets";
import { colorAt } from "../../charts/colors";
import { hoursIn, placeAt, placeOf } from "../../charts/heat";
import { Ranks } from "../../charts/marks";
import { Series } from "../../charts/series";
import { carried } from "../../filters/view";
import { fmt, language, t } from "../../i18n/language";
import { useData, type Data } from "../../state/freshness";
import { keyName } from "../../state/names";
import { hashOf, query, setQuery } from "../../state/router";
import { change } from "../../text/format";
import { bucketEnd, buckets, HOUR, type Range } from "../../text/ranges";
import { Block } from "../../ui/block";
import { Facts } from "../../ui/facts";
import { Icon } from "../../ui/icon";
import { Modal } from "../../ui/overlay";
import { CostText } from "../figures";
import { cellName, heatName, hourName, meanOf, valueOf, writeHeat, type HeatMetric } from "./heat";
import { analyticsView } from "./overview";
import { readDay, type Shown } from "./read";

const MOST_DATES = 60;

export function CellDrawer({ data, metric }: { readonly data: Data<Shown>; readonly metric: HeatMetric }) {
  const place = Number(query.value["cell"] ?? -1);
  const date = Number(query.value["date"] ?? 0);
  const view = analyticsView();
  const day = useData(date > 0 ? `day ${date} ${JSON.stringify(view)}` : null, (signal) => readDay(view, date, signal));
  const shown = data.now.value.value;
  const cell = shown?.answer.heatmap?.find((candidate) => placeOf(candidate) === place);
  if (!cell || !shown) return null;
  return (
    <Modal id="cell" drawer title={cellName(cell)} onClose={() => setQuery({ cell: null, date: null })}>
      <Dates cell={cell} range={shown.range} date={date} />
      {date > 0 ? (
        <Block id="cell-day" class="bare" height={320} data={day} empty={(found) => !cellIn(found, place) && t("common.noData")}>
          {(found) => <Day shown={found} cell={cellIn(found, place)!} metric={metric} />}
        </Block>
      ) : (
        <>
          <Figures cell={cell} shown={shown} />
          <Compared cell={cell} shown={shown} metric={metric} />
          <Makers of={cell} />
        </>
      )}
    </Modal>
  );
}

const cellIn = ({ answer }: Shown, place: number) => answer.heatmap?.find((candidate) => placeOf(candidate) === place);

function Figures({ cell, shown }: { readonly cell: HeatCell; readonly shown: Shown }) {
  return (
    <Facts
      rows={[
        [t("column.requests"), `${fmt.value.full(cell.calls)} (${fmt.value.percent(cell.calls / shown.summary.total_calls)})`],
        [t("column.failed"), fmt.value.full(cell.failure)],
        [t("column.failureRate"), fmt.value.percent(cell.failure_rate)],
        [t("column.tokens"), fmt.value.full(cell.tokens)],
        [t("column.cost"), <CostText cost={cell.cost} unpriced={cell.unpriced_calls} calls={cell.calls} />],
      ]}
    />
  );
}

/** The cell against its weekday, its hour and all, by an hour of each: not all have as many hours. */
function Compared({ cell, shown, metric }: { readonly cell: HeatCell; readonly shown: Shown; readonly metric: HeatMetric }) {
  const cells = shown.answer.heatmap ?? [];
  const hours = hoursIn(shown.range);
  const mean = (of: (place: number) => boolean) => meanOf(metric, cells.filter((one) => of(placeOf(one))), hours.reduce((sum, n, place) => sum + (of(place) ? n : 0), 0));
  const own = placeOf(cell);
  const here = mean((place) => place === own);
  const rows = [
    ["cell", t("analytics.thisCell"), here],
    ["weekday", fmt.value.weekday(cell.weekday, "long"), mean((place) => Math.floor(place / 24) === cell.weekday)],
    ["hour", hourName(cell.hour), mean((place) => place % 24 === cell.hour)],
    ["all", t("analytics.allCells"), mean(() => true)],
  ] as const;
  const most = Math.max(...rows.map(([, , value]) => value ?? 0), Number.MIN_VALUE);
  const write = (value: number | null) => (metric === "calls" ? fmt.value.rate(value) : writeHeat(metric, value));
  const delta = (value: number | null) => {
    const found = change(here, value);
    return typeof found === "number" ? fmt.value.delta(found) : "";
  };
  const value = valueOf(metric, cell);
  const known = cells.flatMap((one) => valueOf(metric, one) ?? []);
  const rank = value === null ? null : known.filter((other) => other > value).length + 1;
  return (
    <section class="part">
      <h3>{metric === "failure_rate" ? heatName(metric) : t("analytics.perHour", { metric: heatName(metric) })}</h3>
      <Ranks
        id="comparison"
        rows={rows.map(([id, name, mean]) => ({
          id,
          name,
          share: (mean ?? 0) / most,
          figure: (
            <span data-metric={`mean-${id}`} data-value={mean ?? "null"}>
              {id !== "cell" && <span class="dim">{delta(mean)} </span>}
              {write(mean)}
            </span>
          ),
        }))}
      />
      {rank !== null && (
        <p data-metric="rank" data-value={rank}>
          {t("analytics.rank", { n: rank, of: known.length })}
        </p>
      )}
    </section>
  );
}

/** The hours of the range that a cell is the sum of, newest first: each can be asked for alone, and has its requests. */
function Dates({ cell, range, date }: { readonly cell: HeatCell; readonly range: Range; readonly date: number }) {
  const own = placeOf(cell);
  const hours = buckets({ ...range, from: Math.max(range.from, range.to - MOST_DATES * 7 * 24 * HOUR) }, "hour").filter((start) => placeAt(start) === own);
  const link = (start: number) => hashOf("/monitoring", { ...carried(query.value, analyticsView()), time_range: null, tab: "realtime", from_ms: Math.max(start, Math.trunc(range.from)), to_ms: Math.min(bucketEnd(start, "hour"), Math.trunc(range.to)) });
  const choice = (start: number, text: string) => (
    <button type="button" aria-pressed={date === start} data-date={start} onClick={() => setQuery({ date: start || null }, true)}>
      {text}
    </button>
  );
  return (
    <section class="part">
      <h3>{t("analytics.dates")}</h3>
      <p class="chips dates">
        {choice(0, t("common.all"))}
        {hours.reverse().map((start) => (
          <span key={start}>
            {choice(start, fmt.value.day(start))}
            <a href={link(start)} title={t("common.openMonitor")} aria-label={`${fmt.value.day(start)}: ${t("common.openMonitor")}`}>
              <Icon name="right" />
            </a>
          </span>
        ))}
      </p>
    </section>
  );
}

/** The hour of one day, and that day around it. */
function Day({ shown, cell, metric }: { readonly shown: Shown; readonly cell: HeatCell; readonly metric: HeatMetric }) {
  const { axis, lines } = useMemo(() => {
    const rows = shown.answer.timeline ?? [];
    const made = axisOf(shown.range, "hour", rows, shown.now);
    const cells = new Map(shown.answer.heatmap?.map((one) => [placeOf(one), one]));
    const values = valuesOn(made, rows, (row) => valueOf(metric, cells.get(placeAt(row.bucket_ms))));
    return { axis: made, lines: [{ id: metric, label: heatName(metric), color: colorAt(0), values }] };
  }, [shown, metric, language.value]);
  return (
    <>
      <Figures cell={cell} shown={shown} />
      <section class="part">
        <h3>{t("analytics.wholeDay")}</h3>
        <Series id="day" label={heatName(metric)} axis={axis} lines={lines} format={(value) => writeHeat(metric, value)} bars height={130} />
      </section>
      <Makers of={cell} />
    </>
  );
}

/** What a cell is made of. */
function Makers({ of }: { readonly of: HeatCell }) {
  return (
    <>
      <Contributors title={t("column.model")} rows={of.model_contributors} nameOf={(row) => row.label || row.key} />
      <Contributors title={t("column.key")} rows={of.api_key_contributors} nameOf={(row) => row.alias || keyName(row.key)} />
      <Contributors title={t("column.provider")} rows={of.provider_contributors} nameOf={(row) => row.label || row.key} />
    </>
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
