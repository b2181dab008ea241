import { describe, expect, it } from "vitest";
import type { AuthFile } from "../src/api/authfile";
import type { History } from "../src/api/manager";
import { candidateOf, problemOf } from "../src/pages/credentials/candidate";
import { aliasesOf, aliasLines, headerLines, linesOf } from "../src/pages/credentials/lines";
import { leftOf, merge, ofClaude, ofCodex, ofHeaders, ofSnapshots, windowName, type Window } from "../src/pages/credentials/quota";
import { byNeed, isIn, keyed, matches, outcomes, recent, rowOf, stateOf } from "../src/pages/credentials/state";

const NOTHING = { refused: 0, rests: 0, complaint: "" };
const NOW = Date.parse("2026-08-22T12:00:00Z");
const file = (more: Partial<AuthFile> = {}): AuthFile => ({ id: "a.json", name: "a.json", provider: "codex", status: "active", ...more });
const window = (more: Partial<Window> = {}): Window => ({ id: "weekly", seconds: 604_800, usedPercent: 40, resetAtMs: NOW + 1000, seenAtMs: NOW, source: "header", ...more });

describe("the state of a credential", () => {
  const cases: readonly [string, Partial<AuthFile>, number, string][] = [
    ["active", {}, 0, "ready"],
    ["disabled", { disabled: true, status: "error" }, 0, "disabled"],
    ["error", { status: "error", status_message: "unauthorized" }, 0, "problem"],
    ["error with a time to come", { status: "error", next_retry_after: "2026-08-22T13:00:00Z" }, 0, "cooling"],
    ["error whose time has passed", { status: "error", next_retry_after: "2026-08-22T11:00:00Z" }, 0, "problem"],
    ["exhausted without a time", { status: "error", status_message: "quota exhausted" }, 0, "cooling"],
    ["refused by the provider", {}, NOW + 1, "cooling"],
    ["refreshing", { status: "refreshing" }, 0, "pending"],
    ["nothing but failures", { recent_requests: [{ time: "", success: 0, failed: 5 }] }, 0, "problem"],
    ["few failures", { recent_requests: [{ time: "", success: 0, failed: 4 }] }, 0, "ready"],
    ["failures among successes", { recent_requests: [{ time: "", success: 1, failed: 50 }] }, 0, "ready"],
  ];
  it.each(cases)("%s", (_name, more, recover, state) => {
    expect(stateOf(file(more), NOW, { ...NOTHING, refused: recover }).state).toBe(state);
  });
  it("disabled to rest", () => {
    expect(stateOf(file({ disabled: true }), NOW, { ...NOTHING, rests: NOW + 1 })).toMatchObject({ state: "cooling", backAtMs: NOW + 1 });
    expect(stateOf(file({ disabled: true }), NOW, { ...NOTHING, rests: NOW }).state).toBe("disabled");
  });
});

describe("rows", () => {
  it("keep credentials of one file apart", () => {
    const files = [file(), file({ id: "1", name: "p.json" }), file({ id: "2", name: "p.json" })];
    expect(keyed(files).map(([key]) => key)).toEqual(["a.json", "p.json::1", "p.json::2"]);
  });
  it("have the least that is left of their main windows", () => {
    const row = rowOf("a", file(), [window(), window({ id: "five-hour", usedPercent: 90 }), window({ id: "spark-weekly", usedPercent: 99 })], NOW);
    expect(row.left).toBe(10);
    expect(isIn("low", row)).toBe(true);
  });
  it("are not ready with a window that is used up, or a complaint", () => {
    const state = (windows: readonly Window[], complaint = "") => rowOf("a", file(), windows, NOW, { ...NOTHING, complaint });
    expect(state([window({ usedPercent: 100 })])).toMatchObject({ state: "cooling", backAtMs: NOW + 1000 });
    expect(state([window({ usedPercent: 100, resetAtMs: NOW })]).state).toBe("ready");
    expect(state([window({ id: "spark-weekly", usedPercent: 100 })]).state).toBe("ready");
    expect(state([], "revoked")).toMatchObject({ state: "problem", reason: "revoked" });
  });
  it("are filtered by all that is wanted", () => {
    const row = rowOf("a", file({ email: "Alice@example.com" }), [window()], NOW);
    const wanted = { search: "alice", provider: "codex", status: "ready" as const, quota: "ge50", plan: "" };
    expect(matches(row, wanted)).toBe(true);
    for (const other of [{ search: "bob" }, { provider: "xai" }, { status: "cooling" as const }, { quota: "lt20" }, { plan: "plus" }]) {
      expect(matches(row, { ...wanted, ...other })).toBe(false);
    }
  });
  it("begin with what is broken", () => {
    const states = [file(), file({ status: "error" }), file({ disabled: true }), file({ status: "pending" })].map((one, at) => rowOf(String(at), one, [], NOW));
    expect([...states].sort(byNeed).map((row) => row.state)).toEqual(["problem", "pending", "ready", "disabled"]);
  });
});

describe("quota windows", () => {
  it("are read from headers", () => {
    const metadata = { quota: { primary: { used_percent: 41, window_minutes: 300, reset_after_seconds: 60 }, secondary: { used_percent: 5, window_minutes: 10_080, reset_at_ms: NOW } } };
    expect(ofHeaders(metadata, NOW).map(({ id, usedPercent, resetAtMs }) => [id, usedPercent, resetAtMs])).toEqual([
      ["five-hour", 41, NOW + 60_000],
      ["weekly", 5, NOW],
    ]);
    expect(ofHeaders({ quota: { primary: { used_percent: 3 } } }, NOW)).toEqual([]);
  });
  it("are read from Codex's answer", () => {
    const answer = { rate_limit: { limit_reached: true, primary_window: { limit_window_seconds: 18_000, reset_at: 1_787_390_345 }, secondary_window: { used_percent: "18%", limit_window_seconds: 604_800, reset_after_seconds: 60 } } };
    expect(ofCodex(answer, NOW).map(({ id, usedPercent }) => [id, usedPercent])).toEqual([["five-hour", 100], ["weekly", 18]]);
  });
  it("are read from Claude's answer", () => {
    const answer = { five_hour: { utilization: 12, resets_at: "2026-08-22T13:00:00Z" }, seven_day_opus: { utilization: 3, resets_at: null }, extra: { is_enabled: false } };
    expect(ofClaude(answer, NOW).map(({ id, usedPercent, resetAtMs }) => [id, usedPercent, resetAtMs])).toEqual([["five-hour", 12, NOW + 3_600_000], ["seven-day-opus", 3, null]]);
  });
  it("are read from what the Manager keeps", () => {
    const kept = [{ provider_window_id: "seven-day", duration_seconds: 604_800, used_percent: 3, cycle_end_ms: NOW + 5, observed_at_ms: NOW }, { provider_window_id: "five-hour" }];
    expect(ofSnapshots(kept)).toMatchObject([
      { id: "seven-day", seconds: 604_800, usedPercent: 3, resetAtMs: NOW + 5, seenAtMs: NOW },
      { id: "five-hour", seconds: null, usedPercent: null, resetAtMs: null },
    ]);
    expect(ofSnapshots(null)).toEqual([]);
  });
  it("have their newest figures", () => {
    const merged = merge([window({ usedPercent: 1, seenAtMs: NOW })], [window({ usedPercent: 2, seenAtMs: NOW - 1 }), window({ id: "five-hour", seconds: 18_000 })]);
    expect(merged.map(({ id, usedPercent }) => [id, usedPercent])).toEqual([["five-hour", 40], ["weekly", 1]]);
  });
  it("that have come back say nothing any more", () => {
    expect(leftOf(window(), NOW)).toBe(60);
    expect(leftOf(window(), NOW + 1000)).toBeNull();
    expect(leftOf(window({ usedPercent: null }), NOW)).toBeNull();
  });
  it.each([["five-hour", 18_000, "5h"], ["weekly", 604_800, "7d"], ["spark-weekly", 604_800, "7d spark"], ["other", null, "other"]] as const)("%s is called by its length", (id, seconds, name) => {
    expect(windowName({ id, seconds })).toBe(name);
  });
});

describe("files to upload", () => {
  it("are recognised", () => {
    const one = candidateOf("", '{"type":"codex","email":"a b@example.com"}');
    expect([one.name, one.provider, one.account]).toEqual(["codex-a_b@example.com.json", "codex", "a b@example.com"]);
  });
  it.each([["x.json", "[1]", "notJson"], ["x.json", "{", "notJson"], ["x.txt", "{}", "badName"], ["../x.json", "{}", "badName"], ["x.json", "{}", null]] as const)("%s with %s", (name, text, problem) => {
    expect(problemOf(candidateOf(name, text), [])).toBe(problem);
  });
  it("have different names", () => {
    const all = [candidateOf("x.json", "{}"), candidateOf("X.json", "{}")];
    expect(problemOf(all[0]!, all)).toBe("twice");
  });
});

it("aliases are lines, and keep what else they have", () => {
  const aliases = [{ name: "a", alias: "b", fork: true }];
  expect(aliasesOf(`${aliasLines(aliases)}\nc = d\nnothing`, aliases)).toEqual([...aliases, { name: "c", alias: "d" }]);
});

it("headers are lines", () => {
  const headers = { "X-One": "a:b", "X-Two": "" };
  expect(headerLines("X-One: a:b\n\n X-Two:\n")).toEqual(headers);
  expect(headerLines(linesOf(headers))).toEqual(headers);
});

describe("the last tries of a credential", () => {
  const bucket = (success: number, failed: number) => ({ time: "", success, failed });
  const marks = [true, false, false].map((failed, at) => ({ timestamp_ms: 9 - at, failed }));
  const history = { recent_requests: marks } as unknown as History;
  it.each([
    ["as CPA counts them", [bucket(1, 0), bucket(1, 2)], history, ["success", "mixed"], 2],
    ["as they were recorded, the newest last, where CPA counts none", [bucket(0, 0)], history, ["success", "success", "failure"], 1],
    ["as CPA counts them where nothing is recorded", [bucket(0, 0)], undefined, ["idle"], 0],
    ["of none", undefined, undefined, [], 0],
  ])("%s", (_, recent_requests, known, cells, failed) => {
    const file = { name: "a", recent_requests } as unknown as AuthFile;
    expect(outcomes(file, known)).toEqual(cells);
    expect(recent(file, known).failed).toBe(failed);
  });
});
