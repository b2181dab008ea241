/** Tokens for programs that may read, and nothing more. */

import { useState } from "preact/hooks";
import type { CreatedToken, TokenInfo, TokenList } from "../../api/answers.generated";
import type { ApiError } from "../../api/client";
import { fmt, t } from "../../i18n/language";
import { say } from "../../i18n/say";
import { tick, useData } from "../../state/freshness";
import { aliases, keyName } from "../../state/names";
import { api } from "../../state/session";
import { iso } from "../../text/format";
import { maskKey } from "../../text/mask";
import { sha256 } from "../../text/sha256";
import { Block } from "../../ui/block";
import { Button, CopyButton, Field, Select } from "../../ui/controls";
import { asApiError, Confirm, Modal } from "../../ui/overlay";
import { Table, type Column } from "../../ui/table";

const PATH = "/v0/management/api-tokens";
const KEYS = "/v0/management/api-keys";
const OWN = "read:key=";

/** What a scope lets a token do, in words. */
export function scopeText(scope: string): string {
  if (scope.startsWith(OWN)) return t("tokens.ownOf", { key: keyName(scope.slice(OWN.length)) });
  return scope === "read" ? t("tokens.read") : scope === "metrics" ? t("tokens.metrics") : scope;
}

export function Tokens() {
  const data = useData("api-tokens", async (signal) => (await api().call<TokenList>(PATH, { signal })).items);
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<TokenInfo | null>(null);
  const create = (
    <Button action="create" kind="primary" onClick={() => setCreating(true)}>
      {t("tokens.create")}
    </Button>
  );
  return (
    <>
      <Block id="api-tokens" class="fill" data={data} title={t("tokens.hint")} aside={create} empty={(tokens) => tokens.length === 0 && t("tokens.none")}>
        {(tokens) => <Table id="api-tokens" label={t("tokens.title")} rows={tokens} rowKey={(token) => String(token.id)} columns={columnsOf(setRevoking)} />}
      </Block>
      {creating && (
        <CreateDialog
          onClose={() => {
            setCreating(false);
            void data.reload();
          }}
        />
      )}
      {revoking && (
        <Confirm
          id="revoke-token"
          title={t("tokens.revokeTitle")}
          danger
          confirm={t("tokens.revoke")}
          onClose={() => setRevoking(null)}
          onConfirm={async () => {
            await api().call(`${PATH}/${revoking.id}`, { method: "DELETE" });
            void data.reload();
          }}
        >
          <p>{t("tokens.revokeText", { name: revoking.name })}</p>
        </Confirm>
      )}
    </>
  );
}

function columnsOf(revoke: (token: TokenInfo) => void): Column<TokenInfo>[] {
  const ago = (ms: number | null | undefined) => (ms ? <span title={iso(ms)}>{fmt.value.ago(ms, Math.max(tick.value, ms))}</span> : t("tokens.never"));
  return [
    { id: "name", title: t("tokens.name"), phone: "main", value: (token) => token.name },
    { id: "scopes", title: t("tokens.scopes"), phone: "sub", value: (token) => token.scopes.join(" "), cell: (token) => token.scopes.map(scopeText).join(", ") },
    { id: "created", title: t("tokens.created"), kind: "number", value: (token) => token.createdAtMs, cell: (token) => <span title={iso(token.createdAtMs)}>{fmt.value.dateTime(token.createdAtMs)}</span> },
    { id: "latest", title: t("tokens.lastUsed"), kind: "number", phone: "sub", value: (token) => token.lastUsedAtMs ?? null, cell: (token) => ago(token.lastUsedAtMs) },
    {
      id: "actions",
      title: "",
      kind: "actions",
      value: () => null,
      cell: (token) => (
        <Button action="revoke" kind="quiet" onClick={() => revoke(token)}>
          {t("tokens.revoke")}
        </Button>
      ),
    },
  ];
}

const SCOPES = [
  { name: "read", text: "tokens.read", hint: "tokens.readHint" },
  { name: "metrics", text: "tokens.metrics", hint: "tokens.metricsHint" },
  { name: OWN, text: "tokens.own", hint: undefined },
] as const;

function CreateDialog({ onClose }: { readonly onClose: () => void }) {
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState<readonly string[]>(["read"]);
  const [key, setKey] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const [created, setCreated] = useState<CreatedToken | null>(null);
  const keys = useData("token-keys", readKeys);
  const fits = name.trim() !== "" && chosen.length > 0 && (!chosen.includes(OWN) || key !== "");
  const turn = (scope: string, on: boolean) => {
    // Who may read all may read the part; both together would only confuse.
    const others = chosen.filter((one) => one !== scope && !(on && [scope, one].every((each) => each === "read" || each === OWN)));
    setChosen(on ? [...others, scope] : others);
  };
  const create = async () => {
    setBusy(true);
    setError(null);
    const scopes = chosen.map((scope) => (scope === OWN ? `${OWN}${key}` : scope));
    try {
      setCreated(await api().call<CreatedToken>(PATH, { method: "POST", body: { name: name.trim(), scopes } }));
    } catch (reason) {
      setError(asApiError(reason));
    }
    setBusy(false);
  };
  if (created) return <Shown created={created} onClose={onClose} />;
  const foot = (
    <Button action="save" kind="primary" busy={busy} disabled={!fits} onClick={() => void create()}>
      {t("tokens.create")}
    </Button>
  );
  return (
    <Modal id="create-token" form title={t("tokens.create")} busy={busy} onClose={onClose} foot={foot}>
      <Field name="name" label={t("tokens.name")} hint={t("tokens.nameHint")}>
        {(attributes) => <input {...attributes} type="text" maxLength={120} value={name} onInput={(event) => setName(event.currentTarget.value)} />}
      </Field>
      <fieldset class="choices">
        <legend class="hint">{t("tokens.scopes")}</legend>
        {SCOPES.map((scope) => (
          <label key={scope.name} class="check">
            <input type="checkbox" data-field={`scope-${scope.name === OWN ? "own" : scope.name}`} checked={chosen.includes(scope.name)} onChange={(event) => turn(scope.name, event.currentTarget.checked)} />
            <span>
              {t(scope.text)}
              {scope.hint && <span class="hint block-hint">{t(scope.hint)}</span>}
            </span>
          </label>
        ))}
        {chosen.includes(OWN) && <Select name="key" label={t("tokens.whichKey")} value={key} choices={[{ value: "", text: t("tokens.whichKey") }, ...(keys.now.value.value ?? [])]} onChange={setKey} />}
      </fieldset>
      {error && (
        <p class="bad-text" role="alert" data-error={error.code}>
          {say(error)}
        </p>
      )}
    </Modal>
  );
}

/** The keys of which CPA or a name tells. */
async function readKeys(signal: AbortSignal): Promise<readonly { readonly value: string; readonly text: string }[]> {
  const answer = await api()
    .call<{ readonly "api-keys": readonly string[] | null }>(KEYS, { signal })
    .catch(() => null);
  const masks = new Map((answer?.["api-keys"] ?? []).map((key) => [sha256(key.trim()), maskKey(key)]));
  const hashes = new Set([...aliases.value.keys(), ...masks.keys()]);
  return [...hashes].map((hash) => ({ value: hash, text: aliases.value.get(hash) ?? masks.get(hash) ?? keyName(hash) }));
}

function Shown({ created, onClose }: { readonly created: CreatedToken; readonly onClose: () => void }) {
  const foot = (
    <Button action="done" kind="primary" onClick={onClose}>
      {t("tokens.done")}
    </Button>
  );
  return (
    <Modal id="token-created" title={created.name} onClose={onClose} foot={foot}>
      <p class="strip warn">{t("tokens.once")}</p>
      <Field name="token" label={t("tokens.token")}>
        {(attributes) => (
          <div class="joined">
            <input {...attributes} type="text" class="mono" readOnly value={created.token} onFocus={(event) => event.currentTarget.select()} />
            <CopyButton text={created.token} />
          </div>
        )}
      </Field>
    </Modal>
  );
}
