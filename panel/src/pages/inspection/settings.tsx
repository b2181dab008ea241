/** How inspections are made, and when. */

import { useEffect, useState } from "preact/hooks";
import { fmt, t } from "../../i18n/language";
import { say } from "../../i18n/say";
import { api } from "../../state/session";
import { Button } from "../../ui/controls";
import { Fields, isValid, type FieldSpec, type Values } from "../../ui/form";
import { asApiError, Modal, toast } from "../../ui/overlay";
import { settingsOf, valuesOf, type InspectionSettings } from "./values";

interface Stored {
  readonly config: { readonly codexInspection?: InspectionSettings };
}

const CONFIG = "/usage-service/config";

function specs(): readonly FieldSpec[] {
  const modes = ["none", "enable", "disable", "delete"] as const;
  return [
    { name: "enabled", label: t("inspect.enabled"), kind: "bool" },
    { name: "mode", label: t("inspect.mode"), kind: "choice", choices: [{ value: "interval", text: t("inspect.byInterval") }, { value: "time_points", text: t("inspect.byTimes") }] },
    { name: "intervalMinutes", label: t("inspect.interval"), kind: "number", least: 1, most: 43_200 },
    { name: "timePoints", label: t("inspect.times"), kind: "text", placeholder: "08:00, 20:30" },
    { name: "timeZone", label: t("inspect.zone"), kind: "text", placeholder: "Europe/Berlin" },
    { name: "autoActionMode", label: t("inspect.auto"), kind: "choice", hint: t("inspect.autoHint"), choices: modes.map((value) => ({ value, text: t(`inspect.auto_${value}`) })) },
    { name: "autoRecoverEnabled", label: t("inspect.recover"), kind: "bool" },
    { name: "usedPercentThreshold", label: t("inspect.threshold"), kind: "number", least: 1, most: 100 },
    { name: "sampleSize", label: t("inspect.sample"), kind: "number", least: 0 },
    { name: "workers", label: t("inspect.workers"), kind: "number", least: 1, most: 64 },
    { name: "deleteWorkers", label: t("inspect.actionWorkers"), kind: "number", least: 1, most: 64 },
    { name: "timeout", label: t("inspect.timeout"), kind: "number", least: 1000, most: 60_000 },
    { name: "retries", label: t("inspect.retries"), kind: "number", least: 0, most: 5 },
  ];
}

export function Settings({ onClose, onDone }: { readonly onClose: () => void; readonly onDone: () => void }) {
  const [stored, setStored] = useState<Stored | null>(null);
  const [values, setValues] = useState<Values>({});
  const [busy, setBusy] = useState(false);
  const [agreed, setAgreed] = useState(false);
  const [error, setError] = useState("");
  useEffect(() => {
    api().call<Stored>(CONFIG).then((found) => {
      setStored(found);
      setValues(valuesOf(found.config.codexInspection ?? {}));
    }, (reason: unknown) => setError(say(asApiError(reason))));
  }, []);
  const save = async () => {
    setBusy(true);
    try {
      const codexInspection = settingsOf(stored?.config.codexInspection ?? {}, values);
      await api().call(CONFIG, { method: "PUT", body: { config: { codexInspection } } });
      toast("success", t("creds.saved"));
      onDone();
      onClose();
    } catch (reason) {
      setError(say(asApiError(reason)));
      setBusy(false);
    }
  };
  const deletes = values["autoActionMode"] === "delete" && stored?.config.codexInspection?.autoActionMode !== "delete";
  const foot = (
    <>
      <Button action="cancel" disabled={busy} onClick={onClose}>{t("common.cancel")}</Button>
      <Button action="save" kind={deletes ? "danger" : "primary"} busy={busy} disabled={!stored || !isValid(specs(), values) || (deletes && !agreed)} onClick={() => void save()}>{t("common.save")}</Button>
    </>
  );
  const byTimes = values["mode"] === "time_points";
  const shown = specs().filter(({ name }) => name !== (byTimes ? "intervalMinutes" : "timePoints") && (byTimes || name !== "timeZone"));
  return (
    <Modal id="inspection-settings" form title={t("inspect.settings")} drawer busy={busy} onClose={onClose} foot={foot}>
      {stored && <Fields specs={shown} values={values} onChange={setValues} />}
      {deletes && (
        <label class="check bad-text">
          <input type="checkbox" data-field="agree-delete" checked={agreed} onChange={(event) => setAgreed(event.currentTarget.checked)} />
          {t("inspect.deleteWarning")}
        </label>
      )}
      {error && <p class="bad-text" role="alert">{error}</p>}
      <p class="hint">{t("inspect.localTime", { time: fmt.value.clock(Date.now()) })}</p>
    </Modal>
  );
}
