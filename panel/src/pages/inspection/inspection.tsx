/** Inspections: what was found of each account, why, and what is to be done about it. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "../../api/client";
import { INSPECTION, readRun, readRuns, type LogEntry, type Run, type RunDetail, type Runs } from "../../api/manager";
import { fmt, hasMessage, t } from "../../i18n/language";
import type { PlainKey } from "../../i18n/messages";
import { tick, useData, type Data } from "../../state/freshness";
import { fileLabel } from "../../state/names";
import { query, setQuery } from "../../state/router";
import { api } from "../../state/session";
import { iso } from "../../text/format";
import { redact } from "../../text/mask";
import { Block } from "../../ui/block";
import { Button, CopyButton, Select } from "../../ui/controls";
import { Confirm, toast, toastError } from "../../ui/overlay";
import { Table, type Column } from "../../ui/table";
import { Results } from "./results";
import { Settings } from "./settings";

const ACTIVE_S = 2;
const IDLE_S = 30;
const RUNS = 30;

export function Inspection() {
  const [active, setActive] = useState(false);
  const runs = useData<Runs>("runs", (signal) => readRuns(RUNS, signal), active ? ACTIVE_S : IDLE_S);
  const items = runs.now.value.value?.items;
  const wanted = Number(query.value["run"]) || items?.[0]?.id;
  const detail = useData<RunDetail>(wanted ? `run ${wanted}` : null, (signal) => readRun(wanted ?? 0, signal), active ? ACTIVE_S : IDLE_S);
  const busy = items?.some((run) => run.active) ?? false;
  useEffect(() => {
    setActive(busy);
    // What has ended is read once more, with all that it has come to.
    if (!busy && wanted) void detail.reload();
  }, [busy]);
  const reload = async () => {
    await runs.reload();
    await detail.reload();
  };
  return (
    <div class="row inspection">
      <Block id="runs" data={runs} class="w-3" title={t("inspect.runs")} aside={<Buttons runs={items} reload={reload} />} empty={(found) => found.items.length === 0 && t("inspect.none")}>
        {(found) => (
          <>
            <Next at={found.nextScheduledAtMs} />
            <Table id="inspection-runs" label={t("inspect.runs")} rows={found.items} rowKey={(run) => String(run.id)} columns={RUN_COLUMNS()} onRow={(run) => setQuery({ run: run.id, action: "" })} rowClass={(run) => (run.id === wanted ? "chosen" : "")} height="60vh" />
          </>
        )}
      </Block>
      {wanted ? (
        <Block id="run" data={detail} class="w-9" title={t("inspect.run", { id: String(wanted) })}>
          {(found) => <Detail detail={found} data={detail} reload={reload} />}
        </Block>
      ) : null}
    </div>
  );
}

function Next({ at }: { readonly at: number | undefined }) {
  return (
    <p class="dim" data-metric="next-inspection" data-value={at ?? "null"} title={iso(at)}>
      {at ? t("inspect.next", { when: fmt.value.ago(at, tick.value) }) : t("inspect.noSchedule")}
    </p>
  );
}

const TONES: Readonly<Record<string, string>> = { completed: "good", failed: "bad", interrupted: "warn", cancelled: "", running: "", cancelling: "" };

function RUN_COLUMNS(): readonly Column<Run>[] {
  return [
    { id: "time", title: t("inspect.started"), phone: "main", value: (run) => run.startedAtMs, cell: (run) => <span title={iso(run.startedAtMs)}>{fmt.value.ago(run.startedAtMs, Math.max(tick.value, run.startedAtMs))}</span> },
    { id: "trigger", title: t("inspect.trigger"), phone: "sub", value: (run) => run.triggerType, cell: (run) => t(run.triggerType === "scheduled" ? "inspect.scheduled" : "inspect.manual") },
    { id: "status", title: t("inspect.state"), phone: "side", value: (run) => run.status, cell: (run) => <span class={`badge ${TONES[run.status] ?? ""}`}>{t(`inspect.${run.status}`)}</span> },
    { id: "hits", title: t("inspect.hits"), kind: "number", value: (run) => run.deleteCount + run.disableCount + run.enableCount + run.reauthCount },
  ];
}

// -- beginning and ending -----------------------------------------------------------------------

function Buttons({ runs, reload }: { readonly runs: readonly Run[] | undefined; readonly reload: () => Promise<void> }) {
  const [open, setOpen] = useState<"" | "run" | "settings">("");
  const active = runs?.find((run) => run.active);
  const last = runs?.find((run) => run.status === "completed");
  const begin = async () => {
    try {
      const { run } = await api().call<RunDetail>(`${INSPECTION}/run`, { method: "POST" });
      setQuery({ run: run.id, action: "" });
    } catch (error) {
      // Another one is under way: that is what there is to be seen then.
      if (!(error instanceof ApiError) || error.status !== 409) throw error;
      toast("info", t("inspect.already"));
      setQuery({ run: "", action: "" });
    }
    await reload();
  };
  const cancel = () => api().call(`${INSPECTION}/runs/${active?.id}/cancel`, { method: "POST" }).then(reload, toastError);
  return (
    <>
      <Button action="inspection-settings" icon="config" label={t("inspect.settings")} onClick={() => setOpen("settings")} />
      {active?.cancellable ? (
        <Button action="cancel-run" onClick={() => void cancel()}>{t("inspect.cancel")}</Button>
      ) : (
        <Button action="run" kind="primary" disabled={Boolean(active)} onClick={() => setOpen("run")}>{t("inspect.begin")}</Button>
      )}
      {open === "run" && (
        <Confirm id="run-inspection" title={t("inspect.begin")} confirm={t("inspect.begin")} onConfirm={begin} onClose={() => setOpen("")}>
          <p>{last ? t("inspect.beginCount", { n: last.sampledCount }) : t("inspect.beginText")}</p>
          <p class="hint">{t("inspect.beginHint")}</p>
        </Confirm>
      )}
      {open === "settings" && <Settings onClose={() => setOpen("")} onDone={() => void reload()} />}
    </>
  );
}

// -- one of them --------------------------------------------------------------------------------

interface DetailProps {
  readonly detail: RunDetail;
  readonly data: Data<RunDetail>;
  readonly reload: () => Promise<void>;
}

function Detail({ detail, reload }: DetailProps) {
  const { run, results, logs } = detail;
  return (
    <>
      <p class="bar-line">
        <span class={`badge ${TONES[run.status] ?? ""}`} data-run-status={run.status}>{t(`inspect.${run.status}`)}</span>
        <span title={iso(run.startedAtMs)}>{fmt.value.dateTime(run.startedAtMs)}</span>
        <span class="dim">{fmt.value.duration(Math.max(0, (run.finishedAtMs ?? tick.value) - run.startedAtMs))}</span>
        <span>{t("inspect.progress", { done: run.completedCount, of: run.sampledCount })}</span>
        <span class="dim">{t("inspect.ofFiles", { n: run.probeSetCount, of: run.totalFiles })}</span>
        <span class="dim">{t("inspect.offOn", { off: run.disabledCount, on: run.enabledCount })}</span>
        <WentBy settings={run.settings} />
      </p>
      {run.active && <progress max={Math.max(run.sampledCount, 1)} value={run.completedCount} aria-label={t("inspect.progress", { done: run.completedCount, of: run.sampledCount })} />}
      {run.error && <p class="bad-text">{redact(run.error)}</p>}
      <Results run={run} results={results} reload={reload} />
      <Log logs={logs} />
    </>
  );
}

function WentBy({ settings }: Pick<Run, "settings">) {
  const auto = `inspect.auto_${settings.autoActionMode ?? "none"}`;
  const parts = [
    (settings.targetTypes ?? []).join(", "),
    t("inspect.upFrom", { percent: fmt.value.percent((settings.usedPercentThreshold ?? 100) / 100, 0) }),
    hasMessage(auto) ? t("inspect.byItself", { what: t(auto as PlainKey) }) : "",
    settings.autoRecoverEnabled ? t("inspect.recovers") : "",
  ];
  return <>{parts.filter(Boolean).map((part) => <span key={part} class="badge">{part}</span>)}</>;
}

const LEVELS = { info: "dim", success: "good-text", warning: "warn-text", error: "bad-text" } as const;

/** Messages are keys of one family: their last part says what happened. */
function said(message: string): string {
  return message.replace(/^.*_log_(message_|server_)?/, "").replaceAll("_", " ");
}

const line = (entry: LogEntry): string => `${fmt.value.moment(entry.createdAtMs)} ${said(entry.message)} ${entry.detail ? redact(brief(entry.detail)) : ""}`;

function Log({ logs }: { readonly logs: readonly LogEntry[] }) {
  const [level, setLevel] = useState<"" | LogEntry["level"]>("");
  const list = useRef<HTMLOListElement>(null);
  // Whoever has scrolled up reads there.
  const follows = useRef(true);
  const shown = logs.filter((entry) => !level || entry.level === level);
  useLayoutEffect(() => {
    if (list.current && follows.current) list.current.scrollTop = list.current.scrollHeight;
  }, [shown.length]);
  const choices = (["info", "success", "warning", "error"] as const).map((value) => ({ value, text: t(`inspect.level_${value}`) }));
  return (
    <details class="log" onToggle={() => list.current && (list.current.scrollTop = list.current.scrollHeight)}>
      <summary>{t("inspect.log", { n: logs.length })}</summary>
      <p class="bar-line">
        <Select name="level" label={t("inspect.level")} value={level} choices={[{ value: "" as const, text: t("inspect.level") }, ...choices]} onChange={setLevel} />
        <CopyButton text={shown.map(line).join("\n")} />
      </p>
      <ol ref={list} onScroll={({ currentTarget: box }) => { follows.current = box.scrollTop + box.clientHeight >= box.scrollHeight - 8; }}>
        {shown.map((entry) => (
          <li key={entry.id} data-level={entry.level} class={LEVELS[entry.level]}>
            {line(entry)}
          </li>
        ))}
      </ol>
    </details>
  );
}

function brief(detail: Readonly<Record<string, unknown>>): string {
  return Object.entries(detail)
    .map(([name, value]) => `${name}=${fileLabel(typeof value === "object" ? JSON.stringify(value) : String(value))}`)
    .join(" ");
}
