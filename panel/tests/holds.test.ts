// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import { holdsUntil, viewOf } from "../src/filters/view";
import { lasting, steps } from "../src/state/freshness";

const NOON = new Date(2026, 2, 29, 12, 34, 56).getTime();

describe("what a view shows holds until", () => {
  it.each([
    ["24h", new Date(2026, 2, 29, 13)],
    ["today", new Date(2026, 2, 30)],
    ["30d", new Date(2026, 2, 30)],
  ])("%s", (name, expected) => expect(holdsUntil(viewOf({ time_range: name }, "today"), NOON)).toBe(expected.getTime()));
  it.each(["all", "custom"])("for ever: %s", (name) => {
    expect(holdsUntil(viewOf({ time_range: name, from_ms: "1", to_ms: "2" }, "today"), NOON)).toBe(Infinity);
  });
});

describe("what ages by the clock", () => {
  it.each([0, 1, 299_999, 300_000, 300_001])("ends at the next border, never now: %d", (at) => {
    const end = steps(5)(null, at);
    expect(end % 300_000).toBe(0);
    expect(end).toBeGreaterThan(at);
    expect(end - at).toBeLessThanOrEqual(300_000);
  });
  it("may not age", () => expect(lasting()).toBe(Infinity));
});
