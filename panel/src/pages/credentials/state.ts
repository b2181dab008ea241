/** In what state a credential is, and which ones a filter takes. */

import { accountOf, providerOf, type AuthFile, type Tries } from "../../api/authfile";
import type { Burn } from "../../api/accounts";
import type { History } from "../../api/manager";
import type { Outcome } from "../../charts/marks";
import { runsOut } from "./burning";
import { isMain, leftOf, type Window } from "./quota";

export type State = "ready" | "disabled" | "problem" | "cooling" | "pending";

export interface Row {
  readonly key: string;
  readonly file: AuthFile;
  readonly state: State;
  /** Why it is in that state, in the words of CPA or of the provider. */
  readonly reason: string;
  readonly windows: readonly Window[];
  /** The least that is left of a window of the account, 0..100. */
  readonly left: number | null;
  readonly plan: string;
  /** When it will be tried again. */
  readonly backAtMs: number | null;
  /** What is forecast of its windows. */
  readonly burns: readonly Burn[];
}

export const LOW = 20;
const FAILING = 5;

export function timeOf(text: string | undefined): number | null {
  const ms = Date.parse(text ?? "");
  return Number.isNaN(ms) || ms <= 0 ? null : ms;
}

export function isOff(file: AuthFile): boolean {
  return file.disabled === true || file.status === "disabled";
}

const LAST_TRIES = 20;

/** The last tries: as CPA has counted them, or if it has none, as the Manager has recorded them. */
function tries(file: AuthFile, history: History | undefined): readonly Omit<Tries, "time">[] {
  const counted = file.recent_requests ?? [];
  if (counted.some((bucket) => bucket.success || bucket.failed) || !history?.recent_requests?.length) return counted;
  const marks = history.recent_requests.slice(0, LAST_TRIES).reverse();
  return marks.map(({ failed }) => ({ success: failed ? 0 : 1, failed: failed ? 1 : 0 }));
}

/** What became of the last tries, the newest last. */
export function outcomes(file: AuthFile, history?: History): readonly Outcome[] {
  return tries(file, history).map(({ success, failed }) => (failed ? (success ? "mixed" : "failure") : success ? "success" : "idle"));
}

/** How many of the last tries worked, and how many did not. */
export function recent(file: AuthFile, history?: History): { readonly success: number; readonly failed: number } {
  const found = tries(file, history);
  const sum = (name: "success" | "failed") => found.reduce((all, bucket) => all + (bucket[name] || 0), 0);
  return { success: sum("success"), failed: sum("failed") };
}

/** What the Manager knows beside CPA's own words. */
export interface Beside {
  /** Until when the provider refuses it, as its last answer said. */
  readonly refused: number;
  /** Until when the Manager lets it rest. */
  readonly rests: number;
  /** Why a person has to see to it; "" if nobody has. */
  readonly complaint: string;
}

const NOTHING: Beside = { refused: 0, rests: 0, complaint: "" };

export function stateOf(file: AuthFile, now: number, beside: Beside = NOTHING): { readonly state: State; readonly reason: string; readonly backAtMs: number | null } {
  const message = (file.status_message ?? "").trim();
  const retry = timeOf(file.next_retry_after) ?? 0;
  const back = Math.max(retry, beside.refused);
  const found = (state: State, reason = message, backAtMs: number | null = null) => ({ state, reason, backAtMs });
  if (isOff(file) && beside.rests > now) return found("cooling", message, beside.rests);
  if (isOff(file)) return found("disabled");
  if (back > now) return found("cooling", message, back);
  if (/quota exhausted/i.test(message)) return found("cooling");
  if (file.status === "error" || file.unavailable) return found("problem");
  if (file.status === "pending" || file.status === "refreshing") return found("pending");
  const { success, failed } = recent(file);
  if (success === 0 && failed >= FAILING) return found("problem", message || `0/${failed}`);
  return found("ready", "");
}

/** What tells one credential from all others, also where several share a file. */
export function keyed(files: readonly AuthFile[]): readonly (readonly [string, AuthFile])[] {
  const times = new Map<string, number>();
  for (const { name } of files) times.set(name, (times.get(name) ?? 0) + 1);
  return files.map((file) => [times.get(file.name) === 1 ? file.name : `${file.name}::${file.id}`, file]);
}

export function rowOf(key: string, file: AuthFile, windows: readonly Window[], now: number, beside: Beside = NOTHING, plan = ""): Row {
  const left = windows.filter(isMain).map((window) => leftOf(window, now)).filter((value) => value !== null);
  const found = stateOf(file, now, beside);
  const spent = windows.filter((window) => isMain(window) && (leftOf(window, now) ?? 1) <= 0);
  const doubt = (): Partial<Row> => {
    if (found.state !== "ready") return {};
    if (beside.complaint) return { state: "problem", reason: beside.complaint };
    // Nothing is refused yet, but the next request would be.
    return spent.length ? { state: "cooling", backAtMs: Math.max(...spent.map((window) => window.resetAtMs ?? 0)) || null } : {};
  };
  return {
    key,
    file,
    windows,
    ...found,
    ...doubt(),
    left: left.length ? Math.min(...left) : null,
    plan: file.id_token?.plan_type || plan,
    burns: [],
  };
}

export const COUNTERS = ["all", "ready", "disabled", "problem", "low", "cooling"] as const;
export type Counter = (typeof COUNTERS)[number];

export function isIn(counter: Counter, row: Row): boolean {
  if (counter === "all") return true;
  if (counter === "low") return row.left !== null && row.left < LOW && row.state !== "disabled";
  return row.state === counter;
}

export interface Wanted {
  readonly search: string;
  readonly provider: string;
  readonly status: Counter;
  readonly quota: string;
  readonly plan: string;
}

const QUOTAS: Readonly<Record<string, (left: number) => boolean>> = {
  ge50: (left) => left >= 50,
  between20and50: (left) => left >= LOW && left < 50,
  lt20: (left) => left > 0 && left < LOW,
  spent: (left) => left <= 0,
};
const RUNS_OUT = "runsOut";
export const QUOTA_RANGES = [...Object.keys(QUOTAS), RUNS_OUT];

export function matches(row: Row, wanted: Wanted): boolean {
  const inRange = QUOTAS[wanted.quota];
  if (inRange && (row.left === null || !inRange(row.left))) return false;
  if (wanted.quota === RUNS_OUT && !runsOut(row.burns)) return false;
  if (wanted.provider && providerOf(row.file) !== wanted.provider) return false;
  if (wanted.plan && row.plan !== wanted.plan) return false;
  if (!isIn(wanted.status, row)) return false;
  const { file } = row;
  const text = [file.name, accountOf(file), file.label, file.note, file.auth_index, file.project_id, providerOf(file), row.plan, row.reason].join(" ");
  return text.toLowerCase().includes(wanted.search.toLowerCase());
}

const ORDER: Readonly<Record<State, number>> = { problem: 0, cooling: 1, pending: 2, ready: 3, disabled: 4 };

/** What is broken comes first, then what has the least left. */
export function byNeed(a: Row, b: Row): number {
  return ORDER[a.state] - ORDER[b.state] || (a.left ?? 101) - (b.left ?? 101) || (a.key < b.key ? -1 : 1);
}
