/** Colours by name: the same thing has the same colour on all pages, as long as the page lives. */

import { dark } from "../state/preferences";

const COLORS = 8;
const places = new Map<string, number>();

/** The place of a thing among the colours; those after the eighth share the colour of the rest. */
export function placeOf(kind: string, name: string): number {
  const key = `${kind} ${name}`;
  const known = places.get(key);
  if (known !== undefined) return known;
  const taken = [...places.keys()].filter((other) => other.startsWith(`${kind} `)).length;
  places.set(key, taken);
  return taken;
}

/** The custom property that holds the colour of a place. */
export function colorAt(place: number): string {
  return place < COLORS ? `var(--series-${place})` : "var(--text-3)";
}

export function colorOf(kind: string, name: string): string {
  return colorAt(placeOf(kind, name));
}

/** The colour that a canvas can draw with; follows the theme. */
export function resolved(color: string): string {
  // Reading the signal makes the caller draw again when the theme changes.
  void dark.value;
  const name = /^var\((.+)\)$/.exec(color)?.[1];
  return name ? getComputedStyle(document.documentElement).getPropertyValue(name).trim() : color;
}
