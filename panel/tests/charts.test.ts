// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import { axisOf, isOpen, valuesOn } from "../src/charts/buckets";
import { quantileSteps, STEPS } from "../src/charts/heat";
import { HOUR } from "../src/text/ranges";
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
