/** Tables: sorted by their heads, paged or windowed, saved as CSV. */

import type { ComponentChildren, VNode } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { fmt, t } from "../i18n/language";
import { phone, prefer, preferences } from "../state/preferences";
import { query, setQuery } from "../state/router";
import { csv, type Cell } from "../text/csv";
import { Button, Select } from "./controls";
import { saveText } from "./saving";

export interface Column<R> {
  readonly id: string;
  readonly title: string;
  /** The raw value: for sorting, for CSV, and for whoever reads the page by machine. */
  readonly value: (row: R) => Cell;
  readonly cell?: (row: R) => ComponentChildren;
  readonly kind?: "text" | "number" | "actions";
  readonly width?: number;
  /** Where it goes on a phone: first line left, first line right, second line, or nowhere. */
  readonly phone?: "main" | "side" | "sub" | "none";
  readonly fixed?: boolean;
}

export interface Sort {
  readonly column: string;
  readonly down: boolean;
}

/** Rows of which only those that are looked at are here. */
export interface Lazy<R> {
  readonly count: number;
  /** The row at a place; null while it is not here. */
  readonly at: (place: number) => R | null;
  /** Told which places are looked at, up to the last one, which is not. */
  readonly look: (first: number, last: number) => void;
}

interface TableProps<R> {
  readonly id: string;
  readonly label: string;
  readonly rows: readonly R[];
  /** In the place of `rows`, in the order of the server. */
  readonly lazy?: Lazy<R> | undefined;
  readonly rowKey: (row: R) => string;
  readonly columns: readonly Column<R>[];
  /** Rows a page to choose from; without them all rows are shown. */
  readonly sizes?: readonly number[];
  readonly onRow?: (row: R) => void;
  readonly rowClass?: (row: R) => string;
  /** The height of the scrolled part; long tables have only the visible rows in the page. */
  readonly height?: string;
  readonly foot?: ComponentChildren;
  readonly onScrollTop?: (px: number) => void;
  /** Turned off where rows are in the order of the server. */
  readonly sortable?: boolean;
  /** Saves all rows where not all are here. */
  readonly onCsv?: () => void;
}

// The heights that the styles give a row of a windowed table: one line, or two on a phone.
const ROW_PX = 32;
const PHONE_ROW_PX = 64;
const WINDOWED = 100;
/** Rows that are kept as they were drawn. */
const MOST_DRAWN = 200;
const SPARE_ROWS = 8;
/** While a table is scrolled so many new rows are drawn in a frame; the others in the next ones. */
const MOST_NEW = 8;

/** Rows in the order of a column; equals, and rows without a value, in the order of their keys. */
export function sorted<R>(rows: readonly R[], columns: readonly Column<R>[], sort: Sort | null, rowKey: (row: R) => string): readonly R[] {
  const column = columns.find((candidate) => candidate.id === sort?.column);
  if (!column || !sort) return rows;
  const direction = sort.down ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [x, y] = [column.value(a) ?? null, column.value(b) ?? null];
    // What is unknown comes last either way.
    if (x === null || y === null) return x === y ? order(rowKey(a), rowKey(b)) : x === null ? 1 : -1;
    const found = typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y));
    return found * direction || order(rowKey(a), rowKey(b));
  });
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The address has by what each table is sorted, at which page it is, and how long its pages are. */
const SORT = "sort.";
const PAGE = "page.";
const SIZE = "size.";

/** A sort as the address has it: the column, behind a minus if it goes down. */
export function sortOf(text: string | undefined): Sort | null {
  return text ? { column: text.replace(/^-/, ""), down: text.startsWith("-") } : null;
}

export function Table<R>(props: TableProps<R>) {
  const { id, columns, rowKey, sizes } = props;
  const sort = props.sortable === false ? null : sortOf(query.value[`${SORT}${id}`]);
  const rows = sorted(props.rows, columns, sort, rowKey);
  const [shown, pager] = usePages(id, rows, sizes);
  const resort = (column: string) => {
    const next = sort?.column !== column ? { column, down: true } : sort.down ? { column, down: false } : null;
    setQuery({ [`${SORT}${id}`]: next && `${next.down ? "-" : ""}${next.column}`, [`${PAGE}${id}`]: null }, true);
  };
  const save = <Button action="export-csv" kind="quiet" icon="download" label={t("common.exportCsv")} onClick={props.onCsv ?? (() => saveTable(id, rows, columns))} />;
  return (
    <div class="table-box">
      <Rows {...props} rows={shown} sort={sort} resort={resort} />
      {sizes || props.foot ? (
        <footer class="pager">
          {props.foot}
          <span class="grow" />
          {save}
          {pager}
        </footer>
      ) : (
        rows.length > 0 && <span class="corner-csv">{save}</span>
      )}
    </div>
  );
}

/** The rows of the page that is looked at, and what turns the pages; of no sizes there is one page. */
export function usePages<R>(id: string, rows: readonly R[], sizes: readonly number[] | undefined): readonly [readonly R[], ComponentChildren] {
  if (!sizes) return [rows, null];
  const page = Math.max(0, Math.trunc(Number(query.value[`${PAGE}${id}`]) || 1) - 1);
  const setPage = (to: number) => setQuery({ [`${PAGE}${id}`]: to > 0 ? to + 1 : null }, true);
  const asked = Number(query.value[`${SIZE}${id}`]);
  const size = sizes.includes(asked) ? asked : (preferences.value.pageSizes?.[id] ?? sizes[0] ?? rows.length);
  const pages = Math.max(1, Math.ceil(rows.length / size));
  const at = Math.min(page, pages - 1);
  const pager = (
    <>
      <span class="dim">{t("common.rows", { n: rows.length })}</span>
      <Select
        name="page-size"
        label={t("common.rowsPerPage")}
        value={String(size)}
        choices={sizes.map((n) => ({ value: String(n), text: String(n) }))}
        onChange={(value) => {
          setQuery({ [`${SIZE}${id}`]: value, [`${PAGE}${id}`]: null }, true);
          prefer({ pageSizes: { ...preferences.value.pageSizes, [id]: Number(value) } });
        }}
      />
      <span class="turn">
        <Button action="previous-page" kind="quiet" icon="left" label={t("common.previousPage")} disabled={at === 0} onClick={() => setPage(at - 1)} />
        <span class="dim">{t("common.page", { page: at + 1, pages })}</span>
        <Button action="next-page" kind="quiet" icon="right" label={t("common.nextPage")} disabled={at >= pages - 1} onClick={() => setPage(at + 1)} />
      </span>
    </>
  );
  return [rows.slice(at * size, (at + 1) * size), pager];
}

function saveTable<R>(id: string, rows: readonly R[], columns: readonly Column<R>[]): void {
  const kept = columns.filter((column) => column.kind !== "actions");
  const lines = rows.map((row) => kept.map((column) => column.value(row)));
  saveText(`${id}.csv`, `\uFEFF${csv([kept.map((column) => column.title), ...lines])}`, "text/csv");
}

const REST_PX = 120;

/** The least width of a table whose columns all know theirs but one, which has the rest; else 0.
 *
 * Such a table need not be measured again for the rows that come into sight.
 */
function fixedWidth<R>(columns: readonly Column<R>[]): number {
  const known = columns.flatMap((column) => column.width ?? []);
  return known.length >= columns.length - 1 && columns.length > 1 ? known.reduce((sum, width) => sum + width, REST_PX) : 0;
}

function Rows<R>(props: TableProps<R> & { readonly sort: Sort | null; readonly resort: (column: string) => void }) {
  const { id, label, rows, lazy, columns, onRow, height, sort } = props;
  const count = lazy?.count ?? rows.length;
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 800 });
  const least = fixedWidth(columns);
  const windowed = count > WINDOWED;
  const pitch = phone.value ? PHONE_ROW_PX : ROW_PX;
  const follow = () => {
    if (box.current) props.onScrollTop?.(box.current.scrollTop);
    if (box.current && windowed) setView({ top: box.current.scrollTop, height: box.current.clientHeight });
  };
  useLayoutEffect(follow, [windowed]);
  const first = windowed ? Math.max(0, Math.floor(view.top / pitch) - SPARE_ROWS) : 0;
  const last = windowed ? Math.min(count, Math.ceil((view.top + view.height) / pitch) + SPARE_ROWS) : count;
  useEffect(() => lazy?.look(first, last), [first, last, lazy]);
  const lines = useLines(props, lazy !== undefined);
  const places = Array.from({ length: Math.max(0, last - first) }, (_, at) => first + at);
  return (
    <div class="table-scroll" tabIndex={props.sortable === false && !onRow ? 0 : undefined} ref={box} onScroll={follow} style={{ maxHeight: height ?? (windowed ? "70vh" : undefined) }}>
      <table class={`${least ? "fixed" : ""}${windowed ? " windowed" : ""}`} style={least ? { minWidth: `${least}px` } : undefined} data-table={id} aria-label={label} aria-rowcount={count}>
        <thead>
          <tr>
            {columns.map((column) => (
              <Head key={column.id} column={column} sort={sort} resort={props.sortable === false ? null : props.resort} />
            ))}
          </tr>
        </thead>
        <tbody>
          {first > 0 && <tr class="spacer" style={{ height: `${first * pitch}px` }} />}
          {places.map((place) => {
            const row = lazy ? lazy.at(place) : (rows[place] as R);
            const line = row === null ? null : lines(row);
            return (
              line ?? (
                <tr key={place} class="ghost">
                  <td colSpan={columns.length} />
                </tr>
              )
            );
          })}
          {last < count && <tr class="spacer" style={{ height: `${(count - last) * pitch}px` }} />}
        </tbody>
      </table>
    </div>
  );
}

/** What draws a row. While a table is merely scrolled, a row that was in sight is not drawn again.
 *
 * If `bounded`, it is null for a row whose turn comes in a later frame.
 */
function useLines<R>({ rowKey, columns, onRow, rowClass }: TableProps<R>, bounded: boolean): (row: R) => VNode | null {
  const drawn = useMemo(() => new Map<R, VNode>(), [rowKey, columns, onRow, rowClass]);
  const [, goOn] = useState({});
  const most = bounded && drawn.size > 0 ? MOST_NEW : Infinity;
  let fresh = 0;
  useEffect(() => {
    if (fresh < most) return;
    const frame = requestAnimationFrame(() => goOn({}));
    return () => cancelAnimationFrame(frame);
  });
  return (row) => {
    let line = drawn.get(row);
    if (!line) {
      if (fresh >= most) return null;
      fresh += 1;
      line = <Line key={rowKey(row)} name={rowKey(row)} row={row} columns={columns} onRow={onRow} kind={rowClass?.(row)} />;
    }
    // What was in sight last stands last, and goes last.
    drawn.delete(row);
    drawn.set(row, line);
    if (drawn.size > MOST_DRAWN) drawn.delete(drawn.keys().next().value as R);
    return line;
  };
}

interface LineProps<R> {
  readonly name: string;
  readonly row: R;
  readonly columns: readonly Column<R>[];
  readonly onRow: ((row: R) => void) | undefined;
  readonly kind: string | undefined;
}

function Line<R>({ name, row, columns, onRow, kind = "" }: LineProps<R>) {
  return (
    <tr
      data-row={name}
      class={`${onRow ? "link" : ""} ${kind}`}
      tabIndex={onRow ? 0 : undefined}
      onClick={onRow && (() => onRow(row))}
      onKeyDown={onRow && ((event) => event.key === "Enter" && event.target === event.currentTarget && onRow(row))}
    >
      {columns.map((column) => {
        const value = column.value(row);
        return (
          <td key={column.id} data-col={column.id} data-value={value === null || value === undefined ? "null" : String(value)} data-label={column.title} class={`${column.kind ?? "text"} p-${column.phone ?? "none"}`}>
            {column.cell ? column.cell(row) : column.kind === "number" ? fmt.value.full(value as number) : value}
          </td>
        );
      })}
    </tr>
  );
}

function Head<R>({ column, sort, resort }: { readonly column: Column<R>; readonly sort: Sort | null; readonly resort: ((column: string) => void) | null }) {
  const sorted = sort?.column === column.id ? (sort.down ? "descending" : "ascending") : "none";
  const fixed = column.fixed || column.kind === "actions" || !resort;
  return (
    <th scope="col" title={column.title} class={column.kind ?? "text"} style={{ width: column.width ? `${column.width}px` : undefined }} aria-sort={fixed ? undefined : sorted}>
      {fixed ? (
        column.title || <span class="unseen">{t("common.actions")}</span>
      ) : (
        <button type="button" data-sort={column.id} onClick={() => resort(column.id)}>
          {column.title}
          <span class="arrow">{sorted === "descending" ? "↓" : sorted === "ascending" ? "↑" : ""}</span>
        </button>
      )}
    </th>
  );
}
