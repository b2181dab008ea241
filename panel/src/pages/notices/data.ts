/** Rules, ways to reach people, and what was told, as the Manager has them. */

import type { ChannelJson as Channel, KindLimit as KindSpec, Notices, Told, ToldList } from "../../api/answers.generated";
import { api } from "../../state/session";
import type { FieldSpec, Values } from "../../ui/form";
import { t } from "../../i18n/language";

export type { ChannelJson as Channel, KindLimit as KindSpec, RuleJson as Rule, Told } from "../../api/answers.generated";

export const PATH = "/v0/management/notifications";

export const KINDS = ["collector_down", "key_refused", "records_lost", "unpriced_model", "spend", "failure_rate", "disk_low", "account_needs_person", "account_exhausted", "pool_low"] as const;
export const MEANS = ["webhook", "email", "telegram"] as const;
export type Means = Channel["means"];

export interface Overview extends Notices {
  readonly log: readonly Told[];
}

export async function read(signal: AbortSignal): Promise<Overview> {
  const [overview, log] = await Promise.all([
    api().call<Notices>(PATH, { signal }),
    api().call<ToldList>(`${PATH}/log`, { signal }),
  ]);
  return { ...overview, log: log.items };
}

/** The fields of a rule of some kind. */
export function ruleFields(kinds: readonly KindSpec[], values: Values): FieldSpec[] {
  const kind = kinds.find((one) => one.kind === values["kind"]);
  return [
    { name: "kind", label: t("notices.watches"), kind: "choice", choices: KINDS.map((one) => ({ value: one, text: t(`notices.${one}`) })) },
    { name: "name", label: t("notices.name"), kind: "text" },
    ...(kind?.unit ? [{ name: "limit", label: `${t("notices.limit")} (${kind.unit})`, kind: "number", placeholder: String(kind.default), least: Math.ceil(kind.least ?? 0), most: kind.most ?? Infinity } as const] : []),
    ...(kind?.kind === "pool_low" ? [{ name: "provider", label: t("notices.provider"), kind: "text" } as const] : []),
    ...(kind?.kind === "spend" ? [{ name: "timeZone", label: t("notices.zone"), kind: "text" } as const] : []),
    { name: "quietMinutes", label: t("notices.quiet"), kind: "number", hint: t("notices.quietHint"), least: 0, most: 10_080 },
  ];
}

export function ruleBody(values: Values, enabled: boolean): object {
  const limit = (values["limit"] ?? "").trim();
  return {
    kind: values["kind"],
    name: values["name"] || undefined,
    limit: limit === "" ? undefined : Number(limit),
    provider: values["provider"],
    timeZone: values["timeZone"],
    quietMinutes: Number(values["quietMinutes"] || 0),
    enabled,
  };
}

const SETTINGS: Record<Means, readonly FieldSpec["name"][]> = {
  webhook: ["url", "secret"],
  email: ["host", "port", "security", "user", "password", "from", "to"],
  telegram: ["url", "chat", "token"],
};
const NEEDED = new Set(["webhook url", "email host", "email from", "email to", "telegram chat", "telegram token"]);
const SECRETS = new Set(["secret", "password", "token"]);

/** The fields of a way to reach people. */
export function channelFields(values: Values): FieldSpec[] {
  const means = (values["means"] ?? "webhook") as Means;
  return [
    { name: "means", label: t("notices.means"), kind: "choice", choices: MEANS.map((one) => ({ value: one, text: t(`notices.${one}`) })) },
    { name: "name", label: t("notices.name"), kind: "text" },
    ...SETTINGS[means].map((name): FieldSpec => {
      const label = t(`notices.${name as "url"}`);
      if (name === "security") return { name, label, kind: "choice", choices: ["starttls", "tls", "none"].map((one) => ({ value: one, text: one })) };
      const required = NEEDED.has(`${means} ${name}`);
      const hint = name === "secret" ? t("notices.secretHint") : undefined;
      return { name, label, required, kind: SECRETS.has(name) ? "secret" : name === "port" ? "number" : "text", ...(hint ? { hint } : {}) };
    }),
  ];
}
