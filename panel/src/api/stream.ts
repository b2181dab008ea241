/** Server-Sent Events over `fetch`, since an `EventSource` can't send the key. */

import type { Client } from "./client";

export interface Message {
  readonly event: string;
  readonly data: string;
}

const PATH = "/v0/management/events/stream";
/** The server writes every 15 s at least, so a day only bounds a stream that nobody ends. */
const DAY_MS = 86_400_000;

/** The messages of a text in full, and what is left of it. */
export function messagesOf(text: string): readonly [messages: readonly Message[], rest: string] {
  const blocks = text.split("\n\n");
  const rest = blocks.pop() ?? "";
  const messages = blocks.flatMap((block) => {
    const fields = new Map(block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]));
    const event = fields.get("event");
    return event ? [{ event, data: fields.get("data") ?? "" }] : [];
  });
  return [messages, rest];
}

/** Tell of every message until the stream ends; raises what `open` raises. */
export async function listen(client: Client, signal: AbortSignal, told: (message: Message) => void): Promise<void> {
  const response = await client.open(PATH, { signal, timeoutMs: DAY_MS });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (let step = await reader.read(); !step.done; step = await reader.read()) {
    const [messages, rest] = messagesOf(text + step.value);
    text = rest;
    messages.forEach(told);
  }
}
