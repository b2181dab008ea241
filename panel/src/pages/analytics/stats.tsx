/** Things against each other: a table of all their figures, and one of them alone in a drawer. */

import type { ComponentChildren } from "preact";
import type { Filters, GroupModel, Summary } from "../../api/analytics";
import { carried, type View } from "../../filters/view";
import { fmt, t } from "../../i18n/language";
import { useData, usePart, type Data } from "../../state/freshness";
import { hashOf, query, setQuery } from "../../state/router";
import { Block } from "../../ui/block";
import { Modal } from "../../ui/overlay";
import { Table, type Column } from "../../ui/table";
import { knownCost } from "../figures";
import { figureColumns } from "../monitor/groups";
import { SummaryTiles } from "../summary";
import { Course, MetricSwitch } from "./course";
import { Severity } from "./overview";
import { BUCKET_METRICS, dearest, readCourse, type Shown } from "./read";
import { warningsOf, type Warning } from "./warnings";

const SIZES = [20, 50, 100];
const MOST_WARNINGS = 5;

interface Row {
  readonly calls: number;
  readonly success_calls: number;
  readonly failure_calls: number;
  readonly success_rate: number;
  readonly cost: number;
  readonly unpriced_calls: number;
  readonly total_tokens: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cached_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_hit_rate?: number;
  readonly models?: readonly GroupModel[];
}

const costOf = (row: Row) => knownCost({ cost: row.cost, unpriced: row.unpriced_calls, calls: row.calls });

/** How much of its input a row had from a cache. */
function cacheRate({ input_tokens, cache_hit_rate, models = [] }: Row): number | null {
  const sum = (of: (model: GroupModel) => number) => models.reduce((all, model) => all + of(model), 0);
  const read = sum((model) => model.cache_hit_input_tokens);
  return input_tokens > 0 ? (cache_hit_rate ?? (read ? sum((model) => model.cache_hit_tokens) / read : null)) : null;
}

/** All figures of a row, with its part of the whole. */
function columnsOf<R extends Row>(summary: Summary | undefined): Column<R>[] {
  const tokens = (id: string, title: string, value: (row: R) => number): Column<R> => ({ id, title, kind: "number", value, cell: (row) => <span title={fmt.value.full(value(row))}>{fmt.value.compact(value(row))}</span> });
  const share = (row: R) => (summary && summary.total_cost > 0 && costOf(row) !== null ? row.cost / summary.total_cost : null);
  const perCall = (row: R) => (row.calls > row.unpriced_calls ? row.cost / (row.calls - row.unpriced_calls) : null);
  return [
    ...figureColumns<R>(),
    { id: "share", title: t("column.costShare"), kind: "number", value: share, cell: (row) => fmt.value.percent(share(row)) },
    { id: "cost-per-call", title: t("column.costPerCall"), kind: "number", value: perCall, cell: (row) => fmt.value.usdRequest(perCall(row)) },
    tokens("input", t("column.input"), (row) => row.input_tokens),
    tokens("output", t("column.output"), (row) => row.output_tokens),
    tokens("cached", t("column.cached"), (row) => row.cached_tokens + row.cache_read_tokens),
    { id: "cache-rate", title: t("column.cacheRate"), kind: "number", value: cacheRate, cell: (row) => fmt.value.percent(cacheRate(row)) },
  ];
}

interface StatsProps<R> {
  readonly id: string;
  readonly title: string;
  readonly data: Data<Shown>;
  readonly view: View;
  readonly rows: (shown: Shown) => readonly R[];
  readonly rowKey: (row: R) => string;
  readonly nameOf: (row: R) => string;
  readonly first: readonly Column<R>[];
  readonly last?: readonly Column<R>[];
  /** The filters of one row, and how they stand in an address. */
  readonly filter: (row: R) => Filters;
  readonly link: (row: R) => Record<string, string>;
  /** What else is asked of one row. */
  readonly include?: object;
  readonly more?: (row: R, course: Shown | null) => ComponentChildren;
  /** Whether rows are warned of. */
  readonly warned?: boolean;
  /** Which rows are listed, and what chooses them. */
  readonly chosen?: (row: R) => boolean;
  readonly aside?: ComponentChildren;
}

/** Rows against each other, what of them deserves a look, and the one that is open. */
export function Stats<R extends Row>(props: StatsProps<R>) {
  const { id, data, rows, rowKey, nameOf, chosen } = props;
  const summary = data.now.value.value?.summary;
  const open = query.value["row"];
  return (
    <>
      {props.warned && <Warnings {...props} />}
      <Block id={id} class="fill" data={data} title={props.title} aside={props.aside} empty={(shown) => rows(shown).length === 0 && t("common.noData")}>
        {(shown) => {
          const order = dearest(rows(shown), rowKey);
          const row = order.find((candidate) => rowKey(candidate) === open);
          const ranks = new Map(order.map((one, at) => [one, at + 1]));
          const rank: Column<R> = { id: "rank", title: "#", kind: "number", value: (one) => ranks.get(one) };
          const listed = chosen ? order.filter(chosen) : order;
          return (
            <>
              {listed.length === 0 ? (
                <p class="empty">{t("common.noMatch")}</p>
              ) : (
                <Table id={id} label={props.title} rows={listed} rowKey={rowKey} columns={[rank, ...props.first, ...columnsOf<R>(summary), ...(props.last ?? [])]} sizes={SIZES} onRow={(picked) => setQuery({ row: rowKey(picked) })} />
              )}
              {row && (
                <Modal id="detail" drawer title={nameOf(row)} onClose={() => setQuery({ row: null })}>
                  {props.warned && warningsOf(order, shown.summary).filter((warning) => warning.row === row).map((warning) => <p key={id} data-warning={warning.reason}><Severity of={warning.severity} /> {reasonOf(warning)}</p>)}
                  <Detail key={rowKey(row)} {...props} row={row} />
                </Modal>
              )}
            </>
          );
        }}
      </Block>
    </>
  );
}

function reasonOf({ reason, figure }: Warning<unknown>): string {
  return reason === "unpriced" ? t("common.unpriced", { n: figure }) : t(`analytics.warn_${reason}`, { rate: fmt.value.percent(figure) });
}

/** A line of what deserves a look; the gravest first. */
function Warnings<R extends Row>({ data, rows, rowKey, nameOf }: StatsProps<R>) {
  const found = (shown: Shown) => warningsOf(rows(shown), shown.summary).slice(0, MOST_WARNINGS);
  return (
    <Block id="warnings" data={data}>
      {(shown) => (
        <ul class="warnings" data-table="warnings">
          {found(shown).map((warning) => (
            <li key={rowKey(warning.row)} data-row={rowKey(warning.row)} data-warning={warning.reason}>
              <button type="button" data-action="open" title={`${nameOf(warning.row)}: ${reasonOf(warning)}`} onClick={() => setQuery({ row: rowKey(warning.row) })}>
                <span class="bar-line">
                  <Severity of={warning.severity} />
                  <b class="cut">{nameOf(warning.row)}</b>
                </span>
                {reasonOf(warning)}
              </button>
            </li>
          ))}
          {found(shown).length === 0 && <li class="dim">{t("analytics.noWarnings")}</li>}
        </ul>
      )}
    </Block>
  );
}

function Detail<R extends Row>({ view, row, rowKey, filter, link, include = {}, more }: StatsProps<R> & { readonly row: R }) {
  const course = useData(`course ${rowKey(row)} ${JSON.stringify(view)}`, (signal) => readCourse(view, filter(row), include, signal));
  return (
    <>
      <SummaryTiles data={usePart(course, ({ summary }) => ({ summary }))} view={view} of={link(row)} />
      <Block id="detail-course" class="bare" height={236} data={course} aside={<MetricSwitch metrics={BUCKET_METRICS} />}>
        {(shown) => <Course id="detail-trend" shown={shown} height={160} metrics={BUCKET_METRICS} />}
      </Block>
      <a href={hashOf("/monitoring", { ...carried(query.value, view), tab: "realtime", ...link(row) })}>{t("common.openMonitor")}</a>
      {more?.(row, course.now.value.value)}
    </>
  );
}
