// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import { axisOf, isOpen, lone, valuesOn } from "../src/charts/buckets";
import { placed } from "../src/charts/colors";
import { holeIn, holesOf, watchedSince } from "../src/charts/holes";
import { hoursIn, placeAt, quantileSteps, stepBounds, STEPS } from "../src/charts/heat";
import { restOf } from "../src/pages/analytics/read";
import { DAY, HOUR } from "../src/text/ranges";
import { sorted, type Column } from "../src/ui/table";

describe("values along time", () => {
  const start = new Date(2026, 4, 10, 6).getTime();
  const range = { from: start + 5, to: start + 5 * HOUR };
  const rows = [
    { bucket_ms: start + HOUR, calls: 3 },
    { bucket_ms: start + 3 * HOUR, calls: 4 },
  ];
  const axis = axisOf(range, "hour", rows, start + 3.5 * HOUR);
  it("have a place for every bucket, also for those without calls", () => {
    expect(axis.starts).toEqual([0, 1, 2, 3, 4].map((n) => start + n * HOUR));
    // Before the first record and after the present nothing is known.
    expect(valuesOn(axis, rows, (row) => row.calls)).toEqual([null, 3, 0, 4, null]);
    expect(valuesOn(axis, rows, (row) => row.calls, null)).toEqual([null, 3, null, 4, null]);
  });
  it("are open in the bucket of the present alone", () => {
    expect(axis.starts.map((_, at) => isOpen(axis, at))).toEqual([false, false, false, true, false]);
  });
  it("of all time begin with the first record", () => {
    expect(axisOf({ from: 1, to: range.to }, "hour", rows, range.to).starts[0]).toBe(start + HOUR);
  });
});

describe("what parts leave of the whole", () => {
  const bucket = (bucket_ms: number, calls: number, cost: number) => ({ bucket_ms, calls, cost, unpriced_calls: 0, total_tokens: 10 * calls, input_tokens: 8 * calls, output_tokens: 2 * calls, cached_tokens: 0, cache_read_tokens: calls });
  it("is told bucket by bucket, where calls are left", () => {
    const parts = [bucket(1, 2, 0.1), bucket(1, 3, 0.2), bucket(2, 4, 0.5)];
    expect(restOf([bucket(1, 7, 1), bucket(2, 4, 0.5), bucket(3, 1, 0)], parts)).toEqual([{ ...bucket(1, 2, 0), cost: expect.closeTo(0.7) }, bucket(3, 1, 0)]);
  });
  it("is never less than nothing", () => {
    expect(restOf([bucket(1, 2, 0.3)], [bucket(1, 1, 0.1 + 0.2)])[0]?.cost).toBe(0);
  });
});

describe("lone values", () => {
  it.each([
    [[null, 3, null], [1]],
    [[3], [0]],
    [[3, null, 4, 5, null, 6], [0, 5]],
    [[1, 2], []],
    [[], []],
  ])("of %o are at %o", (values, places) => expect(lone(values)).toEqual(places));
});

describe("places of colours", () => {
  const names = (count: number, from = 0) => Array.from({ length: count }, (_, at) => `model-${from + at}`);
  it("are all different, and none for a ninth", () => {
    const places = placed(new Map(), names(9));
    expect(new Set(places.values()).size).toBe(8);
    expect(places.has("model-8")).toBe(false);
  });
  it("are kept whatever else is shown", () => {
    const before = placed(new Map(), names(3));
    const after = placed(before, [...names(4, 10), "model-2", "model-0"]);
    for (const name of ["model-0", "model-2"]) expect(after.get(name)).toBe(before.get(name));
  });
  it("are taken from who is not shown when all are held", () => {
    const full = placed(new Map(), names(8));
    const after = placed(full, ["new", ...names(7)]);
    expect(after.has("model-7")).toBe(false);
    expect(after.get("new")).toBe(full.get("model-7"));
  });
  it("are asked for by the name", () => {
    const alone = placed(new Map(), ["gpt-5.5"]);
    expect(placed(new Map(), ["gpt-5.5", "__proto__"]).get("gpt-5.5")).toBe(alone.get("gpt-5.5"));
  });
});

describe("holes", () => {
  const last24h = { coveredMinutes: 50, atRiskMinutes: 8, lostMinutes: 2 };
  const hole = { fromMs: 10 * HOUR, toMs: 11 * HOUR, state: "lost" as const, reason: "" };
  const now = 2 * DAY;
  it("have the one that is not over yet", () => {
    const gap = { sinceMs: now - HOUR, reason: "refused" };
    expect(holesOf({ holes: [hole], last24h, gap }, now).map(({ toMs }) => toMs)).toEqual([11 * HOUR, now]);
    expect(holesOf({ holes: [hole], last24h, gap: null }, now)).toEqual([hole]);
  });
  it.each([
    [9, 10, false],
    [10, 11, true],
    [10.9, 12, true],
    [11, 12, false],
  ])("from %d to %d o'clock: %s", (from, to, found) => expect(holeIn([hole], from * HOUR, to * HOUR) !== undefined).toBe(found));
  it("are unknown before the first watch", () => {
    expect(watchedSince({ holes: [], last24h, gap: null }, now)).toBe(now - HOUR);
    expect(watchedSince({ holes: [], last24h: { ...last24h, coveredMinutes: 1e6 }, gap: null }, now)).toBe(now - DAY);
  });
});

describe("steps of a heat map", () => {
  it.each([
    [[0, null, 5], [0, 0, STEPS]],
    [[1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]],
    [[1, 1, 1, 1e9], [5, 5, 5, 6]],
    [[], []],
  ])("of %o are %o", (values, steps) => expect(quantileSteps(values)).toEqual(steps));
});

describe("sorted rows", () => {
  interface Row {
    readonly key: string;
    readonly n: number | null;
  }
  const columns: Column<Row>[] = [{ id: "n", title: "n", value: (row) => row.n }];
  const rows = [
    { key: "c", n: 1 },
    { key: "a", n: null },
    { key: "d", n: 2 },
    { key: "b", n: 1 },
  ];
  const keys = (down: boolean) => sorted(rows, columns, { column: "n", down }, (row) => row.key).map((row) => row.key);
  it("have equals in the order of their keys, and the unknown last", () => {
    expect(keys(true)).toEqual(["d", "b", "c", "a"]);
    expect(keys(false)).toEqual(["b", "c", "d", "a"]);
  });
  it("without a column are as they came", () => {
    expect(sorted(rows, columns, null, (row) => row.key)).toBe(rows);
  });
});

describe("cells of a week", () => {
  // A Monday.
  const monday = new Date(2026, 4, 11, 6).getTime();
  it("are found by the clock of the browser", () => expect(placeAt(monday + 5)).toBe(24 + 6));
  it("have as many hours as the range has of them", () => {
    const hours = hoursIn({ from: monday, to: monday + 7 * DAY + 2 * HOUR });
    expect(hours.reduce((sum, n) => sum + n)).toBe(170);
    expect([hours[30], hours[31], hours[32]]).toEqual([2, 2, 1]);
  });
  it("count once each where the range has no beginning", () => expect(new Set(hoursIn({ from: 1, to: monday }))).toEqual(new Set([1])));
});

describe("steps", () => {
  it("tell what values they are of", () => {
    const values = [0, null, 1, 2, 3, 40];
    expect(stepBounds(values, [0, 0, 1, 1, 4, 6])).toEqual([
      { step: 1, low: 1, high: 2 },
      { step: 4, low: 3, high: 3 },
      { step: 6, low: 40, high: 40 },
    ]);
  });
});
