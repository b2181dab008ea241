import { describe, expect, it } from "vitest";
import { warningsOf } from "../src/pages/analytics/warnings";

const row = (calls: number, failure_calls = 0, cost = 0, unpriced_calls = 0) => ({ calls, failure_calls, cost, unpriced_calls });
const whole = { total_calls: 1000, total_cost: 100 };
const quiet = [row(30), row(30)];

describe("what is warned of", () => {
  it.each([
    [row(100, 2), null, null],
    [row(100, 3), "medium", "error_rate"],
    [row(100, 8), "high", "error_rate"],
    [row(19, 19, 90), null, null],
    [row(200), "low", "skew"],
    [row(220), "medium", "skew"],
    [row(320), "high", "skew"],
    [row(320, 20), "high", "error_rate"],
    [row(50, 0, 29.9), null, null],
    [row(50, 0, 30), "low", "cost_spike"],
    [row(320, 300, 30), "high", "cost_spike"],
    [row(50, 0, 0, 50), "low", "unpriced"],
  ])("%o beside quiet ones: %s, %s", (one, severity, reason) => {
    const found = warningsOf([one, ...quiet], whole).filter((warning) => warning.row === one);
    expect(found.map((warning) => [warning.severity, warning.reason])).toEqual(severity ? [[severity, reason]] : []);
  });
  it("is no share of two, nor of a cost that nobody knows", () => {
    expect(warningsOf([row(600, 0, 90), row(400, 0, 10)], whole)).toEqual([]);
    expect(warningsOf([row(100), ...quiet], { total_calls: 1000, total_cost: 0 })).toEqual([]);
  });
  it("comes by severity, then by calls", () => {
    const rows = [row(100, 3), row(50, 10), row(150, 20), row(190, 0, 0, 1)];
    expect(warningsOf(rows, whole).map((warning) => warning.row.calls)).toEqual([150, 50, 100, 190]);
  });
});
