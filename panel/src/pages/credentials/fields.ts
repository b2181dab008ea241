/** Headers as lines of text, and back. */

/** `Name: value` a line; what has no colon has no value. */
export function headerLines(text: string): Readonly<Record<string, string>> {
  const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
  return Object.fromEntries(lines.map((line) => [line.split(":", 1)[0]!.trim(), line.includes(":") ? line.slice(line.indexOf(":") + 1).trim() : ""]));
}

export function linesOf(headers: unknown): string {
  const pairs = Object.entries((headers ?? {}) as Readonly<Record<string, unknown>>);
  return pairs.map(([name, value]) => `${name}: ${String(value)}`).join("\n");
}
