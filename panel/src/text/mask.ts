/** What of a name may be seen, and what of a free text. */

/** A key, with two characters at each end if it is long enough to bear that. */
export function maskKey(key: string): string {
  const text = key.trim();
  return text.length < 12 ? "******" : `${text.slice(0, 2)}******${text.slice(-2)}`;
}

/** An account: the beginning of its name, and the domain of an address. */
export function maskAccount(account: string): string {
  const text = account.trim();
  // What the server has masked already stays as it is.
  if (text === "" || text === "-" || text.includes("***") || text.startsWith("m:")) return text;
  const at = text.lastIndexOf("@");
  const name = at > 0 ? text.slice(0, at) : text;
  const domain = at > 0 ? text.slice(at) : "";
  return `${[...name].slice(0, 3).join("")}***${domain}`;
}

/** An auth index, by its two ends. */
export function maskIndex(index: string): string {
  return index.length > 8 ? `${index.slice(0, 4)}...${index.slice(-4)}` : index;
}

/** How a client key without a name is shown. */
export function keyOfHash(hash: string): string {
  return `sha256:${hash.slice(0, 12)}`;
}

/** An address without the user and password that it may hold. */
export function maskUrl(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^@/]*@/i, "$1***@");
}

const HIDDEN = "[redacted]";
const RULES: readonly (readonly [RegExp, string])[] = [
  [/\b(proxy-)?authorization(["']?\s*[:=]\s*["']?)(?:bearer\s+)?[^\s"',;]+/gi, `$1authorization$2${HIDDEN}`],
  [/\bbearer\s+[A-Za-z0-9._~+/=-]{8,}/gi, `Bearer ${HIDDEN}`],
  [/\b((?:access|refresh|id)[_-]token)(["']?\s*[:=]\s*["']?)[^\s"'&,;]+/gi, `$1$2${HIDDEN}`],
  [/\b((?:x-)?api[-_]?key)(["']?\s*[:=]\s*["']?)[^\s"'&,;]+/gi, `$1$2${HIDDEN}`],
  [/\b((?:set-)?cookie)(["']?\s*[:=]\s*["']?)[^\r\n"']+/gi, `$1$2${HIDDEN}`],
  [/\b(?:sk-|sess-|ghp_|github_pat_|AIza|hf_|pk_|rk_)[A-Za-z0-9_-]{6,}/g, HIDDEN],
];

/** A free text without the secrets that it may hold. */
export function redact(text: string): string {
  return RULES.reduce((left, [pattern, shown]) => left.replace(pattern, shown), text);
}

/** Why something failed, in one line: the message where a provider's JSON is all there is. */
export function reasonOf(summary: string | undefined): string {
  const text = redact((summary ?? "").trim());
  const message = /"message"\s*:\s*"((?:[^"\\]|\\.)+)"/.exec(text)?.[1];
  const type = /"(?:type|code)"\s*:\s*"((?:[^"\\]|\\.)+)"/.exec(text)?.[1];
  if (!text.startsWith("{") || !(message || type)) return text;
  return [type, message?.replace(/\\(.)/g, "$1")].filter(Boolean).join(": ");
}
