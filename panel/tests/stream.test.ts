import { describe, expect, it } from "vitest";
import { messagesOf } from "../src/api/stream";

const TEXT = 'retry: 2000\n\nid: 7\nevent: rows\ndata: {"rows":7}\n\n: still there\n\nevent: prices\ndata: {"version":1}\n\n';

describe("messages of a stream", () => {
  it("are found, however it is cut", () => {
    for (let cut = 0; cut <= TEXT.length; cut += 1) {
      const [first, rest] = messagesOf(TEXT.slice(0, cut));
      const [second, left] = messagesOf(rest + TEXT.slice(cut));
      expect([...first, ...second]).toEqual([
        { event: "rows", data: '{"rows":7}' },
        { event: "prices", data: '{"version":1}' },
      ]);
      expect(left).toBe("");
    }
  });
});
