/** Accounts that want a person, as failed requests have shown. */

import { useState } from "preact/hooks";
import { ApiError } from "../../api/client";
import { CANDIDATES, readCandidates, type Candidate, type Candidates } from "../../api/manager";
import { fmt, t } from "../../i18n/language";
import { steps, tick, useData } from "../../state/freshness";
import { accountName, fileLabel } from "../../state/names";
import { query, setQuery } from "../../state/router";
import { api } from "../../state/session";
import { iso } from "../../text/format";
import { redact } from "../../text/mask";
import { reasonText } from "../reasons";
import { Block } from "../../ui/block";
import { Button, Segments } from "../../ui/controls";
import { Facts } from "../../ui/facts";
import { Confirm, Modal, toast, toastError } from "../../ui/overlay";
import { Table, type Column } from "../../ui/table";

const STATUSES = ["pending", "all", "ignored", "resolved", "deleted"] as const;

const REFRESH_S = 60;
const nameOf = (item: Candidate) => accountName(item.accountSnapshot || item.authLabel || item.authFileName);
const actionOf = (item: Candidate) => t(item.actionType === "review" ? "actions.review" : `inspect.${item.actionType}`);

const reasonOf = (item: Candidate): string => reasonText(item.reasonCode, item.reason);

export function Actions() {
  const status = STATUSES.find((one) => one === query.value["status"]) ?? "pending";
  const data = useData<Candidates>(`actions ${status}`, (signal) => readCandidates(status === "all" ? "" : status, 200, signal), REFRESH_S, steps(10));
  const pending = data.now.value.value?.pendingCount;
  const choices = STATUSES.map((value) => ({ value, text: value === "all" ? t("common.all") : `${t(`actions.${value}`)}${value === "pending" && pending ? ` ${pending}` : ""}` }));
  return (
    <>
      <div class="bar-line">
        <Segments name="status" label={t("actions.status")} value={status} choices={choices} onChange={(value) => setQuery({ status: value === "pending" ? "" : value })} />
      </div>
      <Block id="actions" data={data} class="fill" empty={(found) => found.items.length === 0 && t("actions.none")}>
        {(found) => <Items items={found.items} reload={data.reload} />}
      </Block>
    </>
  );
}

function Items({ items, reload }: { readonly items: readonly Candidate[]; readonly reload: () => Promise<boolean> }) {
  const open = items.find((item) => String(item.id) === query.value["candidate"]);
  return (
    <>
      <Table id="action-candidates" label={t("actions.title")} rows={items} rowKey={(item) => String(item.id)} columns={columns(reload)} sizes={[50, 20, 10]} onRow={(item) => setQuery({ candidate: item.id })} />
      {open && <Detail item={open} reload={reload} />}
    </>
  );
}

function columns(reload: () => Promise<boolean>): readonly Column<Candidate>[] {
  const moment = (ms: number) => <span title={iso(ms)}>{fmt.value.ago(ms, Math.max(tick.value, ms))}</span>;
  return [
    { id: "account", title: t("creds.account"), phone: "main", value: (item) => item.accountSnapshot || item.authFileName, cell: (item) => <span title={fileLabel(item.authFileName)}>{nameOf(item)}</span> },
    { id: "file", title: t("creds.file"), value: (item) => item.authFileName, cell: (item) => fileLabel(item.authFileName) },
    { id: "provider", title: t("creds.provider"), value: (item) => item.provider ?? "" },
    { id: "action", title: t("actions.action"), phone: "side", value: (item) => item.actionType, cell: (item) => <span class={`badge ${item.actionType === "review" ? "warn" : "bad"}`}>{actionOf(item)}</span> },
    { id: "reason", title: t("inspect.reason"), phone: "sub", value: reasonOf },
    { id: "hits", title: t("actions.hits"), kind: "number", phone: "sub", value: (item) => item.hitCount },
    { id: "first", title: t("actions.first"), value: (item) => item.firstSeenAtMs, cell: (item) => moment(item.firstSeenAtMs) },
    { id: "latest", title: t("actions.last"), value: (item) => item.lastSeenAtMs, cell: (item) => moment(item.lastSeenAtMs) },
    { id: "status", title: t("actions.status"), value: (item) => item.status, cell: (item) => `${t(`actions.${item.status}`)}${item.autoDisabledAtMs ? `, ${t("actions.autoDisabled")}` : ""}` },
    {
      id: "actions",
      title: "",
      kind: "actions",
      value: () => null,
      cell: (item) =>
        item.status === "pending" &&
        (["ignore", "resolve"] as const).map((what) => (
          <Button key={what} action={what} onClick={(event) => { event.stopPropagation(); void decide(item, "POST", what, reload).catch(toastError); }}>
            {t(`actions.${what}`)}
          </Button>
        )),
    },
  ];
}

/** Do what a person decides; where the item has changed meanwhile it is shown as it is now. */
async function decide(item: Candidate, method: "POST" | "DELETE", what: string, reload: () => Promise<boolean>): Promise<void> {
  try {
    await api().call(`${CANDIDATES}/${item.id}/${what}`, { method });
    toast("success", t("creds.done", { n: 1 }));
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 409) throw error;
    toast("info", t("actions.changed"));
  }
  await reload();
}

function Detail({ item, reload }: { readonly item: Candidate; readonly reload: () => Promise<boolean> }) {
  const [asking, setAsking] = useState<"" | "enable" | "delete">("");
  const close = () => setQuery({ candidate: "" });
  const act = async (method: "POST" | "DELETE", what: string) => {
    await decide(item, method, what, reload);
    close();
  };
  const now = (what: string) => void act("POST", what).catch(toastError);
  const foot = item.status === "pending" && (
    <>
      <Button action="delete" kind="danger" onClick={() => setAsking("delete")}>{t("actions.delete")}</Button>
      <Button action="enable" onClick={() => setAsking("enable")}>{t("actions.enable")}</Button>
      <span class="grow" />
      <Button action="ignore" onClick={() => now("ignore")}>{t("actions.ignore")}</Button>
      <Button action="resolve" kind="primary" onClick={() => now("resolve")}>{t("actions.resolve")}</Button>
    </>
  );
  const evidence = Object.entries(item.evidence ?? {}).filter(([, value]) => value !== null && value !== "");
  return (
    <Modal id="candidate" title={nameOf(item)} drawer onClose={close} foot={foot}>
      <Facts
        rows={[
          [t("actions.action"), actionOf(item)],
          [t("inspect.reason"), reasonOf(item)],
          [t("creds.file"), fileLabel(item.authFileName)],
          [t("creds.provider"), item.provider],
          [t("actions.hits"), item.hitCount],
          [t("actions.first"), fmt.value.dateTime(item.firstSeenAtMs)],
          [t("actions.last"), fmt.value.dateTime(item.lastSeenAtMs)],
          [t("actions.lastError"), redact(item.lastError ?? "")],
        ]}
      />
      <h3>{t("actions.evidence")}</h3>
      <Facts rows={evidence.map(([name, value]) => [name, fileLabel(redact(String(value)))] as const)} />
      {asking && (
        <Confirm id={`${asking}-candidate`} title={t(`actions.${asking}`)} danger={asking === "delete"} confirm={t(`actions.${asking}`)} onConfirm={() => act(asking === "delete" ? "DELETE" : "POST", asking === "delete" ? "auth-file" : "enable")} onClose={() => setAsking("")}>
          <p>{t(asking === "delete" ? "actions.deleteText" : "actions.enableText")}</p>
          <p>
            {nameOf(item)} <span class="dim">{fileLabel(item.authFileName)}</span>
          </p>
        </Confirm>
      )}
    </Modal>
  );
}
