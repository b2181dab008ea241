import { describe, expect, it } from "vitest";
import { entryOf, equal, isOff, isSame, keysOf, switched, valuesOf } from "../src/pages/providers/entries";
import { KINDS, type Entry } from "../src/pages/providers/kinds";

const kind = (id: string) => KINDS.find((one) => one.id === id)!;
const CLAUDE: Entry = {
  "api-key": "sk-ant-0001",
  "base-url": "https://a.example",
  priority: 3,
  headers: { "X-One": "1" },
  models: [{ name: "m-1", alias: "one", fork: true }, { name: "m-2", alias: "m-2" }],
  "excluded-models": ["old"],
  cloak: { mode: "auto", "strict-mode": true, "sensitive-words": ["w"] },
  "request-retry": 2,
};
const OPENAI: Entry = { name: "Router", "base-url": "https://b.example/v1", "api-key-entries": [{ "api-key": "k1", weight: 2 }, { "api-key": "k2" }] };

describe("a form", () => {
  it.each([["claude", CLAUDE], ["openai", OPENAI], ["gemini", { "api-key": "k" }], ["codex", { "api-key": "k", "base-url": "https://c.example", websockets: true, "disable-cooling": true }]] as const)("of %s changes nothing by itself", (id, entry) => {
    expect(entryOf(kind(id), entry, valuesOf(entry), keysOf(entry))).toEqual(entry);
  });
  it("never holds a key", () => {
    for (const entry of [CLAUDE, OPENAI]) expect(Object.values(valuesOf(entry)).join()).not.toMatch(/sk-ant|k1|k2/);
  });
  it("keeps what it does not show, and the rest of a model", () => {
    const values = { ...valuesOf(CLAUDE), models: "m-1 = uno\nm-3" };
    const entry = entryOf(kind("claude"), CLAUDE, values, []);
    expect(entry["request-retry"]).toBe(2);
    expect(entry["models"]).toEqual([{ name: "m-1", alias: "uno", fork: true }, { name: "m-3", alias: "m-3" }]);
  });
  it("takes keys away and adds others", () => {
    const entry = entryOf(kind("openai"), OPENAI, { ...valuesOf(OPENAI), keys: "k3\n" }, ["k1"]);
    expect(entry["api-key-entries"]).toEqual([{ "api-key": "k1", weight: 2 }, { "api-key": "k3" }]);
  });
  it("empties fields", () => {
    const values = { ...valuesOf(CLAUDE), priority: "", headers: "", "excluded-models": "", "cloak-mode": "", "cloak-words": "" };
    const entry = entryOf(kind("claude"), CLAUDE, values, []);
    for (const name of ["priority", "headers", "excluded-models", "cloak"]) expect(entry).not.toHaveProperty(name);
  });
});

describe("a switch", () => {
  it.each([["claude", CLAUDE], ["openai", OPENAI]] as const)("of %s goes there and back", (id, entry) => {
    const off = switched(kind(id), entry, true);
    expect([isOff(kind(id), entry), isOff(kind(id), off)]).toEqual([false, true]);
    expect(isOff(kind(id), switched(kind(id), off, false))).toBe(false);
  });
  it("stays where it is when the form is saved", () => {
    const off = switched(kind("claude"), CLAUDE, true);
    expect(entryOf(kind("claude"), off, valuesOf(off), [])).toEqual(off);
  });
});

it("entries are the same by key and address", () => {
  expect(isSame(kind("claude"), CLAUDE, { "api-key": "sk-ant-0001", "base-url": "https://a.example" })).toBe(true);
  expect(isSame(kind("claude"), CLAUDE, { "api-key": "sk-ant-0001" })).toBe(false);
  expect(isSame(kind("openai"), OPENAI, { name: "Router" })).toBe(true);
});

it("entries are equal whatever the order of their members", () => {
  expect(equal({ a: 1, b: { c: 1, d: 2 }, "auth-index": "x" }, { b: { d: 2, c: 1 }, a: 1 })).toBe(true);
  expect(equal({ a: [1, 2] }, { a: [2, 1] })).toBe(false);
});
