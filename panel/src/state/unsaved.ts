/** What was typed and is not saved: before it is left, or would be lost, the user is asked. */

import { signal } from "@preact/signals";
import { guard, location, type Location } from "./router";

/** A form with something in it. */
export interface Unsaved {
  readonly dirty: () => boolean;
  /** The page that it is on, where it outlives a look at another one; else it is lost by any move. */
  readonly page?: string;
  readonly discard?: () => void;
}

const forms = new Set<Unsaved>();

/** Watch over a form; the answer ends it. */
export function watch(form: Unsaved): () => void {
  forms.add(form);
  return () => void forms.delete(form);
}

export interface Question {
  /** What was typed is still there after it. */
  readonly kept: boolean;
  readonly leave: () => void;
}

export const question = signal<Question | null>(null);

function ask(asked: readonly Unsaved[], kept: boolean, leave: () => void): boolean {
  if (asked.length) question.value = { kept, leave };
  return asked.length > 0;
}

const dirty = (): Unsaved[] => [...forms].filter((form) => form.dirty());

function leftBy(to: Location): Unsaved[] {
  const from = location.value.path;
  return dirty().filter(({ page }) => page === undefined || (page === from && to.path !== from));
}

guard((to, leave) => {
  const left = leftBy(to);
  return ask(left, left.every(({ page }) => page !== undefined), leave);
});

/** Do what throws edits away, after a question if there are any. */
export function losing(run: () => void, lost: readonly Unsaved[] = dirty()): void {
  const leave = () => {
    for (const form of lost) form.discard?.();
    run();
  };
  if (!ask(lost, false, leave)) run();
}

window.addEventListener("beforeunload", (event) => {
  if (dirty().length) event.preventDefault();
});
