/** The files in which CPA keeps requests that failed. */

import { fmt, t } from "../../i18n/language";
import { tick, useData } from "../../state/freshness";
import { query, setQuery } from "../../state/router";
import { api } from "../../state/session";
import { iso } from "../../text/format";
import { redact } from "../../text/mask";
import { Block } from "../../ui/block";
import { Button } from "../../ui/controls";
import { Modal, toastError } from "../../ui/overlay";
import { Table, type Column } from "../../ui/table";
import { saveFile } from "./line";

const PATH = "/v0/management/request-error-logs";
const SIZES = [50, 100];
const FILE_MS = 60_000;

interface File {
  readonly name: string;
  readonly size: number;
  /** Seconds. */
  readonly modified: number;
}

const pathOf = (name: string): string => `${PATH}/${encodeURIComponent(name)}`;

export function Failures() {
  const data = useData("request-error-logs", async (signal) => (await api().call<{ files: readonly File[] | null }>(PATH, { signal })).files ?? []);
  const name = query.value["file"];
  const columns: Column<File>[] = [
    { id: "name", title: t("logs.file"), phone: "main", value: (file) => file.name, cell: (file) => <span class="mono">{file.name}</span> },
    { id: "size", title: t("logs.size"), kind: "number", phone: "side", value: (file) => file.size, cell: (file) => fmt.value.bytes(file.size) },
    { id: "time", title: t("logs.written"), kind: "number", phone: "sub", value: (file) => file.modified * 1000, cell: (file) => <span title={iso(file.modified * 1000)}>{fmt.value.ago(file.modified * 1000, Math.max(tick.value, file.modified * 1000))}</span> },
  ];
  return (
    <>
      <Block id="error-logs" class="fill" data={data} empty={(files) => files.length === 0 && t("logs.noErrors")}>
        {(files) => <Table id="error-logs" label={t("logs.errors")} rows={files} rowKey={(file) => file.name} columns={columns} sizes={SIZES} onRow={(file) => setQuery({ file: file.name })} />}
      </Block>
      {name && <FileDrawer key={name} name={name} onClose={() => setQuery({ file: null })} />}
    </>
  );
}

function FileDrawer({ name, onClose }: { readonly name: string; readonly onClose: () => void }) {
  const data = useData(name, async (signal) => redact(await api().call<string>(pathOf(name), { signal, as: "text", timeoutMs: FILE_MS })));
  const foot = (
    <Button action="download" icon="download" onClick={() => void saveFile(pathOf(name), name).catch(toastError)}>
      {t("logs.saveFile")}
    </Button>
  );
  return (
    <Modal id="error-log" title={name} drawer onClose={onClose} foot={foot}>
      <Block id="error-log" class="bare" data={data}>
        {(text) => <pre class="whole mono">{text}</pre>}
      </Block>
    </Modal>
  );
}
