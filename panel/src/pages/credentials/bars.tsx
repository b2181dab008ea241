/** Bars of what is left of quota windows. */

import { fmt, t } from "../../i18n/language";
import { tick } from "../../state/freshness";
import { isMain, leftOf, windowName, type Window } from "./quota";
import { LOW } from "./state";

/** What a window says, in words. */
export function windowText(window: Window, now: number): string {
  const left = leftOf(window, now);
  const name = windowName(window);
  const share = t("creds.left", { window: name, percent: left === null ? "--" : fmt.value.percent(left / 100) });
  if (window.resetAtMs === null) return share;
  const reset = window.resetAtMs <= now ? t("creds.wasReset") : t("creds.resets", { when: fmt.value.ago(window.resetAtMs, now) });
  return `${share}, ${reset}`;
}

export function Bar({ window }: { readonly window: Window }) {
  const left = leftOf(window, tick.value);
  const tone = left === null ? "" : left <= 0 ? "bad" : left < LOW ? "warn" : "good";
  return (
    <span class={`quota ${tone}`} data-window={window.id} data-value={left === null ? "null" : String(left)} title={windowText(window, tick.value)}>
      <span>{windowName(window)}</span>
      <i>
        <i style={{ width: `${left ?? 0}%` }} />
      </i>
      <b>{left === null ? "--" : `${Math.floor(left)}%`}</b>
    </span>
  );
}

/** The windows of the whole account, in one line. */
export function Bars({ windows }: { readonly windows: readonly Window[] }) {
  const main = windows.filter(isMain).slice(0, 2);
  if (main.length === 0) return <span class="dim">--</span>;
  return (
    <span class="quotas">
      {main.map((window) => (
        <Bar key={window.id} window={window} />
      ))}
    </span>
  );
}
