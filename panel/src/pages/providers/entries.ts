/** Entries of providers: found, switched, and turned into the texts of a form and back. */

import type { Values } from "../../ui/form";
import { headerLines, linesOf } from "../credentials/lines";
import { isOpenai, type Entry, type Kind } from "./kinds";

export const text = (value: unknown): string => (typeof value === "string" ? value : "");
export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const fields = (value: unknown): Entry => (value !== null && typeof value === "object" ? (value as Entry) : {});

/** All keys of an entry; only some kinds have more than one. */
export function keysOf(entry: Entry): readonly string[] {
  const own = text(entry["api-key"]);
  return own ? [own] : list(entry["api-key-entries"]).map((item) => text(fields(item)["api-key"])).filter(Boolean);
}

export function modelsOf(entry: Entry): readonly string[] {
  return list(entry["models"]).map((model) => text(fields(model)["name"])).filter(Boolean);
}

/** Whether two entries are of one credential: positions in a list mean nothing. */
export function isSame(kind: Kind, a: Entry, b: Entry): boolean {
  if (isOpenai(kind)) return text(a["name"]) === text(b["name"]);
  return text(a["api-key"]) === text(b["api-key"]) && text(a["base-url"]) === text(b["base-url"]);
}

const ALL_MODELS = "*";

export function isOff(kind: Kind, entry: Entry): boolean {
  return isOpenai(kind) ? entry["disabled"] === true : list(entry["excluded-models"]).includes(ALL_MODELS);
}

/** The entry, on or off. */
export function switched(kind: Kind, entry: Entry, off: boolean): Entry {
  if (isOpenai(kind)) return { ...entry, disabled: off };
  const others = list(entry["excluded-models"]).filter((name) => name !== ALL_MODELS);
  return { ...entry, "excluded-models": off ? [...others, ALL_MODELS] : others };
}

/** What CPA adds to an entry when it is asked, and does not take back. */
export function bare(entry: Entry): Entry {
  const { "auth-index": _, ...rest } = entry;
  return rest;
}

export function equal(a: Entry, b: Entry): boolean {
  return canonical(bare(a)) === canonical(bare(b));
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (part !== null && typeof part === "object" && !Array.isArray(part) ? Object.fromEntries(Object.entries(part).sort(([x], [y]) => (x < y ? -1 : 1))) : part));
}

// -- forms --------------------------------------------------------------------------------------

const TEXTS = ["name", "base-url", "prefix", "proxy-url"] as const;
const NUMBERS = ["priority", "weight"] as const;

/** `name` or `name = alias`, a line each. */
function modelLines(entry: Entry): string {
  return list(entry["models"])
    .map(fields)
    .map((model) => (text(model["alias"]) && model["alias"] !== model["name"] ? `${text(model["name"])} = ${text(model["alias"])}` : text(model["name"])))
    .join("\n");
}

function modelEntries(lines: string, before: Entry): readonly Entry[] {
  const known = list(before["models"]).map(fields);
  return split(lines).map((line) => {
    const [name = "", alias = ""] = line.split("=").map((part) => part.trim());
    return { ...known.find((model) => model["name"] === name), name, alias: alias || name };
  });
}

function split(lines: string): readonly string[] {
  return lines.split("\n").map((line) => line.trim()).filter(Boolean);
}

/** The texts of a form. Keys are not among them: an empty field keeps what there is. */
export function valuesOf(entry: Entry): Values {
  const cloak = fields(entry["cloak"]);
  const cooling = entry["disable-cooling"];
  return {
    ...Object.fromEntries(TEXTS.map((name) => [name, text(entry[name])])),
    ...Object.fromEntries(NUMBERS.map((name) => [name, typeof entry[name] === "number" ? String(entry[name]) : ""])),
    "api-key": "",
    keys: "",
    headers: linesOf(entry["headers"]),
    models: modelLines(entry),
    "excluded-models": list(entry["excluded-models"]).filter((name) => name !== ALL_MODELS).join("\n"),
    websockets: entry["websockets"] === true ? "true" : "",
    "disable-cooling": typeof cooling === "boolean" ? String(cooling) : "",
    "cloak-mode": text(cloak["mode"]),
    "cloak-strict": cloak["strict-mode"] === true ? "true" : "",
    "cloak-words": list(cloak["sensitive-words"]).join("\n"),
  };
}

/** The entry that a form stands for. `kept`: which of the keys that were there stay. */
export function entryOf(kind: Kind, before: Entry, values: Values, kept: readonly string[]): Entry {
  const entry: Record<string, unknown> = { ...bare(before) };
  const set = (name: string, value: unknown, empty: boolean) => {
    if (empty) delete entry[name];
    else entry[name] = value;
  };
  const of = (name: string) => (values[name] ?? "").trim();
  for (const name of TEXTS) set(name, of(name), of(name) === "" && !(name in before));
  for (const name of NUMBERS) set(name, Number(of(name)), of(name) === "");
  const headers = headerLines(of("headers"));
  set("headers", headers, Object.keys(headers).length === 0);
  set("models", modelEntries(of("models"), before), of("models") === "");
  set("disable-cooling", of("disable-cooling") === "true", of("disable-cooling") === "");
  if (isOpenai(kind)) {
    const old = list(before["api-key-entries"]).map(fields).filter((item) => kept.includes(text(item["api-key"])));
    entry["api-key-entries"] = [...old, ...split(of("keys")).map((key) => ({ "api-key": key }))];
    return entry;
  }
  delete entry["name"];
  if (of("api-key")) entry["api-key"] = of("api-key");
  const excluded = [...split(of("excluded-models")), ...(isOff(kind, before) ? [ALL_MODELS] : [])];
  set("excluded-models", excluded, excluded.length === 0);
  if (kind.extras.includes("websockets")) set("websockets", true, of("websockets") === "");
  if (kind.extras.includes("cloak")) {
    const words = split(of("cloak-words"));
    set("cloak", { mode: of("cloak-mode"), "strict-mode": of("cloak-strict") === "true", "sensitive-words": words }, of("cloak-mode") === "" && words.length === 0);
  }
  return entry;
}
