/** Colours by name: the same thing has the same colour on all pages, and tomorrow too. */

import { dark, store, stored } from "../state/preferences";

const COLORS = 8;
const NAME = "cpamp.colors";

type Places = ReadonlyMap<string, number>;

/** The places of `names` among the colours, no two alike; those after the eighth have none.
 *
 * Who has a place keeps it. Others have the one that their name asks for, or the next that is
 * free; when none is, the one of somebody who is not among them.
 */
export function placed(known: Places, names: readonly string[]): Places {
  const shown = names.slice(0, COLORS);
  const places = new Map(known);
  for (const name of shown) {
    if (places.has(name)) continue;
    const wanted = [...name].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)!) >>> 0, 7);
    const order = Array.from({ length: COLORS }, (_, step) => (wanted + step) % COLORS);
    const taken = new Map([...places].map(([other, place]) => [place, other]));
    const place = order.find((at) => !taken.has(at)) ?? order.find((at) => !shown.includes(taken.get(at)!))!;
    places.delete(taken.get(place) ?? "");
    places.set(name, place);
  }
  return places;
}

let places: Places | null = null;

function remembered(): Places {
  try {
    const found = JSON.parse(stored(NAME) ?? "[]") as readonly (readonly [string, number])[];
    return new Map(found.filter(([, place]) => place >= 0 && place < COLORS));
  } catch {
    return new Map();
  }
}

/** The colours of things that are shown together, the most important first. */
export function colorsOf(names: readonly string[]): readonly string[] {
  const before = (places ??= remembered());
  const now = placed(before, names);
  if (names.some((name) => before.get(name) !== now.get(name))) store(NAME, JSON.stringify([...now]));
  places = now;
  return names.map((name) => colorAt(now.get(name) ?? COLORS));
}

/** The custom property that holds the colour of a place. */
export function colorAt(place: number): string {
  return place < COLORS ? `var(--series-${place})` : "var(--text-3)";
}

/** The colour that a canvas can draw with; follows the theme. */
export function resolved(color: string): string {
  // Reading the signal makes the caller draw again when the theme changes.
  void dark.value;
  const name = /^var\((.+)\)$/.exec(color)?.[1];
  return name ? getComputedStyle(document.documentElement).getPropertyValue(name).trim() : color;
}
