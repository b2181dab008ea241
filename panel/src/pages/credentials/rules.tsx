/** The models of whole providers: left out, or called by other names. */

import { useState } from "preact/hooks";
import { providerOf } from "../../api/authfile";
import { readAuthFiles } from "../../api/cpa";
import { t } from "../../i18n/language";
import { useData } from "../../state/freshness";
import { query, setQuery } from "../../state/router";
import { Block } from "../../ui/block";
import { Button } from "../../ui/controls";
import { Fields, type FieldSpec } from "../../ui/form";
import { Modal, toast, toastError } from "../../ui/overlay";
import { Table, type Column } from "../../ui/table";
import { aliasesOf, aliasLines, linesIn } from "./lines";
import { readRules, writeRules, type Rules } from "./maps";

export function ModelRules() {
  const data = useData("oauth-rules", async (signal) => readRules((await readAuthFiles(signal)).map(providerOf), signal));
  return (
    <Block id="oauth-rules" data={data} empty={(found) => found.length === 0 && t("creds.none")}>
      {(found) => {
        const open = found.find(({ provider }) => provider === query.value["provider"]);
        return (
          <>
            <Table id="oauth-rules" label={t("creds.rules")} rows={found} rowKey={({ provider }) => provider} columns={COLUMNS()} onRow={({ provider }) => setQuery({ provider })} />
            {open && <Editor key={open.provider} rules={open} onDone={() => void data.reload()} />}
          </>
        );
      }}
    </Block>
  );
}

function COLUMNS(): readonly Column<Rules>[] {
  const list = (names: readonly string[]) => <span title={names.join("\n")}>{names.join(", ") || "--"}</span>;
  return [
    { id: "provider", title: t("creds.provider"), phone: "main", value: (rules) => rules.provider },
    { id: "excluded", title: t("creds.excluded"), phone: "sub", value: (rules) => rules.excluded.length, cell: (rules) => list(rules.excluded) },
    { id: "aliases", title: t("creds.aliases"), phone: "sub", value: (rules) => rules.aliases.length, cell: (rules) => list(aliasLines(rules.aliases).split("\n").filter(Boolean)) },
  ];
}

function Editor({ rules, onDone }: { readonly rules: Rules; readonly onDone: () => void }) {
  const before = { excluded: rules.excluded.join("\n"), aliases: aliasLines(rules.aliases) };
  const [values, setValues] = useState(before);
  const [busy, setBusy] = useState(false);
  const close = () => setQuery({ provider: "" });
  const specs: readonly FieldSpec[] = [
    { name: "excluded", label: t("creds.excluded"), kind: "lines", hint: t("creds.excludedHint") },
    { name: "aliases", label: t("creds.aliases"), kind: "lines", hint: t("creds.aliasesHint") },
  ];
  const save = async () => {
    setBusy(true);
    const after = { ...rules, excluded: linesIn(values.excluded), aliases: aliasesOf(values.aliases, rules.aliases) };
    try {
      await writeRules(rules, after);
      toast("success", t("creds.saved"));
      onDone();
      close();
    } catch (error) {
      toastError(error);
      setBusy(false);
    }
  };
  const changed = values.excluded !== before.excluded || values.aliases !== before.aliases;
  const foot = <Button action="save" kind="primary" busy={busy} disabled={!changed} onClick={() => void save()}>{t("common.save")}</Button>;
  return (
    <Modal id="oauth-rules" form title={rules.provider} drawer busy={busy} onClose={close} foot={foot}>
      <Fields specs={specs} values={values} onChange={(next) => setValues({ excluded: next["excluded"] ?? "", aliases: next["aliases"] ?? "" })} />
    </Modal>
  );
}
