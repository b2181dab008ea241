/** How much is left of an account's quota: asked of its provider when the user wants it. */

import { useState } from "preact/hooks";
import type { AuthFile } from "../../api/authfile";
import { t } from "../../i18n/language";
import { tick } from "../../state/freshness";
import { fileLabel } from "../../state/names";
import { Button } from "../../ui/controls";
import { toastError } from "../../ui/overlay";
import { Bar, windowText } from "../credentials/bars";
import { asked, askQuota, canAsk } from "../credentials/data";

/** One after the other, so that each provider is asked once at a time. */
async function askAll(files: readonly AuthFile[]): Promise<void> {
  for (const file of files) await askQuota(file);
}

export function AccountQuota({ files }: { readonly files: readonly AuthFile[] }) {
  const [busy, setBusy] = useState(false);
  const askable = files.filter(canAsk);
  if (askable.length === 0) return null;
  const ask = async () => {
    setBusy(true);
    await askAll(askable).catch(toastError);
    setBusy(false);
  };
  return (
    <section class="part" data-block="quota">
      <h3>{t("creds.quota")}</h3>
      {askable.map((file) =>
        asked.value.get(file.auth_index ?? "")?.map((window) => (
          <div key={`${file.name} ${window.id}`} class="window-part" data-row={file.name}>
            <Bar window={window} />
            <p>{windowText(window, tick.value)}</p>
            {askable.length > 1 && <p class="hint">{fileLabel(file.name)}</p>}
          </div>
        )),
      )}
      <Button action="ask-quota" icon="refresh" busy={busy} onClick={() => void ask()}>
        {t("creds.askQuota")}
      </Button>
    </section>
  );
}
