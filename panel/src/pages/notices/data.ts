/** Rules, ways to reach people, and what was told, as the Manager has them. */

import { api } from "../../state/session";
import type { FieldSpec, Values } from "../../ui/form";
import { t } from "../../i18n/language";

export const PATH = "/v0/management/notifications";

export const KINDS = ["collector_down", "key_refused", "records_lost", "unpriced_model", "spend", "failure_rate", "disk_low", "account_needs_person", "account_exhausted", "pool_low"] as const;
export type Kind = (typeof KINDS)[number];
export const MEANS = ["webhook", "email", "telegram"] as const;
export type Means = (typeof MEANS)[number];

export interface Rule {
  readonly id: number;
  readonly kind: Kind;
  readonly name: string;
  readonly limit: number | null;
  readonly unit: string | null;
  readonly provider: string;
  readonly timeZone: string;
  readonly quietMinutes: number;
  readonly enabled: boolean;
}

export interface Channel {
  readonly id: number;
  readonly means: Means;
  readonly name: string;
  readonly [setting: string]: string | number;
}

export interface KindSpec {
  readonly kind: Kind;
  readonly unit: string | null;
  readonly default: number | null;
  readonly least: number | null;
  readonly most: number | null;
}

export interface Told {
  readonly id: number;
  readonly at_ms: number;
  readonly rule_name: string;
  readonly text: string;
  readonly over: boolean;
  readonly channel_name: string;
  readonly status: "waiting" | "sent" | "failed";
  readonly error: string;
}

export interface Overview {
  readonly rules: readonly Rule[];
  readonly channels: readonly Channel[];
  readonly kinds: readonly KindSpec[];
  readonly log: readonly Told[];
}

export async function read(signal: AbortSignal): Promise<Overview> {
  const [overview, log] = await Promise.all([
    api().call<Omit<Overview, "log">>(PATH, { signal }),
    api().call<{ readonly items: readonly Told[] }>(`${PATH}/log`, { signal }),
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
