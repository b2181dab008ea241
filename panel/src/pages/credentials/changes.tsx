/** Changes of credentials, asked about where they can hurt. */

import { accountOf, type AuthFile } from "../../api/authfile";
import { deleteFile, switchFile } from "../../api/cpa";
import { ApiError } from "../../api/client";
import { t } from "../../i18n/language";
import { say } from "../../i18n/say";
import { accountName, fileLabel } from "../../state/names";
import { asApiError, Confirm, toast, toastError } from "../../ui/overlay";

/** Switch a credential; tells what came of it. */
export async function switchOne(file: AuthFile, disabled: boolean, quiet = false): Promise<void> {
  try {
    await switchFile(file, disabled);
    const name = accountName(accountOf(file) || file.name);
    if (!quiet) toast("success", t(disabled ? "creds.disabledOne" : "creds.enabled", { name }));
  } catch (error) {
    toastError(error);
  }
}

/** Do the same to each; if some can't be done the others are, and the first reason is told. */
async function each<T>(things: readonly T[], change: (thing: T) => Promise<void>): Promise<void> {
  let failed = 0;
  let first: ApiError | null = null;
  for (const thing of things) {
    try {
      await change(thing);
    } catch (error) {
      failed += 1;
      first ??= asApiError(error);
    }
  }
  if (!first) toast("success", t("creds.done", { n: things.length }));
  else toast("error", t("creds.partly", { done: things.length - failed, failed, why: say(first) }));
}

interface ChangeProps {
  readonly chosen: readonly AuthFile[];
  readonly onClose: () => void;
  readonly onDone: () => void;
}

function Names({ files }: { readonly files: readonly AuthFile[] }) {
  return (
    <ul class="names">
      {files.map((file) => (
        <li key={file.id}>
          {accountName(accountOf(file))} <span class="dim">{fileLabel(file.name)}</span>
        </li>
      ))}
    </ul>
  );
}

export function DisableAll({ chosen, onClose, onDone }: ChangeProps) {
  const run = async () => {
    await each(chosen.filter((file) => !file.disabled), (file) => switchFile(file, true));
    onDone();
  };
  return (
    <Confirm id="disable-credentials" title={t("creds.disableTitle", { n: chosen.length })} confirm={t("creds.disable")} onConfirm={run} onClose={onClose}>
      <p>{t("creds.disableText")}</p>
      <Names files={chosen} />
    </Confirm>
  );
}

/** Files go as a whole: all credentials that come from one are named. */
export function DeleteFiles({ files, chosen, onClose, onDone }: ChangeProps & { readonly files: readonly AuthFile[] }) {
  const names = [...new Set(chosen.map((file) => file.name))];
  const membersOf = (name: string) => files.filter((file) => file.name === name);
  const run = async () => {
    await each(names, (name) => deleteFile(name, membersOf(name)));
    onDone();
  };
  return (
    <Confirm id="delete-credentials" title={t("creds.deleteTitle", { n: names.length })} danger confirm={t("common.delete")} onConfirm={run} onClose={onClose}>
      <p>{t("creds.deleteText")}</p>
      <Names files={names.flatMap(membersOf)} />
    </Confirm>
  );
}
