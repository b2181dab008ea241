// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import type { EventRow, Events } from "../src/api/analytics";
import { ApiError } from "../src/api/client";
import { matchLanguage } from "../src/i18n/language";
import { knownCost } from "../src/pages/figures";
import { onTop, speedOf } from "../src/pages/monitor/events";
import { isPrice, priceOf, priceTyped, typedOf } from "../src/pages/prices/read";
import { setupBody, stepOfError, stepsOf } from "../src/pages/setup";
import { fileName } from "../src/ui/saving";

const event = (name: string, more: object = {}) => ({ event_hash: name, ...more }) as EventRow;
const page = (names: string, more = true): Events => ({
  items: [...names].map((name) => event(name)),
  next_before_ms: 7,
  next_before_id: 8,
  has_more: more,
  total_count: 99,
});
const names = (rows: readonly EventRow[]) => rows.map((row) => row.event_hash).join("");

describe("a new first page of requests", () => {
  const cursor = { before_ms: 1, before_id: 2 };
  it("goes before the rows that are there", () => {
    const held = onTop(page("edc"), { rows: page("dcba").items, cursor });
    expect(names(held.rows)).toBe("edcba");
    expect(held.cursor).toBe(cursor);
  });
  it("drops rows that it does not reach", () => {
    const held = onTop(page("zyx"), { rows: page("dcba").items, cursor });
    expect(names(held.rows)).toBe("zyx");
    expect(held.cursor).toEqual({ before_ms: 7, before_id: 8 });
  });
  it("is all there is where nothing was", () => {
    expect(onTop(page("", false), { rows: [], cursor: null })).toEqual({ rows: [], cursor: null });
  });
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
