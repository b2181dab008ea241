/** Prices from public lists, fetched by the server when the user says so. */

import { useState } from "preact/hooks";
import { fmt, t } from "../../i18n/language";
import { redact } from "../../text/mask";
import { Button } from "../../ui/controls";
import { toast, toastError } from "../../ui/overlay";
import { sync, type SyncResult } from "./read";

export function SyncButton({ models, onSynced }: { readonly models: readonly string[]; readonly onSynced: (result: SyncResult) => void }) {
  const [busy, setBusy] = useState(false);
  const run = async () => {
    if (models.length === 0) {
      toast("info", t("price.nothingToSync"));
      return;
    }
    setBusy(true);
    try {
      onSynced(await sync(models));
    } catch (error) {
      toastError(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Button action="sync" kind="primary" icon="refresh" busy={busy} onClick={() => void run()}>
      {t("price.sync")}
    </Button>
  );
}

/** What came of it: one source that failed must not look like success of all. */
export function SyncReport({ result, onClose }: { readonly result: SyncResult; readonly onClose: () => void }) {
  const failed = result.sourceResults?.filter((source) => source.error) ?? [];
  const counts = [
    [t("price.imported"), result.imported],
    [t("price.candidates"), result.candidates?.length ?? 0],
    [t("price.preserved"), result.preserved?.length ?? 0],
    [t("price.unmatched"), result.unmatched?.length ?? 0],
    [t("price.skipped"), result.skipped],
  ] as const;
  return (
    <section class="card block" data-block="sync-report" data-state="ready">
      <p class="verdict-line" role="status">
        <span class={`badge ${failed.length ? "warn" : "good"}`}>{t(failed.length ? "price.syncPartly" : "price.syncDone")}</span>
        {counts.map(([name, count]) => (
          <span key={name}>
            {name} <b>{fmt.value.full(count)}</b>
          </span>
        ))}
        {result.proxyUsed && <span class="dim">{t("price.byProxy")}</span>}
        <span class="grow" />
        <Button action="close-report" kind="quiet" icon="close" label={t("common.close")} onClick={onClose} />
      </p>
      {failed.map((source) => (
        <p key={source.source} class="bad-text" data-error="source">
          {source.source}: {redact(source.error ?? "")}
        </p>
      ))}
    </section>
  );
}
