/** CPA's configuration file as a text that stays its author's: only the touched places change. */

import { isMap, isNode, isScalar, parseDocument, stringify, type Document, type YAMLMap } from "yaml";

export type Path = readonly string[];
export type Scalar = string | number | boolean;

export interface Fault {
  readonly line: number;
  readonly text: string;
}

export function read(text: string): Document {
  return parseDocument(text, { prettyErrors: true, uniqueKeys: true });
}

/** What is wrong with a file, and in which line (from 1); null if it can be read. */
export function faultOf(document: Document): Fault | null {
  const error = document.errors[0];
  if (!error) {
    const whole = document.contents;
    return whole === null || isMap(whole) ? null : { line: 1, text: "a mapping of names to values is expected" };
  }
  return { line: error.linePos?.[0].line ?? 1, text: error.message.split("\n")[0]!.replace(/:$/, "") };
}

/** The value at a path; undefined where there is none. */
export function valueAt(document: Document, path: Path): unknown {
  const node: unknown = document.getIn(path, true);
  return isNode(node) ? (node.toJS(document) ?? undefined) : undefined;
}

/** The line (from 1) where a path begins, or its nearest parent that there is. */
export function lineOf(text: string, path: Path): number {
  const document = read(text);
  for (let depth = path.length; depth > 0; depth -= 1) {
    const at = keyOffset(document, path.slice(0, depth));
    if (at !== null) return text.slice(0, at).split("\n").length;
  }
  return 1;
}

function keyOffset(document: Document, path: Path): number | null {
  const parent: unknown = path.length > 1 ? document.getIn(path.slice(0, -1), true) : document.contents;
  if (!isMap(parent)) return null;
  const pair = parent.items.find((item) => isScalar(item.key) && String(item.key.value) === path.at(-1));
  return pair && isScalar(pair.key) ? (pair.key.range?.[0] ?? null) : null;
}

/** How a text writes the value at a path; undefined where there is none. */
export function writtenAt(text: string, path: Path): string | undefined {
  const node: unknown = read(text).getIn(path, true);
  return isScalar(node) && node.range ? text.slice(node.range[0], node.range[1]) : undefined;
}

/** The text with a value at a path, written in a way of one's own or the usual one; comments, unknown names and all other lines stay as they are. */
export function withValue(text: string, path: Path, value: Scalar, written = stringify(value, { lineWidth: 0 }).trimEnd()): string {
  const document = read(text);
  const node: unknown = document.getIn(path, true);
  if (isScalar(node) && node.range && !written.includes("\n")) {
    const [from, to] = node.range;
    const before = text.slice(0, from);
    return `${before}${/[\s]$/.test(before) ? "" : " "}${written}${text.slice(to)}`;
  }
  if (node === undefined || node === null) return added(text, document, path, written);
  document.setIn(path, value);
  return document.toString({ lineWidth: 0 });
}

/** The text without a path whose value is in the same line; all other lines stay as they are. */
export function withoutValue(text: string, path: Path): string {
  const document = read(text);
  const at = keyOffset(document, path);
  if (at === null) return text;
  const parent: unknown = path.length > 1 ? document.getIn(path.slice(0, -1), true) : document.contents;
  if (isMap(parent) && parent.flow === true) {
    document.deleteIn(path);
    return document.toString({ lineWidth: 0 });
  }
  const end = text.indexOf("\n", at);
  return text.slice(0, text.lastIndexOf("\n", at - 1) + 1) + (end < 0 ? "" : text.slice(end + 1));
}

/** A new line behind the last one of the nearest parent that is written as a block. */
function added(text: string, document: Document, path: Path, written: string): string {
  let depth = path.length - 1;
  let parent: unknown = document.contents;
  for (; depth > 0; depth -= 1) {
    parent = document.getIn(path.slice(0, depth), true);
    if (isBlock(parent)) break;
    if (parent !== undefined && parent !== null && !isEmptyScalar(parent)) return rewritten(document, path, written);
    parent = document.contents;
    if (depth > 0 && document.hasIn(path.slice(0, depth))) return rewritten(document, path, written);
  }
  const missing = path.slice(depth);
  const indent = depth > 0 && isBlock(parent) ? " ".repeat(column(text, parent)) : "";
  const lines = missing.map((name, i) => `${indent}${"  ".repeat(i)}${name}:${i === missing.length - 1 ? ` ${written}` : ""}`);
  const at = depth > 0 && isBlock(parent) ? endOf(text, parent) : text.length;
  const before = text.slice(0, at);
  return `${before}${before === "" || before.endsWith("\n") ? "" : "\n"}${lines.join("\n")}\n${text.slice(at)}`;
}

function rewritten(document: Document, path: Path, written: string): string {
  if (!isMap(document.getIn(path.slice(0, -1), true))) document.deleteIn(path.slice(0, -1));
  document.setIn(path, parseDocument(written).toJS());
  return document.toString({ lineWidth: 0 });
}

function isEmptyScalar(node: unknown): boolean {
  return isScalar(node) && node.value === null;
}

function isBlock(node: unknown): node is YAMLMap {
  return isMap(node) && node.flow !== true && node.items.length > 0;
}

function column(text: string, map: YAMLMap): number {
  const from = map.range?.[0] ?? 0;
  return from - (text.lastIndexOf("\n", from - 1) + 1);
}

/** Where the line behind the last entry begins. */
function endOf(text: string, map: YAMLMap): number {
  const last = map.items.at(-1)!;
  const node = (last.value ?? last.key) as { range?: readonly [number, number, number] | null };
  const to = node.range?.[1] ?? map.range?.[1] ?? text.length;
  if (text[to - 1] === "\n") return to;
  const end = text.indexOf("\n", to);
  return end < 0 ? text.length : end + 1;
}

export interface Token {
  readonly kind: "" | "key" | "string" | "value" | "comment";
  readonly text: string;
}

const LINE = /^(\s*(?:- +)*)(?:("(?:[^"\\]|\\.)*"|'[^']*'|[^\s#"'[\]{},&*!|>%@`-][^#:]*?|-[^\s:#][^#:]*?)(\s*:)(?=\s|$))?(.*)$/;

/** The parts of a line, to be coloured. It knows nothing of other lines, and need not. */
export function tokens(line: string): readonly Token[] {
  const [, lead = "", key, colon = "", rest = ""] = LINE.exec(line) ?? [];
  const found: Token[] = [{ kind: "", text: lead }];
  if (key) found.push({ kind: "key", text: key }, { kind: "", text: colon });
  const comment = /(^|\s)#/.exec(outsideQuotes(rest));
  const at = comment ? comment.index + comment[1]!.length : rest.length;
  const value = rest.slice(0, at);
  const plain = /^(true|false|null|~|yes|no|on|off|[-+]?[\d.]+)$/i.test(value.trim());
  found.push({ kind: plain ? "value" : "string", text: value }, { kind: "comment", text: rest.slice(at) });
  return found.filter(({ text }) => text !== "");
}

/** As long as the text, with what is quoted blanked out. */
function outsideQuotes(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|'[^']*'/g, (quoted) => "_".repeat(quoted.length));
}
