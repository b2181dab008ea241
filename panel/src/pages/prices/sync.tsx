/** Prices from public lists, fetched by the server when the user says so. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { fmt, t } from "../../i18n/language";
import { redact } from "../../text/mask";
import { Button } from "../../ui/controls";
import { Confirm, toast, toastError } from "../../ui/overlay";
import { Table, type Column } from "../../ui/table";
import { priceOf, sync, type NewPrice, type Row, type SyncResult } from "./read";

interface SyncProps {
  readonly rows: readonly Row[];
  readonly onSynced: (result: SyncResult) => void;
}

/** What would be written is shown before it is. */
export function SyncButton({ rows, onSynced }: SyncProps) {
  const models = rows.map((row) => row.model);
  const [busy, setBusy] = useState(false);
  const [seen, setSeen] = useState<SyncResult | null>(null);
  const run = async () => {
    if (models.length === 0) {
      toast("info", t("price.nothingToSync"));
      return;
    }
    setBusy(true);
    try {
      setSeen(await sync(models, true));
    } catch (error) {
      toastError(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Button action="sync" kind="primary" icon="refresh" busy={busy} onClick={() => void run()}>
        {t("price.sync")}
      </Button>
      {seen && (
        <Confirm id="sync-preview" title={t("price.preview")} confirm={t("price.take", { n: matchedBy(seen) })} onClose={() => setSeen(null)} onConfirm={async () => onSynced(await sync(models, false))}>
          <Outcome result={seen} preview />
          <Changes result={seen} rows={rows} />
        </Confirm>
      )}
    </>
  );
}

const FIELDS = ["prompt", "completion"] as const;

/** The prices that would be others than they are. */
function Changes({ result, rows }: { readonly result: SyncResult; readonly rows: readonly Row[] }) {
  const before = new Map(rows.map((row) => [row.model, row.price]));
  const written = (price: NewPrice | null) => FIELDS.map((field) => fmt.value.price(priceOf(price, field))).join(" / ");
  const changed = Object.entries(result.matched ?? {})
    .map(([model, price]) => ({ model, old: written(before.get(model) ?? null), now: written(price) }))
    .filter(({ old, now }) => old !== now);
  if (changed.length === 0) return <p class="dim">{t("price.noChanges")}</p>;
  const columns: Column<(typeof changed)[number]>[] = [
    { id: "model", title: t("column.model"), phone: "main", value: (row) => row.model },
    { id: "old", title: t("price.before"), kind: "number", phone: "sub", value: (row) => row.old, cell: (row) => row.old },
    { id: "now", title: t("price.after"), kind: "number", phone: "sub", value: (row) => row.now, cell: (row) => row.now },
  ];
  return <Table id="price-changes" label={t("price.preview")} rows={changed} rowKey={(row) => row.model} columns={columns} height="40vh" />;
}

/** What came of it: one source that failed must not look like success of all. */
interface OutcomeProps {
  readonly result: SyncResult;
  /** Nothing has been written. */
  readonly preview?: boolean;
  readonly children?: ComponentChildren;
}

const matchedBy = ({ matched }: SyncResult): number => Object.keys(matched ?? {}).length;

function Outcome({ result, preview = false, children }: OutcomeProps) {
  const failed = result.sourceResults?.filter((source) => source.error) ?? [];
  const counts: readonly (readonly [string, number])[] = [
    preview ? [t("price.matched"), matchedBy(result)] : [t("price.imported"), result.imported],
    [t("price.candidates"), result.candidates?.length ?? 0],
    [t("price.preserved"), result.preserved?.length ?? 0],
    [t("price.unmatched"), result.unmatched?.length ?? 0],
    [t("price.skipped"), result.skipped],
  ];
  return (
    <>
      <p class="verdict-line" role="status">
        {(!preview || failed.length > 0) && <span class={`badge ${failed.length ? "warn" : "good"}`}>{t(failed.length ? "price.syncPartly" : "price.syncDone")}</span>}
        {counts.map(([name, count]) => (
          <span key={name}>
            {name} <b>{fmt.value.full(count)}</b>
          </span>
        ))}
        {result.proxyUsed && <span class="dim">{t("price.byProxy")}</span>}
        {children}
      </p>
      {failed.map((source) => (
        <p key={source.source} class="bad-text" data-error="source">
          {source.source}: {redact(source.error ?? "")}
        </p>
      ))}
      {(result.preserved?.length ?? 0) > 0 && <p class="hint" data-metric="preserved" data-value={result.preserved?.length}>{t("price.kept", { models: result.preserved?.join(", ") ?? "" })}</p>}
    </>
  );
}

export function SyncReport({ result, onClose }: { readonly result: SyncResult; readonly onClose: () => void }) {
  return (
    <section class="card block" data-block="sync-report" data-state="ready">
      <Outcome result={result}>
        <span class="grow" />
        <Button action="close-report" kind="quiet" icon="close" label={t("common.close")} onClick={onClose} />
      </Outcome>
    </section>
  );
}
