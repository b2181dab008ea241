/** A credential that is to be uploaded, and what of it is recognised. */

const MOST_BYTES = 10 * 1024 * 1024;

export interface Candidate {
  readonly name: string;
  readonly text: string;
  readonly isObject: boolean;
  readonly provider: string;
  readonly account: string;
}

/** Without a name it gets one of its own content. */
export function candidateOf(name: string, text: string): Candidate {
  let fields: Readonly<Record<string, unknown>> | null = null;
  try {
    const value: unknown = JSON.parse(text);
    if (value !== null && typeof value === "object" && !Array.isArray(value)) fields = value as Readonly<Record<string, unknown>>;
  } catch {
    // It is shown as none.
  }
  const word = (key: string) => (typeof fields?.[key] === "string" ? (fields[key] as string) : "");
  const provider = word("type") || (word("private_key") && "vertex");
  const account = word("email") || word("client_email") || word("project_id");
  const made = [provider || "credential", account].filter(Boolean).join("-").replace(/[^\w.@+-]+/g, "_");
  return { name: name.trim() || `${made}.json`, text, isObject: fields !== null, provider, account };
}

/** What speaks against an upload, as the last part of a message's key; null if nothing does. */
export function problemOf(one: Candidate, all: readonly Candidate[]): "notJson" | "badName" | "tooLarge" | "twice" | null {
  if (!one.isObject) return "notJson";
  if (!/^[^/\\]+\.json$/i.test(one.name)) return "badName";
  if (new Blob([one.text]).size > MOST_BYTES) return "tooLarge";
  return all.filter((other) => other.name.toLowerCase() === one.name.toLowerCase()).length > 1 ? "twice" : null;
}
