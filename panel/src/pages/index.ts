/** The pages: what is in the navigation, at which address, and when. */

import type { FunctionComponent } from "preact";
import type { PlainKey } from "../i18n/messages";
import type { IconName } from "../ui/icon";
import { Dashboard } from "./dashboard/dashboard";
import { later } from "./later";

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
  { id: "usage-analytics", path: "/usage-analytics", title: "analytics.title", icon: "analytics", group: "overview", shown: "monitored", letter: "a", component: later("Analytics") },
  { id: "monitoring", path: "/monitoring", title: "monitor.title", icon: "monitor", group: "overview", shown: "monitored", letter: "m", component: later("Monitor") },
  { id: "model-prices", path: "/model-prices", title: "price.title", icon: "price", group: "data", shown: "manager", letter: "p", component: later("Prices") },
  { id: "api-key-aliases", path: "/api-key-aliases", title: "alias.title", icon: "key", group: "data", shown: "manager", letter: "k", component: later("Aliases") },
  { id: "coverage", path: "/coverage", title: "coverage.title", icon: "coverage", group: "data", shown: "manager", letter: "c", component: later("Coverage") },
  { id: "accounts", path: "/accounts", title: "creds.title", icon: "user", group: "accounts", shown: "always", letter: "u", component: later("Credentials") },
  { id: "oauth", path: "/oauth", title: "oauth.title", icon: "link", group: "accounts", shown: "always", letter: "o", component: later("OAuth") },
  { id: "ai-providers", path: "/ai-providers", title: "providers.title", icon: "spark", group: "accounts", shown: "always", letter: "i", component: later("Providers") },
  { id: "plugins", path: "/plugins", title: "plugins.title", icon: "plug", group: "accounts", shown: "plugins", letter: "x", component: later("Plugins") },
  { id: "account-actions", path: "/monitoring/account-actions", title: "actions.title", icon: "warn", group: "accounts", shown: "manager", letter: "q", component: later("Actions") },
  { id: "notices", path: "/notices", title: "notices.title", icon: "bell", group: "system", shown: "manager", letter: "n", component: later("Notices") },
  { id: "config", path: "/config", title: "config.title", icon: "config", group: "system", shown: "always", letter: "f", component: later("Config") },
  { id: "api-tokens", path: "/api-tokens", title: "tokens.title", icon: "token", group: "system", shown: "manager", letter: "t", component: later("Tokens") },
  { id: "logs", path: "/logs", title: "logs.title", icon: "logs", group: "system", shown: "always", letter: "l", component: later("Logs") },
  { id: "system", path: "/system", title: "system.title", icon: "system", group: "system", shown: "always", letter: "s", component: later("System") },
];
