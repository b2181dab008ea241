/** What there is to see where CPA itself serves the page: what it has, and its switches. */

import { t } from "../../i18n/language";
import { useData } from "../../state/freshness";
import { hashOf } from "../../state/router";
import { api, cpaHeaders, noteHeaders } from "../../state/session";
import { maskUrl } from "../../text/mask";
import { Block, Tile, Tiles } from "../../ui/block";
import { KINDS } from "../providers/kinds";

type CpaConfig = Readonly<Record<string, unknown>>;

const SETTINGS = ["debug", "logging-to-file", "request-log", "usage-statistics-enabled", "request-retry", "ws-auth", "proxy-url"];

export function CpaDashboard() {
  const data = useData<CpaConfig>("cpa-config", async (signal) => {
    const { value, headers } = await api().answer<CpaConfig>("/v0/management/config", { signal });
    noteHeaders(headers);
    return value;
  });
  return (
    <>
      <Tiles id="counts" data={data} count={2}>
        {(config) => (
          <>
            <Count metric="client-keys" label={t("config.keys")} value={lengthOf(config, "api-keys")} href={hashOf("/config", { tab: "keys" })} />
            <Count metric="providers" label={t("providers.title")} value={KINDS.reduce((sum, { section }) => sum + lengthOf(config, section), 0)} href={hashOf("/ai-providers")} />
          </>
        )}
      </Tiles>
      <Block id="cpa" data={data} title={t("dashboard.cpaVersion", { version: cpaHeaders.value["version"] ?? "--" })}>
        {(config) => (
          <>
            <p class="dim">{t("dashboard.cpaOnly")}</p>
            <dl class="facts">
              {SETTINGS.filter((name) => name in config).map((name) => (
                <div key={name}>
                  <dt>
                    <a class="mono" href={hashOf("/config", { tab: "visual", search: name })}>{name}</a>
                  </dt>
                  <dd>{written(config[name])}</dd>
                </div>
              ))}
            </dl>
          </>
        )}
      </Block>
    </>
  );
}

function Count({ metric, label, value, href }: { readonly metric: string; readonly label: string; readonly value: number; readonly href: string }) {
  return <Tile metric={metric} label={label} value={value} text={String(value)} href={href} />;
}

function lengthOf(config: CpaConfig, name: string): number {
  const list = config[name];
  return Array.isArray(list) ? list.length : 0;
}

function written(value: unknown): string {
  if (typeof value === "boolean") return t(value ? "common.on" : "common.off");
  return maskUrl(String(value ?? "")) || "--";
}
