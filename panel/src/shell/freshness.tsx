/** Whether what is shown is of now, and how old it is: on every page. */

import { useEffect, useState } from "preact/hooks";
import { fmt, t } from "../i18n/language";
import { failures, lastData } from "../state/freshness";
import { connected } from "../state/live";
import { preferences } from "../state/preferences";
import { config, mode } from "../state/session";

type Mark = "live" | "polling" | "paused" | "lost";
const TONES = { live: "good", polling: "", paused: "warn", lost: "bad" } as const;
const AGES_MS = 5_000;

/** The mark of a page, and the message that says why it is that. */
function markOf(page: string): readonly [Mark, "pausedWhy" | "neverWhy" | "lostWhy" | "liveWhy" | "pollingWhy"] {
  if (failures.value >= 2) return ["lost", "lostWhy"];
  if (config.value?.config.collector?.enabled === false) return ["paused", "pausedWhy"];
  if (preferences.value.intervals?.[page] === 0) return ["paused", "neverWhy"];
  return mode.value === "manager" && connected.value ? ["live", "liveWhy"] : ["polling", "pollingWhy"];
}

export function Freshness({ page }: { readonly page: string }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => !document.hidden && setNow(Date.now()), AGES_MS);
    return () => clearInterval(timer);
  }, []);
  const [mark, why] = markOf(page);
  const age = lastData.value ? fmt.value.ago(lastData.value, Math.max(now, lastData.value)) : "";
  return (
    <span class="fresh nowrap" data-live={mark} title={t(`fresh.${why}`)}>
      <i class={TONES[mark]} aria-hidden="true" />
      <span class="not-phone">
        {t(`fresh.${mark}`)} <span class="dim">{age}</span>
      </span>
    </span>
  );
}
