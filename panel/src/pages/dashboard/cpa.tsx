/** What there is to see where CPA itself serves the page: its versions and switches. */

import { t } from "../../i18n/language";
import { useData } from "../../state/freshness";
import { api, cpaHeaders, noteHeaders } from "../../state/session";
import { maskUrl } from "../../text/mask";
import { Block } from "../../ui/block";

type CpaConfig = Readonly<Record<string, unknown>>;

const SETTINGS = ["debug", "logging-to-file", "request-log", "usage-statistics-enabled", "request-retry", "ws-auth", "proxy-url"];

export function CpaDashboard() {
  const data = useData<CpaConfig>("cpa-config", async (signal) => {
    const { value, headers } = await api().answer<CpaConfig>("/v0/management/config", { signal });
    noteHeaders(headers);
    return value;
  });
  return (
    <Block id="cpa" data={data} title={t("dashboard.cpaVersion", { version: cpaHeaders.value["version"] ?? "--" })}>
      {(config) => (
        <>
          <p class="dim">{t("dashboard.cpaOnly")}</p>
          <dl class="facts">
            {SETTINGS.filter((name) => name in config).map((name) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{written(config[name])}</dd>
              </div>
            ))}
          </dl>
        </>
      )}
    </Block>
  );
}

function written(value: unknown): string {
  if (typeof value === "boolean") return t(value ? "common.on" : "common.off");
  return maskUrl(String(value ?? "")) || "--";
}
