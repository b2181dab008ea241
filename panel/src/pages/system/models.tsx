/** The models that CPA serves to its clients, by family. */

import { Client } from "../../api/client";
import { t } from "../../i18n/language";
import { useData } from "../../state/freshness";
import { query, setQuery } from "../../state/router";
import { api, base, mode } from "../../state/session";
import { Block } from "../../ui/block";
import { CopyButton, Search, Select } from "../../ui/controls";
import { Table, type Column } from "../../ui/table";

interface Model {
  readonly id: string;
  readonly owned_by?: string;
}

interface Row extends Model {
  readonly family: string;
}

const SIZES = [20, 50, 100];

/** The letters that a model's name begins with, behind what stands before a slash. */
export function familyOf(id: string): string {
  return /[a-z]+/i.exec(id.slice(id.lastIndexOf("/") + 1))?.[0].toLowerCase() ?? id;
}

/** As a client would: with its key, and never with ours. */
async function read(signal: AbortSignal): Promise<readonly Row[]> {
  const keys = await api().call<{ readonly "api-keys": readonly string[] | null }>("/v0/management/api-keys", { signal });
  const client = new Client(base.value, keys["api-keys"]?.[0] ?? "", () => undefined);
  const { data } = await client.call<{ readonly data: readonly Model[] | null }>("/v1/models", { signal });
  return (data ?? []).map((model) => ({ ...model, family: familyOf(model.id) })).sort((a, b) => a.family.localeCompare(b.family) || a.id.localeCompare(b.id));
}

export function Models() {
  const data = useData("models", read);
  const all = data.now.value.value ?? [];
  const wanted = (query.value["search"] ?? "").toLowerCase();
  const family = query.value["family"] ?? "";
  const found = all.filter((row) => row.id.toLowerCase().includes(wanted));
  const counts = new Map<string, number>();
  for (const row of found) counts.set(row.family, (counts.get(row.family) ?? 0) + 1);
  const shown = found.filter((row) => !family || row.family === family);
  const families = [{ value: "", text: `${t("common.all")} (${found.length})` }, ...[...counts].map(([value, n]) => ({ value, text: `${value} (${n})` }))];
  if (family && !counts.has(family)) families.push({ value: family, text: `${family} (0)` });
  const aside = all.length > 0 && (
    <>
      <Search value={query.value["search"] ?? ""} placeholder={t("common.search")} onSearch={(search) => setQuery({ search }, true)} />
      <Select name="family" label={t("system.family")} value={family} choices={families} onChange={(to) => setQuery({ family: to })} />
      <CopyButton text={shown.map((row) => row.id).join("\n")} />
    </>
  );
  return (
    <Block id="served-models" class={`${mode.value === "manager" ? "w-6" : "w-12"} fill`} data={data} title={t("system.models")} aside={aside} empty={(rows) => rows.length === 0 && t("system.noModels")}>
      {() => (shown.length ? <Table id="served-models" label={t("system.models")} rows={shown} rowKey={(row) => row.id} columns={columns()} sizes={SIZES} /> : <p class="empty">{t("common.noMatch")}</p>)}
    </Block>
  );
}

const columns = (): Column<Row>[] => [
  { id: "model", title: t("column.model"), phone: "main", value: (row) => row.id },
  { id: "family", title: t("system.family"), phone: "sub", value: (row) => row.family },
  { id: "owner", title: t("system.owner"), phone: "sub", value: (row) => row.owned_by ?? "" },
  { id: "actions", title: "", kind: "actions", value: () => null, cell: (row) => <CopyButton text={row.id} /> },
];
