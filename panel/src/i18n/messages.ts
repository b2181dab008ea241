/** All messages of the panel. */

import type { Parameters } from "./area";
import { actions } from "./messages/actions";
import { analytics } from "./messages/analytics";
import { credentials } from "./messages/credentials";
import { configuration } from "./messages/config";
import { overview } from "./messages/dashboard";
import { errors } from "./messages/errors";
import { filters } from "./messages/filters";
import { form } from "./messages/form";
import { inspection } from "./messages/inspection";
import { keeping } from "./messages/keeping";
import { login } from "./messages/login";
import { logs } from "./messages/logs";
import { monitor } from "./messages/monitor";
import { notices } from "./messages/notices";
import { oauth } from "./messages/oauth";
import { plugins } from "./messages/plugins";
import { providers } from "./messages/providers";
import { recovery } from "./messages/recovery";
import { setup } from "./messages/setup";
import { shell } from "./messages/shell";
import { tokens } from "./messages/tokens";
import { verify } from "./messages/verify";

export const messages = { ...shell, ...overview, ...analytics, ...filters, ...monitor, ...keeping, ...actions, ...configuration, ...credentials, ...form, ...inspection, ...logs, ...notices, ...oauth, ...plugins, ...providers, ...login, ...recovery, ...setup, ...tokens, ...verify, ...errors };
export type Messages = typeof messages;
export type Key = keyof Messages;
/** Messages that need no values. */
export type PlainKey = {
  [K in Key]: [Parameters<Messages[K]>] extends [never] ? K : never;
}[Key];
