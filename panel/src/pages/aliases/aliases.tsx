/** Names for the keys of CPA's clients. The keys themselves are known by their hashes alone. */

import { useState } from "preact/hooks";
import { analytics, type KeyStats } from "../../api/analytics";
import { ApiError } from "../../api/client";
import type { Aliases as AliasList } from "../../api/types";
import { fmt, t } from "../../i18n/language";
import { say } from "../../i18n/say";
import { useData, tick } from "../../state/freshness";
import { readAliases } from "../../state/names";
import { hashOf, query, setQuery } from "../../state/router";
import { api } from "../../state/session";
import { iso } from "../../text/format";
import { keyOfHash, maskKey } from "../../text/mask";
import { sha256 } from "../../text/sha256";
import { Block } from "../../ui/block";
import { Button, CopyButton, Field, Search } from "../../ui/controls";
import { asApiError, Confirm, Modal, toast } from "../../ui/overlay";
import { Table, type Column } from "../../ui/table";
import { CostText, knownCost } from "../figures";

const PATH = "/v0/management/api-key-aliases";
const SIZES = [50, 100, 300];
const MOST_CHARACTERS = 120;

interface Row {
  readonly hash: string;
  readonly alias: string;
  /** The key in part, if CPA's configuration still has it. */
  readonly shown: string;
  readonly stats: KeyStats | null;
}

interface Shown {
  readonly rows: readonly Row[];
  /** The hashes of CPA's keys; null where CPA can't be asked. */
  readonly active: readonly string[] | null;
}

async function read(signal: AbortSignal): Promise<Shown> {
  const now = Date.now();
  const [aliases, answer, keys] = await Promise.all([
    readAliases(),
    analytics({ range: { from: 1, to: now }, now, include: { api_key_stats: true, api_key_details: false } }, signal),
    api()
      .call<{ readonly "api-keys"?: readonly string[] }>("/v0/management/api-keys", { signal })
      .then((found) => found["api-keys"] ?? [])
      .catch(() => null),
  ]);
  const names = new Map(aliases.items.map((item) => [item.apiKeyHash, item.alias]));
  const clear = new Map(keys?.map((key) => [sha256(key.trim()), maskKey(key)]));
  const stats = new Map(answer.api_key_stats?.flatMap((row) => (row.api_key_hash ? [[row.api_key_hash, row] as const] : [])));
  const hashes = new Set([...names.keys(), ...clear.keys(), ...stats.keys()]);
  const rows = [...hashes].map((hash) => ({ hash, alias: names.get(hash) ?? "", shown: clear.get(hash) ?? "", stats: stats.get(hash) ?? null }));
  rows.sort((a, b) => (b.stats?.calls ?? 0) - (a.stats?.calls ?? 0) || (a.hash < b.hash ? -1 : 1));
  return { rows, active: keys ? [...clear.keys()] : null };
}

export function Aliases() {
  const data = useData("aliases", read);
  const [deleting, setDeleting] = useState<Row | null>(null);
  const text = (query.value["search"] ?? "").toLowerCase();
  const found = (row: Row) => [row.alias, row.hash, keyOfHash(row.hash), row.shown].some((name) => name.toLowerCase().includes(text));
  const editing = query.value["key"];
  const shown = data.now.value.value;
  const row = shown?.rows.find((candidate) => candidate.hash === editing);
  return (
    <>
      <Block id="aliases" class="fill" data={data} title={t("alias.hint")} aside={<Search value={query.value["search"] ?? ""} onSearch={(search) => setQuery({ search }, true)} />} empty={({ rows }) => rows.filter(found).length === 0 && t(rows.length ? "common.noMatch" : "alias.none")}>
        {({ rows }) => <Table id="client-keys" label={t("alias.title")} rows={rows.filter(found)} rowKey={(r) => r.hash} columns={columnsOf(setDeleting)} sizes={SIZES} onRow={(r) => setQuery({ key: r.hash })} />}
      </Block>
      {row && shown && <AliasDialog key={row.hash} row={row} active={shown.active} onClose={() => setQuery({ key: null })} onSaved={() => void data.reload()} />}
      {deleting && (
        <Confirm
          id="delete-alias"
          title={t("alias.deleteTitle")}
          danger
          confirm={t("common.delete")}
          onClose={() => setDeleting(null)}
          onConfirm={async () => {
            await api().call(`${PATH}/${deleting.hash}`, { method: "DELETE" });
            void data.reload();
          }}
        >
          <p>{t("alias.deleteText", { alias: deleting.alias })}</p>
        </Confirm>
      )}
    </>
  );
}

function columnsOf(onDelete: (row: Row) => void): Column<Row>[] {
  return [
    { id: "alias", title: t("alias.alias"), phone: "main", value: (row) => row.alias, cell: (row) => row.alias || <span class="dim">--</span> },
    { id: "key", title: t("column.key"), phone: "sub", value: (row) => row.shown || keyOfHash(row.hash), cell: (row) => <span class="mono" title={row.hash}>{row.shown || keyOfHash(row.hash)}</span> },
    { id: "requests", title: t("column.requests"), kind: "number", phone: "sub", value: (row) => row.stats?.calls ?? 0, cell: (row) => (row.stats ? <a href={hashOf("/monitoring", { tab: "realtime", time_range: "all", api_key_hash: row.hash })} onClick={(event) => event.stopPropagation()}>{fmt.value.full(row.stats.calls)}</a> : "0") },
    {
      id: "cost",
      title: t("column.cost"),
      kind: "number",
      phone: "side",
      value: (row) => row.stats && knownCost({ cost: row.stats.cost, unpriced: row.stats.unpriced_calls, calls: row.stats.calls }),
      cell: (row) => (row.stats ? <CostText cost={row.stats.cost} unpriced={row.stats.unpriced_calls} calls={row.stats.calls} /> : "--"),
    },
    { id: "latest", title: t("column.latest"), kind: "number", value: (row) => row.stats?.last_seen_ms ?? null, cell: (row) => <span title={iso(row.stats?.last_seen_ms)}>{fmt.value.ago(row.stats?.last_seen_ms, Math.max(tick.value, row.stats?.last_seen_ms ?? 0))}</span> },
    {
      id: "actions",
      title: "",
      kind: "actions",
      value: () => null,
      cell: (row) => row.alias && <Button action="delete" kind="quiet" icon="trash" label={t("common.delete")} onClick={(event) => { event.stopPropagation(); onDelete(row); }} />,
    },
  ];
}

interface DialogProps {
  readonly row: Pick<Row, "hash" | "alias" | "shown">;
  readonly active: readonly string[] | null;
  readonly onClose: () => void;
  readonly onSaved: () => void;
}

/** Gives a key a name; one that belongs to a key that is gone may be taken over. */
export function AliasDialog({ row, active, onClose, onSaved }: DialogProps) {
  const [alias, setAlias] = useState(row.alias);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const text = alias.trim();
  const fits = text !== "" && [...text].length <= MOST_CHARACTERS;
  // Only a list of the keys that are in use can tell that a name belongs to one that is gone.
  const takeable = error?.code === "api_key_alias_duplicate" && active !== null;
  const save = async (takeOver: boolean) => {
    setBusy(true);
    setError(null);
    const known = active ? { activeApiKeyHashes: [...active, row.hash], allowOrphanAliasCleanup: takeOver } : {};
    try {
      await api().call<AliasList>(PATH, { method: "PUT", body: { items: [{ apiKeyHash: row.hash, alias: text }], ...known } });
      toast("success", t("config.saved"));
      onSaved();
      onClose();
    } catch (reason) {
      setError(asApiError(reason));
      setBusy(false);
    }
  };
  const foot = (
    <>
      {takeable && (
        <Button action="take-over" kind="danger" busy={busy} onClick={() => void save(true)}>
          {t("alias.takeOver")}
        </Button>
      )}
      <Button action="save" kind="primary" busy={busy} disabled={!fits} onClick={() => void save(false)}>
        {t("common.save")}
      </Button>
    </>
  );
  return (
    <Modal id="alias" form title={t("alias.edit")} busy={busy} onClose={onClose} foot={foot}>
      <p class="mono">
        {row.shown || keyOfHash(row.hash)} <CopyButton text={row.hash} />
      </p>
      <Field name="alias" label={t("alias.alias")} error={error && say(error)} hint={takeable ? t("alias.takeOverHint") : undefined}>
        {(attributes) => <input {...attributes} type="text" maxLength={240} value={alias} onInput={(event) => setAlias(event.currentTarget.value)} onKeyDown={(event) => event.key === "Enter" && fits && void save(false)} />}
      </Field>
    </Modal>
  );
}
