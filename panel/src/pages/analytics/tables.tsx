/** Models, keys and credentials against each other, and one of them alone in a drawer. */

import type { CredentialStats, Filters, KeyStats, ModelStats, Summary } from "../../api/analytics";
import { carried, type View } from "../../filters/view";
import { fmt, t } from "../../i18n/language";
import { useData, usePart, type Data } from "../../state/freshness";
import { accountName, keyName, whoseName } from "../../state/names";
import { hashOf, query, setQuery } from "../../state/router";
import { Block } from "../../ui/block";
import { Modal } from "../../ui/overlay";
import { Table, type Column } from "../../ui/table";
import { knownCost } from "../figures";
import { Contexts, figureColumns, latestColumn, Models } from "../monitor/groups";
import { SummaryTiles } from "../summary";
import { Course, MetricSwitch } from "./course";
import { readCourse, type Shown } from "./read";

const SIZES = [20, 50, 100];

interface Row {
  readonly calls: number;
  readonly success_calls: number;
  readonly failure_calls: number;
  readonly success_rate: number;
  readonly cost: number;
  readonly unpriced_calls: number;
  readonly total_tokens: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cached_tokens: number;
  readonly cache_read_tokens: number;
}

/** All figures of a row, with its part of the whole. */
function columnsOf<R extends Row>(summary: Summary | undefined): Column<R>[] {
  const tokens = (id: string, title: string, value: (row: R) => number): Column<R> => ({ id, title, kind: "number", value, cell: (row) => <span title={fmt.value.full(value(row))}>{fmt.value.compact(value(row))}</span> });
  const cost = (row: R) => knownCost({ cost: row.cost, unpriced: row.unpriced_calls, calls: row.calls });
  const share = (row: R) => (summary && summary.total_cost > 0 && cost(row) !== null ? row.cost / summary.total_cost : null);
  const cached = (row: R) => row.cached_tokens + row.cache_read_tokens;
  const cacheRate = (row: R) => (row.input_tokens > 0 ? Math.min(cached(row) / row.input_tokens, 1) : null);
  const perCall = (row: R) => (row.calls > row.unpriced_calls ? row.cost / (row.calls - row.unpriced_calls) : null);
  return [
    ...figureColumns<R>(),
    { id: "share", title: t("column.costShare"), kind: "number", value: share, cell: (row) => fmt.value.percent(share(row)) },
    { id: "cost-per-call", title: t("column.costPerCall"), kind: "number", value: perCall, cell: (row) => fmt.value.usdRequest(perCall(row)) },
    tokens("input", t("column.input"), (row) => row.input_tokens),
    tokens("output", t("column.output"), (row) => row.output_tokens),
    tokens("cached", t("column.cached"), cached),
    { id: "cache-rate", title: t("column.cacheRate"), kind: "number", value: cacheRate, cell: (row) => fmt.value.percent(cacheRate(row)) },
  ];
}

/** Dearest first; what has no price after that, by calls. */
function dearest<R extends Row>(rows: readonly R[]): readonly R[] {
  return [...rows].sort((a, b) => b.cost - a.cost || b.calls - a.calls);
}

interface StatsProps<R> {
  readonly id: string;
  readonly data: Data<Shown>;
  readonly view: View;
  readonly rows: (shown: Shown) => readonly R[];
  readonly rowKey: (row: R) => string;
  readonly nameOf: (row: R) => string;
  readonly first: readonly Column<R>[];
  readonly last?: readonly Column<R>[];
  /** The filters of one row, and how they stand in an address. */
  readonly filter: (row: R) => Filters;
  readonly link: (row: R) => Record<string, string>;
  readonly more?: (row: R) => preact.ComponentChildren;
}

function Stats<R extends Row>(props: StatsProps<R>) {
  const { id, data, rows, rowKey, nameOf } = props;
  const summary = data.now.value.value?.summary;
  const open = query.value["row"];
  return (
    <Block id={id} class="fill" data={data} empty={(shown) => rows(shown).length === 0 && t("common.noData")}>
      {(shown) => {
        const row = rows(shown).find((candidate) => rowKey(candidate) === open);
        return (
          <>
            <Table id={id} label={id} rows={dearest(rows(shown))} rowKey={rowKey} columns={[...props.first, ...columnsOf<R>(summary), ...(props.last ?? [])]} sizes={SIZES} onRow={(picked) => setQuery({ row: rowKey(picked) })} />
            {row && (
              <Modal id="detail" drawer title={nameOf(row)} onClose={() => setQuery({ row: null })}>
                <Detail key={rowKey(row)} {...props} row={row} />
              </Modal>
            )}
          </>
        );
      }}
    </Block>
  );
}

function Detail<R extends Row>({ view, row, rowKey, filter, link, more }: StatsProps<R> & { readonly row: R }) {
  const course = useData(`course ${rowKey(row)} ${JSON.stringify(view)}`, (signal) => readCourse(view, filter(row), signal));
  return (
    <>
      <SummaryTiles data={usePart(course, ({ summary }) => ({ summary }))} view={view} of={link(row)} />
      <Block id="detail-course" class="bare" height={200} data={course} aside={<MetricSwitch />}>
        {(shown) => <Course id="detail-trend" shown={shown} height={160} />}
      </Block>
      <a href={hashOf("/monitoring", { ...carried(query.value, view), tab: "realtime", ...link(row) })}>{t("common.openMonitor")}</a>
      {more?.(row)}
    </>
  );
}

export function ModelTable({ data, view }: { readonly data: Data<Shown>; readonly view: View }) {
  return (
    <Stats<ModelStats>
      id="models"
      data={data}
      view={view}
      rows={(shown) => shown.answer.model_stats ?? []}
      rowKey={(row) => row.model}
      nameOf={(row) => row.model || t("name.unnamed")}
      first={[{ id: "model", title: t("column.model"), phone: "main", value: (row) => row.model || t("name.unnamed") }]}
      filter={(row) => ({ models: [row.model] })}
      link={(row) => ({ model: row.model })}
    />
  );
}

export function KeyTable({ data, view }: { readonly data: Data<Shown>; readonly view: View }) {
  const nameOf = (row: KeyStats) => row.api_key_alias || keyName(row.api_key_hash);
  return (
    <Stats<KeyStats>
      id="api-keys"
      data={data}
      view={view}
      rows={(shown) => shown.answer.api_key_stats ?? []}
      rowKey={(row) => row.id}
      nameOf={nameOf}
      first={[{ id: "key", title: t("column.key"), phone: "main", value: nameOf }]}
      last={[latestColumn<KeyStats>()]}
      filter={(row) => ({ api_key_hashes: [row.id] })}
      link={(row) => ({ api_key_hash: row.id })}
      more={(row) => (
        <>
          <Models rows={row.models ?? []} />
          <Contexts rows={row.contexts ?? []} />
        </>
      )}
    />
  );
}

export function CredentialTable({ data, view }: { readonly data: Data<Shown>; readonly view: View }) {
  const nameOf = (row: CredentialStats) => (row.account_snapshot || row.auth_label_snapshot ? whoseName(row) : accountName(row.auth_file_snapshot || row.source || row.id));
  return (
    <Stats<CredentialStats>
      id="credentials"
      data={data}
      view={view}
      rows={(shown) => shown.answer.credential_stats ?? []}
      rowKey={(row) => row.id}
      nameOf={nameOf}
      first={[
        { id: "account", title: t("column.account"), phone: "main", value: nameOf, cell: (row) => <span title={accountName(row.auth_file_snapshot)}>{nameOf(row)}</span> },
        { id: "provider", title: t("column.provider"), phone: "sub", value: (row) => row.auth_provider_snapshot ?? "" },
      ]}
      last={[latestColumn<CredentialStats>()]}
      filter={(row) => ({ credential_ids: [row.id] })}
      link={(row) => ({ credential: row.id })}
      more={(row) => <Models rows={row.models ?? []} />}
    />
  );
}
