/** Export and import of records: secondary to looking at them, so in a menu. */

import { useRef, useState } from "preact/hooks";
import { readCandidates } from "../../api/manager";
import { fmt, t } from "../../i18n/language";
import { lasting, useData } from "../../state/freshness";
import { go } from "../../state/router";
import { api } from "../../state/session";
import { Button } from "../../ui/controls";
import { Facts } from "../../ui/facts";
import { Menu, Modal, toast, toastError } from "../../ui/overlay";
import { fileName, saveBlob } from "../../ui/saving";
import { Upload, type Progress } from "./upload";

/** Only requests make new candidates. */
const PENDING_S = 60;
const EXPORT_MS = 3_600_000;
const LARGE_BYTES = 500 * 1024 * 1024;
const STEP_BYTES = 1024 * 1024;

interface FilePicker {
  showSaveFilePicker?: (options: { suggestedName: string }) => Promise<{ createWritable(): Promise<WritableStream<Uint8Array>> }>;
}

/** Stream the export to a file where the browser can; else gather it in memory. */
async function exportRecords(told: (bytes: number) => void): Promise<void> {
  const picker = (window as FilePicker).showSaveFilePicker;
  const target = picker ? await picker.call(window, { suggestedName: "usage-events.jsonl" }) : null;
  const response = await api().open("/v0/management/usage/export", { timeoutMs: EXPORT_MS });
  let bytes = 0;
  let step = STEP_BYTES;
  const counted = response.body!.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        bytes += chunk.byteLength;
        if (bytes >= step) {
          step = bytes + STEP_BYTES;
          told(bytes);
        }
        controller.enqueue(chunk);
      },
    }),
  );
  if (target) await counted.pipeTo(await target.createWritable());
  else {
    const blob = await new Response(counted).blob();
    saveBlob(fileName(response.headers.get("Content-Disposition"), "usage-events.jsonl"), blob);
  }
}

export function Transfers() {
  const [exported, setExported] = useState<number | null>(null);
  const [importing, setImporting] = useState(false);
  const pending = useData("pending", (signal) => readCandidates("pending", 1, signal), PENDING_S, lasting).now.value.value?.pendingCount;
  const save = async () => {
    setExported(0);
    try {
      await exportRecords(setExported);
    } catch (error) {
      // Who closes the file picker wants no export.
      if (!(error instanceof DOMException && error.name === "AbortError")) toastError(error);
    } finally {
      setExported(null);
    }
  };
  return (
    <>
      {exported !== null && (
        <span class="dim" role="status">
          {t("monitor.exporting", { size: fmt.value.bytes(exported) })}
          {exported > LARGE_BYTES && <span class="warn-text"> {t("monitor.exportLarge")}</span>}
        </span>
      )}
      <Menu
        name="transfers"
        label={`${t("monitor.export")} / ${t("monitor.import")}`}
        icon="more"
        items={[
          { id: "export", text: t("monitor.export"), run: () => void save() },
          { id: "import", text: t("monitor.import"), run: () => setImporting(true) },
          { id: "prices", text: t("price.title"), run: () => go("/model-prices") },
          { id: "issues", text: pending ? `${t("actions.title")} (${pending})` : t("actions.title"), run: () => go("/monitoring/account-actions") },
          { id: "logs", text: t("logs.title"), run: () => go("/logs") },
        ]}
      />
      {importing && <ImportDialog onClose={() => setImporting(false)} />}
    </>
  );
}

function ImportDialog({ onClose }: { readonly onClose: () => void }) {
  const [file, setFile] = useState<File | null>(null);
  const [progress, setProgress] = useState<Progress | null>(null);
  const upload = useRef<Upload | null>(null);
  const running = progress !== null && ["uploading", "paused", "processing"].includes(progress.phase);
  const start = () => {
    if (!file) return;
    upload.current = new Upload(api(), file, setProgress);
    void upload.current.run().then((end) => {
      if (end.phase === "completed" && end.result) toast(end.result.failed ? "info" : "success", t(end.result.failed ? "monitor.importPartly" : "monitor.importDone"));
    });
  };
  const foot = running ? (
    <>
      {progress.phase !== "processing" && (
        <Button action={progress.phase === "paused" ? "resume" : "pause"} onClick={() => (progress.phase === "paused" ? start() : upload.current?.pause())}>
          {t(progress.phase === "paused" ? "monitor.resume" : "monitor.pause")}
        </Button>
      )}
      <Button action="cancel" onClick={() => void upload.current?.cancel()}>
        {t("common.cancel")}
      </Button>
    </>
  ) : progress?.phase === "completed" ? (
    <Button action="close" kind="primary" onClick={onClose}>
      {t("common.close")}
    </Button>
  ) : (
    <Button action="start-import" kind="primary" disabled={!file} onClick={start}>
      {t(progress?.phase === "failed" ? "common.retry" : "monitor.import")}
    </Button>
  );
  return (
    <Modal id="import" title={t("monitor.import")} busy={running} onClose={onClose} foot={foot}>
      {!progress && (
        <>
          <label class="field">
            {t("monitor.importChoose")}
            <input type="file" data-field="file" accept=".json,.jsonl,.ndjson,.txt" onChange={(event) => setFile(event.currentTarget.files?.[0] ?? null)} />
          </label>
          {file && <p>{t("monitor.importConfirm", { file: file.name, size: fmt.value.bytes(file.size) })}</p>}
        </>
      )}
      {progress && <Shown progress={progress} />}
    </Modal>
  );
}

const PHASES = {
  uploading: "monitor.uploading",
  paused: "monitor.paused",
  processing: "monitor.processing",
  completed: "monitor.importDone",
  cancelled: "monitor.importCancelled",
  failed: "error.failed",
} as const;

function Shown({ progress }: { readonly progress: Progress }) {
  const { phase, sent, size, result, error } = progress;
  const partly = phase === "completed" && (result?.failed ?? 0) > 0;
  return (
    <div data-import={phase}>
      <p class={phase === "failed" ? "bad-text" : partly ? "warn-text" : ""} role="status">
        {t(partly ? "monitor.importPartly" : PHASES[phase])} {error}
      </p>
      <progress max={size} value={phase === "processing" ? undefined : sent} />
      {result && (
        <Facts
          rows={[
            [t("monitor.added"), fmt.value.full(result.added)],
            [t("monitor.skipped"), fmt.value.full(result.skipped)],
            [t("monitor.failed"), fmt.value.full(result.failed)],
            [t("monitor.unsupported"), fmt.value.full(result.unsupported)],
            [t("monitor.total"), fmt.value.full(result.total)],
            [t("monitor.warnings"), result.warnings?.join("; ")],
          ]}
        />
      )}
    </div>
  );
}
