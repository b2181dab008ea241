/** One line of the log, whole, with what is known of its request. */

import { useState } from "preact/hooks";
import { t } from "../../i18n/language";
import { hashOf, setQuery } from "../../state/router";
import { api, mode } from "../../state/session";
import type { LogLine } from "../../text/logs";
import { redact } from "../../text/mask";
import { Button, CopyButton } from "../../ui/controls";
import { Facts } from "../../ui/facts";
import { Modal, toastError } from "../../ui/overlay";
import { fileName, saveText } from "../../ui/saving";

const FILE_MS = 60_000;

/** Save a file of CPA's without the secrets in it. */
export async function saveFile(path: string, otherwise: string): Promise<void> {
  const response = await api().open(path, { timeoutMs: FILE_MS });
  saveText(fileName(response.headers.get("Content-Disposition"), otherwise), redact(await response.text()), "text/plain");
}

export function LineDrawer({ line, onClose }: { readonly line: LogLine; readonly onClose: () => void }) {
  const [busy, setBusy] = useState(false);
  const { call, id } = line;
  const download = async () => {
    setBusy(true);
    await saveFile(`/v0/management/request-log-by-id/${encodeURIComponent(id)}`, `${id}.log`).catch(toastError);
    setBusy(false);
  };
  return (
    <Modal id="log-line" title={t("logs.line")} drawer onClose={onClose}>
      <pre class="whole mono">{line.raw}</pre>
      <p>
        <CopyButton text={line.raw} />
      </p>
      <Facts
        rows={[
          [t("logs.time"), line.time],
          [t("logs.level"), line.level],
          [t("logs.status"), call?.status],
          [t("logs.latency"), call?.latency],
          [t("logs.client"), call?.client],
          [t("logs.request"), id, "copy"],
        ]}
      />
      {id && (
        <>
          <p class="bar-line">
            <Button action="same-request" onClick={() => setQuery({ search: id, line: null, quiet: "0", level: null, method: null, status: null, path: null })}>
              {t("logs.sameRequest")}
            </Button>
            {mode.value === "manager" && <a href={hashOf("/monitoring", { tab: "realtime", search: id })}>{t("common.openMonitor")}</a>}
          </p>
          <p class="bar-line">
            <Button action="download" icon="download" busy={busy} onClick={() => void download()}>
              {t("logs.download")}
            </Button>
          </p>
          <p class="hint">{t("logs.downloadHint")}</p>
        </>
      )}
    </Modal>
  );
}
