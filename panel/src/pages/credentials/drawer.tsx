/** One credential in full. */

import { useState } from "preact/hooks";
import { accountOf, providerOf, type AuthFile } from "../../api/authfile";
import { changeFields, downloadFile, readFileModels } from "../../api/cpa";
import type { History } from "../../api/manager";
import { fmt, t } from "../../i18n/language";
import { useData, type Data } from "../../state/freshness";
import { accountName, fileLabel } from "../../state/names";
import { query, setQuery } from "../../state/router";
import { mode } from "../../state/session";
import { maskIndex, maskUrl, reasonOf, redact } from "../../text/mask";
import { Block } from "../../ui/block";
import { Button, Tabs } from "../../ui/controls";
import { Facts, type Fact } from "../../ui/facts";
import { Fields, isValid, type FieldSpec, type Values } from "../../ui/form";
import { Modal, toast, toastError } from "../../ui/overlay";
import { saveBlob } from "../../ui/saving";
import { switchOne } from "./changes";
import { headerOf, type Known } from "./data";
import { headerLines } from "./lines";
import { reasonText, StateBadge } from "./list";
import { fieldsOf } from "./quota";
import { Quota } from "./quotatab";
import { isOff, timeOf, type Row } from "./state";
import { Deeds } from "./timeline";

const TABS = ["overview", "quota", "timeline", "models", "settings", "diagnostics"] as const;
// What only the Manager knows.
const MANAGERS: readonly string[] = ["timeline", "diagnostics"];
type Tab = (typeof TABS)[number];

interface DrawerProps {
  readonly row: Row;
  readonly known: Known | null;
  readonly data: Data<readonly AuthFile[]>;
  readonly onDelete: () => void;
}

export function Drawer({ row, known, data, onDelete }: DrawerProps) {
  const { file } = row;
  const tabs = TABS.filter((tab) => !MANAGERS.includes(tab) || mode.value === "manager");
  const tab = tabs.find((one) => one === query.value["tab"]) ?? "overview";
  const off = isOff(file);
  const foot = (
    <>
      <Button action="delete" kind="danger" onClick={onDelete}>{t("common.delete")}</Button>
      <span class="grow" />
      <Button action="download" icon="download" onClick={() => void downloadFile(file.name).then((blob) => saveBlob(file.name, blob), toastError)}>{t("creds.download")}</Button>
      <Button action={off ? "enable" : "disable"} onClick={() => void switchOne(file, !off).then(() => data.reload())}>{t(off ? "creds.enable" : "creds.disable")}</Button>
    </>
  );
  return (
    <Modal id="credential" title={accountName(accountOf(file) || file.name)} drawer onClose={() => setQuery({ account: "", tab: "" })} foot={foot}>
      <Tabs label={t("creds.title")} value={tab} tabs={tabs.map((value) => ({ value, text: t(value === "quota" ? "creds.quotaTab" : `creds.${value}`) }))} onChange={(value: Tab) => setQuery({ tab: value === "overview" ? "" : value }, true)} />
      {tab === "overview" && <Overview row={row} history={known?.history.get(row.key)} />}
      {tab === "quota" && <Quota row={row} />}
      {tab === "timeline" && <Deeds file={file} />}
      {tab === "models" && <Models name={file.name} />}
      {tab === "settings" && <Settings file={file} onDone={() => void data.reload()} />}
      {tab === "diagnostics" && <Diagnostics file={file} known={known} />}
    </Modal>
  );
}

// -- overview -----------------------------------------------------------------------------------

function Overview({ row, history }: { readonly row: Row; readonly history: History | undefined }) {
  const { file } = row;
  const moment = (text: string | undefined) => { const ms = timeOf(text); return ms === null ? undefined : fmt.value.dateTime(ms); };
  const facts: readonly Fact[] = [
    [t("creds.state"), <><StateBadge row={row} /> {reasonText(row)}</>],
    [t("creds.provider"), providerOf(file)],
    [t("creds.plan"), row.plan],
    [t("creds.file"), fileLabel(file.name)],
    [t("creds.index"), file.auth_index && maskIndex(file.auth_index)],
    [t("creds.project"), file.project_id],
    [t("creds.tries"), `${fmt.value.full(file.success)} ${t("creds.worked")}, ${fmt.value.full(file.failed)} ${t("creds.failed")}`],
    [t("creds.priority"), file.priority],
    [t("creds.note"), file.note],
    [t("creds.size"), file.size ? fmt.value.bytes(file.size) : undefined],
    [t("creds.created"), moment(file.created_at)],
    [t("creds.modified"), moment(file.modtime)],
    [t("creds.refreshed"), moment(file.last_refresh)],
  ];
  return (
    <>
      <Facts rows={facts} />
      {mode.value === "manager" && history && <Past history={history} />}
    </>
  );
}

function Past({ history }: { readonly history: History }) {
  if (!history.matched) return <p class="dim">{t("creds.noHistory")}</p>;
  const facts: readonly Fact[] = [
    [t("creds.requests"), fmt.value.full(history.total_requests)],
    [t("creds.rate"), fmt.value.percent(history.success_rate)],
    [t("creds.tokens"), fmt.value.full(history.total_tokens)],
    [t("creds.cost"), fmt.value.usd(history.total_cost)],
    [t("creds.firstSeen"), fmt.value.dateTime(history.first_seen_ms)],
    [t("creds.latest"), fmt.value.dateTime(history.last_seen_ms)],
  ];
  return (
    <>
      <h3>{t("creds.history")}</h3>
      <div data-block="history" data-value={history.total_requests}>
        <Facts rows={facts} />
      </div>
      <h3>{t("creds.lastRequests")}</h3>
      <ul class="names">
        {(history.recent_requests ?? []).map((request) => (
          <li key={request.timestamp_ms}>
            <span class="dim">{fmt.value.dateTime(request.timestamp_ms)}</span>{" "}
            <span class={request.failed ? "bad-text" : "good-text"}>{t(request.failed ? "creds.failed" : "creds.worked")}</span>{" "}
            {request.failed && [request.fail_status_code, reasonOf(request.fail_summary) || request.header_error_kind].filter(Boolean).join(" ")}
          </li>
        ))}
      </ul>
    </>
  );
}

// -- models, settings, diagnostics --------------------------------------------------------------

function Models({ name }: { readonly name: string }) {
  const data = useData(`models ${name}`, (signal) => readFileModels(name, signal));
  return (
    <Block id="models" data={data} class="bare" empty={(models) => models.length === 0 && t("creds.noModels")}>
      {(models) => (
        <ul class="names">
          {models.map((model) => (
            <li key={model.id} data-row={model.id}>
              <span class="mono">{model.id}</span> <span class="dim">{[model.display_name, model.owned_by].filter(Boolean).join(", ")}</span>
            </li>
          ))}
        </ul>
      )}
    </Block>
  );
}

function Settings({ file, onDone }: { readonly file: AuthFile; readonly onDone: () => void }) {
  const keeps = t("creds.emptyKeeps");
  const specs: readonly FieldSpec[] = [
    { name: "priority", label: t("creds.priority"), kind: "number" },
    { name: "weight", label: t("creds.weight"), kind: "number", least: 0, most: 1_000_000 },
    { name: "note", label: t("creds.note"), kind: "text" },
    { name: "prefix", label: t("creds.prefix"), kind: "text", hint: keeps },
    { name: "proxy_url", label: t("creds.proxy"), kind: "text", hint: file.proxy_url ? `${maskUrl(file.proxy_url)} · ${keeps}` : keeps, placeholder: "socks5://host:port" },
    { name: "headers", label: t("creds.headers"), kind: "lines", hint: t("creds.headersHint") },
  ];
  const before: Values = { priority: String(file.priority ?? ""), weight: String(file.weight ?? ""), note: file.note ?? "" };
  const [values, setValues] = useState(before);
  const [busy, setBusy] = useState(false);
  const changed = Object.entries(values).filter(([name, value]) => value !== (before[name] ?? ""));
  const save = async () => {
    setBusy(true);
    const fields = changed.map(([name, value]) => [name, name === "headers" ? headerLines(value) : specs.find((spec) => spec.name === name)?.kind === "number" ? (value.trim() === "" ? null : Number(value)) : value.trim()]);
    try {
      await changeFields(file.id || file.name, Object.fromEntries(fields));
      toast("success", t("creds.saved"));
      onDone();
    } catch (error) {
      toastError(error);
    }
    setBusy(false);
  };
  return (
    <>
      <Fields specs={specs} values={values} onChange={setValues} />
      <p>
        <Button action="save" kind="primary" busy={busy} disabled={changed.length === 0 || !isValid(specs, values)} onClick={() => void save()}>{t("common.save")}</Button>
      </p>
    </>
  );
}

function Diagnostics({ file, known }: { readonly file: AuthFile; readonly known: Known | null }) {
  const header = headerOf(file, known);
  if (!header) return <p class="dim">{t("creds.noHeaders")}</p>;
  const said = Object.entries(fieldsOf(header.response_metadata)).flatMap(([group, values]) => flat(group, values));
  return (
    <>
      <p class="hint">{fmt.value.dateTime(header.timestamp_ms)} · {header.model}</p>
      <Facts rows={said.map(([name, value]) => [name, redact(value)] as const)} />
    </>
  );
}

function flat(name: string, value: unknown): readonly (readonly [string, string])[] {
  if (value === null || typeof value !== "object") return [[name, String(value)]];
  return Object.entries(value).flatMap(([key, part]) => flat(`${name}.${key}`, part));
}
