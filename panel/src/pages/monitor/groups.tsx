/** The tables of accounts and of client keys, and the drawer behind a row. */

import type { ComponentChildren } from "preact";
import type { AccountStats, KeyContext, KeyStats, GroupModel } from "../../api/analytics";
import { Outcomes } from "../../charts/marks";
import { fmt, t } from "../../i18n/language";
import { tick, useData, usePart, type Data } from "../../state/freshness";
import { accountName, keyName, whoseName } from "../../state/names";
import { query, setQuery } from "../../state/router";
import { iso } from "../../text/format";
import { Block } from "../../ui/block";
import { api } from "../../state/session";
import { sha256 } from "../../text/sha256";
import { Button, CopyButton } from "../../ui/controls";
import { Facts } from "../../ui/facts";
import { Modal } from "../../ui/overlay";
import { Table, type Column } from "../../ui/table";
import { CostText, knownCost } from "../figures";
import { AccountCards } from "./cards";
import { outcomesOf, streamsOf, type Shown } from "./events";
import { AccountQuota } from "./quota";
import { State, stateOf, useFiles } from "./states";

interface Row {
  readonly id: string;
  readonly calls: number;
  readonly success_calls: number;
  readonly failure_calls: number;
  readonly success_rate: number;
  readonly total_tokens: number;
  readonly cost: number;
  readonly unpriced_calls: number;
  readonly last_seen_ms?: number;
}

const SIZES = [20, 50, 100];
const ENOUGH_CALLS = 20;
const POOR_RATE = 0.85;

/** The columns of figures that all tables of groups have. */
export function figureColumns<R extends Omit<Row, "id">>(): Column<R>[] {
  return [
    { id: "requests", title: t("column.requests"), kind: "number", phone: "sub", value: (row) => row.calls },
    { id: "failed", title: t("column.failed"), kind: "number", value: (row) => row.failure_calls, cell: (row) => (row.failure_calls ? fmt.value.full(row.failure_calls) : <span class="dim">0</span>) },
    {
      id: "rate",
      title: t("column.rate"),
      kind: "number",
      phone: "sub",
      value: (row) => (row.calls ? row.success_rate : null),
      cell: (row) => {
        const poor = row.calls >= ENOUGH_CALLS && row.success_rate < POOR_RATE;
        return <span class={poor ? "bad-text" : ""}>{poor ? "▾ " : ""}{fmt.value.percent(row.calls ? row.success_rate : null)}</span>;
      },
    },
    { id: "tokens", title: t("column.tokens"), kind: "number", phone: "sub", value: (row) => row.total_tokens, cell: (row) => <span title={fmt.value.full(row.total_tokens)}>{fmt.value.compact(row.total_tokens)}</span> },
    { id: "cost", title: t("column.cost"), kind: "number", phone: "side", value: (row) => knownCost({ cost: row.cost, unpriced: row.unpriced_calls, calls: row.calls }), cell: (row) => <CostText cost={row.cost} unpriced={row.unpriced_calls} calls={row.calls} /> },
  ];
}

export function latestColumn<R extends { readonly last_seen_ms?: number }>(): Column<R> {
  return {
    id: "latest",
    title: t("column.latest"),
    kind: "number",
    value: (row) => row.last_seen_ms,
    cell: (row) => <span title={iso(row.last_seen_ms)}>{fmt.value.ago(row.last_seen_ms, Math.max(tick.value, row.last_seen_ms ?? 0))}</span>,
  };
}

export function Accounts({ data }: { readonly data: Data<Shown> }) {
  const rows = usePart(data, ({ answer }) => answer.account_stats ?? []);
  const strips = streamsOf(data.now.value.value?.answer);
  const filesOf = useFiles();
  const states = (row: AccountStats) => stateOf(filesOf(row));
  const figures = figureColumns<AccountStats>();
  const columns: Column<AccountStats>[] = [
    { id: "account", title: t("column.account"), phone: "main", value: (row) => accountName(row.id) },
    { id: "provider", title: t("column.provider"), phone: "sub", value: (row) => row.auth_provider_snapshot ?? "" },
    { id: "state", title: t("column.state"), phone: "sub", value: states, cell: (row) => <State of={states(row)} /> },
    ...figures.slice(0, 3),
    {
      id: "recent",
      title: t("column.recent"),
      fixed: true,
      value: () => null,
      cell: (row) => {
        const strip = strips.get(row.id);
        return strip && <Outcomes cells={outcomesOf(strip)} range={data.now.value.value?.range} label={t("monitor.outcomes")} />;
      },
    },
    { id: "latency", title: t("column.latency"), kind: "number", value: (row) => row.average_latency_ms, cell: (row) => fmt.value.duration(row.average_latency_ms) },
    ...figures.slice(3),
    latestColumn(),
  ];
  return <Groups id="accounts" data={rows} columns={columns} label={t("monitor.accounts")} nameOf={(row) => accountName(row.id)} focus={(row) => ({ account: row.id })} quotaOf={(row) => <AccountQuota files={filesOf(row)} />} cards />;
}

export function ApiKeys({ data }: { readonly data: Data<Shown> }) {
  const rows = usePart(data, ({ answer }) => answer.api_key_stats ?? []);
  const nameOf = (row: KeyStats) => row.api_key_alias || keyName(row.api_key_hash);
  const columns: Column<KeyStats>[] = [
    { id: "key", title: t("column.key"), phone: "main", value: nameOf },
    ...figureColumns<KeyStats>(),
    { id: "latency", title: t("column.latency"), kind: "number", value: (row) => row.average_latency_ms, cell: (row) => fmt.value.duration(row.average_latency_ms) },
    latestColumn(),
  ];
  return <Groups id="api-keys" data={rows} columns={columns} label={t("monitor.apiKeys")} nameOf={nameOf} focus={(row) => ({ api_key_hash: row.id })} hashOfKey={(row) => row.api_key_hash} />;
}

interface GroupsProps<R extends AccountStats> {
  readonly id: string;
  readonly label: string;
  readonly data: Data<readonly R[]>;
  readonly columns: readonly Column<R>[];
  readonly nameOf: (row: R) => string;
  readonly focus: (row: R) => Record<string, string>;
  /** Of rows that are client keys: their hash. */
  readonly hashOfKey?: (row: R) => string;
  /** Of rows that are accounts: what is left of their quota. */
  readonly quotaOf?: (row: R) => ComponentChildren;
  /** Whether the rows may be looked at as cards. */
  readonly cards?: boolean;
}

function Groups<R extends AccountStats & { readonly contexts?: readonly KeyContext[] }>({ id, label, data, columns, nameOf, focus, hashOfKey, quotaOf, cards = false }: GroupsProps<R>) {
  const asCards = cards && query.value["display"] === "cards";
  const display = cards && (
    <Button action="display" pressed={asCards} onClick={() => setQuery({ display: asCards ? null : "cards" })}>
      {t("monitor.cards")}
    </Button>
  );
  const open = query.value["row"];
  const row = data.now.value.value?.find((candidate) => candidate.id === open);
  return (
    <Block id={id} class="fill" data={data} empty={(rows) => rows.length === 0 && t("common.noData")}>
      {(rows) => (
        <>
          {asCards ? (
            <AccountCards id={id} label={label} rows={rows} columns={columns} foot={display} onRow={(r) => setQuery({ row: r.id })} />
          ) : (
            <Table id={id} label={label} rows={rows} rowKey={(r) => r.id} columns={columns} sizes={SIZES} onRow={(r) => setQuery({ row: r.id })} foot={display || undefined} />
          )}
          {row && (
            <Modal id="group" drawer title={nameOf(row)} onClose={() => setQuery({ row: null })}>
              <GroupFacts row={row} />
              <Button action="focus" icon="filter" onClick={() => setQuery({ row: null, tab: "realtime", ...focus(row) })}>
                {t("monitor.focus")}
              </Button>
              {hashOfKey && <KeyCopy hash={hashOfKey(row)} />}
              {quotaOf?.(row)}
              <Models rows={row.models ?? []} />
              {row.contexts && row.contexts.length > 0 && <Contexts rows={row.contexts} />}
            </Modal>
          )}
        </>
      )}
    </Block>
  );
}

/** The key itself, where CPA still has it. */
export function KeyCopy({ hash }: { readonly hash: string }) {
  const data = useData("client-key-values", async (signal) => (await api().call<{ readonly "api-keys": readonly string[] | null }>("/v0/management/api-keys", { signal }))["api-keys"] ?? []);
  const key = data.now.value.value?.find((one) => sha256(one.trim()) === hash);
  return key === undefined ? null : <CopyButton text={key} label={t("monitor.copyKey")} />;
}

function GroupFacts({ row }: { readonly row: AccountStats }) {
  return (
    <Facts
      rows={[
        [t("column.requests"), fmt.value.full(row.calls)],
        [t("column.failed"), fmt.value.full(row.failure_calls)],
        [t("column.rate"), fmt.value.percent(row.calls ? row.success_rate : null)],
        [t("column.input"), fmt.value.full(row.input_tokens)],
        [t("monitor.cacheRead"), fmt.value.full(row.cache_read_tokens + row.cached_tokens)],
        [t("monitor.cacheCreation"), fmt.value.full(row.cache_creation_tokens)],
        [t("column.output"), fmt.value.full(row.output_tokens)],
        [t("column.total"), fmt.value.full(row.total_tokens)],
        [t("column.cost"), <CostText cost={row.cost} unpriced={row.unpriced_calls} calls={row.calls} />],
        [t("column.latency"), fmt.value.duration(row.average_latency_ms)],
        [t("column.latest"), fmt.value.dateTime(row.last_seen_ms)],
      ]}
    />
  );
}

/** The models of a group, as the server counted them. */
export function Models({ rows }: { readonly rows: readonly GroupModel[] }) {
  const columns: Column<GroupModel>[] = [{ id: "model", title: t("column.model"), phone: "main", value: (row) => row.model }, ...figureColumns<GroupModel>()];
  return (
    <section class="part">
      <h3>{t("monitor.models")}</h3>
      <Table id="group-models" label={t("monitor.models")} rows={rows} rowKey={(row) => row.model} columns={columns} />
    </section>
  );
}

/** Through which accounts a key was used. */
export function Contexts({ rows }: { readonly rows: readonly KeyContext[] }) {
  const columns: Column<KeyContext>[] = [{ id: "account", title: t("column.account"), phone: "main", value: whoseName }, ...figureColumns<KeyContext>(), latestColumn<KeyContext>()];
  return (
    <section class="part">
      <h3>{t("monitor.contexts")}</h3>
      <Table id="group-contexts" label={t("monitor.contexts")} rows={rows} rowKey={(row) => row.id} columns={columns} />
    </section>
  );
}
