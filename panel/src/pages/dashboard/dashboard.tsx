/** One look: does it work, what does it cost, what is wrong. */

import type { Dashboard as Summary, Failure } from "../../api/analytics";
import { timeZone } from "../../api/analytics";
import type { Status } from "../../api/types";
import { readAuthFiles } from "../../api/cpa";
import { HealthMatrix } from "../../charts/matrix";
import { Mix, Ranks } from "../../charts/marks";
import { colorAt } from "../../charts/colors";
import { fmt, t } from "../../i18n/language";
import { steps, tick, useData, usePart, type Data } from "../../state/freshness";
import { whoseName } from "../../state/names";
import { go, hashOf } from "../../state/router";
import { api, cpa, cpaDown, mode, readStatus } from "../../state/session";
import { iso } from "../../text/format";
import { reasonOf, redact } from "../../text/mask";
import { midnight } from "../../text/ranges";
import { Block, isLost, Tile, Tiles } from "../../ui/block";
import { Icon } from "../../ui/icon";
import { Table, type Column } from "../../ui/table";
import { CostText, Unpriced } from "../figures";
import { Verify } from "../verify";
import { CpaDashboard } from "./cpa";
import { Traffic } from "./traffic";
import { ENOUGH_CALLS, verdictOf } from "./verdict";

const REFRESH_S = 10;
const HALF_HOUR_MS = 1_800_000;
const RATE_MINUTES = 5;
const NEAR_MS = 300_000;

export interface Shown {
  readonly summary: Summary;
  readonly status: Status;
}

async function load(signal: AbortSignal): Promise<Shown> {
  const now = Date.now();
  const query = new URLSearchParams({
    today_start_ms: String(midnight(now)),
    top_models: "5",
    recent_failures: "6",
    time_zone: timeZone(),
  });
  const [summary, found] = await Promise.all([
    api().call<Summary>(`/v0/management/dashboard/summary?${query}`, { signal }),
    readStatus(signal),
  ]);
  return { summary, status: found };
}

/** Rates are of the last half hour, and all else is of today. */
function untilWhen({ summary }: Shown, at: number): number {
  const midnightNext = midnight(at, 1);
  return summary.rolling_30m.total_calls > 0 ? Math.min(steps(RATE_MINUTES)(summary, at), midnightNext) : midnightNext;
}

export function Dashboard() {
  return mode.value === "cpa" ? <CpaDashboard /> : <ManagerDashboard />;
}

function ManagerDashboard() {
  const data = useData<Shown>("dashboard", load, REFRESH_S, untilWhen);
  return (
    <>
      <Verdict data={data} />
      <Figures data={usePart(data, ({ summary }) => summary)} />
      <div class="row">
        <Traffic data={data} />
        <Health data={data} />
      </div>
      <div class="row">
        <Failures data={data} />
        <Costs data={data} />
        <Channels data={data} />
      </div>
      <Foot data={data} />
    </>
  );
}

const TONES = { working: "good", degraded: "warn", down: "bad", waiting: "", unknown: "" } as const;
const SIGNS = { working: "check", degraded: "warn", down: "warn", waiting: "monitor", unknown: "clock" } as const;
// What was true when the last data came says nothing of now.
const UNKNOWN = { state: "unknown", why: "" } as const;

function Verdict({ data }: { readonly data: Data<Shown> }) {
  return (
    <Block id="verdict" data={data} class="verdict" height={48}>
      {(shown) => {
        const verdict = isLost(data.now.value) ? UNKNOWN : verdictOf(shown.status, shown.summary, cpaDown.value);
        return (
          <p class="verdict-line" data-verdict={verdict.state}>
            <span class={`badge ${TONES[verdict.state]}`}>
              <Icon name={SIGNS[verdict.state]} /> {t(`dashboard.${verdict.state}`)}
            </span>
            <span>{verdict.why}</span>
            <span class="grow" />
            <span class="dim nowrap" title={iso(shown.summary.generated_at_ms)}>
              {fmt.value.day(shown.summary.generated_at_ms)} 00:00 – {fmt.value.clock(shown.summary.generated_at_ms)}
            </span>
          </p>
        );
      }}
    </Block>
  );
}

function Figures({ data }: { readonly data: Data<Summary> }) {
  const today = hashOf("/monitoring", { time_range: "today", tab: "realtime" });
  const failed = hashOf("/monitoring", { time_range: "today", tab: "realtime", status: "failed" });
  const now = data.now.value.value?.generated_at_ms;
  const verify = now !== undefined && <Verify question={{ range: { from: midnight(now), to: now }, now, include: { summary: true, summary_profile: "compact" } }} />;
  return (
    <Tiles id="today" data={data} count={6} aside={verify}>
      {({ today: day, rolling_30m: half }) => {
        const some = day.total_calls > 0;
        const halfHour = hashOf("/monitoring", { tab: "realtime", from_ms: (now ?? 0) - HALF_HOUR_MS, to_ms: now ?? null });
        return (
          <>
            <Tile metric="requests" label={t("dashboard.requests")} value={day.total_calls} text={fmt.value.compact(day.total_calls)} full={fmt.value.full(day.total_calls)} href={today} note={<a href={failed} data-metric="failures" data-value={day.failure_calls} class={day.failure_calls ? "bad-text" : ""}>{t("dashboard.failed", { n: day.failure_calls })}</a>} />
            <Tile metric="cost" label={t("dashboard.cost")} value={day.unpriced_calls === day.total_calls && some ? null : day.total_cost} text={some && day.unpriced_calls === day.total_calls ? "--" : fmt.value.usd(day.total_cost)} href={hashOf("/usage-analytics", { time_range: "today" })} note={<><a href={today} data-metric="tokens" data-value={day.total_tokens} title={fmt.value.full(day.total_tokens)}>{t("dashboard.tokens", { count: fmt.value.compact(day.total_tokens) })}</a>{day.unpriced_calls > 0 && <><span class="apart"> · </span><Unpriced n={day.unpriced_calls} /></>}</>} />
            <Tile metric="success-rate" label={t("dashboard.success")} value={some ? day.success_rate : null} text={some ? fmt.value.percent(day.success_rate, 2) : "--"} note={t("dashboard.ofCalls", { ok: day.success_calls, all: day.total_calls })} href={today} />
            <Tile metric="rpm" label={t("dashboard.rpm")} value={half.rpm} text={fmt.value.rate(half.rpm)} href={halfHour} note={t("dashboard.inHalfHour", { count: fmt.value.compact(half.total_calls) })} />
            <Tile metric="tpm" label={t("dashboard.tpm")} value={half.tpm} text={fmt.value.compact(Math.round(half.tpm))} full={fmt.value.full(half.tpm)} href={halfHour} note={t("dashboard.inHalfHour", { count: fmt.value.compact(half.total_tokens) })} />
            <Tile metric="latency" label={t("dashboard.latency")} value={day.average_latency_ms} text={fmt.value.duration(day.average_latency_ms)} href={today} note={t("dashboard.zeroTokens", { n: day.zero_token_calls })} />
          </>
        );
      }}
    </Tiles>
  );
}

function Health({ data }: { readonly data: Data<Shown> }) {
  return (
    <Block id="health" class="w-4" height={292} data={data} title={t("dashboard.health")}>
      {({ summary }) => (
        <>
          <HealthMatrix points={summary.today_request_health_timeline.points} onPick={(from, to) => go("/monitoring", { tab: "realtime", from_ms: from, to_ms: to })} />
          <Mix id="token-mix" parts={summary.token_mix.map((part, at) => ({ id: part.key, label: t(`dashboard.${MIX[part.key]}`), share: part.share, text: `${fmt.value.compact(part.tokens)} · ${fmt.value.percent(summary.today.total_tokens ? part.share : null)}`, color: colorAt([0, 4, 1, 3][at] ?? 0) }))} />
        </>
      )}
    </Block>
  );
}

const MIX = { input: "mixInput", cached: "mixCached", output: "mixOutput", reasoning: "mixReasoning" } as const;

function Failures({ data }: { readonly data: Data<Shown> }) {
  const columns: Column<Failure>[] = [
    { id: "time", title: t("column.time"), width: 76, phone: "sub", value: (row) => row.timestamp_ms, cell: (row) => <span title={iso(row.timestamp_ms)}>{fmt.value.moment(row.timestamp_ms)}</span> },
    { id: "status", title: t("column.status"), width: 72, phone: "side", value: (row) => row.fail_status_code ?? null, cell: (row) => <span class="badge bad">{row.fail_status_code || t("outcome.failed")}</span> },
    { id: "model", title: t("column.model"), width: 140, phone: "main", value: (row) => row.model },
    { id: "account", title: t("column.account"), width: 120, phone: "sub", value: whoseName },
    { id: "reason", title: t("column.reason"), phone: "sub", value: (row) => reasonOf(row.fail_summary).slice(0, 160), cell: (row) => <span title={redact(row.fail_summary ?? "")}>{reasonOf(row.fail_summary).slice(0, 160) || "--"}</span> },
  ];
  const open = (row: Failure) => go("/monitoring", { tab: "realtime", status: "failed", from_ms: row.timestamp_ms - NEAR_MS, to_ms: row.timestamp_ms + NEAR_MS });
  return (
    <Block id="failures" class="w-6" height={276} data={data} title={t("dashboard.failures")} empty={({ summary }) => summary.recent_failures.length === 0 && t("dashboard.noFailures")}>
      {({ summary }) => <Table id="recent-failures" label={t("dashboard.failures")} rows={summary.recent_failures} rowKey={(row) => `${row.timestamp_ms}-${row.model}`} columns={columns} sortable={false} onRow={open} />}
    </Block>
  );
}

function Costs({ data }: { readonly data: Data<Shown> }) {
  const priced = (summary: Summary) => summary.model_cost_rank.some((row) => row.cost > 0);
  const now = data.now.value.value;
  return (
    <Block id="costs" class="w-3" height={276} data={data} title={t(now && !priced(now.summary) ? "dashboard.modelTokens" : "dashboard.modelCosts")} empty={({ summary }) => summary.today.total_calls === 0 && t("dashboard.noCalls")}>
      {({ summary }) => {
        const byCost = priced(summary);
        const rows = byCost ? summary.model_cost_rank : summary.top_models_today;
        return (
          <Ranks
            id="model-costs"
            rows={rows.map((row) => ({
              id: row.model,
              name: row.model,
              share: byCost ? row.cost / summary.today.total_cost : row.tokens / summary.today.total_tokens,
              href: hashOf("/monitoring", { tab: "realtime", time_range: "today", model: row.model }),
              figure: byCost ? (
                <>
                  <CostText cost={row.cost} unpriced={row.unpriced_calls} calls={row.calls} /> <span class="dim">{fmt.value.percent(row.cost / summary.today.total_cost)}</span>
                </>
              ) : (
                fmt.value.compact(row.tokens)
              ),
            }))}
          />
        );
      }}
    </Block>
  );
}

function Channels({ data }: { readonly data: Data<Shown> }) {
  return (
    <Block id="channels" class="w-3" height={276} data={data} title={t("dashboard.channels")} empty={({ summary }) => summary.channel_health.length === 0 && t("dashboard.noCalls")}>
      {({ summary }) => (
        <ol class="ranks" data-table="channel-health">
          {summary.channel_health.map((row) => (
            <li key={row.auth_index} data-row={row.auth_index}>
              <span class={`badge ${row.tone === "good" || row.calls < ENOUGH_CALLS ? "" : row.tone}`}>{fmt.value.percent(row.success_rate)}</span>
              <a href={hashOf("/monitoring", { tab: "realtime", time_range: "today", auth_index: row.auth_index })}>{whoseName(row)}</a>
              <span class="figure dim">{fmt.value.compact(row.calls)}</span>
            </li>
          ))}
        </ol>
      )}
    </Block>
  );
}

/** What CPA is configured with, as it said at the start; nothing while it has not. */
function Configured() {
  const { clientKeys, providers, models, switches } = cpa.value ?? {};
  const entries = providers && "data" in providers ? Object.values(providers.data).reduce((sum, n) => sum + n, 0) : null;
  const on = (name: string) => switches && "data" in switches && switches.data[name] === true;
  return (
    <>
      {clientKeys && "data" in clientKeys && <a href={hashOf("/config", { tab: "keys" })} data-metric="client-keys" data-value={Object.keys(clientKeys.data).length}>{t("dashboard.clientKeys", { n: Object.keys(clientKeys.data).length })}</a>}
      {entries !== null && <a href={hashOf("/ai-providers")} data-metric="providers" data-value={entries}>{t("dashboard.providers", { n: entries })}</a>}
      {models && "data" in models && <a href={hashOf("/system")} data-metric="models" data-value={models.data}>{t("dashboard.models", { n: models.data })}</a>}
      {cpaDown.value === false && <Counted />}
      {on("debug") && <span class="warn-text">debug</span>}
      {on("request-log") && <span class="warn-text">request-log</span>}
    </>
  );
}

/** What only CPA can count: asked once, when the figures are there. */
async function count(signal: AbortSignal): Promise<{ readonly credentials: number; readonly errorLogs: number }> {
  const failed = api().call<{ readonly files: readonly unknown[] | null }>("/v0/management/request-error-logs", { signal });
  const [files, logs] = await Promise.all([readAuthFiles(signal), failed]);
  return { credentials: files.length, errorLogs: logs.files?.length ?? 0 };
}

function Counted() {
  const counts = useData("counts", count).now.value.value;
  if (!counts) return null;
  return (
    <>
      <a href={hashOf("/accounts")} data-metric="credentials" data-value={counts.credentials}>{t("dashboard.credentials", { n: counts.credentials })}</a>
      <a href={hashOf("/logs", { tab: "errors" })} data-metric="error-logs" data-value={counts.errorLogs}>{t("dashboard.errorLogs", { n: counts.errorLogs })}</a>
    </>
  );
}

function Foot({ data }: { readonly data: Data<Shown> }) {
  return (
    <Block id="foot" data={data} height={40} class="foot">
      {({ status: { collector, events, deadLetters, version } }) => (
        <p class="foot-line">
          <span>{t("dashboard.managerVersion", { version: version ?? "--" })}</span>
          <span>{t("dashboard.cpaVersion", { version: collector.cpaVersion ?? "--" })}</span>
          <span class="cut" title={collector.upstream}>{collector.upstream}</span>
          <span>{collector.mode} → {collector.transport || "--"}</span>
          <span title={iso(collector.lastInsertedAt)}>{t("dashboard.lastRecord", { ago: fmt.value.ago(collector.lastInsertedAt, Math.max(tick.value, data.now.value.at)) })}</span>
          <span data-metric="events" data-value={events}>{t("dashboard.events", { n: events })}</span>
          <Configured />
          {deadLetters > 0 && <span class="warn-text">{t("dashboard.deadLetters", { n: deadLetters })}</span>}
        </p>
      )}
    </Block>
  );
}
