/** The form of an entry: one for all kinds, from a table of their fields. */

import { useState } from "preact/hooks";
import { t } from "../../i18n/language";
import { maskKey, redact } from "../../text/mask";
import { Button, Field, Select } from "../../ui/controls";
import { Fields, isValid, type FieldSpec, type Values } from "../../ui/form";
import { Confirm, Modal, toast, toastError } from "../../ui/overlay";
import { deleteEntry, discover, trialOf, tryEntry, writeEntry, type Row } from "./data";
import { entryOf, keysOf, valuesOf } from "./entries";
import { isOpenai, type Kind } from "./kinds";
import { nameOf, TrialBadge } from "./providers";

interface EditorProps {
  readonly kind: Kind;
  readonly kinds: readonly Kind[];
  readonly row: Row | null;
  readonly cooling: boolean;
  readonly onClose: () => void;
  readonly onDone: () => void;
}

function specs(kind: Kind, isNew: boolean, cooling: boolean): readonly FieldSpec[] {
  const openai = isOpenai(kind);
  const mode = (value: string) => ({ value, text: value || t("providers.inherit") });
  const all: readonly (FieldSpec & { readonly when?: boolean })[] = [
    { name: "name", label: t("providers.name"), kind: "text", required: true, when: openai },
    { name: "api-key", label: t("providers.key"), kind: "secret", required: isNew, hint: isNew ? "" : t("providers.keyKept"), when: !openai },
    { name: "keys", label: t("providers.newKeys"), kind: "lines", required: openai && isNew, hint: t("providers.oneALine"), when: openai },
    { name: "base-url", label: t("providers.base"), kind: "text", required: kind.needsBase, placeholder: kind.base },
    { name: "prefix", label: t("creds.prefix"), kind: "text" },
    { name: "priority", label: t("creds.priority"), kind: "number" },
    { name: "weight", label: t("creds.weight"), kind: "number", least: 0, most: 1_000_000 },
    { name: "proxy-url", label: t("creds.proxy"), kind: "text", placeholder: "socks5://host:port", when: !openai },
    { name: "headers", label: t("creds.headers"), kind: "lines", hint: t("providers.headersHint") },
    { name: "models", label: t("providers.models"), kind: "lines", hint: t("providers.modelsHint") },
    { name: "excluded-models", label: t("providers.excluded"), kind: "lines", hint: t("providers.oneALine"), when: !openai },
    { name: "websockets", label: t("providers.websockets"), kind: "bool", when: kind.extras.includes("websockets") },
    { name: "cloak-mode", label: t("providers.cloak"), kind: "choice", choices: ["", "auto", "always", "never"].map(mode), when: kind.extras.includes("cloak") },
    { name: "cloak-strict", label: t("providers.cloakStrict"), kind: "bool", when: kind.extras.includes("cloak") },
    { name: "cloak-words", label: t("providers.cloakWords"), kind: "lines", hint: t("providers.oneALine"), when: kind.extras.includes("cloak") },
    { name: "disable-cooling", label: t("providers.cooling"), kind: "choice", choices: [mode(""), { value: "false", text: t("common.on") }, { value: "true", text: t("common.off") }], when: cooling },
  ];
  return all.filter((spec) => spec.when !== false);
}

export function Editor({ kind: first, kinds, row, cooling, onClose, onDone }: EditorProps) {
  const [kind, setKind] = useState(first);
  const before = row?.entry ?? {};
  const [values, setValues] = useState<Values>(valuesOf(before));
  const [kept, setKept] = useState<readonly string[]>(isOpenai(kind) ? keysOf(before) : []);
  const [busy, setBusy] = useState("");
  const [deleting, setDeleting] = useState(false);
  const [tried, setTried] = useState(false);
  const [listed, setListed] = useState<readonly string[] | null>(null);
  const fields = specs(kind, row === null, cooling);
  const entry = entryOf(kind, before, values, kept);
  const ready = isValid(fields, values);
  const during = async (what: string, act: () => Promise<void>) => {
    setBusy(what);
    await act().catch(toastError);
    setBusy("");
  };
  const save = () => during("save", async () => {
    await writeEntry(kind, row ? before : null, entry);
    toast("success", t("creds.saved"));
    onDone();
    onClose();
  });
  // What is in the form is tried, saved or not.
  const test = () => during("test", async () => {
    setTried(true);
    await tryEntry(kind, entry);
  });
  const trial = trialOf({ kind, entry });
  const foot = (
    <>
      {row && <Button action="delete" kind="danger" onClick={() => setDeleting(true)}>{t("common.delete")}</Button>}
      <span class="grow" />
      {kind.models && <Button action="discover" busy={busy === "discover"} disabled={!ready || Boolean(busy)} onClick={() => void during("discover", async () => setListed(await discover(kind, entry)))}>{t("providers.discover")}</Button>}
      <Button action="test" busy={busy === "test"} disabled={!ready || Boolean(busy)} onClick={() => void test()}>{t("providers.test")}</Button>
      <Button action="save" kind="primary" busy={busy === "save"} disabled={!ready || Boolean(busy)} onClick={() => void save()}>{t("common.save")}</Button>
    </>
  );
  return (
    <Modal id="provider" form title={row ? `${kind.title} ${nameOf(row)}` : t("providers.add")} drawer busy={busy === "save"} onClose={onClose} foot={foot}>
      {!row && (
        <Field name="kind" label={t("providers.kind")}>
          {() => <Select name="kind" label={t("providers.kind")} value={kind.id} choices={kinds.map(({ id, title }) => ({ value: id, text: title }))} onChange={(id) => setKind(kinds.find((one) => one.id === id) ?? kind)} />}
        </Field>
      )}
      {tried && (
        <p data-trial={trial && trial !== "running" ? String(trial.ok) : "running"}>
          <TrialBadge row={{ kind, entry }} /> {trial && trial !== "running" && redact(trial.detail)}
        </p>
      )}
      {isOpenai(kind) && keysOf(before).length > 0 && <Kept keys={keysOf(before)} kept={kept} onChange={setKept} />}
      {listed && <Listed names={listed} values={values} onChange={setValues} />}
      <Fields specs={fields} values={values} onChange={setValues} />
      {row && deleting && (
        <Confirm id="delete-provider" title={t("providers.deleteTitle")} danger confirm={t("common.delete")} onConfirm={async () => { await deleteEntry(row); onDone(); onClose(); }} onClose={() => setDeleting(false)}>
          <p>{t("providers.deleteText", { kind: kind.title, name: nameOf(row) })}</p>
        </Confirm>
      )}
    </Modal>
  );
}

/** The keys that an entry has, to be kept or not; they are shown by their ends only. */
function Kept({ keys, kept, onChange }: { readonly keys: readonly string[]; readonly kept: readonly string[]; readonly onChange: (keys: readonly string[]) => void }) {
  return (
    <fieldset class="field">
      <legend>{t("providers.keysKept")}</legend>
      {keys.map((key) => (
        <label key={key} class="check mono">
          <input type="checkbox" checked={kept.includes(key)} onChange={(event) => onChange(event.currentTarget.checked ? [...kept, key] : kept.filter((one) => one !== key))} />
          {maskKey(key)}
        </label>
      ))}
    </fieldset>
  );
}

/** Models that the provider lists: a tick puts one into the field. */
function Listed({ names, values, onChange }: { readonly names: readonly string[]; readonly values: Values; readonly onChange: (values: Values) => void }) {
  const lines = (values["models"] ?? "").split("\n").filter((line) => line.trim());
  const nameIn = (line: string) => line.split("=", 1)[0]!.trim();
  const chosen = new Set(lines.map(nameIn));
  const toggle = (name: string) => onChange({ ...values, models: (chosen.has(name) ? lines.filter((line) => nameIn(line) !== name) : [...lines, name]).join("\n") });
  return (
    <fieldset class="field">
      <legend>{t("providers.listed", { n: names.length })}</legend>
      <div class="names">
        {names.map((name) => (
          <label key={name} class="check mono" data-model={name}>
            <input type="checkbox" checked={chosen.has(name)} onChange={() => toggle(name)} />
            {name}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
