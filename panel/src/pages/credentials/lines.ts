/** Headers, aliases and names as lines of text, and back. */

/** `Name: value` a line; what has no colon has no value. */
export function headerLines(text: string): Readonly<Record<string, string>> {
  const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
  return Object.fromEntries(lines.map((line) => [line.split(":", 1)[0]!.trim(), line.includes(":") ? line.slice(line.indexOf(":") + 1).trim() : ""]));
}

export function linesOf(headers: unknown): string {
  const pairs = Object.entries((headers ?? {}) as Readonly<Record<string, unknown>>);
  return pairs.map(([name, value]) => `${name}: ${String(value)}`).join("\n");
}

export interface Alias {
  readonly name: string;
  readonly alias: string;
  readonly [more: string]: unknown;
}

export function aliasLines(aliases: readonly Alias[]): string {
  return aliases.map(({ name, alias }) => `${name} = ${alias}`).join("\n");
}

/** Aliases of lines `name = alias`; what else there was of a pair stays. */
export function aliasesOf(lines: string, before: readonly Alias[]): readonly Alias[] {
  const pairs = lines.split("\n").map((line) => line.split("=").map((part) => part.trim()));
  return pairs.flatMap(([name, alias]) => (name && alias ? [{ ...before.find((one) => one.name === name && one.alias === alias), name, alias }] : []));
}

export function linesIn(text: string): readonly string[] {
  return text.split("\n").map((line) => line.trim()).filter(Boolean);
}
