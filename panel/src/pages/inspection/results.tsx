/** The results of an inspection, and the plan of what is done about those that are picked. */

import { useEffect, useState } from "preact/hooks";
import { INSPECTION, type Action, type Outcome, type Result, type Run, type RunDetail } from "../../api/manager";
import { fmt, hasMessage, t } from "../../i18n/language";
import type { PlainKey } from "../../i18n/messages";
import { accountName, fileLabel } from "../../state/names";
import { query, setQuery } from "../../state/router";
import { api } from "../../state/session";
import { redact } from "../../text/mask";
import { Button, Select } from "../../ui/controls";
import { Facts } from "../../ui/facts";
import { asApiError, Modal, toast } from "../../ui/overlay";
import { say } from "../../i18n/say";
import { Table, type Column } from "../../ui/table";
import { reasonText } from "../reasons";
import { Bars } from "../credentials/bars";
import { ofInspection } from "../credentials/quota";

const ACTIONS = ["reauth", "delete", "disable", "enable", "keep"] as const;
const TONES: Readonly<Record<Action, string>> = { keep: "", enable: "good", disable: "warn", delete: "bad", reauth: "bad" };
const DONE: Readonly<Record<Result["actionStatus"], string>> = { none: "", pending: "", success: "good", failed: "bad", skipped: "", needs_review: "warn" };
const HANDLED = ["pending", "success", "failed", "skipped", "needs_review"] as const;
const ACTION_MS = 600_000;

/** Whether there is something to do that can be done from here. */
function isOpen(result: Result): boolean {
  return ["delete", "disable", "enable", "reauth"].includes(result.action) && !["success", "skipped", "needs_review"].includes(result.actionStatus);
}

const reasonOf = (result: Result): string => reasonText(result.actionReasonCode, result.actionReason ?? result.error);

interface ResultsProps {
  readonly run: Run;
  readonly results: readonly Result[];
  readonly reload: () => Promise<void>;
}

export function Results({ run, results, reload }: ResultsProps) {
  const [picked, setPicked] = useState<ReadonlySet<number>>(new Set());
  const [planned, setPlanned] = useState<readonly Result[] | null>(null);
  const { action: wanted = "", handled = "" } = query.value;
  const shown = results.filter((result) => (!wanted || result.action === wanted) && (!handled || result.actionStatus === handled));
  const chosen = results.filter((result) => picked.has(result.id) && isOpen(result));
  const open = shown.filter((result) => isOpen(result) && result.action !== "reauth");
  const shownId = Number(query.value["result"]);
  const detail = results.find((result) => result.id === shownId);
  const toggle = (id: number) => {
    const next = new Set(picked);
    if (!next.delete(id)) next.add(id);
    setPicked(next);
  };
  return (
    <>
      <div class="bar-line">
        <div class="counters" role="group" aria-label={t("inspect.action")}>
          {["" as const, ...ACTIONS].map((action) => {
            const count = action ? results.filter((result) => result.action === action).length : results.length;
            return (
              <button key={action} type="button" data-option={action || "all"} aria-pressed={wanted === action} onClick={() => setQuery({ action })}>
                {action ? t(`inspect.${action}`) : t("common.all")} <b data-metric={`inspection-${action || "all"}`} data-value={count}>{count}</b>
              </button>
            );
          })}
        </div>
        <Select name="handled" label={t("inspect.anyHandled")} value={handled} choices={[{ value: "", text: t("inspect.anyHandled") }, ...HANDLED.map((value) => ({ value, text: t(`inspect.did_${value}`) }))]} onChange={(value) => setQuery({ handled: value })} />
        <span class="grow" />
        {run.status === "completed" && (
          <Button action="plan" kind="primary" disabled={chosen.length + open.length === 0} onClick={() => setPlanned(chosen.length ? chosen : open)}>
            {chosen.length ? t("inspect.planPicked", { n: chosen.length }) : t("inspect.planAll", { n: open.length })}
          </Button>
        )}
      </div>
      {shown.length === 0 ? <p class="empty">{t(results.length ? "common.noMatch" : "inspect.noResults")}</p> : <Table id="inspection-results" label={t("inspect.results")} rows={shown} rowKey={(result) => String(result.id)} columns={columns(picked, toggle)} sizes={[50, 20, 10]} onRow={(result) => setQuery({ result: result.id })} />}
      {planned && <Plan run={run} results={planned} onClose={() => setPlanned(null)} onDone={() => { setPicked(new Set()); void reload(); }} />}
      {detail && <Detail result={detail} />}
    </>
  );
}

function columns(picked: ReadonlySet<number>, toggle: (id: number) => void): readonly Column<Result>[] {
  return [
    {
      id: "pick",
      title: "",
      fixed: true,
      width: 28,
      value: (result) => String(picked.has(result.id)),
      cell: (result) => isOpen(result) && <input type="checkbox" data-action="pick" aria-label={t("creds.select", { name: accountName(result.displayAccount) })} checked={picked.has(result.id)} onClick={(event) => event.stopPropagation()} onChange={() => toggle(result.id)} />,
    },
    { id: "account", title: t("creds.account"), phone: "main", value: (result) => result.displayAccount, cell: (result) => <span title={fileLabel(result.fileName)}>{accountName(result.displayAccount)}</span> },
    { id: "status", title: t("creds.state"), value: (result) => (result.disabled ? "disabled" : "enabled"), cell: (result) => (result.disabled ? t("creds.disabled") : t("creds.on")) },
    { id: "quota", title: t("creds.quota"), width: 200, phone: "none", value: (result) => result.usedPercent ?? null, cell: (result) => <Bars windows={ofInspection(result.quotaWindows, result.createdAtMs)} /> },
    { id: "action", title: t("inspect.action"), phone: "side", value: (result) => result.action, cell: (result) => <span class={`badge ${TONES[result.action]}`}>{t(`inspect.${result.action}`)}</span> },
    { id: "handled", title: t("inspect.handled"), phone: "sub", value: (result) => result.actionStatus, cell: (result) => (result.actionStatus === "none" ? "--" : <span class={`badge ${DONE[result.actionStatus]}`} title={redact(result.actionError ?? "")}>{t(`inspect.did_${result.actionStatus}`)}</span>) },
    { id: "reason", title: t("inspect.reason"), phone: "sub", value: reasonOf, cell: (result) => { const text = [reasonOf(result), redact(result.actionError ?? "")].filter(Boolean).join(" · "); return <span title={text}>{text}</span>; } },
  ];
}

function Detail({ result }: { readonly result: Result }) {
  return (
    <Modal id="inspection-result" title={accountName(result.displayAccount)} drawer onClose={() => setQuery({ result: "" })}>
      <Facts
        rows={[
          [t("creds.file"), fileLabel(result.fileName)],
          [t("creds.provider"), result.provider],
          [t("creds.plan"), result.planType],
          [t("creds.state"), t(result.disabled ? "creds.disabled" : "creds.enable")],
          [t("inspect.action"), t(`inspect.${result.action}`)],
          [t("inspect.reason"), reasonOf(result)],
          [t("inspect.handled"), result.actionStatus === "none" ? "" : t(`inspect.did_${result.actionStatus}`)],
          [t("inspect.done"), result.executedAction && hasMessage(`inspect.${result.executedAction}`) ? t(`inspect.${result.executedAction}` as PlainKey) : ""],
          [t("inspect.trouble"), redact([result.actionError, result.error].filter(Boolean).join("; "))],
          [t("inspect.httpStatus"), result.statusCode],
          [t("inspect.used"), result.usedPercent === undefined ? "" : fmt.value.percent(result.usedPercent / 100)],
        ]}
      />
      <Bars windows={ofInspection(result.quotaWindows, result.createdAtMs)} />
      {result.errorDetail && <pre>{redact(result.errorDetail)}</pre>}
      <p>
        <a href={`#/accounts?account=${encodeURIComponent(result.fileName)}&tab=timeline`}>{t("inspect.toCredential")}</a>
      </p>
    </Modal>
  );
}

// -- plan and confirmation ----------------------------------------------------------------------

interface PlanProps {
  readonly run: Run;
  readonly results: readonly Result[];
  readonly onClose: () => void;
  readonly onDone: () => void;
}

/** First what would be done, as the server sees it now; then, if that is agreed to, it is done. */
function Plan({ run, results, onClose, onDone }: PlanProps) {
  const [outcomes, setOutcomes] = useState<readonly Outcome[] | null>(null);
  const [done, setDone] = useState(false);
  const [busy, setBusy] = useState(false);
  const [remove, setRemove] = useState(false);
  const [error, setError] = useState("");
  const logins = results.filter((result) => result.action === "reauth");
  const ask = async (dryRun: boolean, deleting = remove) => {
    setBusy(true);
    setError("");
    const actionOverrides = deleting ? logins.map((result) => ({ resultId: result.id, action: "delete" })) : [];
    const body = { resultIds: results.map((result) => result.id), actionOverrides, dryRun };
    try {
      const answer = await api().call<{ outcomes: readonly Outcome[] } & { detail: RunDetail }>(`${INSPECTION}/runs/${run.id}/actions`, { method: "POST", body, timeoutMs: ACTION_MS });
      setOutcomes(answer.outcomes);
      if (!dryRun) {
        setDone(true);
        const failed = answer.outcomes.filter((outcome) => outcome.status === "failed").length;
        toast(failed ? "error" : "success", t("inspect.acted", { done: answer.outcomes.filter((outcome) => outcome.status === "success").length, failed }));
        onDone();
      }
    } catch (reason) {
      setError(say(asApiError(reason)));
    }
    setBusy(false);
  };
  useEffect(() => void ask(true), []);
  const would = outcomes?.filter((outcome) => outcome.status === "planned") ?? [];
  const danger = would.some((outcome) => outcome.action === "delete");
  const foot = (
    <>
      <Button action="cancel" disabled={busy} onClick={onClose}>{t(done ? "common.close" : "common.cancel")}</Button>
      {!done && (
        <Button action="confirm" kind={danger ? "danger" : "primary"} busy={busy} disabled={would.length === 0} onClick={() => void ask(false)}>
          {t("inspect.doIt", { n: would.length })}
        </Button>
      )}
    </>
  );
  return (
    <Modal id="inspection-plan" title={t(done ? "inspect.donePlan" : "inspect.plan")} busy={busy} onClose={onClose} foot={foot}>
      {logins.length > 0 && !done && (
        <label class="check">
          <input type="checkbox" data-field="delete-logins" checked={remove} disabled={busy} onChange={(event) => { setRemove(event.currentTarget.checked); void ask(true, event.currentTarget.checked); }} />
          {t("inspect.deleteLogins", { n: logins.length })}
        </label>
      )}
      {error && <p class="bad-text" role="alert">{error}</p>}
      <ul class="names" data-list="outcomes">
        {outcomes?.map((outcome) => (
          <li key={outcome.resultId} data-row={outcome.resultId} data-value={outcome.status}>
            <span class={`badge ${outcome.status === "failed" ? "bad" : outcome.status === "needs_review" ? "warn" : outcome.status === "success" ? "good" : ""}`}>{t(`inspect.did_${outcome.status}`)}</span>{" "}
            {hasMessage(`inspect.${outcome.action}`) ? t(`inspect.${outcome.action}` as PlainKey) : outcome.action} {accountName(outcome.displayAccount)} <span class="dim">{fileLabel(outcome.fileName)} {redact(outcome.error ?? "")}</span>
          </li>
        ))}
      </ul>
    </Modal>
  );
}
