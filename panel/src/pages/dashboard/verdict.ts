/** Whether the proxy works, in one word and a reason. Alarms are rare: 20 calls at least. */

import type { Dashboard } from "../../api/analytics";
import type { Status } from "../../api/types";
import { fmt, t } from "../../i18n/language";
import { takeoverText } from "../../shell/recovery";
import { redact } from "../../text/mask";

export interface Verdict {
  readonly state: "working" | "degraded" | "down" | "waiting";
  readonly why: string;
}

export const ENOUGH_CALLS = 20;
const TOO_MANY_FAILURES = 0.2;
const LAST_POINTS = 3;

export function verdictOf(status: Status, dashboard: Dashboard, cpaDown: boolean | null): Verdict {
  const { collector, store, derived } = status;
  if (!store.ready) return { state: "down", why: t("recovery.storeFull", { why: redact(store.problem) }) };
  if (collector.collector === "error" || cpaDown) {
    return { state: "down", why: redact(collector.lastError ?? "") || t("error.cpa_unreachable") };
  }
  if (collector.collector === "stopped") return { state: "down", why: t("dashboard.whyStopped") };
  if (collector.collector === "starting") return { state: "degraded", why: t("dashboard.whyStarting") };
  if (!derived.ready) {
    return { state: "degraded", why: t("recovery.rebuilding", { rows: fmt.value.full(derived.rows), of: fmt.value.full(derived.of) }) };
  }
  const taken = status.takeovers.find((one) => one.state !== "completed");
  if (taken) return { state: "degraded", why: takeoverText(taken) };
  const gap = collector.coverage?.gap;
  if (gap) return { state: "degraded", why: `${t("dashboard.whyGap", { time: fmt.value.moment(gap.sinceMs) })} ${redact(gap.reason)}` };
  const points = dashboard.today_request_health_timeline.points.filter((point) => point.calls > 0).slice(-LAST_POINTS);
  const calls = points.reduce((sum, point) => sum + point.calls, 0);
  const failed = points.reduce((sum, point) => sum + point.failure, 0);
  if (calls >= ENOUGH_CALLS && failed / calls >= TOO_MANY_FAILURES) {
    return { state: "degraded", why: t("dashboard.whyFailing", { n: failed, calls }) };
  }
  if (status.events === 0) return { state: "waiting", why: t("dashboard.checks") };
  const holes = collector.coverage?.last24h;
  const missing = (holes?.atRiskMinutes ?? 0) + (holes?.lostMinutes ?? 0);
  const running = t("dashboard.whyRunning", { transport: collector.transport || "auto" });
  return { state: "working", why: missing > 0 ? `${running} ${t("dashboard.whyHoles", { n: missing })}` : running };
}
