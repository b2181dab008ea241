/** The pages: what is in the navigation, at which address, and when. */

import type { FunctionComponent } from "preact";
import type { PlainKey } from "../i18n/messages";
import type { IconName } from "../ui/icon";
import { Actions } from "./actions/actions";
import { Analytics } from "./analytics/analytics";
import { Aliases } from "./aliases/aliases";
import { Config } from "./config/config";
import { Coverage } from "./coverage/coverage";
import { Credentials } from "./credentials/credentials";
import { Dashboard } from "./dashboard/dashboard";
import { Logs } from "./logs/logs";
import { Monitor } from "./monitor/monitor";
import { Notices } from "./notices/notices";
import { OAuth } from "./oauth/oauth";
import { Plugins } from "./plugins/plugins";
import { Prices } from "./prices/prices";
import { Providers } from "./providers/providers";
import { System } from "./system/system";
import { Tokens } from "./tokens/tokens";

export interface Page {
  /** Also the value of `data-page`. */
  readonly id: string;
  readonly path: string;
  /** The message with the page's name. */
  readonly title: PlainKey;
  readonly icon: IconName;
  readonly group: "overview" | "data" | "accounts" | "system";
  /** `always`; `manager`: not without a Manager; `monitored`: while there is recorded usage; `plugins`: if CPA can have them. */
  readonly shown: "always" | "manager" | "monitored" | "plugins";
  /** The letter behind `g` that leads here. */
  readonly letter: string;
  readonly component: FunctionComponent;
}

export const pages: readonly Page[] = [
  { id: "dashboard", path: "/", title: "dashboard.title", icon: "dashboard", group: "overview", shown: "always", letter: "d", component: Dashboard },
  { id: "usage-analytics", path: "/usage-analytics", title: "analytics.title", icon: "analytics", group: "overview", shown: "monitored", letter: "a", component: Analytics },
  { id: "monitoring", path: "/monitoring", title: "monitor.title", icon: "monitor", group: "overview", shown: "monitored", letter: "m", component: Monitor },
  { id: "model-prices", path: "/model-prices", title: "price.title", icon: "price", group: "data", shown: "manager", letter: "p", component: Prices },
  { id: "api-key-aliases", path: "/api-key-aliases", title: "alias.title", icon: "key", group: "data", shown: "manager", letter: "k", component: Aliases },
  { id: "coverage", path: "/coverage", title: "coverage.title", icon: "coverage", group: "data", shown: "manager", letter: "c", component: Coverage },
  { id: "accounts", path: "/accounts", title: "creds.title", icon: "user", group: "accounts", shown: "always", letter: "u", component: Credentials },
  { id: "oauth", path: "/oauth", title: "oauth.title", icon: "link", group: "accounts", shown: "always", letter: "o", component: OAuth },
  { id: "ai-providers", path: "/ai-providers", title: "providers.title", icon: "spark", group: "accounts", shown: "always", letter: "i", component: Providers },
  { id: "plugins", path: "/plugins", title: "plugins.title", icon: "plug", group: "accounts", shown: "plugins", letter: "x", component: Plugins },
  { id: "account-actions", path: "/monitoring/account-actions", title: "actions.title", icon: "warn", group: "accounts", shown: "manager", letter: "q", component: Actions },
  { id: "notices", path: "/notices", title: "notices.title", icon: "bell", group: "system", shown: "manager", letter: "n", component: Notices },
  { id: "config", path: "/config", title: "config.title", icon: "config", group: "system", shown: "always", letter: "f", component: Config },
  { id: "api-tokens", path: "/api-tokens", title: "tokens.title", icon: "token", group: "system", shown: "manager", letter: "t", component: Tokens },
  { id: "logs", path: "/logs", title: "logs.title", icon: "logs", group: "system", shown: "always", letter: "l", component: Logs },
  { id: "system", path: "/system", title: "system.title", icon: "system", group: "system", shown: "always", letter: "s", component: System },
];
