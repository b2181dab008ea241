/** The keys of CPA's clients, with the names that the Manager knows them by. */

import { useState } from "preact/hooks";
import { ApiError } from "../../api/client";
import { t } from "../../i18n/language";
import { useData } from "../../state/freshness";
import { aliases, readAliases } from "../../state/names";
import { api, mode } from "../../state/session";
import { maskKey } from "../../text/mask";
import { sha256 } from "../../text/sha256";
import { Block } from "../../ui/block";
import { Button, CopyButton, Field } from "../../ui/controls";
import { asApiError, Confirm, Modal, toast } from "../../ui/overlay";
import { say } from "../../i18n/say";
import { Table, type Column } from "../../ui/table";
import { AliasDialog } from "../aliases/aliases";

const PATH = "/v0/management/api-keys";
const GENERATED = 64;
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

interface Row {
  readonly key: string;
  readonly hash: string;
}

type List = { readonly "api-keys": readonly string[] | null };

async function readKeys(signal?: AbortSignal): Promise<readonly string[]> {
  return (await api().call<List>(PATH, { signal }))["api-keys"] ?? [];
}

async function load(signal: AbortSignal): Promise<readonly Row[]> {
  const manager = mode.value === "manager";
  const [keys] = await Promise.all([readKeys(signal), manager && readAliases()]);
  return keys.map((key) => ({ key, hash: sha256(key.trim()) }));
}

/** Write a changed list, if CPA's is still the one that was looked at. */
async function change(seen: readonly Row[], to: (keys: readonly string[]) => readonly string[]): Promise<void> {
  const keys = await readKeys();
  if (keys.join("\n") !== seen.map((row) => row.key).join("\n")) throw new ApiError("http_412", 412, t("config.keysChanged"));
  await api().call(PATH, { method: "PUT", body: to(keys) });
}

/** A key that nobody guesses. */
export function generated(): string {
  // Bytes of 248 and more would make some letters likelier than others.
  const fair: number[] = [];
  while (fair.length < GENERATED) fair.push(...crypto.getRandomValues(new Uint8Array(GENERATED)).filter((byte) => byte < 248));
  return `sk-${fair.slice(0, GENERATED).map((byte) => LETTERS[byte % LETTERS.length]).join("")}`;
}

export function ClientKeys() {
  const data = useData("client-keys", load);
  const [adding, setAdding] = useState(false);
  const [naming, setNaming] = useState<Row | null>(null);
  const [deleting, setDeleting] = useState<Row | null>(null);
  const [shown, setShown] = useState("");
  const rows = data.now.value.value ?? [];
  const hashes = rows.map((row) => row.hash);
  const add = (
    <Button action="add" kind="primary" disabled={data.now.value.value === null} onClick={() => setAdding(true)}>
      {t("common.add")}
    </Button>
  );
  return (
    <>
      <Block id="client-keys" class="fill" data={data} title={t("config.keysHint")} aside={add} empty={(found) => found.length === 0 && <span class="warn-text">{t("config.noKeys")}</span>}>
        {(found) => <Table id="client-keys" label={t("config.keys")} rows={found} rowKey={(row) => row.hash} columns={columnsOf(shown, setShown, setNaming, setDeleting)} sortable={false} />}
      </Block>
      {adding && <AddDialog rows={rows} onClose={() => setAdding(false)} onSaved={() => void data.reload()} />}
      {naming && <AliasDialog row={{ hash: naming.hash, alias: aliases.value.get(naming.hash) ?? "", shown: maskKey(naming.key) }} active={hashes} onClose={() => setNaming(null)} onSaved={() => void data.reload()} />}
      {deleting && (
        <Confirm
          id="delete-key"
          title={t("config.deleteKey")}
          danger
          confirm={t("common.delete")}
          onClose={() => setDeleting(null)}
          onConfirm={async () => {
            await change(rows, (keys) => keys.filter((key) => key !== deleting.key)).finally(() => void data.reload());
          }}
        >
          <p>{t("config.deleteKeyText", { key: aliases.value.get(deleting.hash) ?? maskKey(deleting.key) })}</p>
        </Confirm>
      )}
    </>
  );
}

function columnsOf(shown: string, show: (hash: string) => void, name: (row: Row) => void, remove: (row: Row) => void): Column<Row>[] {
  const alias: Column<Row> = { id: "alias", title: t("alias.alias"), phone: "main", value: (row) => aliases.value.get(row.hash) ?? null, cell: (row) => aliases.value.get(row.hash) ?? <span class="dim">--</span> };
  return [
    ...(mode.value === "manager" ? [alias] : []),
    { id: "key", title: t("config.key"), phone: mode.value === "manager" ? "sub" : "main", value: (row) => maskKey(row.key), cell: (row) => <span class="mono" title={`sha256:${row.hash}`}>{row.hash === shown ? row.key : maskKey(row.key)}</span> },
    {
      id: "actions",
      title: "",
      kind: "actions",
      value: () => null,
      cell: (row) => (
        <>
          <CopyButton text={row.key} />
          <Button action="show" kind="quiet" icon={row.hash === shown ? "hidden" : "eye"} label={t(row.hash === shown ? "common.hide" : "common.show")} onClick={() => show(row.hash === shown ? "" : row.hash)} />
          {mode.value === "manager" && (
            <Button action="name" kind="quiet" onClick={() => name(row)}>
              {t("alias.alias")}
            </Button>
          )}
          <Button action="delete" kind="quiet" icon="trash" label={t("common.delete")} onClick={() => remove(row)} />
        </>
      ),
    },
  ];
}

interface AddProps {
  readonly rows: readonly Row[];
  readonly onClose: () => void;
  readonly onSaved: () => void;
}

/** The key is written first: a name alone would be nobody's. */
function AddDialog({ rows, onClose, onSaved }: AddProps) {
  const [key, setKey] = useState(generated);
  const [alias, setAlias] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const text = key.trim();
  const taken = rows.some((row) => row.key === text);
  const wrong = taken ? t("config.keyTaken") : /^\S{8,}$/.test(text) ? null : t("config.keyShort");
  const save = async () => {
    setBusy(true);
    setError(null);
    try {
      await change(rows, (keys) => [...keys, text]);
    } catch (reason) {
      setError(asApiError(reason));
      setBusy(false);
      return;
    }
    if (alias.trim()) {
      const hash = sha256(text);
      const body = { items: [{ apiKeyHash: hash, alias: alias.trim() }], activeApiKeyHashes: [...rows.map((row) => row.hash), hash] };
      await api()
        .call("/v0/management/api-key-aliases", { method: "PUT", body })
        .catch((reason) => toast("error", `${t("config.nameFailed")}: ${say(asApiError(reason))}`));
    }
    onSaved();
    onClose();
  };
  const foot = (
    <Button action="save" kind="primary" busy={busy} disabled={wrong !== null} onClick={() => void save()}>
      {t("common.save")}
    </Button>
  );
  return (
    <Modal id="add-key" form title={t("config.addKey")} busy={busy} onClose={onClose} foot={foot}>
      <Field name="key" label={t("config.key")} error={wrong}>
        {(attributes) => (
          <div class="joined">
            <input {...attributes} type="text" class="mono" spellcheck={false} value={key} onInput={(event) => setKey(event.currentTarget.value)} />
            <CopyButton text={text} />
            <Button action="generate" onClick={() => setKey(generated())}>
              {t("config.generate")}
            </Button>
          </div>
        )}
      </Field>
      {mode.value === "manager" && (
        <Field name="alias" label={t("alias.alias")}>
          {(attributes) => <input {...attributes} type="text" maxLength={120} value={alias} onInput={(event) => setAlias(event.currentTarget.value)} />}
        </Field>
      )}
      {error && (
        <p class="bad-text" role="alert" data-error={error.code}>
          {say(error)}
        </p>
      )}
    </Modal>
  );
}
