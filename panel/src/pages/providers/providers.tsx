/** Keys of AI providers that CPA uses, whatever their kind. */

import { useState } from "preact/hooks";
import { Outcomes } from "../../charts/marks";
import { fmt, t } from "../../i18n/language";
import { steps, useData } from "../../state/freshness";
import { query, setQuery } from "../../state/router";
import { maskKey, maskUrl, redact } from "../../text/mask";
import { Block } from "../../ui/block";
import { Button, Search } from "../../ui/controls";
import { Toggle } from "../../ui/form";
import { Confirm, toast, toastError } from "../../ui/overlay";
import { Table, type Column } from "../../ui/table";
import { readProviders, switchEntry, trialOf, tryAll, writeEntry, type Providers as Found, type Row } from "./data";
import { Editor } from "./editor";
import { keysOf, list, modelsOf, text } from "./entries";
import { isOpenai, type Kind } from "./kinds";

const REFRESH_S = 240;

export function Providers() {
  const data = useData<Found>("providers", readProviders, REFRESH_S, steps(10));
  return (
    <Block id="providers" data={data} class="fill">
      {(found) => <Loaded found={found} reload={data.reload} />}
    </Block>
  );
}

export function nameOf({ kind, entry }: Pick<Row, "kind" | "entry">): string {
  return isOpenai(kind) ? text(entry["name"]) : maskKey(text(entry["api-key"]));
}

interface Open {
  readonly kind: Kind;
  readonly row: Row | null;
}

function Loaded({ found, reload }: { readonly found: Found; readonly reload: () => Promise<boolean> }) {
  const [open, setOpen] = useState<Open | null>(null);
  const [trying, setTrying] = useState(false);
  const [turningOff, setTurningOff] = useState(false);
  const { kind = "", search = "" } = query.value;
  const has = (row: Row) => `${nameOf(row)} ${text(row.entry["base-url"])} ${modelsOf(row.entry).join(" ")} ${row.kind.title}`.toLowerCase().includes(search.toLowerCase());
  const shown = found.rows.filter((row) => (!kind || row.kind.id === kind) && has(row));
  const failing = shown.filter((row) => {
    const trial = trialOf(row);
    return !row.off && trial && trial !== "running" && !trial.ok;
  });
  const wanted = found.kinds.find(({ id }) => id === kind);
  const turnOff = async () => {
    for (const row of failing) await switchEntry(row, true);
    await reload();
  };
  return (
    <>
      <div class="bar-line">
        <div class="counters" role="group" aria-label={t("providers.kind")}>
          {["", ...found.kinds.map(({ id }) => id)].map((id) => (
            <button key={id} type="button" data-option={id || "all"} aria-pressed={kind === id} onClick={() => setQuery({ kind: id })}>
              {found.kinds.find((one) => one.id === id)?.title ?? t("common.all")} <b>{found.rows.filter((row) => !id || row.kind.id === id).length}</b>
            </button>
          ))}
        </div>
        <Search value={search} onSearch={(value) => setQuery({ search: value }, true)} />
        <span class="grow" />
        {failing.length > 0 && !trying && <Button action="switch-off-failing" kind="danger" onClick={() => setTurningOff(true)}>{t("providers.offFailing", { n: failing.length })}</Button>}
        <Button action="test-all" busy={trying} disabled={shown.length === 0} onClick={() => { setTrying(true); void tryAll(shown.filter((row) => !row.off)).finally(() => setTrying(false)); }}>{t("providers.testAll")}</Button>
        <Button action="add" kind="primary" onClick={() => setOpen({ kind: wanted ?? found.kinds[0]!, row: null })}>{t("common.add")}</Button>
      </div>
      {shown.length === 0 ? <p class="empty">{t(found.rows.length ? "common.noMatch" : "providers.none")}</p> : <Table id="providers" label={t("providers.title")} rows={shown} rowKey={(row) => row.key} columns={columns(reload)} sizes={[50, 20, 10]} onRow={(row) => setOpen({ kind: row.kind, row })} rowClass={(row) => (row.off ? "off" : "")} />}
      {open && <Editor kind={open.kind} kinds={found.kinds} row={open.row} cooling={found.cooling} onClose={() => setOpen(null)} onDone={() => void reload()} />}
      {turningOff && (
        <Confirm id="switch-off" title={t("providers.offFailing", { n: failing.length })} onConfirm={turnOff} onClose={() => setTurningOff(false)}>
          <ul class="names">
            {failing.map((row) => <li key={row.key}>{row.kind.title} {nameOf(row)}</li>)}
          </ul>
        </Confirm>
      )}
    </>
  );
}

function rateOf(row: Row): number | null {
  const sum = (name: "success" | "failed") => row.tries.reduce((all, bucket) => all + bucket[name], 0);
  const calls = sum("success") + sum("failed");
  return calls ? sum("success") / calls : null;
}

function columns(reload: () => Promise<boolean>): readonly Column<Row>[] {
  return [
    { id: "provider", title: t("providers.kind"), phone: "sub", value: (row) => row.kind.title },
    { id: "name", title: t("providers.name"), phone: "main", value: nameOf, cell: (row) => <>{nameOf(row)}{keysOf(row.entry).length > 1 && <span class="dim"> {t("providers.keys", { n: keysOf(row.entry).length })}</span>}</> },
    { id: "url", title: t("providers.base"), phone: "sub", value: (row) => maskUrl(text(row.entry["base-url"])), cell: (row) => maskUrl(text(row.entry["base-url"])) || <span class="dim">{row.kind.base}</span> },
    { id: "models", title: t("providers.models"), kind: "number", value: (row) => list(row.entry["models"]).length, cell: (row) => <span title={modelsOf(row.entry).join("\n")}>{list(row.entry["models"]).length || t("common.all")}</span> },
    { id: "priority", title: t("creds.priority"), kind: "number", value: priorityOf, cell: (row) => <Priority row={row} reload={reload} /> },
    { id: "recent", title: t("creds.recent"), value: (row) => rateOf(row), cell: (row) => <Strip row={row} /> },
    { id: "rate", title: t("creds.rate"), kind: "number", value: rateOf, cell: (row) => fmt.value.percent(rateOf(row)) },
    { id: "trial", title: t("providers.trial"), phone: "side", value: (row) => { const trial = trialOf(row); return trial && trial !== "running" ? String(trial.ok) : null; }, cell: (row) => <TrialBadge row={row} /> },
    {
      id: "switch",
      title: t("creds.on"),
      kind: "actions",
      value: (row) => String(!row.off),
      cell: (row) => (
        <Toggle
          name="switch"
          label={t("creds.switch", { name: nameOf(row) })}
          on={!row.off}
          onChange={async (on) => {
            try {
              await switchEntry(row, !on);
              toast("success", t(on ? "creds.enabled" : "creds.disabledOne", { name: nameOf(row) }));
            } catch (error) {
              toastError(error);
            }
            await reload();
          }}
        />
      ),
    },
  ];
}

function priorityOf({ entry }: Row): number {
  return typeof entry["priority"] === "number" ? entry["priority"] : 0;
}

/** The priority, changed where it stands. */
function Priority({ row, reload }: { readonly row: Row; readonly reload: () => Promise<boolean> }) {
  const write = async (typed: string) => {
    if (!/^-?\d{1,6}$/.test(typed.trim()) || Number(typed) === priorityOf(row)) return;
    try {
      await writeEntry(row.kind, row.entry, { ...row.entry, priority: Number(typed) });
      toast("success", t("creds.saved"));
    } catch (error) {
      toastError(error);
    }
    await reload();
  };
  return <input class="cell-input" type="text" inputMode="numeric" data-field="row-priority" aria-label={`${t("creds.priority")}: ${nameOf(row)}`} value={String(priorityOf(row))} onClick={(event) => event.stopPropagation()} onKeyDown={(event) => event.stopPropagation()} onChange={(event) => void write(event.currentTarget.value)} />;
}

function Strip({ row }: { readonly row: Row }) {
  if (row.tries.length === 0) return <span class="dim">--</span>;
  const cells = row.tries.map((bucket) => (bucket.failed ? (bucket.success ? "mixed" : "failure") : bucket.success ? "success" : "idle"));
  return <Outcomes cells={cells} label={fmt.value.percent(rateOf(row))} />;
}

export function TrialBadge({ row }: { readonly row: Pick<Row, "kind" | "entry"> }) {
  const trial = trialOf(row);
  if (!trial) return <span class="dim">--</span>;
  if (trial === "running") return <span class="badge">…</span>;
  return (
    <span class={`badge ${trial.ok ? "good" : "bad"}`} title={redact(trial.detail)}>
      {trial.ok ? fmt.value.duration(trial.ms) : `${t("creds.failed")} ${trial.detail.slice(0, 3)}`}
    </span>
  );
}
