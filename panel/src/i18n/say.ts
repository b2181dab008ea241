/** Errors in the user's language: a plain sentence, and what the server said in brackets. */

import type { ApiError } from "../api/client";
import { redact } from "../text/mask";
import { hasMessage, t } from "./language";
import type { PlainKey } from "./messages";

/** What went wrong, without the server's words. */
export function summaryOf(error: ApiError): string {
  // That code stands for whatever has none of its own.
  if (error.code === "request_failed" && error.status >= 500) return t("error.server");
  for (const code of [error.code, `http_${error.status}`]) {
    const key = `error.${code}`;
    // Messages named after codes need no values.
    if (hasMessage(key)) return t(key as PlainKey);
  }
  return t(error.status >= 500 ? "error.server" : "error.failed");
}

/** One line about an error. */
export function say(error: ApiError): string {
  const parts = [error.status > 0 ? String(error.status) : "", redact(error.detail)].filter(Boolean);
  return parts.length ? `${summaryOf(error)} (${parts.join(": ")})` : summaryOf(error);
}
