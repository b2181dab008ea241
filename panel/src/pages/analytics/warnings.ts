/** Which clients or credentials deserve a look, and why. */

export interface Judged {
  readonly calls: number;
  readonly failure_calls: number;
  readonly cost: number;
  readonly unpriced_calls: number;
}

export interface Warning<R> {
  readonly row: R;
  readonly severity: "low" | "medium" | "high";
  readonly reason: "cost_spike" | "error_rate" | "skew" | "unpriced";
  /** How much of the cost, of its own calls or of all calls it is; or how many calls have no price. */
  readonly figure: number;
}

// Fewer calls than these make no alarm.
const ENOUGH_CALLS = 20;
/** Of fewer than these, each has a large share by nature. */
const ENOUGH_ROWS = 3;
const FAILING = { low: 0.03, high: 0.08 };
const SHARE = { low: 0.2, medium: 0.22, high: 0.32 };
const COST_SHARE = 0.3;
const ORDER = ["high", "medium", "low"];

/** The warnings of rows within the whole that they are parts of, the gravest first. */
export function warningsOf<R extends Judged>(rows: readonly R[], whole: { readonly total_calls: number; readonly total_cost: number }): readonly Warning<R>[] {
  const several = rows.length >= ENOUGH_ROWS;
  const found = rows.filter(({ calls }) => calls >= ENOUGH_CALLS).flatMap((row) => {
    const failing = row.failure_calls / row.calls;
    const share = several ? row.calls / whole.total_calls : 0;
    const cost = several && whole.total_cost > 0 ? row.cost / whole.total_cost : 0;
    const severity = failing >= FAILING.high || share >= SHARE.high ? "high" : failing >= FAILING.low || share >= SHARE.medium ? "medium" : "low";
    const made = (reason: Warning<R>["reason"], figure: number): Warning<R>[] => [{ row, severity, reason, figure }];
    if (cost >= COST_SHARE) return made("cost_spike", cost);
    if (failing >= FAILING.low) return made("error_rate", failing);
    if (share >= SHARE.low) return made("skew", share);
    return row.unpriced_calls > 0 ? made("unpriced", row.unpriced_calls) : [];
  });
  return found.sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity) || b.row.calls - a.row.calls);
}
