/** Quota windows of credentials, from whatever told of them last. */

/** Part of a provider's quota that comes back at a time. */
export interface Window {
  readonly id: string;
  readonly seconds: number | null;
  /** 0..100. */
  readonly usedPercent: number | null;
  readonly resetAtMs: number | null;
  readonly seenAtMs: number;
  readonly source: "inspection" | "header" | "query";
}

type Fields = Readonly<Record<string, unknown>>;

const HOUR = 3600;
const DAY = 24 * HOUR;

export function fieldsOf(value: unknown): Fields {
  return value !== null && typeof value === "object" ? (value as Fields) : {};
}

function numberOf(value: unknown): number | null {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value.replace(/%$/, "")) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : null;
}

const LENGTHS: Readonly<Record<string, number>> = { "five-hour": 5 * HOUR, weekly: 7 * DAY, monthly: 30 * DAY };

/** The name of a window of some length. */
export function windowId(seconds: number | null): string {
  if (seconds === 5 * HOUR) return "five-hour";
  if (seconds === 7 * DAY) return "weekly";
  if (seconds !== null && seconds >= 28 * DAY && seconds <= 31 * DAY) return "monthly";
  return `window-${seconds ?? "unknown"}`;
}

/** How a window is called: by its length, and by what it counts if that is not everything. */
export function windowName({ id, seconds: told }: Pick<Window, "id" | "seconds">): string {
  const seconds = told ?? LENGTHS[/five-hour|weekly|monthly/.exec(id)?.[0] ?? ""] ?? null;
  const length = seconds === null ? "" : seconds >= 2 * DAY ? `${Math.round(seconds / DAY)}d` : `${Math.round(seconds / HOUR)}h`;
  const part = id.replace(/(^|-)(five-hour|seven-day|weekly|monthly|window-\w+|\d+)(?=-|$)/g, "").replace(/^-+|-+$/g, "");
  return [length, part].filter(Boolean).join(" ") || id;
}

/** Whether a window is of the whole account. */
export function isMain({ id }: Window): boolean {
  return /^(five-hour|weekly|monthly|seven-day|window-\w+(-\d)?|xai-(weekly|monthly)|included-.*)$/.test(id);
}

/** What is left of a window, 0..100: null where it is not known, or has come back since. */
export function leftOf(window: Window, now: number): number | null {
  if (window.usedPercent === null || (window.resetAtMs !== null && window.resetAtMs <= now)) return null;
  return Math.max(0, 100 - window.usedPercent);
}

/** The windows of several sources: of each the newest, short ones first. */
export function merge(...sources: readonly (readonly Window[])[]): readonly Window[] {
  const newest = new Map<string, Window>();
  for (const window of sources.flat()) {
    const known = newest.get(window.id);
    if (!known || window.seenAtMs >= known.seenAtMs) newest.set(window.id, window);
  }
  return [...newest.values()].sort((a, b) => Number(isMain(b)) - Number(isMain(a)) || (a.seconds ?? Infinity) - (b.seconds ?? Infinity) || (a.id < b.id ? -1 : 1));
}

/** Windows that an inspection has stored. */
export function ofInspection(windows: unknown, seenAtMs: number): readonly Window[] {
  if (!Array.isArray(windows)) return [];
  return windows.map(fieldsOf).map((window) => ({
    id: String(window["id"] ?? ""),
    seconds: numberOf(window["limitWindowSeconds"]),
    usedPercent: numberOf(window["usedPercent"]),
    resetAtMs: numberOf(window["resetAtMs"]),
    seenAtMs,
    source: "inspection",
  }));
}

/** Windows that the headers of an answer told of. */
export function ofHeaders(metadata: unknown, seenAtMs: number): readonly Window[] {
  const quota = fieldsOf(fieldsOf(metadata)["quota"]);
  return ["primary", "secondary"].flatMap((name) => {
    const window = fieldsOf(quota[name]);
    const minutes = numberOf(window["window_minutes"]);
    const usedPercent = numberOf(window["used_percent"]);
    if (minutes === null || usedPercent === null) return [];
    const after = numberOf(window["reset_after_seconds"]);
    const resetAtMs = numberOf(window["reset_at_ms"]) ?? (after === null ? null : seenAtMs + after * 1000);
    const seconds = minutes * 60;
    return [{ id: windowId(seconds), seconds, usedPercent, resetAtMs, seenAtMs, source: "header" as const }];
  });
}

/** Windows of Codex's own answer about usage. */
export function ofCodex(answer: unknown, seenAtMs: number): readonly Window[] {
  const limit = fieldsOf(fieldsOf(answer)["rate_limit"]);
  const spent = limit["limit_reached"] === true || limit["allowed"] === false;
  return ["primary_window", "secondary_window"].flatMap((name) => {
    const window = fieldsOf(limit[name]);
    const seconds = numberOf(window["limit_window_seconds"]);
    if (seconds === null) return [];
    const at = numberOf(window["reset_at"]);
    const after = numberOf(window["reset_after_seconds"]);
    const resetAtMs = at ? at * 1000 : after ? seenAtMs + after * 1000 : null;
    const usedPercent = numberOf(window["used_percent"]) ?? (spent && resetAtMs !== null ? 100 : null);
    return [{ id: windowId(seconds), seconds, usedPercent, resetAtMs, seenAtMs, source: "query" as const }];
  });
}

/** Windows of Claude's own answer about usage. */
export function ofClaude(answer: unknown, seenAtMs: number): readonly Window[] {
  return Object.entries(fieldsOf(answer)).flatMap(([name, value]) => {
    const window = fieldsOf(value);
    if (!("utilization" in window)) return [];
    const seconds = name === "five_hour" ? 5 * HOUR : 7 * DAY;
    const reset = Date.parse(String(window["resets_at"] ?? ""));
    const id = name === "seven_day" ? "weekly" : name.replaceAll("_", "-");
    return [{ id, seconds, usedPercent: numberOf(window["utilization"]), resetAtMs: Number.isNaN(reset) ? null : reset, seenAtMs, source: "query" as const }];
  });
}

/** Windows that the Manager has stored. */
export function ofSnapshots(windows: unknown): readonly Window[] {
  if (!Array.isArray(windows)) return [];
  return windows.map(fieldsOf).map((window) => ({
    id: String(window["provider_window_id"] ?? ""),
    seconds: numberOf(window["duration_seconds"]),
    usedPercent: numberOf(window["used_percent"]),
    resetAtMs: numberOf(window["cycle_end_ms"]),
    seenAtMs: numberOf(window["observed_at_ms"]) ?? 0,
    source: "query",
  }));
}

interface Question {
  readonly url: string;
  readonly header: Readonly<Record<string, string>>;
  readonly read: (answer: unknown, seenAtMs: number) => readonly Window[];
}

const TOKEN = { Authorization: "Bearer $TOKEN$", "Content-Type": "application/json" };

/** Where providers tell how much of a quota is used. */
export const QUESTIONS: Readonly<Record<string, Question>> = {
  codex: { url: "https://chatgpt.com/backend-api/wham/usage", header: { ...TOKEN, "User-Agent": "codex_cli_rs/0.98.0" }, read: ofCodex },
  claude: { url: "https://api.anthropic.com/api/oauth/usage", header: { ...TOKEN, "anthropic-beta": "oauth-2025-04-20" }, read: ofClaude },
};
