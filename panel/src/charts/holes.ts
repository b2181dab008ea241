/** Stretches of time of which records are missing, or may be: every axis of time hatches them. */

import { computed } from "@preact/signals";
import type { Coverage, Hole } from "../api/types";
import { status } from "../state/session";
import { DAY } from "../text/ranges";

const MINUTE = 60_000;

/** The holes, and the one that is not over yet. */
export function holesOf({ holes, gap }: Coverage, now: number): readonly Hole[] {
  return gap ? [...holes, { fromMs: gap.sinceMs, toMs: now, state: "at_risk", reason: gap.reason }] : holes;
}

/** Since when somebody watches, as far as the last day goes: minutes before were judged by nobody. */
export function watchedSince({ last24h }: Coverage, now: number): number {
  const { coveredMinutes, atRiskMinutes, lostMinutes } = last24h;
  return Math.max(now - DAY, now - (coveredMinutes + atRiskMinutes + lostMinutes) * MINUTE);
}

export const holes = computed<readonly Hole[]>(() => {
  const coverage = status.value?.collector.coverage;
  return coverage ? holesOf(coverage, Date.now()) : [];
});

/** The hole that a bucket touches, if there is one. */
export function holeIn(all: readonly Hole[], from: number, to: number): Hole | undefined {
  return all.find((hole) => hole.fromMs < to && hole.toMs > from);
}
