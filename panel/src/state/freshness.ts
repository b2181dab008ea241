/** Data of blocks: loading, refreshing, failing, and becoming old. */

import { signal, useComputed, useSignal, type ReadonlySignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Derived } from "../api/answers.generated";
import { ApiError } from "../api/client";
import { changes, connected } from "./live";

export interface Loaded<T> {
  readonly state: "loading" | "refreshing" | "ready" | "error" | "stale";
  readonly value: T | null;
  readonly error: ApiError | null;
  /** When the value came. */
  readonly at: number;
  /** How far the events have been read that the value is made of, while that is not all of them. */
  readonly partial: Derived | null;
}

export interface Data<T> {
  readonly now: ReadonlySignal<Loaded<T>>;
  readonly reload: () => Promise<boolean>;
}

const NOTHING: Loaded<never> = { state: "loading", value: null, error: null, at: 0, partial: null };
const shown = new Set<() => Promise<boolean>>();

/** Whether the data of the page is being read again by the user's wish. */
export const refreshing = signal(false);
/** How many automatic refreshes failed in a row, and when data came last. */
export const failures = signal(0);
export const lastData = signal(0);
/** Ticks every 30 s, for what is written relative to the present. */
export const tick = signal(Date.now());
setInterval(() => {
  if (!document.hidden) tick.value = Date.now();
}, 30_000);

/** Read the data of all blocks of the page again; false if any of it could not be read. */
export async function refreshAll(): Promise<boolean> {
  if (refreshing.value) return true;
  refreshing.value = true;
  try {
    const done = await Promise.all([...shown].map((reload) => reload()));
    tick.value = Date.now();
    return done.every(Boolean);
  } finally {
    refreshing.value = false;
  }
}

/** Until when a value that was read at a moment holds, if the server tells of no change. */
export type Holds<T> = (value: T, at: number) => number;

/** Nothing in it ages. */
export const lasting = (): number => Infinity;
/** Ages by the clock; it is enough to see that in whole steps of so many minutes. */
export const steps = (minutes: number) => (_: unknown, at: number): number => (Math.floor(at / (minutes * 60_000)) + 1) * minutes * 60_000;
/** The longest that a timer can wait. */
const LONGEST_MS = 2 ** 31 - 1;

/** The data that `load` brings, read again whenever `key` changes and every `seconds`.
 *
 * With a null key nothing is read. A change aborts what is under way, and late answers are dropped.
 * Data that `hold` change only with what the server tells of, and by the clock: they are read soon
 * after that, and `seconds` is the least time between.
 */
export function useData<T>(
  key: string | null,
  load: (signal: AbortSignal) => Promise<T>,
  seconds = 0,
  holds?: Holds<T>,
): Data<T> {
  const now = useSignal<Loaded<T>>(NOTHING);
  const latest = useRef(load);
  latest.current = load;
  const holding = useRef(holds);
  holding.current = holds;
  const live = holds !== undefined;
  const reload = useRef<() => Promise<boolean>>(async () => true);
  useEffect(() => {
    if (key === null) return undefined;
    const reader = new Reader(now, () => latest.current, seconds, () => holding.current);
    reload.current = () => reader.read();
    shown.add(reload.current);
    const mine = reload.current;
    void reader.read();
    return () => {
      shown.delete(mine);
      reader.stop();
    };
  }, [key, seconds, live]);
  return { now, reload: () => reload.current() };
}

interface Made {
  readonly generated_at_ms?: number;
  readonly derived?: Derived;
}

/** What an answer about usage, or one within a value, says of events that it lacks. */
export function partialOf(value: unknown): Derived | null {
  const { answer, summary } = (value ?? {}) as { readonly answer?: Made; readonly summary?: Made };
  const made = [value as Made | null, answer, summary].find((one) => one?.generated_at_ms !== undefined && one.derived);
  return made?.derived ?? null;
}

/** Part of some data, as data of a block; null where it is still to come. */
export function usePart<T, P>(data: Data<T>, part: (value: T) => P | null): Data<P> {
  const now = useComputed<Loaded<P>>(() => {
    const whole = data.now.value;
    const value = whole.value === null ? null : part(whole.value);
    // Without a value there is nothing that could be old.
    if (value !== null) return { ...whole, value };
    return { ...whole, value, state: whole.state === "refreshing" ? "loading" : whole.state === "stale" ? "error" : whole.state };
  });
  return { now, reload: data.reload };
}

class Reader<T> {
  private aborter = new AbortController();
  private timer = 0;
  private due = 0;
  private stopped = false;
  /** The changes that the data know of. */
  private seen = 0;
  private readonly forget: () => void;

  constructor(
    private readonly now: { value: Loaded<T>; peek(): Loaded<T> },
    private readonly load: () => (signal: AbortSignal) => Promise<T>,
    private readonly seconds: number,
    private readonly holds: () => Holds<T> | undefined,
  ) {
    // Neither a change nor a lost stream waits for the end of what held.
    const ends = holds() ? [changes.subscribe(() => this.awake()), connected.subscribe(() => this.awake())] : [];
    this.forget = () => ends.forEach((end) => end());
    if (seconds > 0) {
      document.addEventListener("visibilitychange", this.awake);
      window.addEventListener("online", this.awake);
    }
  }

  stop(): void {
    this.stopped = true;
    this.forget();
    this.aborter.abort();
    clearTimeout(this.timer);
    document.removeEventListener("visibilitychange", this.awake);
    window.removeEventListener("online", this.awake);
  }

  async read(): Promise<boolean> {
    this.aborter.abort();
    clearTimeout(this.timer);
    const aborter = new AbortController();
    this.aborter = aborter;
    this.seen = changes.peek();
    const before = this.now.peek();
    this.now.value = { ...before, state: before.value === null ? "loading" : "refreshing" };
    try {
      const value = await this.load()(aborter.signal);
      if (aborter.signal.aborted) return true;
      this.now.value = { state: "ready", value, error: null, at: Date.now(), partial: partialOf(value) };
      lastData.value = Date.now();
      failures.value = 0;
      return true;
    } catch (error) {
      if (aborter.signal.aborted) return true;
      const said = error instanceof ApiError ? error : new ApiError("failed", 0, String(error));
      this.now.value = { ...before, state: before.value === null ? "error" : "stale", error: said };
      failures.value += 1;
      return false;
    } finally {
      if (!aborter.signal.aborted && !this.stopped) this.plan();
    }
  }

  /** The next refresh counts from the end of this one, and does not run while nobody looks. */
  private plan(): void {
    if (this.seconds <= 0) return;
    this.due = Date.now() + this.seconds * 1000;
    this.timer = window.setTimeout(this.awake, this.seconds * 1000);
  }

  private readonly awake = (): void => {
    if (this.stopped || document.hidden || !navigator.onLine || this.due === 0) return;
    const early = this.due - Date.now();
    if (early > 50) return;
    const left = this.heldUntil() - Date.now();
    if (left > 0) {
      clearTimeout(this.timer);
      this.timer = window.setTimeout(this.awake, Math.min(left, LONGEST_MS));
      return;
    }
    this.due = 0;
    void this.read();
  };

  private heldUntil(): number {
    const { state, value, at } = this.now.peek();
    const quiet = connected.peek() && changes.peek() === this.seen;
    return quiet && state === "ready" ? (this.holds()?.(value as T, at) ?? 0) : 0;
  }
}
