/** What a cell of the heat map is called, and what it is worth. */

import type { HeatCell } from "../../api/analytics";
import type { Cell } from "../../charts/heat";
import { fmt, t } from "../../i18n/language";
import { knownCost } from "../figures";

export const HEAT_METRICS = ["calls", "tokens", "cost", "failure_rate"] as const;
export type HeatMetric = (typeof HEAT_METRICS)[number];
/** A rate of fewer calls says nothing. */
export const ENOUGH_CALLS = 5;

export function heatName(metric: HeatMetric): string {
  return t(metric === "calls" ? "column.requests" : metric === "failure_rate" ? "column.failureRate" : `column.${metric}`);
}

export function writeHeat(metric: HeatMetric, value: number | null): string {
  if (metric === "cost") return fmt.value.usd(value);
  return metric === "failure_rate" ? fmt.value.percent(value) : fmt.value.compact(value);
}

/** The value of a cell; what has no price has no cost, and a rate of very few calls says nothing. */
export function valueOf(metric: HeatMetric, cell: HeatCell | undefined): number | null {
  if (!cell) return metric === "failure_rate" ? null : 0;
  if (metric === "cost") return knownCost({ cost: cell.cost, unpriced: cell.unpriced_calls, calls: cell.calls });
  return metric === "failure_rate" && cell.calls < ENOUGH_CALLS ? null : cell[metric];
}

export function cellName({ weekday, hour }: Cell): string {
  return `${fmt.value.weekday(weekday, "long")} ${hourName(hour)}`;
}

export function hourName(hour: number): string {
  const clock = (n: number) => `${String(n % 24).padStart(2, "0")}:00`;
  return `${clock(hour)}–${clock(hour + 1)}`;
}

/** What an hour of some cells has on average; of a rate, the rate of all their calls. */
export function meanOf(metric: HeatMetric, cells: readonly HeatCell[], hours: number): number | null {
  const sum = (name: "calls" | "tokens" | "cost" | "failure" | "unpriced_calls") => cells.reduce((all, cell) => all + cell[name], 0);
  if (metric === "failure_rate") return sum("calls") > 0 ? sum("failure") / sum("calls") : null;
  if (hours === 0) return null;
  const whole = metric === "cost" ? knownCost({ cost: sum("cost"), unpriced: sum("unpriced_calls"), calls: sum("calls") }) : sum(metric);
  return whole === null ? null : whole / hours;
}
