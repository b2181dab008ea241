/** `monitoring/explain`: the figures of an answer beside a count event by event. */

import { api } from "../state/session";
import { bodyOf, type Question } from "./analytics";
import { ApiError } from "./client";
import { pieces } from "./pieces";

export interface Figure {
  readonly figure: string;
  readonly answer: unknown;
  readonly recount: unknown;
  /** By how much the answer is greater. */
  readonly difference: number | null;
  readonly agrees: boolean;
}

/** How far a count has come. */
export interface Recount {
  readonly events: number;
  readonly of: number;
  readonly figures: readonly Figure[];
  readonly done: boolean;
}

type Line = Partial<Figure> & {
  readonly events?: number;
  readonly progress?: { readonly events: number; readonly of: number };
  readonly done?: boolean;
};

const PATH = "/v0/management/monitoring/explain";
/** A count of many millions of events takes its time. */
const LONGEST_MS = 3_600_000;

/** The question as a query, as the server takes it in an address. */
export function queryOf(question: Question): URLSearchParams {
  const query = new URLSearchParams();
  const add = (name: string, value: unknown): void => {
    if (Array.isArray(value)) value.forEach((one) => add(name, one));
    else if (typeof value === "object" && value !== null) Object.entries(value).forEach(([member, of]) => add(name ? `${name}.${member}` : member, of));
    else query.append(name, String(value));
  };
  add("", bodyOf(question));
  return query;
}

/** What is known after one more line. */
export function counted(before: Recount, line: string): Recount {
  const { events, progress, done, ...figure } = JSON.parse(line) as Line;
  if (done) return { ...before, events: events ?? before.events, done };
  if (progress) return { ...before, ...progress };
  if (events !== undefined) return { ...before, of: events };
  return { ...before, figures: [...before.figures, figure as Figure] };
}

/** Have every figure counted anew, and tell how far that is; raises `ApiError`. */
export async function explain(question: Question, signal: AbortSignal, told: (recount: Recount) => void): Promise<void> {
  const response = await api().open(`${PATH}?${queryOf(question)}`, { signal, timeoutMs: LONGEST_MS });
  let recount: Recount = { events: 0, of: 0, figures: [], done: false };
  for await (const line of pieces(response, "\n")) {
    recount = counted(recount, line);
    told(recount);
  }
  if (!recount.done) throw new ApiError("network", 0, "");
}
