/** The list of credentials, with what is broken first. */

import { useComputed } from "@preact/signals";
import { useState } from "preact/hooks";
import { accountOf, providerOf, type AuthFile } from "../../api/authfile";
import { downloadFile } from "../../api/cpa";
import type { History } from "../../api/manager";
import { Outcomes } from "../../charts/marks";
import { fmt, t } from "../../i18n/language";
import { tick, type Data } from "../../state/freshness";
import { accountName, fileLabel } from "../../state/names";
import { query, setQuery } from "../../state/router";
import { mode } from "../../state/session";
import { iso } from "../../text/format";
import { redact } from "../../text/mask";
import { Block } from "../../ui/block";
import { Button, Search, Select } from "../../ui/controls";
import { Toggle } from "../../ui/form";
import { toastError } from "../../ui/overlay";
import { saveBlob } from "../../ui/saving";
import { Table, type Column } from "../../ui/table";
import { AddFiles } from "./add";
import { DeleteFiles, DisableAll, switchOne } from "./changes";
import { rowsOf, useCredentials, useKnown, type Known } from "./data";
import { firstOf } from "./burning";
import { Drawer } from "./drawer";
import { Pools, SpentCell } from "./forecast";
import { Bars } from "./bars";
import { byNeed, COUNTERS, isIn, isOff, matches, QUOTA_RANGES, outcomes, recent, type Counter, type Row, type State } from "./state";

const TONES: Readonly<Record<State, string>> = { ready: "good", disabled: "", problem: "bad", cooling: "warn", pending: "" };

type Open = "" | "add" | "delete" | "disable";

export function List() {
  const data = useCredentials();
  const files = data.now.value.value;
  const known = useKnown(files);
  // The order depends on what is known, so that nothing is drawn before it is.
  const shown = useComputed(() => {
    const [now, beside] = [data.now.value, known.now.value];
    const waits = mode.value === "manager" && now.value?.length && beside.value === null && beside.state !== "error";
    return waits ? { ...now, state: "loading" as const, value: null } : now;
  });
  return (
    <Block id="credentials" data={{ ...data, now: shown }} class="fill" empty={(found) => found.length === 0 && <NoFiles data={data} />}>
      {(found) => <Loaded data={data} files={found} known={known.now.value.value} />}
    </Block>
  );
}

function NoFiles({ data }: { readonly data: Data<readonly AuthFile[]> }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      {t("creds.none")}
      <Button action="add" kind="primary" icon="upload" onClick={() => setOpen(true)}>
        {t("creds.add")}
      </Button>
      {open && <AddFiles files={[]} onClose={() => setOpen(false)} onDone={() => void data.reload()} />}
    </>
  );
}

interface LoadedProps {
  readonly data: Data<readonly AuthFile[]>;
  readonly files: readonly AuthFile[];
  readonly known: Known | null;
}

function Loaded({ data, files, known }: LoadedProps) {
  const [open, setOpen] = useState<Open>("");
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const rows = rowsOf(files, known, tick.value);
  const { search = "", provider = "", status = "all", quota = "", plan = "", account } = query.value;
  const shown = rows.filter((row) => matches(row, { search, provider, status: status as Counter, quota, plan })).sort(byNeed);
  const chosen = rows.filter((row) => picked.has(row.key));
  const close = () => setOpen("");
  const done = () => {
    setPicked(new Set());
    void data.reload();
  };
  const toggle = (key: string) => {
    const next = new Set(picked);
    if (!next.delete(key)) next.add(key);
    setPicked(next);
  };
  const detail = rows.find((row) => row.key === account);
  return (
    <>
      <Filters rows={rows} onAdd={() => setOpen("add")} />
      <Pools pools={known?.forecast.pools ?? []} />
      {chosen.length > 0 && (
        <div class="bar-line" data-bar="selected">
          <b>{t("creds.selected", { n: chosen.length })}</b>
          <Button action="enable-all" onClick={() => void switchAllOn(chosen).then(done)}>{t("creds.enable")}</Button>
          <Button action="disable-all" onClick={() => setOpen("disable")}>{t("creds.disable")}</Button>
          <Button action="download-all" icon="download" onClick={() => void saveAll(chosen)}>{t("creds.download")}</Button>
          <Button action="delete-all" kind="danger" onClick={() => setOpen("delete")}>{t("common.delete")}</Button>
        </div>
      )}
      {shown.length === 0 ? (
        <p class="empty">{t("common.noMatch")}</p>
      ) : (
        <Table
          id="auth-files"
          label={t("creds.title")}
          rows={shown}
          rowKey={(row) => row.key}
          columns={columns(known, picked, toggle, data)}
          sizes={[50, 20, 10]}
          onRow={(row) => setQuery({ account: row.key })}
          rowClass={(row) => (isOff(row.file) ? "off" : "")}
        />
      )}
      {detail && <Drawer row={detail} known={known} data={data} onDelete={() => { setPicked(new Set([detail.key])); setOpen("delete"); }} />}
      {open === "add" && <AddFiles files={files} onClose={close} onDone={done} />}
      {open === "delete" && <DeleteFiles files={files} chosen={chosen.map((row) => row.file)} onClose={close} onDone={() => { setQuery({ account: "" }); done(); }} />}
      {open === "disable" && <DisableAll chosen={chosen.map((row) => row.file)} onClose={close} onDone={done} />}
    </>
  );
}

async function switchAllOn(rows: readonly Row[]): Promise<void> {
  for (const { file } of rows) if (isOff(file)) await switchOne(file, false, true);
}

async function saveAll(rows: readonly Row[]): Promise<void> {
  try {
    for (const name of new Set(rows.map((row) => row.file.name))) saveBlob(name, await downloadFile(name));
  } catch (error) {
    toastError(error);
  }
}

// -- filters ------------------------------------------------------------------------------------

function Filters({ rows, onAdd }: { readonly rows: readonly Row[]; readonly onAdd: () => void }) {
  const { search = "", status = "all", ...chosen } = query.value;
  const choices = (any: string, values: readonly string[]) => [{ value: "", text: any }, ...[...new Set(values)].filter(Boolean).sort().map((value) => ({ value, text: value }))];
  const selects = [
    ["provider", t("creds.anyProvider"), choices(t("creds.anyProvider"), rows.map((row) => providerOf(row.file)))],
    ["quota", t("creds.anyQuota"), [{ value: "", text: t("creds.anyQuota") }, ...QUOTA_RANGES.map((value) => ({ value, text: t(`creds.${value}` as "creds.spent") }))]],
    ["plan", t("creds.anyPlan"), choices(t("creds.anyPlan"), rows.map((row) => row.plan))],
  ] as const;
  return (
    <div class="bar-line">
      <div class="counters" role="group" aria-label={t("creds.state")}>
        {COUNTERS.map((counter) => {
          const count = rows.filter((row) => isIn(counter, row)).length;
          return (
            <button key={counter} type="button" data-option={counter} aria-pressed={status === counter} onClick={() => setQuery({ status: counter === "all" ? "" : counter })}>
              {t(`creds.${counter}`)} <b data-metric={`credentials-${counter}`} data-value={count}>{count}</b>
            </button>
          );
        })}
      </div>
      <Search value={search} onSearch={(text) => setQuery({ search: text }, true)} />
      {selects.map(([name, label, options]) => (
        <Select key={name} name={name} label={label} value={chosen[name] ?? ""} choices={options} onChange={(value) => setQuery({ [name]: value })} />
      ))}
      <span class="grow" />
      <Button action="add" kind="primary" icon="upload" onClick={onAdd}>
        {t("common.add")}
      </Button>
    </div>
  );
}

// -- rows ---------------------------------------------------------------------------------------

export function StateBadge({ row }: { readonly row: Row }) {
  return <span class={`badge ${TONES[row.state]}`}>{t(`creds.${row.state}`)}</span>;
}

/** Why, and until when. */
export function reasonText(row: Row): string {
  const back = row.backAtMs === null ? "" : t("creds.backAt", { when: fmt.value.ago(row.backAtMs, tick.value) });
  return [back, redact(row.reason)].filter(Boolean).join(" · ");
}

function Tries({ file, history }: { readonly file: AuthFile; readonly history: History | undefined }) {
  const { success, failed } = recent(file, history);
  const cells = outcomes(file, history);
  if (cells.length === 0) return <span class="dim">--</span>;
  return <Outcomes width={3} cells={cells} label={`${success} ${t("creds.worked")}, ${failed} ${t("creds.failed")}`} />;
}

function historyColumns(history: ReadonlyMap<string, History> | undefined): Column<Row>[] {
  const of = (row: Row) => history?.get(row.key);
  const used = (row: Row) => {
    const found = of(row);
    return found?.matched ? found : undefined;
  };
  return [
    { id: "requests", title: t("creds.requests"), kind: "number", value: (row) => of(row)?.total_requests ?? null },
    { id: "cost", title: t("creds.cost"), kind: "number", value: (row) => used(row)?.total_cost ?? null, cell: (row) => fmt.value.usd(used(row)?.total_cost) },
    {
      id: "latest",
      title: t("creds.latest"),
      value: (row) => used(row)?.last_seen_ms ?? null,
      cell: (row) => <span title={iso(used(row)?.last_seen_ms)}>{fmt.value.ago(used(row)?.last_seen_ms, Math.max(tick.value, used(row)?.last_seen_ms ?? 0))}</span>,
    },
  ];
}

function columns(known: Known | null, picked: ReadonlySet<string>, toggle: (key: string) => void, data: Data<readonly AuthFile[]>): readonly Column<Row>[] {
  const name = (row: Row) => accountName(accountOf(row.file) || row.file.name);
  return [
    {
      id: "pick",
      title: "",
      fixed: true,
      width: 28,
      value: (row) => String(picked.has(row.key)),
      cell: (row) => <input type="checkbox" data-action="pick" aria-label={t("creds.select", { name: name(row) })} checked={picked.has(row.key)} onClick={(event) => event.stopPropagation()} onChange={() => toggle(row.key)} />,
    },
    { id: "provider", title: t("creds.provider"), phone: "sub", value: (row) => providerOf(row.file) },
    { id: "account", title: t("creds.account"), phone: "main", value: (row) => accountOf(row.file), cell: (row) => <span title={fileLabel(row.file.name)}>{name(row)}</span> },
    { id: "plan", title: t("creds.plan"), value: (row) => row.plan, cell: (row) => row.plan || "--" },
    {
      id: "status",
      title: t("creds.state"),
      phone: "side",
      value: (row) => row.state,
      cell: (row) => (
        <span title={reasonText(row)}>
          <StateBadge row={row} /> <span class="dim not-phone">{reasonText(row)}</span>
        </span>
      ),
    },
    { id: "quota", title: t("creds.quota"), phone: "sub", width: 180, value: (row) => row.left, cell: (row) => <Bars windows={row.windows} /> },
    ...(mode.value === "manager" ? [{ id: "spent", title: t("creds.spentTitle"), value: (row: Row) => firstOf(row.burns)?.spent_at_ms ?? null, cell: (row: Row) => <SpentCell burns={row.burns} /> }] : []),
    { id: "recent", title: t("creds.recent"), value: (row) => recent(row.file, known?.history.get(row.key)).failed, cell: (row) => <Tries file={row.file} history={known?.history.get(row.key)} /> },
    ...(mode.value === "manager" ? historyColumns(known?.history) : [{ id: "requests", title: t("creds.tries"), kind: "number" as const, value: (row: Row) => (row.file.success ?? 0) + (row.file.failed ?? 0) }]),
    {
      id: "switch",
      title: t("creds.on"),
      kind: "actions",
      value: (row) => String(!isOff(row.file)),
      cell: (row) => (
        <Toggle
          name="switch"
          label={t("creds.switch", { name: name(row) })}
          on={!isOff(row.file)}
          onChange={async (on) => {
            await switchOne(row.file, !on);
            await data.reload();
          }}
        />
      ),
    },
  ];
}
