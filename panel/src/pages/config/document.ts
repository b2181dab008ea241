/** CPA's configuration file while it is being edited: the source and the form are two views of it. */

import { computed, signal } from "@preact/signals";
import { ApiError } from "../../api/client";
import { useData, type Data } from "../../state/freshness";
import { api, mode, readConfig } from "../../state/session";
import { diff } from "../../text/diff";
import { faultOf, read, valueAt, withoutValue, withValue, writtenAt, type Path, type Scalar } from "../../text/yaml";

const PATH = "/v0/management/config.yaml";
const SAVING_MS = 60_000;

/** The server's file as it was when the edit began; null until it has been read. */
export const base = signal<string | null>(null);
export const text = signal("");
export const document = computed(() => read(text.value));
export const fault = computed(() => (base.value === null ? null : faultOf(document.value)));
export const changes = computed(() => (base.value === null || base.value === text.value ? [] : diff(base.value, text.value)));
export const changedLines = computed(() => changes.value.filter(({ kind }) => kind !== " ").length);

// Whoever changes one of these may find nobody answering afterwards.
const REACHED_BY = ["host", "port", "tls", "remote-management"];

/** Which settings of those by which CPA is reached would change. */
export function cutting(): readonly string[] {
  const before = read(base.value ?? "");
  const told = (value: unknown) => JSON.stringify(value) ?? "";
  return REACHED_BY.filter((name) => told(valueAt(before, [name])) !== told(valueAt(document.value, [name])));
}

async function readFile(signal?: AbortSignal): Promise<string> {
  const headers = { Accept: "application/yaml, text/yaml, text/plain" };
  return api().call<string>(PATH, { as: "text", headers, signal });
}

/** The file, read anew; what has been edited stays, on top of what it was made from. */
export function useFile(): Data<string> {
  return useData("config.yaml", async (signal) => {
    const file = await readFile(signal);
    if (changedLines.peek() === 0) take(file);
    return file;
  });
}

/** Begin again with a file of the server's. */
export function take(file: string): void {
  base.value = file;
  text.value = file;
}

/** Write a value into the text; nothing is written where the file had nothing, and has nothing to say. */
export function setValue(path: Path, value: Scalar): void {
  const file = base.value ?? "";
  const before = valueAt(read(file), path);
  if (value === "" && before === undefined) text.value = withoutValue(text.value, path);
  // What was changed and changed back is written as it was, with its quotes.
  else text.value = withValue(text.value, path, value, value === before ? writtenAt(file, path) : undefined);
}

/** The server has another file than the one that was edited. */
export class Meanwhile extends Error {
  constructor(readonly file: string) {
    super();
  }
}

/** Write the file, if the server still has the one that the edit began with. */
export async function write(): Promise<void> {
  const file = await readFile();
  if (file !== base.value) throw new Meanwhile(file);
  const wanted = text.value;
  await api().call(PATH, { method: "PUT", body: new Blob([wanted], { type: "application/yaml" }), timeoutMs: SAVING_MS });
  const written = await readFile();
  base.value = written;
  if (written !== wanted) throw new ApiError("config_read_back", 0, "");
  if (mode.value === "manager") void readConfig();
}
