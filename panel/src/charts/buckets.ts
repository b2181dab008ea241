/** Rows by bucket as values along a whole axis of time. */

import { bucketEnd, buckets, type Granularity, type Range } from "../text/ranges";

export interface Axis {
  readonly starts: readonly number[];
  readonly granularity: Granularity;
  /** Where the data begin: what lies before it was never measured. */
  readonly since: number;
  /** When the axis was made: a bucket that holds this moment is not over yet. */
  readonly now: number;
}

/** The axis of a range. `all` time begins with the first bucket that has data. */
export function axisOf(range: Range, granularity: Granularity, rows: readonly { readonly bucket_ms: number }[], now: number): Axis {
  const since = rows[0]?.bucket_ms ?? range.from;
  const from = range.from <= 1 ? since : range.from;
  return { starts: buckets({ from, to: range.to }, granularity), granularity, since, now };
}

/** A value for every bucket: 0 where nothing was called, null where nothing can be known. */
export function valuesOn<R extends { readonly bucket_ms: number }>(
  axis: Axis,
  rows: readonly R[],
  value: (row: R) => number | null,
  silent: number | null = 0,
): (number | null)[] {
  const found = new Map(rows.map((row) => [row.bucket_ms, value(row)]));
  return axis.starts.map((start) => {
    const known = found.get(start);
    if (known !== undefined) return known;
    return start < axis.since || start > axis.now ? null : silent;
  });
}

/** Whether the bucket at a place of the axis is still being filled. */
export function isOpen(axis: Axis, at: number): boolean {
  const start = axis.starts[at];
  return start !== undefined && start <= axis.now && bucketEnd(start, axis.granularity) > axis.now;
}

/** The places of values with no neighbour: no line goes through them. */
export function lone(values: readonly (number | null | undefined)[]): number[] {
  const known = (at: number) => typeof values[at] === "number";
  return values.flatMap((_, at) => (known(at) && !known(at - 1) && !known(at + 1) ? [at] : []));
}
