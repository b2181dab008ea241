/** What the server says has changed, so that nothing is asked for while nothing has. */

import { effect, signal } from "@preact/signals";
import { listen, type Message } from "../api/stream";
import { api, boot, mode, readStatus, status } from "./session";

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
    if (mode.value !== "manager" || boot.value !== "running") {
      known.clear();
      return undefined;
    }
    if (!visible.value) return undefined;
    const aborter = new AbortController();
    void keepListening(aborter.signal);
    return () => {
      aborter.abort();
      connected.value = false;
    };
  });
}

/** What was told last of each kind; kept while nobody looks, so that what comes after is seen as a change. */
const known = new Map<string, string>();

async function keepListening(signal: AbortSignal): Promise<void> {
  let wait = AGAIN_MS;
  while (!signal.aborted) {
    try {
      await listen(api(), signal, (message) => {
        connected.value = true;
        wait = AGAIN_MS;
        note(message);
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

/** What is told first is how things are, and no change but for rows that came after the start. */
function note({ event, data }: Message): void {
  const rows = event === "rows";
  const before = known.get(event) ?? (rows ? String(status.peek()?.events ?? "") || undefined : undefined);
  const now = rows ? String((JSON.parse(data) as { readonly rows: number }).rows) : data;
  known.set(event, now);
  if (before === undefined || before === now) return;
  changes.value += 1;
  if (!rows) readSoon();
}

const SOON_MS = 1_000;
let soon = 0;

/** The strips of every page tell how the Manager does; many changes at once are read as one. */
function readSoon(): void {
  clearTimeout(soon);
  soon = window.setTimeout(() => void readStatus().catch(() => undefined), SOON_MS);
}
