// The script that runs the tests sets the zone: Europe/Berlin, which has days of 23 and 25 hours.
import { describe, expect, it } from "vitest";
import { bucketEnd, buckets, calendarDays, fieldOf, granularityOf, HOUR, midnight, momentOf, namedRange } from "../src/text/ranges";

describe("days of the calendar", () => {
  const noon = new Date(2026, 4, 10, 12).getTime();
  it("begin at local midnight", () => {
    expect(new Date(midnight(noon)).getHours()).toBe(0);
    expect(calendarDays(noon, 7).from).toBe(new Date(2026, 4, 4).getTime());
    expect(namedRange("yesterday", noon)).toEqual({ from: new Date(2026, 4, 9).getTime(), to: new Date(2026, 4, 10).getTime() });
  });
  it.each([
    [new Date(2026, 2, 29), 23],
    [new Date(2026, 9, 25), 25],
    [new Date(2026, 5, 1), 24],
  ])("%s has %s hours", (day, hours) => {
    const start = day.getTime();
    expect((bucketEnd(start, "day") - start) / HOUR).toBe(hours);
    expect(buckets({ from: start, to: bucketEnd(start, "day") }, "hour")).toHaveLength(hours);
  });
  it("are never an empty range, not even at midnight", () => {
    const { from, to } = namedRange("today", midnight(noon));
    expect(from).toBeLessThan(to);
  });
});

describe("ranges", () => {
  const now = new Date(2026, 4, 10, 12, 34, 56).getTime();
  it("are drawn by the hour up to a week", () => {
    expect(granularityOf(namedRange("7d", now))).toBe("hour");
    expect(granularityOf(namedRange("14d", now))).toBe("day");
  });
  it("of all time begin with time", () => expect(namedRange("all", now)).toEqual({ from: 1, to: now }));
  it("go through a field and back to the minute", () => expect(momentOf(fieldOf(now))).toBe(now - 56_000));
  it("without a moment are none", () => expect(momentOf("")).toBeNull());
});
