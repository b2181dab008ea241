/** Lines of CPA's log: what they tell, without the secrets that they may hold. */

import { redact } from "./mask";

export interface LogLine {
  /** Counts on through the page's life. */
  readonly n: number;
  /** The whole line. */
  readonly raw: string;
  /** `YYYY-MM-DD HH:MM:SS` of CPA's clock; "" for lines that only go on. */
  readonly time: string;
  /** Of the request, as its usage record has it; "" if there is none. */
  readonly id: string;
  readonly level: string;
  readonly text: string;
  readonly call?: Call;
}

export interface Call {
  readonly status: string;
  readonly latency: string;
  readonly client: string;
  readonly method: string;
  readonly path: string;
}

const LINE = /^\[(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\] \[([^\]]*)\] \[(\w+) *\] ?(?:\[[^\]]*\] ?)?(.*)$/;
const CALL = /^(\d{3}) \|\s*(\S+) \|\s*(\S+) \| (\w+)\s+"([^"]*)"/;

/** What a line tells; one that only goes on is as grave as the one before it. */
export function parseLine(n: number, line: string, before?: LogLine): LogLine {
  const raw = redact(line);
  const [, time, id = "", level, text = ""] = LINE.exec(raw) ?? [];
  if (!time) return { n, raw, time: "", id: before?.id ?? "", level: before?.level ?? "", text: raw };
  const known = { n, raw, time, id: id.replace(/^-+$/, ""), level: level!.toLowerCase(), text };
  const [, status, latency, client, method, path] = CALL.exec(text) ?? [];
  if (!status) return known;
  return { ...known, call: { status, latency: latency!, client: client!, method: method!, path: path!.split("?")[0]! } };
}

export interface LogFilter {
  readonly search: string;
  /** The least grave level that is shown; "" for all. */
  readonly level: string;
  readonly method: string;
  /** The first digit of the status. */
  readonly status: string;
  readonly path: string;
  readonly quiet: boolean;
}

const GRAVITY: Readonly<Record<string, number>> = { trace: 0, debug: 1, info: 2, warn: 3, warning: 3, error: 4, fatal: 5, panic: 5 };

/** Whether a line passes a filter. Quiet is without the calls of the management API. */
export function passes(line: LogLine, filter: LogFilter): boolean {
  const { call } = line;
  if (filter.quiet && call && /\/v0\/management(\/|$)/.test(call.path)) return false;
  if (filter.level && (GRAVITY[line.level] ?? 2) < (GRAVITY[filter.level] ?? 0)) return false;
  if (filter.method && call?.method !== filter.method) return false;
  if (filter.status && call?.status[0] !== filter.status) return false;
  if (filter.path && call?.path !== filter.path) return false;
  const wanted = filter.search.toLowerCase();
  return wanted === "" || line.id.toLowerCase() === wanted || line.raw.toLowerCase().includes(wanted);
}

/** How often each value occurs among lines, the most frequent first. */
export function counted(lines: readonly LogLine[], value: (call: Call) => string, most = 20): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const { call } of lines) if (call) counts.set(value(call), (counts.get(value(call)) ?? 0) + 1);
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).slice(0, most);
}
