/** Whether what is shown is of now, and how old it is: on every page. */

import { useEffect, useState } from "preact/hooks";
import { fmt, t } from "../i18n/language";
import { failures, lastData } from "../state/freshness";
import { connected } from "../state/live";
import { config, mode } from "../state/session";

type Mark = "live" | "polling" | "paused" | "lost";
const TONES = { live: "good", polling: "", paused: "warn", lost: "bad" } as const;
const AGES_MS = 5_000;

function markNow(): Mark {
  if (failures.value >= 2) return "lost";
  if (config.value?.config.collector?.enabled === false) return "paused";
  return mode.value === "manager" && connected.value ? "live" : "polling";
}

export function Freshness() {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => !document.hidden && setNow(Date.now()), AGES_MS);
    return () => clearInterval(timer);
  }, []);
  const mark = markNow();
  const age = lastData.value ? fmt.value.ago(lastData.value, Math.max(now, lastData.value)) : "";
  return (
    <span class="fresh nowrap" data-live={mark} title={t(`fresh.${mark}Why`)}>
      <i class={TONES[mark]} aria-hidden="true" />
      <span class="not-phone">
        {t(`fresh.${mark}`)} <span class="dim">{age}</span>
      </span>
    </span>
  );
}
