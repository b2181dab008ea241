/** Why something is to be done about an account. */

import { hasMessage, t } from "../i18n/language";
import type { PlainKey } from "../i18n/messages";
import { redact } from "../text/mask";

// Of xAI the server tells the name of a message, as older panels want it.
const NAMED = /^monitoring\.xai_inspection_reason_(?:inference_(?=quota|probe|protocol))?(\w+)$/;

/** A reason in the user's language where its code is known, else as the server says it. */
export function reasonText(code: string | undefined, said: string | undefined): string {
  const key = `reason.${code || (NAMED.exec(said ?? "")?.[1] ?? "")}`;
  // Messages of reasons need no values.
  return hasMessage(key) ? t(key as PlainKey) : redact(said ?? "");
}
