import { describe, expect, it } from "vitest";
import { change, formats } from "../src/text/format";

const { bytes, compact, duration, percent } = formats("en");

describe("compact", () => {
  it.each([
    [999, "999"],
    [1_200, "1.2K"],
    [999_949, "999.9K"],
    [999_950, "1.0M"],
    [2_795_200_000, "2.8B"],
    [-2.5e15, "-2.5P"],
    [0.5, "0.50"],
    [0, "0"],
    [null, "--"],
    [Number.NaN, "--"],
  ])("%s is %s", (value, text) => expect(compact(value)).toBe(text));
});

describe("duration", () => {
  it.each([
    [850, "850ms"],
    [0, "0ms"],
    [999.6, "1s"],
    [9_780, "9.78s"],
    [20_600, "20.6s"],
    [65_000, "1m 05s"],
    [7_380_000, "2h 03m"],
    [90_000_000, "1d 01h"],
    [-1, "--"],
    [null, "--"],
  ])("%s is %s", (value, text) => expect(duration(value)).toBe(text));
});

describe("percent", () => {
  it.each([
    [0.9996, 1, "99.9%"],
    [0.0004, 1, "<0.1%"],
    [1, 1, "100.0%"],
    [0, 1, "0.0%"],
    [0.99996, 2, "99.99%"],
    [null, 1, "--"],
  ])("%s with %s digits is %s", (value, digits, text) => expect(percent(value, digits)).toBe(text));
});

describe("bytes", () => {
  it.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1.00 KB"],
    [5_655_712, "5.39 MB"],
    [null, "--"],
  ])("%s is %s", (value, text) => expect(bytes(value)).toBe(text));
});

describe("money", () => {
  const en = formats("en");
  it.each([
    [1_234.5, "$1,234.50"],
    [0, "$0.00"],
    [0.004, "<$0.01"],
    [null, "--"],
  ])("%s is %s", (value, text) => expect(en.usd(value)).toBe(text));
  it("has three digits for a request and four for a price", () => {
    expect(en.usdRequest(0.0064)).toBe("$0.006");
    expect(en.price(1.25)).toBe("$1.2500");
  });
});

describe("change", () => {
  it.each([
    [150, 100, 0.5],
    [50, 100, -0.5],
    [1, 0, "new"],
    [0, 0, null],
    [1, null, null],
  ])("from %s and %s is %s", (now, before, found) => expect(change(now, before)).toBe(found));
  it("is written with its sign", () => {
    expect(formats("en").delta(0.125)).toBe("+12.5%");
    expect(formats("en").delta(-1)).toBe("−100.0%");
  });
  it("is a factor where it is large", () => {
    expect(formats("en").delta(9.99)).toBe("+999.0%");
    expect(formats("en").delta(93)).toBe("×94");
    expect(formats("en").delta(12_345)).toBe("×12.3K");
  });
});

describe("in Russian", () => {
  const ru = formats("ru");
  it.each([
    [ru.compact(3_400), "3,4K"],
    [ru.percent(0.9348, 2), "93,48%"],
    [ru.percent(0.0001), "<0,1%"],
    [ru.duration(5_390), "5,39с"],
    [ru.duration(850), "850мс"],
    [ru.duration(7_380_000), "2ч 03м"],
    [ru.bytes(5_655_712), "5,39 MB"],
    [ru.rate(4.94), "4,9"],
    [ru.usd(141.56), "$141,56"],
    [ru.delta(0.125), "+12,5%"],
  ])("it is %s", (written, text) => expect(written).toBe(text));
});
