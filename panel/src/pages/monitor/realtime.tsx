/** The table of requests: newest on top, without moving what is being read. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { EventRow, Events, Strip } from "../../api/analytics";
import { isFiltered, type View } from "../../filters/view";
import { fmt, t } from "../../i18n/language";
import type { Data } from "../../state/freshness";
import { keyName, whoseName } from "../../state/names";
import { setQuery } from "../../state/router";
import { iso } from "../../text/format";
import { reasonOf, redact } from "../../text/mask";
import { Block } from "../../ui/block";
import { Button } from "../../ui/controls";
import { toastError } from "../../ui/overlay";
import { Table, type Column } from "../../ui/table";
import { Outcomes } from "../../charts/marks";
import { Nothing } from "./watched";
import { accountOf, callsOf, cursorOf, halved, MOST_ROWS, onTop, outcomesOf, readOlder, speedOf, streamsOf, type Held, type Shown, type Streams } from "./events";

const SLOW_MS = 15_000;
const VERY_SLOW_MS = 30_000;

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
function streamColumn(streams: Streams): Column<EventRow> {
  return {
    id: "rate",
    title: t("monitor.stream"),
    width: 132,
    value: (row) => streams.get(accountOf(row))?.success_rate ?? null,
    cell: (row) => {
      const strip = streams.get(accountOf(row));
      return strip ? <Stream strip={strip} /> : "--";
    },
  };
}

function Stream({ strip }: { readonly strip: Strip }) {
  const calls = callsOf(strip);
  return (
    <span class="stream" title={`${t("monitor.streamHint")}: ${fmt.value.percent(strip.success_rate)}, ${fmt.value.full(calls)}`} data-calls={calls}>
      <Outcomes cells={outcomesOf(halved(strip))} label={t("monitor.streamHint")} />
      {fmt.value.percent(strip.success_rate)} <span class="dim">{fmt.value.compact(calls)}</span>
    </span>
  );
}

/** The columns of requests, on this page and wherever else some are listed. */
export function eventColumns(streams?: Streams): Column<EventRow>[] {
  const tokens = (id: string, title: string, value: (row: EventRow) => number): Column<EventRow> => ({
    id,
    title,
    kind: "number",
    width: 68,
    value,
    cell: (row) => <span title={fmt.value.full(value(row))}>{fmt.value.compact(value(row))}</span>,
  });
  return [
    { id: "time", title: t("column.time"), width: 96, phone: "sub", value: (row) => row.timestamp_ms, cell: (row) => <Time ms={row.timestamp_ms} /> },
    {
      id: "status",
      title: t("column.status"),
      width: 60,
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
    { id: "account", title: t("column.account"), width: 112, phone: "sub", value: whoseName, cell: (row) => <span title={row.auth_provider_snapshot}>{whoseName(row)}</span> },
    { id: "key", title: t("column.key"), width: 92, value: (row) => row.api_key_alias || keyName(row.api_key_hash) },
    ...(streams ? [streamColumn(streams)] : []),
    tokens("input", t("column.input"), (row) => row.input_tokens),
    tokens("output", t("column.output"), (row) => row.output_tokens),
    tokens("cached", t("column.cached"), (row) => row.cached_tokens + row.cache_read_tokens),
    { id: "ttft", title: t("column.ttft"), kind: "number", width: 96, value: (row) => row.ttft_ms, cell: (row) => <span class={slowness(row.ttft_ms)}>{fmt.value.duration(row.ttft_ms)}</span> },
    { id: "latency", title: t("column.total"), kind: "number", width: 60, value: (row) => row.latency_ms, cell: (row) => <span class={slowness(row.latency_ms)} title={`${t("column.tps")}: ${fmt.value.rate(speedOf(row))}`}>{fmt.value.duration(row.latency_ms)}</span> },
    { id: "cost", title: t("column.cost"), kind: "number", width: 68, phone: "side", value: (row) => row.cost, cell: (row) => fmt.value.usdRequest(row.cost) },
    {
      id: "reason",
      title: t("column.reason"),
      phone: "none",
      value: (row) => reasonOf(row.fail_summary),
      cell: (row) => <span title={redact(row.fail_summary ?? "")}>{reasonOf(row.fail_summary)}</span>,
    },
  ];
}

/** Rows, and the view that they are of. */
interface Kept extends Held {
  readonly of: string;
}

const AT_TOP_PX = 40;

export function Realtime({ data, view, viewKey }: { readonly data: Data<Shown>; readonly view: View; readonly viewKey: string }) {
  const [kept, keep] = useState<Kept | null>(null);
  /** A newer first page, which waits until the reader is at the top again. */
  const [waiting, setWaiting] = useState<Events | null>(null);
  const [busy, setBusy] = useState(false);
  const top = useRef(0);
  const now = data.now.value;
  const events = now.value?.answer.events;
  // Rows of another view are none of this one's.
  const held: Held = kept?.of === viewKey ? kept : { rows: events?.items ?? [], cursor: cursorOf(events) };
  const setHeld = (next: Held) => keep({ ...next, of: viewKey });
  useEffect(() => {
    if (!events || now.state !== "ready") return;
    const reading = top.current > AT_TOP_PX && events.items[0]?.event_hash !== held.rows[0]?.event_hash;
    setWaiting(reading ? events : null);
    if (!reading) setHeld(onTop(events, held));
  }, [now.value]);
  const total = now.value?.answer.events?.total_count ?? 0;
  const more = async () => {
    const shown = now.value;
    if (!held.cursor || !shown) return;
    setBusy(true);
    try {
      const older = await readOlder(view, shown, held.cursor);
      setHeld({ rows: [...held.rows, ...older.items].slice(0, MOST_ROWS), cursor: older.cursor });
    } catch (error) {
      toastError(error);
    } finally {
      setBusy(false);
    }
  };
  const release = () => {
    if (waiting) setHeld(onTop(waiting, held));
    setWaiting(null);
    document.querySelector("[data-block=events] .table-scroll")?.scrollTo({ top: 0 });
  };
  const at = waiting ? waiting.items.findIndex((row) => row.event_hash === held.rows[0]?.event_hash) : 0;
  const fresh = at < 0 ? (waiting?.items.length ?? 0) : at;
  const foot = (
    <>
      <span class="dim" data-metric="shown-rows" data-value={held.rows.length}>
        {t("monitor.loaded", { n: total, shown: fmt.value.full(held.rows.length) })}
      </span>
      {held.cursor && held.rows.length < MOST_ROWS && (
        <Button action="load-more" busy={busy} onClick={() => void more()}>
          {t("monitor.loadMore")}
        </Button>
      )}
      {held.cursor && held.rows.length >= MOST_ROWS && <span class="dim">{t("monitor.most", { n: MOST_ROWS })}</span>}
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
            rows={held.rows}
            rowKey={(row) => row.event_hash}
            columns={eventColumns(streamsOf(now.value?.answer))}
            sortable={false}
            rowClass={(row) => (row.failed ? "failed-row" : "")}
            onRow={(row) => setQuery({ event: row.event_hash })}
            onScrollTop={(px) => (top.current = px)}
            foot={foot}
          />
        </>
      )}
    </Block>
  );
}
