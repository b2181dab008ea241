/** Pages whose script is run when they are first shown. */

import { signal } from "@preact/signals";
import type { FunctionComponent } from "preact";
import { useEffect } from "preact/hooks";

type Rest = typeof import("./rest");

const rest = signal<Rest | null>(null);

async function load(): Promise<void> {
  rest.value ??= await import("./rest");
}

/** A component of that script: nothing until it has run. */
export function later(name: keyof Rest): FunctionComponent {
  return function Later() {
    useEffect(() => void load(), []);
    const Page = rest.value?.[name];
    return Page ? <Page /> : null;
  };
}
