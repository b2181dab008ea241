/** Versions, compared by their numbers. */

/** Whether `newest` comes after `present`; null where they can't be compared. */
export function isNewer(newest: string | undefined, present: string | undefined): boolean | null {
  const parts = (text: string | undefined) => /^v?(\d+(?:\.\d+)*)/.exec(text?.trim() ?? "")?.[1]?.split(".").map(Number);
  const [a, b] = [parts(newest), parts(present)];
  if (!a || !b) return null;
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}
