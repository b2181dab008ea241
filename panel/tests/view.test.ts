// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import { carried, rangeOf, searchOf, searchQuery, viewOf } from "../src/filters/view";
import type { CpaParts } from "../src/api/bootstrap";
import { keyName } from "../src/state/names";
import { hashOf, joined, parse, valuesOf } from "../src/state/router";
import { cpa } from "../src/state/session";
import { sha256 } from "../src/text/sha256";
import { DAY, HOUR } from "../src/text/ranges";

const NOW = new Date(2026, 4, 10, 12).getTime();

describe("addresses of pages", () => {
  it.each([
    ["", "/", {}],
    ["#/", "/", {}],
    ["#/dashboard", "/", {}],
    ["#/monitoring/?tab=accounts", "/monitoring", { tab: "accounts" }],
    ["#/monitoring/model-prices", "/model-prices", {}],
    ["#/settings", "/config", {}],
    ["#/codex-inspection/server", "/accounts", { view: "health", healthMode: "server" }],
    ["#/plugin-store/x", "/plugins", { tab: "store" }],
    ["#/monitoring?model=a%26b%3Fc", "/monitoring", { model: "a&b?c" }],
  ])("%s leads to %s", (hash, path, query) => expect(parse(hash)).toEqual({ path, query }));
  it("go there and back, without what is empty", () => {
    const query = { model: "x/y (high) #1?&=", search: "", row: null };
    expect(parse(hashOf("/monitoring", query))).toEqual({ path: "/monitoring", query: { model: query.model } });
  });
});

describe("several values of a name", () => {
  const query = { model: joined(["a,b", "c"]), tab: "x" };
  it("stand in the address one after the other", () => {
    const hash = hashOf("/monitoring", query);
    expect(hash).toBe("#/monitoring?model=a%2Cb&model=c&tab=x");
    expect(parse(hash).query).toEqual(query);
    expect(valuesOf(query.model)).toEqual(["a,b", "c"]);
  });
  it("are none where there is no such name", () => expect([valuesOf(undefined), valuesOf("")]).toEqual([[], []]));
});

describe("the range of an address", () => {
  it.each([
    [{}, "24h", null],
    [{ time_range: "7d" }, "7d", null],
    [{ time_range: "never" }, "24h", null],
    [{ time_range: "custom" }, "24h", null],
    [{ from_ms: "5", to_ms: "9" }, "custom", { from: 5, to: 9 }],
    [{ from_ms: "9", to_ms: "5" }, "24h", null],
    [{ time_range: "today", from_ms: "5", to_ms: "9" }, "today", null],
  ])("%o is %s", (query: Record<string, string>, name, custom) => {
    expect(viewOf(query, "24h")).toMatchObject({ name, custom });
  });
  it("is cut as was asked, or as fits its length", () => {
    expect(rangeOf(viewOf({}, "24h"), NOW)).toEqual({ range: { from: NOW - DAY, to: NOW }, granularity: "hour" });
    expect(rangeOf(viewOf({ time_range: "30d" }, "24h"), NOW).granularity).toBe("day");
    expect(rangeOf(viewOf({ time_range: "30d", granularity: "hour" }, "24h"), NOW).granularity).toBe("hour");
    expect(rangeOf(viewOf({ from_ms: "1", to_ms: String(1 + 8 * DAY + HOUR) }, "24h"), NOW).granularity).toBe("day");
  });
});

describe("the filters of an address", () => {
  it.each([
    [{}, {}],
    [{ model: "m" }, { models: ["m"] }],
    [{ api_key_hash: "h", provider: "p", account: "a" }, { api_key_hashes: ["h"], providers: ["p"], accounts: ["a"] }],
    [{ auth_index: "i", credential: "c" }, { auth_indices: ["i"], credential_ids: ["c"] }],
    [{ account: "account:a,b" }, { accounts: ["a,b"] }],
    [{ account: "auth:i,j", auth_index: "k" }, { auth_indices: ["i", "j", "k"] }],
    [{ account: "source:s" }, { source_hashes: ["s"] }],
    [{ account: "api-key:h,i" }, { api_key_hashes: ["h", "i"] }],
    [{ account: "other:a" }, { accounts: ["other:a"] }],
    [parse("#/?model=a,b&model=c").query, { models: ["a,b", "c"] }],
    [{ status: "failed" }, { failed_only: true }],
    [{ status: "success" }, { include_failed: false }],
    [{ status: "all" }, {}],
    [{ min_latency_ms: "3000", cache_status: "hit" }, { min_latency_ms: 3000, cache_status: "hit" }],
    [{ min_latency_ms: "-1" }, {}],
  ])("%o ask for %o", (query: Record<string, string>, filters) => expect(viewOf(query, "24h").filters).toEqual(filters));
  it("are taken along to another page, and nothing else is", () => {
    const query = { tab: "models", row: "x", model: "m" };
    expect(carried(query, viewOf(query, "24h"))).toEqual({ model: "m", time_range: "24h" });
    const custom = { ...query, from_ms: "5", to_ms: "9" };
    expect(carried(custom, viewOf(custom, "24h"))).toEqual({ model: "m", from_ms: 5, to_ms: 9 });
  });
});

describe("a search", () => {
  const key = "sk-0123456789abcdefghij";
  it("for a key is one for its hash, in the address too", () => {
    expect(searchQuery(` ${key} `)).toEqual({ search: "", search_hash: sha256(key) });
    expect(searchOf(viewOf({ search_hash: sha256(key) }, "24h"))).toEqual({ search: "", searchHash: sha256(key) });
  });
  it("for a key of CPA's that looks like any text is one for its hash", () => {
    const odd = "team-key-abcdefghijkl";
    const part = { data: { [sha256(odd)]: "te******kl" } };
    cpa.value = { clientKeys: part } as unknown as CpaParts;
    expect(searchQuery(odd)).toEqual({ search: "", search_hash: sha256(odd) });
    expect(searchOf(viewOf({ search: odd }, "24h"))).toEqual({ search: "", searchHash: sha256(odd) });
    expect(keyName(sha256(odd))).toBe("te******kl");
    cpa.value = null;
    expect(keyName(sha256(odd))).toMatch(/^sha256:/);
  });
  it("for a text may find a key that is that text", () => {
    expect(searchQuery("sk-short")).toEqual({ search: "sk-short", search_hash: "" });
    expect(searchOf(viewOf({ search: "abc" }, "24h"))).toEqual({ search: "abc", searchHash: sha256("abc") });
    expect(searchOf(viewOf({}, "24h"))).toEqual({ search: "", searchHash: "" });
  });
});
