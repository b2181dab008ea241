/** How strongly the cells of a heat map are coloured: by rank, so that one outlier bleaches none. */

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

/** The first day of the week where a language is spoken, 0 for Sunday. */
export function firstWeekday(language: string): number {
  return language.startsWith("en") ? 0 : 1;
}
