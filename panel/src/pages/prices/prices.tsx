/** What is unpriced, what does everything cost, and from where is that known. */

import { useState } from "preact/hooks";
import { fmt, t } from "../../i18n/language";
import { tick, useData, type Data } from "../../state/freshness";
import { query, setQuery } from "../../state/router";
import { iso } from "../../text/format";
import { Block } from "../../ui/block";
import { Button, Search, Segments } from "../../ui/controls";
import { Confirm } from "../../ui/overlay";
import { Table, type Column } from "../../ui/table";
import { PriceDrawer } from "./edit";
import { deletePrice, priceOf, readBook, type Book, type Row, type SyncResult } from "./read";
import { SyncButton, SyncReport } from "./sync";

const SIZES = [50, 100, 300];
const FILTERS = ["all", "missing", "candidates", "saved"] as const;
type Filter = (typeof FILTERS)[number];
const COLUMNS = [
  ["prompt", "prompt", "price.prompt"],
  ["completion", "completion", "price.completion"],
  ["cache", "cache", "price.cache"],
  ["cacheRead", "cache-read", "price.cacheRead"],
  ["cacheCreation", "cache-creation", "price.cacheCreation"],
] as const;

export function Prices() {
  const data = useData("prices", readBook);
  const [result, setResult] = useState<SyncResult | null>(null);
  const [deleting, setDeleting] = useState<Row | null>(null);
  const book = data.now.value.value;
  const editing = query.value["model"];
  const row = editing === undefined ? null : (book?.rows.find((candidate) => candidate.model === editing) ?? { model: editing, calls: 0, price: null, unpriced: false });
  const candidates = result?.candidates?.find((set) => set.model === editing)?.candidates ?? [];
  return (
    <>
      <Head data={data} onSynced={(found) => { setResult(found); void data.reload(); }} />
      {result && <SyncReport result={result} onClose={() => setResult(null)} />}
      <PriceTable data={data} result={result} onDelete={setDeleting} />
      {row && book && <PriceDrawer key={row.model} row={row} tag={book.tag} candidates={candidates} onClose={() => setQuery({ model: null })} onSaved={() => void data.reload()} />}
      {query.value["add"] === "1" && book && <PriceDrawer row={{ model: "", calls: 0, price: null, unpriced: false }} tag={book.tag} candidates={[]} onClose={() => setQuery({ add: null })} onSaved={() => void data.reload()} />}
      {deleting && book && (
        <Confirm
          id="delete-price"
          title={t("price.deleteTitle")}
          danger
          confirm={t("common.delete")}
          onClose={() => setDeleting(null)}
          onConfirm={async () => {
            await deletePrice(deleting.model, book.tag);
            void data.reload();
          }}
        >
          <p>{t("price.deleteText", { model: deleting.model, n: deleting.calls })}</p>
        </Confirm>
      )}
    </>
  );
}

function Head({ data, onSynced }: { readonly data: Data<Book>; readonly onSynced: (result: SyncResult) => void }) {
  return (
    <Block id="prices-head" class="verdict" data={data} height={48}>
      {(book) => {
        const missing = book.rows.filter((row) => row.unpriced);
        const synced = Math.max(0, ...book.rows.map((row) => row.price?.syncedAtMs ?? 0));
        return (
          <p class="verdict-line">
            <span class={`badge ${missing.length ? "warn" : "good"}`} data-metric="unpriced-models" data-value={missing.length}>
              {missing.length ? t("price.unpriced", { n: missing.length }) : t("price.allPriced")}
            </span>
            {missing.length > 0 && <span>{t("price.unpricedCalls", { calls: fmt.value.full(book.unpricedCalls), share: fmt.value.percent(book.calls ? book.unpricedCalls / book.calls : null) })}</span>}
            <span class="grow" />
            {synced > 0 && (
              <span class="dim" title={iso(synced)}>
                {t("price.lastSync", { ago: fmt.value.ago(synced, Math.max(tick.value, synced)) })}
              </span>
            )}
            <span class="bar-line">
              <Button action="add" onClick={() => setQuery({ add: 1 })}>
                {t("common.add")}
              </Button>
              <SyncButton rows={book.rows} onSynced={onSynced} />
            </span>
          </p>
        );
      }}
    </Block>
  );
}

interface PriceTableProps {
  readonly data: Data<Book>;
  readonly result: SyncResult | null;
  readonly onDelete: (row: Row) => void;
}

function PriceTable({ data, result, onDelete }: PriceTableProps) {
  const filter: Filter = FILTERS.find((name) => name === query.value["filter"]) ?? "all";
  const text = (query.value["search"] ?? "").toLowerCase();
  const suggested = new Set(result?.candidates?.map((set) => set.model));
  const passes: Readonly<Record<Filter, (row: Row) => boolean>> = {
    all: () => true,
    missing: (row) => row.unpriced,
    candidates: (row) => suggested.has(row.model),
    saved: (row) => row.price !== null,
  };
  const found = (row: Row) => [row.model, row.price?.source, row.price?.sourceModelId].some((name) => name?.toLowerCase().includes(text));
  const rowsOf = (book: Book, name: Filter) => book.rows.filter((row) => passes[name](row) && found(row));
  const book = data.now.value.value;
  const aside = (
    <>
      <Segments name="filter" label={t("common.filter")} value={filter} choices={FILTERS.map((value) => ({ value, text: `${t(`price.${value}`)}${book ? ` ${rowsOf(book, value).length}` : ""}` }))} onChange={(value) => setQuery({ filter: value === "all" ? null : value })} />
      <Search value={query.value["search"] ?? ""} onSearch={(search) => setQuery({ search }, true)} />
    </>
  );
  return (
    <Block id="prices" class="fill" data={data} title={t("price.perMillion")} aside={aside} empty={(all) => rowsOf(all, filter).length === 0 && t(all.rows.length ? "common.noMatch" : "price.none")}>
      {(all) => <Table id="model-prices" label={t("price.title")} rows={rowsOf(all, filter)} rowKey={(row) => row.model} columns={columnsOf(onDelete)} sizes={SIZES} onRow={(row) => setQuery({ model: row.model })} />}
    </Block>
  );
}

function columnsOf(onDelete: (row: Row) => void): Column<Row>[] {
  return [
    { id: "model", title: t("column.model"), phone: "main", value: (row) => row.model },
    { id: "requests", title: t("column.requests"), kind: "number", phone: "sub", value: (row) => row.calls },
    ...COLUMNS.map(
      ([field, id, title]): Column<Row> => ({
        id,
        title: t(title),
        kind: "number",
        phone: field === "prompt" || field === "completion" ? "sub" : "none",
        value: (row) => priceOf(row.price, field),
        cell: (row) => fmt.value.price(priceOf(row.price, field)).replace(/^\$/, ""),
      }),
    ),
    { id: "rules", title: t("price.rules"), value: rulesOf },
    {
      id: "source",
      title: t("price.source"),
      phone: "side",
      value: (row) => row.price?.source ?? "",
      cell: (row) =>
        row.price ? (
          <span title={[row.price.sourceModelId, iso(row.price.updatedAtMs)].filter(Boolean).join(" · ")}>
            {row.price.source || t("common.unknown")} <span class="dim">{fmt.value.day(row.price.updatedAtMs)}</span>
          </span>
        ) : row.unpriced ? (
          <span class="badge warn">{t("price.missing")}</span>
        ) : (
          <span class="dim">{t("price.other")}</span>
        ),
    },
    {
      id: "actions",
      title: "",
      kind: "actions",
      value: () => null,
      cell: (row) =>
        row.price && (
          <Button action="delete" kind="quiet" icon="trash" label={t("common.delete")} onClick={(event) => { event.stopPropagation(); onDelete(row); }} />
        ),
    },
  ];
}

function rulesOf(row: Row): string {
  const tiers = row.price?.contextTiers?.map((tier) => `>${fmt.value.compact(tier.thresholdTokens)}`) ?? [];
  const services = row.price?.serviceTiers?.map((tier) => tier.serviceTier || tier.mode) ?? [];
  return [...tiers, ...services].join(", ");
}
