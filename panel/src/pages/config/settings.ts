/** The settings of CPA that have a field of their own, section by section. */

export interface Setting {
  /** The path in the file, its names between dots. */
  readonly path: string;
  /** `source`: more than a field can show; it is edited in the file. */
  readonly kind: "bool" | "number" | "text" | "secret" | "choice" | "source";
  readonly least?: number;
  readonly most?: number;
  readonly choices?: readonly string[];
}

const bool = (path: string): Setting => ({ path, kind: "bool" });
const text = (path: string): Setting => ({ path, kind: "text" });
const source = (path: string): Setting => ({ path, kind: "source" });
const number = (path: string, least = 0, most = 2_147_483_647): Setting => ({ path, kind: "number", least, most });
const choice = (path: string, ...choices: string[]): Setting => ({ path, kind: "choice", choices });

export const SECTIONS = {
  server: [text("host"), number("port", 1, 65_535), bool("tls.enable"), text("tls.cert"), text("tls.key")],
  remote: [
    bool("remote-management.allow-remote"),
    { path: "remote-management.secret-key", kind: "secret" },
    bool("remote-management.disable-control-panel"),
    bool("remote-management.disable-auto-update-panel"),
    text("remote-management.panel-github-repository"),
  ],
  auth: [text("auth-dir"), bool("ws-auth")],
  system: [
    bool("debug"),
    bool("pprof.enable"),
    text("pprof.addr"),
    bool("commercial-mode"),
    bool("logging-to-file"),
    bool("request-log"),
    number("logs-max-total-size-mb"),
    number("error-logs-max-files"),
    bool("usage-statistics-enabled"),
    number("redis-usage-queue-retention-seconds", 1, 3600),
  ],
  network: [
    text("proxy-url"),
    bool("force-model-prefix"),
    bool("passthrough-headers"),
    number("request-retry"),
    number("max-retry-credentials"),
    number("max-retry-interval"),
    bool("disable-cooling"),
    bool("save-cooldown-status"),
    number("transient-error-cooldown-seconds"),
    number("auth-auto-refresh-workers"),
    bool("disable-claude-cloak-mode"),
    choice("disable-image-generation", "false", "true", "chat", "passthrough"),
    text("gpt-image-2-base-model"),
    text("video-result-auth-cache-ttl"),
  ],
  quota: [bool("quota-exceeded.switch-project"), bool("quota-exceeded.switch-preview-model"), bool("quota-exceeded.antigravity-credits")],
  routing: [choice("routing.strategy", "round-robin", "weighted-round-robin", "fill-first"), bool("routing.session-affinity"), text("routing.session-affinity-ttl")],
  streaming: [number("streaming.keepalive-seconds"), number("streaming.bootstrap-retries"), number("nonstream-keepalive-interval")],
  headers: [
    source("claude-header-defaults"),
    source("codex-header-defaults"),
    bool("codex.identity-confuse"),
    bool("antigravity-signature-cache-enabled"),
    bool("antigravity-signature-bypass-strict"),
  ],
  payload: ["default", "default-raw", "override", "override-raw", "filter"].map((name) => source(`payload.${name}`)),
  plugins: [bool("plugins.enabled"), text("plugins.dir"), source("plugins.store-sources"), source("plugins.store-auth")],
} as const satisfies Readonly<Record<string, readonly Setting[]>>;

export type SectionId = keyof typeof SECTIONS;
