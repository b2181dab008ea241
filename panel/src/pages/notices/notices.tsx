/** Notices: what is watched, whom it is told, and what was told. */

import { useState } from "preact/hooks";
import type { Rehearsed, Tested } from "../../api/answers.generated";
import { fmt, t } from "../../i18n/language";
import { say } from "../../i18n/say";
import type { ApiError } from "../../api/client";
import { useData, tick } from "../../state/freshness";
import { api } from "../../state/session";
import { iso } from "../../text/format";
import { Block } from "../../ui/block";
import { Button } from "../../ui/controls";
import { Fields, isValid, Toggle, type FieldSpec, type Values } from "../../ui/form";
import { asApiError, Confirm, Modal, toast } from "../../ui/overlay";
import { Table, type Column } from "../../ui/table";
import { channelFields, PATH, read, ruleBody, ruleFields, type Channel, type Overview, type Rule, type Told } from "./data";

/** What is being edited: a row, or a new one. */
interface Edited {
  readonly what: "rules" | "channels";
  readonly id: number;
  readonly enabled: boolean;
  readonly values: Values;
}

const NEW_RULE: Edited = { what: "rules", id: 0, enabled: true, values: { kind: "spend", quietMinutes: "60" } };
const NEW_CHANNEL: Edited = { what: "channels", id: 0, enabled: true, values: { means: "webhook", security: "starttls", port: "587" } };

const texts = (row: object): Values => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value === null ? "" : String(value)]));

export function Notices() {
  const data = useData("notices", read);
  const [edited, setEdited] = useState<Edited | null>(null);
  const [deleting, setDeleting] = useState<Edited | null>(null);
  const reload = () => void data.reload();
  const shown = data.now.value.value;
  const openRule = (row: Rule) => setEdited({ what: "rules", id: row.id, enabled: row.enabled, values: texts(row) });
  const openChannel = (row: Channel) => setEdited({ what: "channels", id: row.id, enabled: true, values: texts(row) });
  return (
    <>
      <Block id="notice-rules" data={data} title={t("notices.rules")} aside={<Button action="add-rule" icon="plus" onClick={() => setEdited(NEW_RULE)}>{t("notices.addRule")}</Button>} empty={({ rules }) => rules.length === 0 && t("notices.noRules")}>
        {({ rules }) => <Table id="notice-rules" label={t("notices.rules")} rows={rules} rowKey={(row) => String(row.id)} columns={ruleColumns(reload)} sizes={[20, 100]} onRow={openRule} />}
      </Block>
      <Block id="notice-channels" data={data} title={t("notices.channels")} aside={<Button action="add-channel" icon="plus" onClick={() => setEdited(NEW_CHANNEL)}>{t("notices.addChannel")}</Button>} empty={({ channels }) => channels.length === 0 && t("notices.noChannels")}>
        {({ channels }) => <Table id="notice-channels" label={t("notices.channels")} rows={channels} rowKey={(row) => String(row.id)} columns={channelColumns()} sizes={[20]} onRow={openChannel} />}
      </Block>
      <Block id="notice-log" data={data} title={t("notices.log")} empty={({ log }) => log.length === 0 && t("notices.noLog")}>
        {({ log }) => <Table id="notice-log" label={t("notices.log")} rows={log} rowKey={(row) => String(row.id)} columns={logColumns()} sizes={[20, 100]} />}
      </Block>
      {edited && shown && <Editor key={`${edited.what} ${edited.id}`} edited={edited} overview={shown} onClose={() => setEdited(null)} onSaved={reload} onDelete={() => { setDeleting(edited); setEdited(null); }} />}
      {deleting && (
        <Confirm
          id="delete-notice"
          title={t("common.delete")}
          danger
          confirm={t("common.delete")}
          onClose={() => setDeleting(null)}
          onConfirm={async () => {
            await api().call(`${PATH}/${deleting.what}/${deleting.id}`, { method: "DELETE" });
            reload();
          }}
        >
          <p>{t("notices.deleteText", { name: deleting.values["name"] ?? "" })}</p>
        </Confirm>
      )}
    </>
  );
}

function ruleColumns(reload: () => void): Column<Rule>[] {
  const turn = async (row: Rule, enabled: boolean) => {
    try {
      await api().call(`${PATH}/rules/${row.id}`, { method: "PUT", body: { ...row, enabled } });
      reload();
    } catch (reason) {
      toast("error", say(asApiError(reason)));
    }
  };
  return [
    { id: "on", title: t("notices.on"), kind: "actions", phone: "side", value: (row) => String(row.enabled), cell: (row) => <Toggle name="turn-rule" label={t("notices.on")} on={row.enabled} onChange={(enabled) => turn(row, enabled)} /> },
    { id: "name", title: t("notices.name"), phone: "main", value: (row) => row.name, cell: (row) => row.name },
    { id: "kind", title: t("notices.watches"), phone: "sub", value: (row) => row.kind, cell: (row) => t(`notices.${row.kind}`) },
    { id: "limit", title: t("notices.limit"), kind: "number", phone: "sub", value: (row) => row.limit, cell: (row) => (row.limit === null ? "--" : <span title={row.unit ?? ""}>{fmt.value.full(row.limit)}</span>) },
    { id: "quiet", title: t("notices.quiet"), kind: "number", value: (row) => row.quietMinutes, cell: (row) => fmt.value.full(row.quietMinutes) },
  ];
}

function channelColumns(): Column<Channel>[] {
  const place = (row: Channel) => String(row["url"] ?? row["to"] ?? "");
  return [
    { id: "name", title: t("notices.name"), phone: "main", value: (row) => row.name, cell: (row) => row.name },
    { id: "means", title: t("notices.means"), phone: "sub", value: (row) => row.means, cell: (row) => t(`notices.${row.means}`) },
    { id: "place", title: t("notices.url"), phone: "sub", value: place, cell: (row) => <span class="mono">{place(row)}</span> },
    { id: "actions", title: "", kind: "actions", phone: "side", value: () => null, cell: (row) => <TestButton channel={row} /> },
  ];
}

function TestButton({ channel }: { readonly channel: Channel }) {
  const [busy, setBusy] = useState(false);
  const test = async () => {
    setBusy(true);
    try {
      const found = await api().call<Tested>(`${PATH}/channels/${channel.id}/test`, { method: "POST" });
      toast(found.ok ? "success" : "error", found.ok ? t("notices.tested") : t("notices.failed", { why: found.error }));
    } catch (reason) {
      toast("error", say(asApiError(reason)));
    }
    setBusy(false);
  };
  return (
    <Button action="test-channel" busy={busy} onClick={(event) => { event.stopPropagation(); void test(); }}>
      {t("notices.test")}
    </Button>
  );
}

function logColumns(): Column<Told>[] {
  const status = (row: Told) => t(row.status === "failed" ? "notices.failedStatus" : `notices.${row.status}`);
  return [
    { id: "time", title: t("column.time"), phone: "sub", value: (row) => row.at_ms, cell: (row) => <span title={iso(row.at_ms)}>{fmt.value.ago(row.at_ms, Math.max(tick.value, row.at_ms))}</span> },
    { id: "name", title: t("notices.name"), phone: "main", value: (row) => row.rule_name, cell: (row) => <>{row.rule_name} {row.over && <span class="badge">{t("notices.over")}</span>}</> },
    { id: "text", title: t("notices.text"), phone: "sub", value: (row) => row.text, cell: (row) => row.text },
    { id: "channel", title: t("notices.channels"), value: (row) => row.channel_name, cell: (row) => row.channel_name },
    { id: "status", title: t("column.status"), phone: "side", value: (row) => row.status, cell: (row) => <span class={row.status === "failed" ? "bad-text" : ""} title={row.error}>{status(row)}</span> },
  ];
}

const MOMENTS = 10;

/** When a rule would have told, the newest first. */
function Moments({ rehearsed: { count, times_ms, since_ms } }: { readonly rehearsed: Rehearsed }) {
  const newest = [...times_ms].reverse();
  return (
    <div class="strip" data-block="rehearsal" data-value={count ?? "null"}>
      <p>{count === null ? t("notices.notKept") : t("notices.wouldHave", { n: count })}</p>
      <p class="dim">{newest.slice(0, MOMENTS).map((at) => fmt.value.dateTime(at)).join(" · ")}{newest.length > MOMENTS && " …"}</p>
      {since_ms !== null && <p class="hint">{t("notices.keptSince", { when: fmt.value.dateTime(since_ms) })}</p>}
    </div>
  );
}

interface EditorProps {
  readonly edited: Edited;
  readonly overview: Overview;
  readonly onClose: () => void;
  readonly onSaved: () => void;
  readonly onDelete: () => void;
}

function Editor({ edited, overview, onClose, onSaved, onDelete }: EditorProps) {
  const [values, setValues] = useState(edited.values);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const [rehearsed, setRehearsed] = useState<Rehearsed | null>(null);
  const isRule = edited.what === "rules";
  const specs: FieldSpec[] = isRule ? ruleFields(overview.kinds, values) : channelFields(values);
  const body = isRule ? ruleBody(values, edited.enabled) : Object.fromEntries(specs.map((spec) => [spec.name, values[spec.name] ?? ""]));
  const attempt = async (work: () => Promise<void>) => {
    setBusy(true);
    setError(null);
    try {
      await work();
    } catch (reason) {
      setError(asApiError(reason));
    }
    setBusy(false);
  };
  const save = async () => {
    const path = edited.id ? `${PATH}/${edited.what}/${edited.id}` : `${PATH}/${edited.what}`;
    await api().call(path, { method: edited.id ? "PUT" : "POST", body });
    toast("success", t("config.saved"));
    onSaved();
    onClose();
  };
  const rehearse = async () => {
    setRehearsed(await api().call<Rehearsed>(`${PATH}/rehearsal`, { method: "POST", body }));
  };
  const valid = isValid(specs, values);
  const foot = (
    <>
      {edited.id > 0 && <Button action="delete" kind="danger" busy={busy} onClick={onDelete}>{t("common.delete")}</Button>}
      <span class="grow" />
      {isRule && <Button action="rehearse" busy={busy} disabled={!valid} onClick={() => void attempt(rehearse)}>{t("notices.rehearse")}</Button>}
      <Button action="save" kind="primary" busy={busy} disabled={!valid} onClick={() => void attempt(save)}>{t("common.save")}</Button>
    </>
  );
  return (
    <Modal id="notice" form drawer busy={busy} title={t(isRule ? "notices.rules" : "notices.channels")} onClose={onClose} foot={foot}>
      <Fields specs={specs} values={values} onChange={setValues} />
      {rehearsed && <Moments rehearsed={rehearsed} />}
      {error && <p class="bad-text" role="alert" data-error={error.code}>{say(error)}</p>}
    </Modal>
  );
}
