/** Ranges of time and the buckets in them, by the clock of the browser. All are half open. */

export interface Range {
  readonly from: number;
  readonly to: number;
}

export type RangeName = "24h" | "today" | "yesterday" | "7d" | "14d" | "30d" | "all" | "custom";
export type Granularity = "hour" | "day";

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

/** Local midnight of the day of `ms`, or of a day that many days away. */
export function midnight(ms: number, days = 0): number {
  const date = new Date(ms);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days).getTime();
}

/** Whole local days up to and with today, which end with the present. */
export function calendarDays(now: number, days: number): Range {
  return { from: midnight(now, 1 - days), to: now };
}

/** The range of a name at `now`. Days are days of the calendar, and today is one of them. */
export function namedRange(name: RangeName, now: number, custom?: Range): Range {
  switch (name) {
    case "24h":
      return { from: now - DAY, to: now };
    case "yesterday":
      return { from: midnight(now, -1), to: midnight(now) };
    case "7d":
      return calendarDays(now, 7);
    case "14d":
      return calendarDays(now, 14);
    case "30d":
      return calendarDays(now, 30);
    case "all":
      return { from: 1, to: now };
    case "custom":
      return custom ?? calendarDays(now, 1);
    case "today":
      // In the first moment of a day the range would be empty.
      return { from: Math.min(midnight(now), now - 1), to: now };
  }
}

/** What is asked for when the user leaves it to us. */
export function granularityOf(range: Range): Granularity {
  return range.to - range.from <= 7 * DAY + HOUR ? "hour" : "day";
}

/** The start of the bucket that `ms` lies in. */
export function bucketStart(ms: number, granularity: Granularity): number {
  if (granularity === "day") return midnight(ms);
  const date = new Date(ms);
  return ms - (date.getMinutes() * 60 + date.getSeconds()) * 1000 - date.getMilliseconds();
}

/** The end of the bucket that starts at `start`: days have 23 to 25 hours. */
export function bucketEnd(start: number, granularity: Granularity): number {
  return granularity === "day" ? midnight(start, 1) : start + HOUR;
}

/** The starts of all buckets that touch a range. */
export function buckets(range: Range, granularity: Granularity): number[] {
  const starts: number[] = [];
  let start = bucketStart(range.from, granularity);
  while (start < range.to && starts.length < 20_000) {
    starts.push(start);
    start = bucketEnd(start, granularity);
  }
  return starts;
}

/** The text of a `datetime-local` field for a moment, and back. */
export function fieldOf(ms: number): string {
  const pad = (n: number) => String(n).padStart(2, "0");
  const d = new Date(ms);
  return `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())}T${pad(d.getHours())}:${pad(d.getMinutes())}`;
}

export function momentOf(field: string): number | null {
  const ms = new Date(field).getTime();
  return field === "" || Number.isNaN(ms) ? null : ms;
}
