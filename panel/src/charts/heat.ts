/** How strongly the cells of a heat map are coloured: by rank, so that one outlier bleaches none. */

import { buckets, type Range } from "../text/ranges";

export const STEPS = 6;

/** For each value its step from 1 to `STEPS`; 0 for what is 0 or unknown. */
export function quantileSteps(values: readonly (number | null)[]): number[] {
  const positive = values.filter((value): value is number => value !== null && value > 0).sort((a, b) => a - b);
  return values.map((value) => {
    if (value === null || value <= 0) return 0;
    // Equal values get equal steps: the rank is that of the last one of them.
    const below = positive.findLastIndex((other) => other <= value) + 1;
    return Math.max(1, Math.ceil((below / positive.length) * STEPS));
  });
}

/** The smallest and the largest value of each step that has any. */
export function stepBounds(values: readonly (number | null)[], steps: readonly number[]): readonly { readonly step: number; readonly low: number; readonly high: number }[] {
  return Array.from({ length: STEPS }, (_, at) => at + 1).flatMap((step) => {
    const of = values.flatMap((value, place) => (steps[place] === step && value !== null ? [value] : []));
    return of.length ? [{ step, low: Math.min(...of), high: Math.max(...of) }] : [];
  });
}

export interface Cell {
  readonly weekday: number;
  readonly hour: number;
}

export const placeOf = ({ weekday, hour }: Cell): number => weekday * 24 + hour;

/** How many hours of a range lie in each cell. Of a range without a beginning that is not told: each counts once. */
export function hoursIn(range: Range): readonly number[] {
  const counts = new Array<number>(168).fill(range.from <= 1 ? 1 : 0);
  for (const start of range.from <= 1 ? [] : buckets(range, "hour")) counts[placeAt(start)]! += 1;
  return counts;
}

/** The cell that a moment lies in, by the clock of the browser. */
export function placeAt(ms: number): number {
  const date = new Date(ms);
  return placeOf({ weekday: date.getDay(), hour: date.getHours() });
}

/** The first day of the week where a language is spoken, 0 for Sunday. */
export function firstWeekday(language: string): number {
  return language.startsWith("en") ? 0 : 1;
}
