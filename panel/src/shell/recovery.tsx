/** What keeps figures from being whole: told on every page, with how far it has come. */

import { useEffect, useState } from "preact/hooks";
import type { KeyState, Takeover } from "../api/answers.generated";
import { fmt, t } from "../i18n/language";
import { info, mode, readStatus, status, statusAt } from "../state/session";
import { redact } from "../text/mask";
import { Icon } from "../ui/icon";

/** How far the taking over of an older database has come. */
export function takeoverText({ state, events: { read, of }, problem }: Takeover): string {
  if (state === "waiting") return t("recovery.takeoverWaits", { why: redact(problem ?? "") });
  return t("recovery.takeover", { read: fmt.value.full(read), of: fmt.value.full(of) });
}

export function Recovery() {
  const now = status.value;
  if (mode.value === "cpa" || !now) return null;
  const { store, derived, collector } = now;
  return (
    <>
      {info.value?.dataKeyReady === false && (
        <p class="strip bad" role="status" data-strip="data-key">
          <Icon name="warn" />
          {t("recovery.dataKey")} <a href="#/config?tab=manager">{t("config.title")}</a>
        </p>
      )}
      {!store.ready && (
        <p class="strip bad" role="status" data-strip="store">
          <Icon name="warn" />
          {t("recovery.storeFull", { why: redact(store.problem) })}
        </p>
      )}
      {["banned", "key_refused"].includes(collector.key.state) && <Refused key={statusAt.value} state={collector.key} until={statusAt.value + (collector.key.retryInSeconds ?? 0) * 1000} />}
      {!derived.ready && (
        <p class="strip warn" role="status" data-strip="rebuild">
          <Icon name="clock" />
          {t("recovery.rebuilding", { rows: fmt.value.full(derived.rows), of: fmt.value.full(derived.of) })}
        </p>
      )}
      {now.takeovers
        .filter((one) => one.state !== "completed")
        .map((one) => (
          <p key={one.source} class="strip warn" role="status" data-strip="takeover">
            <Icon name="clock" />
            {takeoverText(one)}
          </p>
        ))}
    </>
  );
}

/** Counts down to the next try, and asks once how that went. */
function Refused({ state, until }: { readonly state: KeyState; readonly until: number }) {
  const [left, setLeft] = useState(until - Date.now());
  useEffect(() => {
    if (until <= Date.now()) return undefined;
    const timer = setInterval(() => {
      setLeft(until - Date.now());
      if (until > Date.now()) return;
      clearInterval(timer);
      void readStatus().catch(() => undefined);
    }, 1000);
    return () => clearInterval(timer);
  }, [until]);
  return (
    <p class="strip bad" role="status" data-strip="key">
      <Icon name="warn" />
      <span title={redact(state.reason ?? "")}>{t(state.state === "banned" ? "recovery.banned" : "recovery.refused")}</span>
      {left > 0 && <span data-metric="retry">{t("recovery.left", { time: fmt.value.duration(Math.ceil(left / 1000) * 1000) })}</span>}
      <a href="#/coverage">{t("coverage.title")}</a>
    </p>
  );
}
