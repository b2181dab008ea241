/** uPlot, which is a part of its own: it is run when something is first drawn with it. */

import { signal } from "@preact/signals";
import type UPlot from "uplot";
import "uplot/dist/uPlot.min.css";

/** Null until it has been run. */
export const plotting = signal<typeof UPlot | null>(null);

/** Run it, if it has not been. */
export async function readyToPlot(): Promise<void> {
  plotting.value ??= (await import("uplot")).default;
}
