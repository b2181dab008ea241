/** The pages that are not looked at first: run when one of them is asked for. */

export { Actions } from "./actions/actions";
export { Aliases } from "./aliases/aliases";
export { Analytics } from "./analytics/analytics";
export { Config } from "./config/config";
export { Coverage } from "./coverage/coverage";
export { Credentials } from "./credentials/credentials";
export { Logs } from "./logs/logs";
export { Monitor } from "./monitor/monitor";
export { Notices } from "./notices/notices";
export { OAuth } from "./oauth/oauth";
export { Plugins } from "./plugins/plugins";
export { Prices } from "./prices/prices";
export { Providers } from "./providers/providers";
export { Setup } from "./setup";
export { System } from "./system/system";
export { Tokens } from "./tokens/tokens";
