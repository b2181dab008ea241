/** Server-Sent Events over `fetch`, since an `EventSource` can't send the key. */

import type { Client } from "./client";
import { pieces } from "./pieces";

export interface Message {
  readonly event: string;
  readonly data: string;
}

const PATH = "/v0/management/events/stream";
/** The server writes every 15 s at least, so a day only bounds a stream that nobody ends. */
const DAY_MS = 86_400_000;

/** The message that a block of lines is; null if it only shows that somebody is there. */
export function messageOf(block: string): Message | null {
  const fields = new Map(block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]));
  const event = fields.get("event");
  return event ? { event, data: fields.get("data") ?? "" } : null;
}

/** Tell of every message until the stream ends; raises what `open` raises. */
export async function listen(client: Client, signal: AbortSignal, told: (message: Message) => void): Promise<void> {
  const response = await client.open(PATH, { signal, timeoutMs: DAY_MS });
  for await (const block of pieces(response, "\n\n")) {
    const message = messageOf(block);
    if (message) told(message);
  }
}
