/** What was recorded, what may be missing, and why. */

import { useState } from "preact/hooks";
import type { Collector, Coverage as Covered, Hole, Status } from "../../api/types";
import { holesOf, watchedSince } from "../../charts/holes";
import { fmt, t } from "../../i18n/language";
import { steps, tick, useData, usePart, type Data } from "../../state/freshness";
import { hashOf } from "../../state/router";
import { api, readStatus } from "../../state/session";
import { iso } from "../../text/format";
import { redact } from "../../text/mask";
import { DAY } from "../../text/ranges";
import { Block, Tile, Tiles } from "../../ui/block";
import { Button } from "../../ui/controls";
import { Facts } from "../../ui/facts";
import { toast, toastError } from "../../ui/overlay";
import { Table, type Column } from "../../ui/table";

const REFRESH_S = 30;
const AGES_MINUTES = 10;
const MINUTE_MS = 60_000;

export function Coverage() {
  const data = useData<Status>("status", readStatus, REFRESH_S, steps(AGES_MINUTES));
  const collector = usePart(data, (status) => status.collector);
  return (
    <>
      <Minutes data={collector} />
      <Block id="day" height={100} data={collector} title={t("coverage.day")} empty={({ coverage }) => !coverage && t("common.unavailable")}>
        {({ coverage }) => coverage && <Day coverage={coverage} />}
      </Block>
      <div class="row">
        <Block id="holes" class="w-8" height={300} data={collector} title={t("coverage.holes")} empty={({ coverage }) => !coverage?.holes.length && t("coverage.noHoles")}>
          {({ coverage }) => <Holes rows={coverage?.holes ?? []} />}
        </Block>
        <div class="w-4 stack">
          <Transport data={data} />
          <Reconciliation data={collector} />
        </div>
      </div>
    </>
  );
}

function Minutes({ data }: { readonly data: Data<Collector> }) {
  return (
    <Tiles id="minutes" data={data} count={5}>
      {({ coverage, deadLetters, spoolEvents, spoolBytes }) => {
        const day = coverage?.last24h;
        /** The requests around the newest hole of a state, or of the whole day. */
        const around = (state?: Hole["state"]) => {
          const hole = [...(coverage?.holes ?? [])].reverse().find((one) => one.state === state);
          return hashOf("/monitoring", { tab: "realtime", ...(hole ? { from_ms: hole.fromMs - 600_000, to_ms: hole.toMs + 600_000 } : { time_range: "24h" }) });
        };
        const minutes = (id: string, label: string, value: number | undefined, href: string, tone?: "warn" | "bad") => (
          <Tile metric={id} label={label} value={value ?? null} text={fmt.value.full(value)} tone={value ? tone : undefined} note={t("coverage.minutes")} href={href} />
        );
        return (
          <>
            {minutes("covered", t("coverage.covered"), day?.coveredMinutes, around())}
            {minutes("at-risk", t("coverage.at_risk"), day?.atRiskMinutes, around("at_risk"), "warn")}
            {minutes("lost", t("coverage.lost"), day?.lostMinutes, around("lost"), "bad")}
            <Tile metric="dead-letters" label={t("coverage.deadLetters")} value={deadLetters ?? null} text={fmt.value.full(deadLetters)} tone={deadLetters ? "warn" : undefined} note={t("coverage.deadLettersNote")} />
            <Tile metric="spool" label={t("coverage.spool")} value={spoolEvents ?? null} text={fmt.value.full(spoolEvents)} tone={spoolEvents ? "warn" : undefined} note={fmt.value.bytes(spoolBytes)} />
          </>
        );
      }}
    </Tiles>
  );
}

/** The last 24 hours in one bar: what is missing stands out, and is hatched. */
function Day({ coverage }: { readonly coverage: Covered }) {
  const end = Math.max(tick.value, ...coverage.holes.map((hole) => hole.toMs));
  const start = end - DAY;
  const since = watchedSince(coverage, end);
  const place = (ms: number) => `${((Math.max(ms, start) - start) / DAY) * 100}%`;
  const hours = Array.from({ length: 9 }, (_, i) => start + (i * DAY) / 8);
  return (
    <figure class="day" data-chart="coverage" data-points={coverage.holes.length}>
      <div class="day-bar hatch" title={since > start ? t("coverage.notWatched", { time: fmt.value.clock(since) }) : undefined}>
        <i class="watched" style={{ left: place(since), right: "0" }} />
        {holesOf(coverage, end).map((hole) => (
          <i key={`${hole.fromMs} ${hole.state}`} class={hole.state} title={`${fmt.value.clock(hole.fromMs)}–${fmt.value.clock(hole.toMs)}: ${t(`coverage.${hole.state}`)}, ${redact(hole.reason)}`} style={{ left: place(hole.fromMs), width: `${Math.max(((hole.toMs - Math.max(hole.fromMs, start)) / DAY) * 100, 0.2)}%` }} />
        ))}
      </div>
      <div class="day-hours">
        {hours.map((ms) => (
          <span key={ms}>{fmt.value.clock(ms)}</span>
        ))}
      </div>
    </figure>
  );
}

function Holes({ rows }: { readonly rows: readonly Hole[] }) {
  const columns: Column<Hole>[] = [
    { id: "time", title: t("range.from"), phone: "main", value: (row) => row.fromMs, cell: (row) => <span title={iso(row.fromMs)}>{fmt.value.dateTime(row.fromMs)}</span> },
    { id: "minutes", title: t("coverage.minutes"), kind: "number", phone: "sub", value: (row) => Math.round((row.toMs - row.fromMs) / MINUTE_MS) },
    { id: "status", title: t("column.status"), phone: "side", value: (row) => row.state, cell: (row) => <span class={`badge ${row.state === "lost" ? "bad" : "warn"}`}>{t(`coverage.${row.state}`)}</span> },
    { id: "reason", title: t("column.reason"), phone: "sub", value: (row) => redact(row.reason) },
    { id: "actions", title: "", kind: "actions", value: () => null, cell: (row) => <a href={hashOf("/monitoring", { tab: "realtime", from_ms: row.fromMs - 600_000, to_ms: row.toMs + 600_000 })}>{t("column.requests")}</a> },
  ];
  return <Table id="holes" label={t("coverage.holes")} rows={[...rows].reverse()} rowKey={(row) => `${row.fromMs} ${row.state}`} columns={columns} sizes={[50]} />;
}

function Transport({ data }: { readonly data: Data<Status> }) {
  const [busy, setBusy] = useState(false);
  const retry = async () => {
    setBusy(true);
    try {
      await api().call("/usage-service/retry", { method: "POST" });
      toast("success", t("coverage.retried"));
      void data.reload();
    } catch (error) {
      toastError(error);
    } finally {
      setBusy(false);
    }
  };
  const refused = (status: Status) => !["accepted", "unknown", undefined].includes(status.collector.key?.state);
  return (
    <Block id="transport" height={324} data={data} title={t("coverage.collection")}>
      {(status) => {
        const { collector } = status;
        return (
          <>
            <Facts
              rows={[
                [t("column.status"), t(`coverage.${collector.collector}`)],
                ["CPA", collector.upstream],
                [t("coverage.transport"), `${collector.mode ?? "--"} → ${collector.transport || "--"}`],
                [t("coverage.publishing"), collector.publishing === undefined ? t("common.unknown") : t(collector.publishing ? "common.on" : "common.off")],
                [t("coverage.key"), [collector.key?.state, redact(collector.key?.reason ?? "")].filter(Boolean).join(": ")],
                [t("coverage.lastConsumed"), fmt.value.ago(collector.lastConsumedAt, Math.max(tick.value, data.now.value.at))],
                [t("coverage.lastInserted"), fmt.value.ago(collector.lastInsertedAt, Math.max(tick.value, data.now.value.at))],
                [t("coverage.taken"), fmt.value.full(collector.totalInserted)],
                [t("coverage.repeated"), fmt.value.full(collector.totalSkipped)],
                [t("coverage.lastError"), redact(collector.lastError ?? "")],
              ]}
            />
            {refused(status) && (
              <Button action="retry-key" icon="refresh" busy={busy} onClick={() => void retry()}>
                {t("coverage.retryKey")}
              </Button>
            )}
          </>
        );
      }}
    </Block>
  );
}

const TONES = { agrees: "good", suspected: "warn", unknown: "" } as const;

function Reconciliation({ data }: { readonly data: Data<Collector> }) {
  return (
    <Block id="reconciliation" height={195} data={data} title={t("coverage.reconciliation")} empty={({ reconciliation }) => !reconciliation && t("common.unavailable")}>
      {({ reconciliation: found }) =>
        found && (
          <>
            <p>
              <span class={`badge ${TONES[found.state]}`} data-reconciliation={found.state}>
                {t(found.state === "agrees" ? "coverage.agrees" : found.state === "suspected" ? "coverage.suspected" : "common.unknown")}
              </span>{" "}
              <span class="dim">{redact(found.reason ?? "")}</span>
            </p>
            <Facts
              rows={[
                [t("coverage.cpaAttempts"), found.cpaAttempts === undefined ? "" : fmt.value.full(found.cpaAttempts)],
                [t("coverage.storedAttempts"), found.storedAttempts === undefined ? "" : fmt.value.full(found.storedAttempts)],
                [t("coverage.difference"), found.difference === undefined ? "" : `${fmt.value.full(found.difference)} (± ${fmt.value.full(found.tolerance)})`],
                [t("coverage.checked"), found.checkedAtMs === undefined ? "" : fmt.value.dateTime(found.checkedAtMs)],
              ]}
            />
          </>
        )
      }
    </Block>
  );
}
