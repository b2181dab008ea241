/** When quotas will be used up at the present rates, of one credential and of all. */

import type { Burn, Pool } from "../../api/accounts";
import { fmt, t } from "../../i18n/language";
import { tick } from "../../state/freshness";
import { iso } from "../../text/format";
import { firstOf } from "./burning";
import { windowId, windowName } from "./quota";

const UNKNOWN: Readonly<Record<string, "creds.unknownReset" | "creds.unknownFew">> = {
  "reset since it was seen last": "creds.unknownReset",
  "too few answers told of it": "creds.unknownFew",
};

/** How a window of the forecast is called; those of headers are numbered alone. */
function nameOf({ window, window_minutes }: Pick<Burn, "window" | "window_minutes">): string {
  const seconds = window_minutes ? window_minutes * 60 : null;
  return windowName({ id: /^(primary|secondary)$/.test(window) && seconds ? windowId(seconds) : window, seconds });
}

function verdict(burn: Burn, now: number): string {
  if (burn.lasts) return t("creds.lasts");
  if (burn.spent_at_ms === null) return t("creds.notKnown", { why: UNKNOWN[burn.unknown] ? t(UNKNOWN[burn.unknown]!) : burn.unknown || "--" });
  return burn.spent_at_ms <= now ? t("creds.usedUp") : t("creds.spentAt", { when: fmt.value.ago(burn.spent_at_ms, now) });
}

/** How sure that is: the times between which it will be, by the scatter of the rate. */
function between({ spent_at_ms, earliest_ms, latest_ms }: Burn, now: number): string {
  if (earliest_ms === null || earliest_ms === latest_ms || (spent_at_ms !== null && spent_at_ms <= now)) return "";
  return latest_ms === null ? t("creds.notBefore", { from: fmt.value.dateTime(earliest_ms) }) : t("creds.between", { from: fmt.value.dateTime(earliest_ms), to: fmt.value.dateTime(latest_ms) });
}

export function SpentCell({ burns }: { readonly burns: readonly Burn[] }) {
  const burn = firstOf(burns);
  if (!burn) return <span class="dim">--</span>;
  const now = tick.value;
  const text = burn.spent_at_ms === null ? (burn.lasts ? t("creds.poolLasts") : "--") : burn.spent_at_ms <= now ? t("creds.usedUp") : fmt.value.ago(burn.spent_at_ms, now);
  return (
    <span class={burn.lasts === false ? "warn-text" : "dim"} title={[`${nameOf(burn)}: ${verdict(burn, now)}`, between(burn, now)].filter(Boolean).join(" · ")}>
      {text}
    </span>
  );
}

/** What the forecast says of each window of a credential. */
export function Burns({ burns }: { readonly burns: readonly Burn[] }) {
  if (burns.length === 0) return <p class="dim" data-block="forecast">{t("creds.noForecast")}</p>;
  const now = tick.value;
  const rate = (value: number | null) => (value === null ? "--" : fmt.value.percent(value / 100));
  return (
    <ul class="burns" data-block="forecast">
      {burns.map((burn) => (
        <li key={burn.window} data-burn={burn.window} data-value={burn.spent_at_ms ?? String(burn.lasts)}>
          <b>{nameOf(burn)}</b>
          <span class={burn.lasts === false ? "warn-text" : burn.lasts ? "good-text" : "dim"} title={iso(burn.spent_at_ms)}>{verdict(burn, now)}</span>
          <span class="dim">{between(burn, now)}</span>
          <span>{t("creds.burnRate", { used: fmt.value.percent(burn.used_percent / 100), hour: rate(burn.rate_hour), day: rate(burn.rate_day) })}</span>
          {burn.reset_at_ms > now && <span class="dim" title={iso(burn.reset_at_ms)}>{t("creds.resets", { when: fmt.value.ago(burn.reset_at_ms, now) })}</span>}
        </li>
      ))}
    </ul>
  );
}

/** What all accounts of a provider have left, and when the last one is used up. */
export function Pools({ pools }: { readonly pools: readonly Pool[] }) {
  if (pools.length === 0) return null;
  const now = tick.value;
  const dry = (pool: Pool) => (pool.dry_at_ms !== null ? (pool.dry_at_ms <= now ? t("creds.poolDry") : t("creds.poolRunsDry", { when: fmt.value.ago(pool.dry_at_ms, now) })) : t(pool.lasts ? "creds.poolLasts" : "creds.poolUnknown"));
  return (
    <ul class="pools" aria-label={t("creds.pools")} data-block="pools">
      {pools.map((pool) => (
        <li key={`${pool.provider} ${pool.window} ${pool.window_minutes}`} data-pool={`${pool.provider} ${pool.window}`} data-value={pool.dry_at_ms ?? String(pool.lasts)} title={iso(pool.dry_at_ms)}>
          <b>{pool.provider} {nameOf(pool)}</b>{" "}
          {t("creds.poolLeft", { n: pool.accounts - pool.spent, of: pool.accounts, percent: fmt.value.percent(pool.left_percent / 100) })}{" "}
          <span class={pool.dry_at_ms === null ? "dim" : "warn-text"}>{dry(pool)}</span>
        </li>
      ))}
    </ul>
  );
}
