import { describe, expect, it } from "vitest";
import { pieces } from "../src/api/pieces";
import { messageOf } from "../src/api/stream";

const TEXT = 'retry: 2000\n\nid: 7\nevent: rows\ndata: {"rows":7,"of":"é"}\n\n: still there\n\nevent: prices\ndata: {"version":1}\n\nevent: half';

/** An answer that comes in the given bits. */
function answer(...bits: Uint8Array[]): Response {
  const body = new ReadableStream({
    start(controller) {
      bits.forEach((bit) => controller.enqueue(bit));
      controller.close();
    },
  });
  return new Response(body);
}

async function all<T>(made: AsyncGenerator<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of made) found.push(one);
  return found;
}

describe("pieces of a stream", () => {
  it("are the same wherever it is cut, even in a letter", async () => {
    const bytes = new TextEncoder().encode(TEXT);
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      expect(await all(pieces(answer(bytes.slice(0, cut), bytes.slice(cut)), "\n\n"))).toEqual(TEXT.split("\n\n").slice(0, -1));
    }
  });

  it("are none of an answer that has no mark", async () => {
    expect(await all(pieces(answer(new TextEncoder().encode("half a line")), "\n"))).toEqual([]);
  });
});

describe("a message", () => {
  it("has an event, or is none", () => {
    expect(TEXT.split("\n\n").slice(0, -1).map(messageOf)).toEqual([null, { event: "rows", data: '{"rows":7,"of":"é"}' }, null, { event: "prices", data: '{"version":1}' }]);
  });
});
