/** Addresses: where the API is, and what a user types. */

/** The address of the page up to the file, without a trailing slash. */
export function apiBase(page: string): string {
  const url = new URL(page);
  const folder = url.pathname.slice(0, url.pathname.lastIndexOf("/"));
  return url.origin + folder.replace(/\/+$/, "");
}

/** A base that a user typed: trimmed, with a scheme, without the management path; "" if empty. */
export function normalBase(typed: string): string {
  let text = typed.trim().replace(/\/+$/, "");
  text = text.replace(/\/v0\/management$/i, "").replace(/\/+$/, "");
  if (text === "") return "";
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
}

/** Whether a normalised base can be called. */
export function isBase(base: string): boolean {
  try {
    const url = new URL(base);
    return (url.protocol === "http:" || url.protocol === "https:") && url.hostname !== "";
  } catch {
    return false;
  }
}
