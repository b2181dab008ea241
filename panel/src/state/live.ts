/** What the server says has changed, so that nothing is asked for while nothing has. */

import { effect, signal } from "@preact/signals";
import { listen, type Message } from "../api/stream";
import { api, boot, mode } from "./session";

/** Whether the server is being listened to. */
export const connected = signal(false);
/** Grows with every change. */
export const changes = signal(0);

const AGAIN_MS = 2_000;
const LATEST_MS = 30_000;
const visible = signal(!document.hidden);
document.addEventListener("visibilitychange", () => {
  visible.value = !document.hidden;
});

/** Listen whenever somebody is logged in and looks. */
export function listenWhileShown(): void {
  effect(() => {
    if (mode.value !== "manager" || boot.value !== "running" || !visible.value) return undefined;
    const aborter = new AbortController();
    void keepListening(aborter.signal);
    return () => {
      aborter.abort();
      connected.value = false;
    };
  });
}

async function keepListening(signal: AbortSignal): Promise<void> {
  const known = new Map<string, string>();
  let wait = AGAIN_MS;
  while (!signal.aborted) {
    try {
      await listen(api(), signal, (message) => {
        connected.value = true;
        wait = AGAIN_MS;
        note(known, message);
      });
    } catch {
      // Without a stream the pages ask by themselves.
    }
    if (signal.aborted) return;
    connected.value = false;
    await new Promise((resolve) => setTimeout(resolve, wait));
    wait = Math.min(wait * 2, LATEST_MS);
  }
}

/** What is told first is how things are, and no change. */
function note(known: Map<string, string>, { event, data }: Message): void {
  const before = known.get(event);
  const now = event === "rows" ? String((JSON.parse(data) as { readonly rows: number }).rows) : data;
  known.set(event, now);
  if (before !== undefined && before !== now) changes.value += 1;
}
