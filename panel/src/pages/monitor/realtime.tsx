/** The table of requests: newest on top, without moving what is being read. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { bodyOf, type EventRow, type Strip } from "../../api/analytics";
import { isFiltered, searchOf, type View } from "../../filters/view";
import { fmt, language, t } from "../../i18n/language";
import type { Data } from "../../state/freshness";
import { keyName, whoseName } from "../../state/names";
import { setQuery } from "../../state/router";
import { api } from "../../state/session";
import { iso } from "../../text/format";
import { reasonOf, redact } from "../../text/mask";
import type { Range } from "../../text/ranges";
import { Block } from "../../ui/block";
import { Button } from "../../ui/controls";
import { toastError } from "../../ui/overlay";
import { saveBlob } from "../../ui/saving";
import { Table, type Column, type Lazy } from "../../ui/table";
import { Outcomes } from "../../charts/marks";
import { Nothing } from "./watched";
import { accountOf, callsOf, countOf, halved, heldOf, missing, MOST_ROWS, newer, outcomesOf, readPage, rowAt, speedOf, streamsOf, withPage, type Held, type Shown, type Streams } from "./events";

const SLOW_MS = 15_000;
const VERY_SLOW_MS = 30_000;
const CSV_MS = 3_600_000;

function slowness(ms: number | null): string {
  if (ms === null || ms < SLOW_MS) return "";
  return ms < VERY_SLOW_MS ? "warn-text" : "bad-text";
}

export function modelOf(row: EventRow): string {
  return row.analytics_model || row.requested_model || row.model || "-";
}

function Time({ ms }: { readonly ms: number }) {
  const today = fmt.value.day(ms) === fmt.value.day(Date.now());
  return <span title={iso(ms)}>{today ? fmt.value.moment(ms) : fmt.value.stamp(ms)}</span>;
}

/** How the calls of a request's account went, within what is shown. */
function streamColumn(streams: Streams, range: Range | undefined): Column<EventRow> {
  return {
    id: "rate",
    title: t("monitor.stream"),
    width: 132,
    value: (row) => streams.get(accountOf(row))?.success_rate ?? null,
    cell: (row) => {
      const strip = streams.get(accountOf(row));
      return strip ? <Stream strip={strip} range={range} /> : "--";
    },
  };
}

function Stream({ strip, range }: { readonly strip: Strip; readonly range: Range | undefined }) {
  const calls = callsOf(strip);
  return (
    <span class="stream" title={`${t("monitor.streamHint")}: ${fmt.value.percent(strip.success_rate)}, ${fmt.value.full(calls)}`} data-calls={calls}>
      <Outcomes width={3} cells={outcomesOf(halved(strip))} range={range} label={t("monitor.streamHint")} />
      {fmt.value.percent(strip.success_rate)} <span class="dim">{fmt.value.compact(calls)}</span>
    </span>
  );
}

/** The columns of requests, on this page and wherever else some are listed. */
export function eventColumns(streams?: Streams, range?: Range): Column<EventRow>[] {
  const tokens = (id: string, title: string, value: (row: EventRow) => number): Column<EventRow> => ({
    id,
    title,
    kind: "number",
    width: 68,
    value,
    cell: (row) => <span title={fmt.value.full(value(row))}>{fmt.value.compact(value(row))}</span>,
  });
  return [
    { id: "time", title: t("column.time"), width: 84, phone: "sub", value: (row) => row.timestamp_ms, cell: (row) => <Time ms={row.timestamp_ms} /> },
    {
      id: "status",
      title: t("column.status"),
      width: 68,
      phone: "sub",
      value: (row) => (row.failed ? row.fail_status_code || "failed" : "ok"),
      cell: (row) => (row.failed ? <span class="badge bad">{row.fail_status_code || t("outcome.failed")}</span> : <span class="dim">{t("outcome.ok")}</span>),
    },
    {
      id: "model",
      title: t("column.model"),
      width: 140,
      phone: "main",
      value: modelOf,
      cell: (row) => (
        <span title={[[row.requested_model, row.resolved_model].filter(Boolean).join(" → "), row.reasoning_effort, row.service_tier].filter(Boolean).join(" · ")}>
          {modelOf(row)}
          {row.reasoning_effort && <span class="dim"> {row.reasoning_effort}</span>}
        </span>
      ),
    },
    { id: "account", title: t("column.account"), width: 108, phone: "sub", value: whoseName, cell: (row) => <span title={row.auth_provider_snapshot}>{whoseName(row)}</span> },
    { id: "key", title: t("column.key"), width: 84, value: (row) => row.api_key_alias || keyName(row.api_key_hash) },
    ...(streams ? [streamColumn(streams, range)] : []),
    tokens("input", t("column.input"), (row) => row.input_tokens),
    tokens("output", t("column.output"), (row) => row.output_tokens),
    tokens("cached", t("column.cached"), (row) => row.cached_tokens + row.cache_read_tokens),
    { id: "ttft", title: t("column.ttft"), kind: "number", width: 96, value: (row) => row.ttft_ms, cell: (row) => <span class={slowness(row.ttft_ms)}>{fmt.value.duration(row.ttft_ms)}</span> },
    { id: "latency", title: t("column.total"), kind: "number", width: 60, value: (row) => row.latency_ms, cell: (row) => <span class={slowness(row.latency_ms)} title={`${t("column.tps")}: ${fmt.value.rate(speedOf(row))}`}>{fmt.value.duration(row.latency_ms)}</span> },
    { id: "cost", title: t("column.cost"), kind: "number", width: 92, phone: "side", value: (row) => row.cost, cell: (row) => fmt.value.usdRequest(row.cost) },
    {
      id: "reason",
      title: t("column.reason"),
      phone: "none",
      value: (row) => reasonOf(row.fail_summary),
      cell: (row) => <span title={redact(row.fail_summary ?? "")}>{reasonOf(row.fail_summary)}</span>,
    },
  ];
}

// The same at every drawing, so that a table that is scrolled keeps the rows it has drawn.
const keyOf = (row: EventRow) => row.event_hash;
const classOf = (row: EventRow) => (row.failed ? "failed-row" : "");
const open = (row: EventRow) => setQuery({ event: row.event_hash });

const AT_TOP_PX = 40;
/** How long a page is looked at before it is asked for. */
const LOOKED_MS = 40;

/** The rows that are shown, and what asks for those that are looked at. */
function useHeld(data: Data<Shown>, view: View, viewKey: string) {
  const [kept, keep] = useState<Held | null>(null);
  const now = data.now.value;
  // Rows of another view are none of this one's.
  const first = useMemo(() => now.value && heldOf(viewKey, now.value), [now.value, viewKey]);
  const held = kept?.of === viewKey ? kept : first;
  const latest = useRef(held);
  latest.current = held;
  const looked = useRef({ first: 0, last: 0, asking: false });
  const set = (next: Held) => {
    latest.current = next;
    keep(next);
  };
  const aborter = useRef(new AbortController());
  useEffect(() => () => aborter.current.abort(), []);
  const ask = async () => {
    const at = looked.current;
    if (at.asking) return;
    at.asking = true;
    const { signal } = aborter.current;
    try {
      for (;;) {
        await new Promise((resolve) => setTimeout(resolve, LOOKED_MS));
        const before = latest.current;
        const page = before && missing(before, at.first, at.last);
        if (!before || page === null || signal.aborted) return;
        const rows = await readPage(view, before, page, signal);
        if (latest.current?.shown === before.shown) set(withPage(latest.current, page, rows));
      }
    } catch (error) {
      if (!signal.aborted) toastError(error);
    } finally {
      at.asking = false;
    }
  };
  const look = (first: number, last: number) => {
    Object.assign(looked.current, { first, last });
    if (latest.current && missing(latest.current, first, last) !== null) void ask();
  };
  return { held, set, look };
}

export function Realtime({ data, view, viewKey }: { readonly data: Data<Shown>; readonly view: View; readonly viewKey: string }) {
  /** A later answer, which waits until the reader is at the top again. */
  const [waiting, setWaiting] = useState<Shown | null>(null);
  const top = useRef(0);
  const now = data.now.value;
  const { held, set, look } = useHeld(data, view, viewKey);
  useEffect(() => {
    if (!now.value || now.state !== "ready" || !held) return;
    const reading = top.current > AT_TOP_PX && held.of === viewKey && newer(now.value, held) > 0;
    setWaiting(reading ? now.value : null);
    if (!reading && held.shown !== now.value) set(heldOf(viewKey, now.value));
  }, [now.value]);
  const release = () => {
    if (waiting) set(heldOf(viewKey, waiting));
    setWaiting(null);
    document.querySelector("[data-block=events] .table-scroll")?.scrollTo({ top: 0 });
  };
  const fresh = waiting && held ? newer(waiting, held) : 0;
  const total = held?.shown.answer.events?.total_count ?? 0;
  const lazy = useMemo<Lazy<EventRow> | undefined>(() => held ? { count: countOf(held), at: (place) => rowAt(held, place), look } : undefined, [held]);
  const shown = now.value;
  const columns = useMemo(() => eventColumns(streamsOf(shown?.answer), shown?.range), [shown, language.value]);
  const foot = (
    <>
      <span class="dim" data-metric="shown-rows" data-value={total}>
        {t("monitor.loaded", { n: total })}
      </span>
      {total > MOST_ROWS && <span class="dim">{t("monitor.most", { n: MOST_ROWS })}</span>}
    </>
  );
  return (
    <Block id="events" class="fill" data={data} empty={(shown) => shown.answer.events?.total_count === 0 && <Nothing filtered={isFiltered(view)} />}>
      {() => (
        <>
          {fresh > 0 && (
            <Button action="show-new" kind="primary" onClick={release}>
              {t("monitor.newRows", { n: fresh })}
            </Button>
          )}
          <Table
            id="events"
            label={t("monitor.realtime")}
            rows={[]}
            lazy={lazy}
            rowKey={keyOf}
            columns={columns}
            sortable={false}
            rowClass={classOf}
            onRow={open}
            onScrollTop={(px) => (top.current = px)}
            onCsv={() => held && void saveCsv(view, held.shown)}
            foot={foot}
          />
        </>
      )}
    </Block>
  );
}

/** Save all rows, as the server writes them. */
async function saveCsv(view: View, { range, now }: Shown): Promise<void> {
  const body = bodyOf({ range, now, ...searchOf(view), filters: view.filters, include: { events_page: { limit: 1 } } });
  try {
    const response = await api().open("/v0/management/monitoring/analytics?format=csv", { method: "POST", body, timeoutMs: CSV_MS });
    saveBlob("events.csv", await response.blob());
  } catch (error) {
    toastError(error);
  }
}
