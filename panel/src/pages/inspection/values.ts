/** Settings of inspections as texts of a form, and back. */

import type { Values } from "../../ui/form";

export interface InspectionSettings {
  readonly enabled?: boolean;
  readonly schedule?: { readonly mode?: string; readonly intervalMinutes?: number; readonly timePoints?: readonly string[]; readonly timeZone?: string };
  readonly autoActionMode?: string;
  readonly autoRecoverEnabled?: boolean;
  readonly [more: string]: unknown;
}

const NUMBERS = ["workers", "deleteWorkers", "timeout", "retries", "sampleSize", "usedPercentThreshold"] as const;

export function valuesOf(settings: InspectionSettings): Values {
  const { schedule = {} } = settings;
  const numbers = NUMBERS.map((name) => [name, String(settings[name] ?? "")]);
  return {
    ...Object.fromEntries(numbers),
    enabled: settings.enabled ? "true" : "",
    mode: schedule.mode ?? "interval",
    intervalMinutes: String(schedule.intervalMinutes ?? ""),
    timePoints: (schedule.timePoints ?? []).join(", "),
    timeZone: schedule.timeZone ?? "",
    autoActionMode: settings.autoActionMode ?? "none",
    autoRecoverEnabled: settings.autoRecoverEnabled ? "true" : "",
  };
}

/** The settings that a form stands for; what it does not show stays as it is. */
export function settingsOf(before: InspectionSettings, values: Values): InspectionSettings {
  const number = (name: string) => (values[name]?.trim() ? Number(values[name]) : undefined);
  const numbers = NUMBERS.map((name) => [name, number(name) ?? before[name]]);
  return {
    ...before,
    ...Object.fromEntries(numbers),
    enabled: values["enabled"] === "true",
    schedule: {
      ...before.schedule,
      mode: values["mode"] ?? "interval",
      intervalMinutes: number("intervalMinutes") ?? before.schedule?.intervalMinutes ?? 60,
      timePoints: (values["timePoints"] ?? "").split(/[\s,;]+/).filter(Boolean),
      timeZone: (values["timeZone"] ?? "").trim(),
    },
    autoActionMode: values["autoActionMode"] ?? "none",
    autoRecoverEnabled: values["autoRecoverEnabled"] === "true",
  };
}
