/** All messages of the panel. */

import type { Parameters } from "./area";
import { overview } from "./messages/dashboard";
import { errors } from "./messages/errors";
import { login } from "./messages/login";
import { setup } from "./messages/setup";
import { shell } from "./messages/shell";

export const messages = { ...shell, ...overview, ...login, ...setup, ...errors };
export type Messages = typeof messages;
export type Key = keyof Messages;
/** Messages that need no values. */
export type PlainKey = {
  [K in Key]: [Parameters<Messages[K]>] extends [never] ? K : never;
}[Key];
