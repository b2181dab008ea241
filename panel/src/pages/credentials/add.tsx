/** New credentials: files from the disk, or the text of one. */

import { useState } from "preact/hooks";
import type { AuthFile } from "../../api/authfile";
import { uploadFile } from "../../api/cpa";
import { t } from "../../i18n/language";
import { Button, Field } from "../../ui/controls";
import { asApiError, Modal, toast } from "../../ui/overlay";
import { say } from "../../i18n/say";
import { accountName } from "../../state/names";
import { candidateOf, problemOf, type Candidate } from "./candidate";

interface AddProps {
  readonly files: readonly AuthFile[];
  readonly onClose: () => void;
  readonly onDone: () => void;
}

export function AddFiles({ files, onClose, onDone }: AddProps) {
  const [picked, setPicked] = useState<readonly Candidate[]>([]);
  const [pasted, setPasted] = useState("");
  const [name, setName] = useState("");
  const [replace, setReplace] = useState(false);
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<readonly string[]>([]);
  const paste = pasted.trim() ? [candidateOf(name, pasted)] : [];
  const all = [...picked, ...paste];
  const existing = new Set(files.map((file) => file.name));
  const replaces = all.some((one) => existing.has(one.name));
  const wrong = all.some((one) => problemOf(one, all));
  const upload = async () => {
    setBusy(true);
    const errors: string[] = [];
    for (const one of all) {
      await uploadFile(one.name, one.text).catch((error: unknown) => errors.push(`${one.name}: ${say(asApiError(error))}`));
    }
    setBusy(false);
    setFailed(errors);
    if (errors.length < all.length) toast("success", t("creds.uploaded", { n: all.length - errors.length }));
    onDone();
    if (errors.length === 0) onClose();
  };
  const foot = (
    <>
      <Button action="cancel" disabled={busy} onClick={onClose}>{t("common.cancel")}</Button>
      <Button action="upload" kind="primary" busy={busy} disabled={all.length === 0 || wrong || (replaces && !replace)} onClick={() => void upload()}>
        {t("creds.upload", { n: all.length })}
      </Button>
    </>
  );
  return (
    <Modal id="add-credential" form title={t("creds.add")} busy={busy} onClose={onClose} foot={foot}>
      <p class="hint">{t("creds.addHint")}</p>
      <Field name="files" label={t("creds.files")}>
        {(attributes) => <input {...attributes} type="file" multiple accept=".json,application/json" onChange={(event) => void read(event.currentTarget.files).then(setPicked)} />}
      </Field>
      <Field name="paste" label={t("creds.paste")}>
        {(attributes) => <textarea {...attributes} rows={4} spellcheck={false} value={pasted} onInput={(event) => setPasted(event.currentTarget.value)} />}
      </Field>
      {paste.length > 0 && (
        <Field name="file-name" label={t("creds.fileName")} hint={t("creds.nameHint")}>
          {(attributes) => <input {...attributes} type="text" value={name} placeholder={paste[0]?.name} onInput={(event) => setName(event.currentTarget.value)} />}
        </Field>
      )}
      <ul class="names">
        {all.map((one) => (
          <Recognised key={one.name} one={one} problem={problemOf(one, all)} replaces={existing.has(one.name)} />
        ))}
      </ul>
      {replaces && (
        <label class="check">
          <input type="checkbox" data-field="replace" checked={replace} onChange={(event) => setReplace(event.currentTarget.checked)} />
          {t("creds.replaceAgree")}
        </label>
      )}
      {failed.map((text) => (
        <p key={text} class="bad-text" role="alert">{text}</p>
      ))}
    </Modal>
  );
}

async function read(list: FileList | null): Promise<readonly Candidate[]> {
  return Promise.all([...(list ?? [])].map(async (file) => candidateOf(file.name, await file.text())));
}

function Recognised({ one, problem, replaces }: { readonly one: Candidate; readonly problem: string | null; readonly replaces: boolean }) {
  const said = problem ? t(`creds.${problem as "twice"}`) : t("creds.recognised", { provider: one.provider || "--", account: accountName(one.account) });
  return (
    <li data-candidate={one.name}>
      <span class="mono">{one.name}</span> <span class={problem ? "bad-text" : "dim"}>{said}</span>
      {replaces && <span class="warn-text"> · {t("creds.replaces")}</span>}
    </li>
  );
}
