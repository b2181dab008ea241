// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import type { Dashboard } from "../src/api/analytics";
import type { Status } from "../src/api/types";
import { verdictOf } from "../src/pages/dashboard/verdict";
import { partialOf } from "../src/state/freshness";

const LEVEL = { ready: true, rows: 9, of: 9 };
const BEHIND = { ready: false, rows: 3, of: 9 };
const ANSWER = { generated_at_ms: 1 };

describe("an answer that lacks events", () => {
  it.each([
    ["all are there", ANSWER, null],
    ["the answer itself", { ...ANSWER, derived: BEHIND }, BEHIND],
    ["an answer beside its range", { range: {}, answer: { ...ANSWER, derived: BEHIND } }, BEHIND],
    ["the dashboard", { status: {}, summary: { ...ANSWER, derived: BEHIND } }, BEHIND],
    ["a status, which is made of no events", { derived: BEHIND }, null],
    ["nothing", null, null],
  ])("is known: %s", (_, value, expected) => expect(partialOf(value)).toBe(expected));
});

function status(change: object): Status {
  const collector = { collector: "running", transport: "subscribe", coverage: { holes: [] } };
  return { events: 9, collector, store: { ready: true, problem: "" }, derived: LEVEL, takeovers: [], ...change } as unknown as Status;
}

const QUIET = { today_request_health_timeline: { points: [] } } as unknown as Dashboard;
const taken = (state: string, problem?: string) => ({ takeovers: [{ source: "old.db", state, events: { read: 3, of: 9 }, problem }] });

describe("the verdict", () => {
  it.each([
    ["nothing is wrong", {}, "working", "subscribe"],
    ["a full store", { store: { ready: false, problem: "disk full" } }, "down", "disk full"],
    ["columns that are rebuilt", { derived: BEHIND }, "degraded", "3 of 9"],
    ["history on its way", taken("running"), "degraded", "3 of 9"],
    ["history that waits", taken("waiting", "no space"), "degraded", "no space"],
    ["history that has come", taken("completed"), "working", "subscribe"],
  ])("knows %s", (_, change, state, why) => {
    const found = verdictOf(status(change), QUIET, false);
    expect(found.state).toBe(state);
    expect(found.why).toContain(why);
  });
});
