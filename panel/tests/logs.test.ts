import { describe, expect, it } from "vitest";
import { counted, parseLine, passes, type LogFilter, type LogLine } from "../src/text/logs";

const HEAD = "[2026-11-23 09:18:50] [a1b2c3d4] [warn ] [gin_logger.go:95]";
const CALL = `${HEAD} 404 |          49ms |       127.0.0.1 | GET     "/v1/models?key=x"`;
const MANAGEMENT = `[2026-11-23 09:18:51] [--------] [info ] [gin_logger.go:97] 200 |            0s | 127.0.0.1 | PUT     "/v0/management/debug"`;

describe("a line", () => {
  it("of a call tells all of it", () => {
    expect(parseLine(1, CALL)).toMatchObject({
      time: "2026-11-23 09:18:50",
      id: "a1b2c3d4",
      level: "warn",
      call: { status: "404", latency: "49ms", client: "127.0.0.1", method: "GET", path: "/v1/models" },
    });
  });
  it("of another kind tells its text", () => {
    const line = parseLine(1, "[2026-11-23 09:18:50] [--------] [info ] made-up CPA started");
    expect(line).toMatchObject({ id: "", level: "info", text: "made-up CPA started" });
    expect(line.call).toBeUndefined();
  });
  it("that only goes on is of the same request, and as grave", () => {
    expect(parseLine(2, "    at x", parseLine(1, CALL))).toMatchObject({ time: "", id: "a1b2c3d4", level: "warn", text: "    at x" });
  });
  it.each(["", "[", "[2026-11-23 09:18:50] []", "<b>"])("like %j is shown as it is", (raw) => {
    expect(parseLine(1, raw)).toMatchObject({ raw, time: "", text: raw });
  });
  it("keeps no secret", () => {
    const line = parseLine(1, `${HEAD} Authorization: Bearer abcdefghijkl and sk-abcdefghijkl`);
    expect(JSON.stringify(line)).not.toContain("abcdefghijkl");
  });
});

const ALL: LogFilter = { search: "", level: "", method: "", status: "", path: "", quiet: false };
const LINES = [CALL, MANAGEMENT, "goes on", "[2026-11-23 09:18:52] [--------] [error] lost"].reduce<LogLine[]>((lines, raw, n) => [...lines, parseLine(n, raw, lines.at(-1))], []);

describe("a filter", () => {
  it.each([
    [{}, [0, 1, 2, 3]],
    [{ quiet: true }, [0, 2, 3]],
    [{ level: "warn" }, [0, 3]],
    [{ level: "error" }, [3]],
    [{ method: "PUT" }, [1]],
    [{ status: "4" }, [0]],
    [{ path: "/v1/models" }, [0]],
    [{ search: "LOST" }, [3]],
    [{ search: "a1b2" }, [0]],
    [{ search: "none such" }, []],
  ])("%j leaves %j", (change, expected) => {
    expect(LINES.filter((line) => passes(line, { ...ALL, ...change })).map(({ n }) => n)).toEqual(expected);
  });
  it("offers what occurs, the most frequent first", () => {
    expect(counted([...LINES, LINES[1]!], (call) => call.method)).toEqual([
      ["PUT", 2],
      ["GET", 1],
    ]);
  });
});
