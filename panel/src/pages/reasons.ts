/** Why something is to be done about an account. */

import { hasMessage, t } from "../i18n/language";
import type { PlainKey } from "../i18n/messages";
import { redact } from "../text/mask";

/** A reason in the user's language where its code is known, else as the server says it. */
export function reasonText(code: string | undefined, said: string | undefined): string {
  const key = `reason.${code ?? ""}`;
  // Messages of reasons need no values.
  return hasMessage(key) ? t(key as PlainKey) : redact(said ?? "");
}
