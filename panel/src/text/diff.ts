/** What has changed between two texts, line by line. */

export interface Line {
  readonly kind: " " | "+" | "-";
  readonly text: string;
}

export interface Hunk {
  /** Line numbers, from 1, in the old and the new text. */
  readonly from: number;
  readonly to: number;
  readonly lines: readonly Line[];
}

// A table of so many cells is made at once; a larger change is told as a whole.
const MOST_CELLS = 4_000_000;

/** All lines of both texts, with as many in common as there can be. */
export function diff(before: string, after: string): readonly Line[] {
  const [a, b] = [split(before), split(after)];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const same = (text: string): Line => ({ kind: " ", text });
  return [
    ...a.slice(0, start).map(same),
    ...between(a.slice(start, a.length - end), b.slice(start, b.length - end)),
    ...a.slice(a.length - end).map(same),
  ];
}

function split(text: string): string[] {
  return text === "" ? [] : text.replace(/\n$/, "").split("\n");
}

function between(a: readonly string[], b: readonly string[]): Line[] {
  const width = b.length + 1;
  if ((a.length + 1) * width > MOST_CELLS) {
    return [...a.map((text): Line => ({ kind: "-", text })), ...b.map((text): Line => ({ kind: "+", text }))];
  }
  // How many lines the rests behind each pair of places have in common.
  const common = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      common[i * width + j] = a[i] === b[j] ? common[(i + 1) * width + j + 1]! + 1 : Math.max(common[(i + 1) * width + j]!, common[i * width + j + 1]!);
    }
  }
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ kind: " ", text: a[i]! });
      i += 1;
      j += 1;
    } else if (j >= b.length || (i < a.length && common[(i + 1) * width + j]! >= common[i * width + j + 1]!)) {
      lines.push({ kind: "-", text: a[i]! });
      i += 1;
    } else {
      lines.push({ kind: "+", text: b[j]! });
      j += 1;
    }
  }
  return lines;
}

/** The changed places, each with a few lines around it. */
export function hunks(lines: readonly Line[], around = 3): readonly Hunk[] {
  const kept = lines.map((_, at) => lines.slice(Math.max(0, at - around), at + around + 1).some(({ kind }) => kind !== " "));
  const found: { from: number; to: number; lines: Line[] }[] = [];
  let [from, to] = [1, 1];
  lines.forEach((line, at) => {
    if (kept[at]) {
      if (!kept[at - 1]) found.push({ from, to, lines: [] });
      found.at(-1)!.lines.push(line);
    }
    if (line.kind !== "+") from += 1;
    if (line.kind !== "-") to += 1;
  });
  return found;
}
