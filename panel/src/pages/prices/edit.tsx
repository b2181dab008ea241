/** One price in a drawer: typed by hand, or taken from what a source suggests. */

import { useState } from "preact/hooks";
import type { ContextTier, ServiceTier } from "../../api/answers.generated";
import { ApiError } from "../../api/client";
import { fmt, t } from "../../i18n/language";
import { say } from "../../i18n/say";
import { Button, Field } from "../../ui/controls";
import { asApiError, Confirm, Modal, toast } from "../../ui/overlay";
import { FIELDS, isPrice, priceOf, priceTyped, savePrice, typedOf, type Candidate, type NewPrice, type Row } from "./read";

interface DrawerProps {
  readonly row: Row;
  readonly tag: string;
  readonly candidates: readonly Candidate[];
  readonly onClose: () => void;
  readonly onSaved: () => void;
}

export function PriceDrawer({ row, tag, candidates, onClose, onSaved }: DrawerProps) {
  const [model, setModel] = useState(row.model);
  const [typed, setTyped] = useState(typedOf(row.price));
  const [busy, setBusy] = useState(false);
  const [chosen, setChosen] = useState<Candidate | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const rules = rulesOf(row.price);
  const wrong = FIELDS.some((field) => !isPrice(typed[field]));
  const save = async (price: NewPrice) => {
    setBusy(true);
    setError(null);
    try {
      await savePrice(model.trim(), price, tag);
      toast("success", t("price.done", { model: model.trim() }));
      onSaved();
      onClose();
    } catch (reason) {
      setError(asApiError(reason));
      setBusy(false);
    }
  };
  const submit = (event: Event) => {
    event.preventDefault();
    if (!busy && !wrong && model.trim()) void save(priceTyped(typed));
  };
  return (
    <Modal id="price" form drawer busy={busy} title={row.model || t("common.add")} onClose={onClose}>
      <form class="form" onSubmit={submit}>
        {!row.model && (
          <Field name="model" label={t("column.model")}>
            {(attributes) => <input {...attributes} type="text" value={model} onInput={(event) => setModel(event.currentTarget.value)} />}
          </Field>
        )}
        <p class="hint">{t("price.editHint")}</p>
        {FIELDS.map((field) => (
          <Field key={field} name={field} label={`${t(`price.${field}`)}, ${t("price.unit")}`} error={isPrice(typed[field]) ? null : t("price.wrong")}>
            {(attributes) => <input {...attributes} type="text" inputMode="decimal" value={typed[field]} onInput={(event) => setTyped({ ...typed, [field]: event.currentTarget.value })} />}
          </Field>
        ))}
        {rules.length > 0 && (
          <section class="part" data-list="price-rules">
            <p class="strip warn">{t("price.dropsRules", { n: rules.length })}</p>
            <ul class="names">
              {rules.map((rule) => (
                <li key={rule}>{rule}</li>
              ))}
            </ul>
          </section>
        )}
        {error && (
          <p class="bad-text" role="alert" data-error={error.code}>
            {say(error)}
          </p>
        )}
        <Button action="save" kind="primary" submit busy={busy} disabled={wrong || model.trim() === ""}>
          {t("common.save")}
        </Button>
      </form>
      {candidates.length > 0 && <Candidates rows={candidates} busy={busy} onChoose={setChosen} />}
      {chosen && (
        <Confirm id="take-candidate" title={t("price.takeTitle")} onClose={() => setChosen(null)} onConfirm={() => save({ ...chosen.price, source: chosen.price.source || "sync", sourceModelId: chosen.sourceModelId })}>
          <p>{t("price.takeText", { model, source: chosen.price.source ?? "", other: chosen.sourceModelId })}</p>
        </Confirm>
      )}
    </Modal>
  );
}

/** What a price has beside its own figures, each rule with what it makes of input and output. */
function rulesOf(price: Row["price"]): readonly string[] {
  const written = (tier: ContextTier | ServiceTier) => `${fmt.value.price(tier.prompt)} / ${fmt.value.price(tier.completion)}`;
  return [
    ...(price?.contextTiers ?? []).map((tier) => `> ${fmt.value.compact(tier.thresholdTokens)} ${t("column.tokens")}: ${written(tier)}`),
    ...(price?.serviceTiers ?? []).map((tier) => `${tier.serviceTier || tier.mode}: ${written(tier)}`),
  ];
}

function Candidates({ rows, busy, onChoose }: { readonly rows: readonly Candidate[]; readonly busy: boolean; readonly onChoose: (row: Candidate) => void }) {
  return (
    <section class="part">
      <h3>{t("price.candidates")}</h3>
      <ol class="anomalies">
        {rows.map((row) => (
          <li key={`${row.price.source} ${row.sourceModelId}`}>
            <button type="button" data-action="choose-candidate" disabled={busy} onClick={() => onChoose(row)}>
              <span class="bar-line">
                <b>{row.sourceModelId}</b>
                <span class="grow" />
                <span class="badge">{fmt.value.percent(row.score, 0)}</span>
              </span>
              <span class="dim">
                {row.price.source} · {row.reason} · {fmt.value.price(priceOf(row.price, "prompt"))} / {fmt.value.price(priceOf(row.price, "completion"))}
              </span>
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}
