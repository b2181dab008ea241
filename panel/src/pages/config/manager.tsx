/** The Manager's own settings: where CPA is, how records are collected, what is done by itself. */

import { computed, signal } from "@preact/signals";
import { useState } from "preact/hooks";
import type { ManagerConfig } from "../../api/types";
import { t } from "../../i18n/language";
import { api, config, cpaDown, readConfig, cpa } from "../../state/session";
import { isBase, normalBase } from "../../text/address";
import { Facts, type Fact } from "../../ui/facts";
import { Fields, isValid, type FieldSpec, type Values } from "../../ui/form";
import { Confirm, toast, toastError } from "../../ui/overlay";
import { MODES } from "../setup";
import { AccountPolicy } from "./policy";
import { SaveBar } from "./savebar";

type Settings = ManagerConfig["config"];

const SAVING_MS = 120_000;
const MOST = 2_147_483_647;

const draft = signal<Values>({});
const saved = computed(() => valuesOf(config.value?.config));
const values = computed<Values>(() => ({ ...saved.value, ...draft.value }));
/** The names of the fields that are not what is saved. */
export const changedFields = computed(() => Object.keys(draft.value).filter((name) => draft.value[name] !== (saved.value[name] ?? "")));

export const discardFields = (): void => void (draft.value = {});

function flag(on: boolean | undefined): string {
  return on ? "true" : "";
}

function valuesOf(settings: Settings | undefined): Values {
  const { cpaConnection, collector } = settings ?? {};
  return {
    "cpa-url": cpaConnection?.cpaBaseUrl ?? "",
    "cpa-key": "",
    monitoring: flag(collector?.enabled !== false),
    "collector-mode": collector?.collectorMode ?? "auto",
    "poll-interval": String(collector?.pollIntervalMs ?? ""),
    "batch-size": String(collector?.batchSize ?? ""),
    "query-limit": String(collector?.queryLimit ?? ""),
    "tls-skip-verify": flag(collector?.tlsSkipVerify),
    "ensure-statistics": flag(collector?.ensureUsageStatisticsEnabled !== false),
  };
}

/** What is sent: all that was read, with what is in the fields in its place. */
export function bodyOf(before: Settings, now: Values): { readonly config: object } {
  const key = (now["cpa-key"] ?? "").trim();
  return {
    config: {
      ...before,
      cpaConnection: { ...before.cpaConnection, cpaBaseUrl: normalBase(now["cpa-url"] ?? ""), ...(key && { managementKey: key }) },
      collector: {
        ...before.collector,
        enabled: now["monitoring"] === "true",
        collectorMode: now["collector-mode"],
        pollIntervalMs: Number(now["poll-interval"]),
        batchSize: Number(now["batch-size"]),
        queryLimit: Number(now["query-limit"]),
        tlsSkipVerify: now["tls-skip-verify"] === "true",
        ensureUsageStatisticsEnabled: now["ensure-statistics"] === "true",
      },
    },
  };
}

function moved(): boolean {
  return normalBase(values.value["cpa-url"] ?? "") !== normalBase(saved.value["cpa-url"] ?? "");
}

function connectionSpecs(keySet: boolean): readonly FieldSpec[] {
  const hint = moved() ? t("config.keyNeeded") : keySet ? t("config.keySaved") : t("setup.cpaKeyHint");
  return [
    { name: "cpa-url", label: t("setup.cpaUrl"), kind: "text", required: true, hint: t("setup.cpaUrlHint") },
    { name: "cpa-key", label: t("setup.cpaKey"), kind: "secret", required: moved() || !keySet, hint },
  ];
}

function collectionSpecs(most: number): readonly FieldSpec[] {
  return [
    { name: "monitoring", label: t("setup.monitoring"), kind: "bool", hint: t("setup.monitoringHint") },
    { name: "ensure-statistics", label: t("config.ensure"), kind: "bool", hint: t("config.ensureHint") },
    { name: "collector-mode", label: t("setup.mode"), kind: "choice", choices: MODES.map(([value, text]) => ({ value, text: t(text) })) },
    { name: "poll-interval", label: `${t("setup.poll")}, ${t("setup.pollUnit")}`, kind: "number", required: true, least: 1, most, hint: t("setup.pollHint") },
    { name: "batch-size", label: t("config.batch"), kind: "number", required: true, least: 1, most: MOST, hint: t("config.batchHint") },
    { name: "tls-skip-verify", label: t("config.tlsSkip"), kind: "bool", hint: t("config.tlsSkipHint") },
  ];
}

const limitSpecs = (): readonly FieldSpec[] => [{ name: "query-limit", label: t("config.limit"), kind: "number", required: true, least: 1, most: MOST, hint: t("config.limitHint") }];

export function ManagerSettings() {
  const [busy, setBusy] = useState(false);
  const [asking, setAsking] = useState(false);
  const shown = config.value;
  if (!shown) return null;
  const env = shown.source === "env";
  const connection = connectionSpecs(shown.config.cpaConnection?.managementKeySet === true);
  const collection = collectionSpecs(retentionSeconds() * 1000);
  const specs = env ? limitSpecs() : [...connection, ...collection, ...limitSpecs()];
  const usable = isValid(specs, values.value) && (env || isBase(normalBase(values.value["cpa-url"] ?? "")));
  const change = (next: Values) => (draft.value = next);
  const write = async () => {
    const answer = await api().call<ManagerConfig>("/usage-service/config", { method: "PUT", body: bodyOf(shown.config, values.value), timeoutMs: SAVING_MS });
    config.value = answer;
    draft.value = {};
    toast("success", [t("config.saved"), ...(answer.warnings ?? [])].join(" "));
    await readConfig();
  };
  const save = async () => {
    setBusy(true);
    await write().catch(toastError);
    setBusy(false);
  };
  return (
    <>
      <div class="row settings" data-block="manager-config" data-state="ready">
        <div class="w-8 column">
          {env ? (
            <section class="block card">
              <h2>{t("config.connection")}</h2>
              <p class="strip warn" data-block="env-managed">{t("config.envManaged")}</p>
              <Facts rows={[...connection.slice(0, 1), ...collection].map((spec): Fact => [spec.label, written(spec)])} />
            </section>
          ) : (
            <>
              <section class="block card">
                <h2>{t("config.connection")}</h2>
                <Fields specs={connection} values={values.value} onChange={change} />
              </section>
              <section class="block card">
                <h2>{t("config.collection")}</h2>
                <Fields specs={collection} values={values.value} onChange={change} />
              </section>
            </>
          )}
          <section class="block card">
            <Fields specs={limitSpecs()} values={values.value} onChange={change} />
          </section>
        </div>
        <div class="w-4 column">
          <CpaSide />
          <AccountPolicy />
        </div>
      </div>
      <SaveBar changes={changedFields.value.length} busy={busy} disabled={!usable} save={t("common.save")} onSave={() => (moved() ? setAsking(true) : void save())} onDiscard={discardFields} />
      {asking && (
        <Confirm id="change-connection" title={t("config.changeConnection")} danger confirm={t("common.save")} onClose={() => setAsking(false)} onConfirm={write}>
          <p>{t("config.changeConnectionText", { old: saved.value["cpa-url"] || "--", new: normalBase(values.value["cpa-url"] ?? "") })}</p>
        </Confirm>
      )}
    </>
  );
}

function written(spec: FieldSpec): string {
  const value = values.value[spec.name] ?? "";
  return spec.kind === "bool" ? t(value ? "common.on" : "common.off") : value;
}

function retentionSeconds(): number {
  const usage = cpa.value?.usage;
  return usage && "data" in usage ? usage.data.redisUsageQueueRetentionSeconds : MOST / 1000;
}

/** What only CPA can change. */
function CpaSide() {
  const usage = cpa.value?.usage;
  const known = usage && "data" in usage ? usage.data : null;
  return (
    <section class="block card" data-block="cpa-side">
      <h2>{t("config.cpaSide")}</h2>
      {known ? (
        <Facts
          rows={[
            [t("config.statistics"), <span class={`badge ${known.usageStatisticsEnabled ? "" : "warn"}`}>{t(known.usageStatisticsEnabled ? "common.on" : "common.off")}</span>],
            [t("config.retention"), t(known.retentionSourceDefault ? "config.retentionDefault" : "config.retentionSet", { n: known.redisUsageQueueRetentionSeconds })],
          ]}
        />
      ) : (
        <p class={cpaDown.value ? "warn-text" : "dim"}>{cpaDown.value ? t("config.cpaSilent") : "--"}</p>
      )}
      <p class="hint">{t("config.cpaSideHint")}</p>
    </section>
  );
}
