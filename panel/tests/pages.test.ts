// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import type { EventRow } from "../src/api/analytics";
import { ApiError } from "../src/api/client";
import { matchLanguage } from "../src/i18n/language";
import { knownCost } from "../src/pages/figures";
import { countOf, heldOf, missing, newer, PAGE_ROWS, rowAt, speedOf, withPage, type Shown } from "../src/pages/monitor/events";
import { isPrice, priceOf, priceTyped, typedOf } from "../src/pages/prices/read";
import { checksOf, setupBody, stepOfError, stepsOf } from "../src/pages/setup";
import { sortOf } from "../src/ui/table";
import { fileName } from "../src/ui/saving";

const event = (name: string, more: object = {}) => ({ event_hash: name, ...more }) as EventRow;
const rows = (names: string) => [...names].map((name) => event(name));
const shown = (names: string, total: number) => ({ answer: { events: { items: rows(names), total_count: total } } }) as unknown as Shown;

describe("the rows of requests", () => {
  const held = heldOf("view", shown("abc", 5_000));
  it("are here a page at a time", () => {
    expect(countOf(held)).toBe(5_000);
    expect(rowAt(held, 1)?.event_hash).toBe("b");
    expect(rowAt(held, PAGE_ROWS)).toBeNull();
    expect(rowAt(withPage(held, 1, rows("x")), PAGE_ROWS)?.event_hash).toBe("x");
  });
  it.each([
    [0, 40, null],
    [PAGE_ROWS - 5, PAGE_ROWS + 5, 1],
    [4_990, 6_000, 24],
    [5_000, 6_000, null],
  ])("lack for places %i to %i the page %s", (first, last, page) => expect(missing(held, first, last)).toBe(page));
  it("are let go where nobody looks any more", () => {
    const read = Array.from({ length: 25 }, (_, page) => page).reduce((all, page) => withPage(all, page, rows("x")), held);
    expect([...read.pages.keys()].sort((a, b) => a - b)).toEqual([0, 16, 17, 18, 19, 20, 21, 22, 23, 24]);
  });
  it.each([
    ["xyabc", 2],
    ["abc", 0],
    ["xyz", 3],
  ])("have before them of %s: %i", (names, count) => expect(newer(shown(names, 9), held)).toBe(count));
});

describe("tokens a second", () => {
  it.each([
    [{ latency_ms: 2000, output_tokens: 100 }, 50],
    [{ latency_ms: 99, output_tokens: 100 }, null],
    [{ latency_ms: null, output_tokens: 100 }, null],
    [{ latency_ms: 2000, output_tokens: 0 }, null],
  ])("of %o are %s", (row, speed) => expect(speedOf(event("x", row))).toBe(speed));
});

describe("a cost", () => {
  it.each([
    [{ cost: 1.5, unpriced: 0, calls: 2 }, 1.5],
    [{ cost: 1.5, unpriced: 1, calls: 2 }, 1.5],
    [{ cost: 0, unpriced: 2, calls: 2 }, null],
    [{ cost: 0, unpriced: 0, calls: 0 }, 0],
  ])("of %o is %s", (row, cost) => expect(knownCost(row)).toBe(cost));
});

describe("a price that is typed", () => {
  it.each([
    ["", true],
    [" 2.5 ", true],
    ["0", true],
    [".5", true],
    ["-1", false],
    ["1e3", false],
    ["1,5", false],
    ["Infinity", false],
  ])("%s is one: %s", (text, fine) => expect(isPrice(text)).toBe(fine));
  it("tells what is not set from 0", () => {
    const price = priceTyped({ prompt: "2", completion: "0", cache: "", cacheRead: "", cacheCreation: "3" });
    expect(price).toMatchObject({ prompt: 2, completion: 0, completionConfigured: true, cache: 2, cacheReadConfigured: false, source: "manual" });
    expect(priceOf(price, "completion")).toBe(0);
    expect(priceOf(price, "cacheRead")).toBeNull();
    expect(typedOf(price)).toEqual({ prompt: "2", completion: "0", cache: "2", cacheRead: "", cacheCreation: "3" });
  });
});

describe("the wizard", () => {
  const values = { adminKey: "a", cpaUrl: "cpa:8317/", cpaKey: " k ", monitoring: true, mode: "auto", poll: "500", remember: false };
  it("asks less without monitoring, and sends less", () => {
    expect(stepsOf(true)).toHaveLength(7);
    expect(stepsOf(false)).toHaveLength(5);
    expect(setupBody(values)).toEqual({ cpaBaseUrl: "http://cpa:8317", cpaManagementKey: "k", requestMonitoringEnabled: true, ensureUsageStatisticsEnabled: true, collectorMode: "auto", pollIntervalMs: 500 });
    expect(setupBody({ ...values, monitoring: false })).not.toHaveProperty("pollIntervalMs");
  });
  it.each([
    ["invalid_admin_key", "", "admin-key"],
    ["cpa_connection_required", "", "cpa-url"],
    ["management_api_validation_failed", "CPA answered 401", "cpa-key"],
    ["management_api_validation_failed", "refused", "cpa-url"],
    ["enable_cpa_usage_statistics_failed", "", "monitoring"],
    ["poll_interval_exceeds_retention", "", "poll-interval"],
    ["setup_env_managed", "", null],
  ])("goes for %s (%s) to %s", (code, detail, step) => expect(stepOfError(new ApiError(code, 400, detail))).toBe(step));
});

describe("the checks of the wizard", () => {
  const retention = new ApiError("poll_interval_exceeds_retention", 400, "");
  it.each([
    ["none was made", 0, null, true, "open open open open open"],
    ["the trial went well", 2, null, true, "passed passed open open open"],
    ["CPA does not answer", 0, new ApiError("cpa_unreachable", 502, ""), true, "failed open open open open"],
    ["records are kept too short", 2, retention, true, "passed passed failed open open"],
    ["the admin key is wrong", 0, new ApiError("invalid_admin_key", 401, ""), true, "open open open open open"],
    ["all went well", 5, null, true, "passed passed passed passed passed"],
    ["nothing is monitored", 2, null, false, "passed passed open"],
  ])("tell how it went: %s", (_, made, error, monitoring, expected) => {
    expect(checksOf(made, error, monitoring).map(([, verdict]) => verdict).join(" ")).toBe(expected);
  });
});

describe("the language of a browser", () => {
  it.each([
    [["de", "ru-RU", "en"], "ru"],
    [["zh-Hant-HK"], "zh-TW"],
    [["zh-TW"], "zh-TW"],
    [["zh"], "zh-CN"],
    [["fr"], "en"],
    [[], "en"],
  ])("%o is %s", (asked, found) => expect(matchLanguage(asked)).toBe(found));
});

describe("the name of a download", () => {
  it.each([
    [null, "x.jsonl"],
    ['attachment; filename="a b.jsonl"', "a b.jsonl"],
    ["attachment; filename=a.jsonl", "a.jsonl"],
    ["attachment; filename=\"a\"; filename*=UTF-8''%D1%84.jsonl", "ф.jsonl"],
    ["attachment; filename*=UTF-8''%E0%A4%A; filename=a.jsonl", "a.jsonl"],
  ])("of %s is %s", (header, name) => expect(fileName(header, "x.jsonl")).toBe(name));
});

describe("the sort of a table in the address", () => {
  it.each([
    [undefined, null],
    ["", null],
    ["cost", { column: "cost", down: false }],
    ["-cost", { column: "cost", down: true }],
  ])("%s", (text, expected) => expect(sortOf(text)).toEqual(expected));
});
