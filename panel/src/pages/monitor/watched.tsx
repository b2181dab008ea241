/** Whether requests are being recorded, and of when the figures are. */

import { fmt, t } from "../../i18n/language";
import type { Data } from "../../state/freshness";
import { config, cpa, status } from "../../state/session";
import type { Shown } from "./events";

type State = "connected" | "paused" | "unavailable";

function stateNow(): State {
  if (config.value?.config.collector?.enabled === false) return "paused";
  return status.value?.collector.collector === "running" ? "connected" : "unavailable";
}

const TONES = { connected: "good", paused: "warn", unavailable: "bad" } as const;

export function Watched({ data }: { readonly data: Data<Shown> }) {
  const state = stateNow();
  const { at, value } = data.now.value;
  return (
    <span class="nowrap" data-metric="recording" data-value={state}>
      <span class={`badge ${TONES[state]}`} title={status.value?.collector.lastError}>
        {t(`monitor.${state}`)}
      </span>
      {value && <span class="dim"> {fmt.value.moment(at)}</span>}
    </span>
  );
}

/** Why there is nothing to be seen, and what to do. */
export function Nothing({ filtered }: { readonly filtered: boolean }) {
  const usage = cpa.value?.usage;
  const statistics = !(usage && "data" in usage && !usage.data.usageStatisticsEnabled);
  const why = filtered ? "common.noMatch" : stateNow() === "paused" ? "monitor.off" : statistics ? "monitor.noEvents" : "monitor.statisticsOff";
  return (
    <>
      {t(why)} {!filtered && (stateNow() === "paused" || !statistics) && <a href="#/config?tab=manager">{t("config.title")}</a>}
    </>
  );
}
