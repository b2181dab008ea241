/** What is wrong with the installation, and a backup of it. */

import { useState } from "preact/hooks";
import type { Backup, Diagnosis, FindingJson } from "../../api/answers.generated";
import { fmt, t } from "../../i18n/language";
import { useData } from "../../state/freshness";
import { api } from "../../state/session";
import { Block } from "../../ui/block";
import { Button } from "../../ui/controls";
import { Confirm, toast } from "../../ui/overlay";
import { Table, type Column } from "../../ui/table";

const BACKUP_MS = 600_000;
// What is as it should be is no exception, and has no colour.
const TONES = { ok: "dim", note: "badge warn", bad: "badge bad" } as const;

export function Upkeep() {
  const data = useData("doctor", (signal) => api().call<Diagnosis>("/v0/management/doctor", { signal }));
  const [asking, setAsking] = useState(false);
  const backUp = async () => {
    const done = await api().call<Backup>("/v0/management/backups", { method: "POST", timeoutMs: BACKUP_MS });
    toast("success", t(done.dataKey ? "system.backedUp" : "system.backedUpNoKey", { folder: done.folder, size: fmt.value.bytes(done.databaseBytes) }));
  };
  const aside = (
    <Button action="backup" onClick={() => setAsking(true)}>
      {t("system.backup")}
    </Button>
  );
  return (
    <>
      <Block id="doctor" class="w-6 fill" data={data} title={t("system.doctor")} aside={aside}>
        {({ findings }) => <Table id="findings" label={t("system.doctor")} rows={byWeight(findings)} rowKey={({ subject, seen }) => `${subject} ${seen}`} columns={columns()} sortable={false} />}
      </Block>
      {asking && (
        <Confirm id="backup" title={t("system.backup")} confirm={t("system.backup")} onClose={() => setAsking(false)} onConfirm={backUp}>
          <p>{t("system.backupText")}</p>
        </Confirm>
      )}
    </>
  );
}

const ORDER = ["bad", "note", "ok"];

/** What wants a person first. */
function byWeight(findings: readonly FindingJson[]): readonly FindingJson[] {
  return [...findings].sort((a, b) => ORDER.indexOf(a.level) - ORDER.indexOf(b.level));
}

const columns = (): Column<FindingJson>[] => [
  { id: "level", title: t("column.state"), phone: "side", width: 96, value: (row) => row.level, cell: (row) => <span class={TONES[row.level]}>{t(`system.${row.level}`)}</span> },
  { id: "subject", title: t("system.subject"), phone: "main", width: 140, value: (row) => row.subject },
  {
    id: "seen",
    title: t("system.seen"),
    phone: "sub",
    value: (row) => [row.seen, row.advice].filter(Boolean).join(" → "),
    cell: (row) => (
      <span title={[row.seen, row.advice].filter(Boolean).join("\n")}>
        {row.advice && <b>{row.advice} </b>}
        <span class={row.advice ? "dim" : ""}>{row.seen}</span>
      </span>
    ),
  },
];
