/** The quota windows of one credential: what is left, when it is spent, and who used it. */

import { useState } from "preact/hooks";
import { readShares, type Burn, type Share, type WindowShares } from "../../api/accounts";
import { readWindowUsage, type WindowUsage } from "../../api/manager";
import { fmt, t } from "../../i18n/language";
import { refreshAll, steps, tick, useData } from "../../state/freshness";
import { keyName } from "../../state/names";
import { mode } from "../../state/session";
import { Block } from "../../ui/block";
import { Button } from "../../ui/controls";
import { toast, toastError } from "../../ui/overlay";
import { Bar, windowText } from "./bars";
import { askQuota, canAsk } from "./data";
import { Burns } from "./forecast";
import { windowName, type Window } from "./quota";
import type { Row } from "./state";

const SOURCES = { inspection: "creds.sourceInspection", header: "creds.sourceHeader", query: "creds.sourceQuery" } as const;
const SHOWN = 8;

export function Quota({ row }: { readonly row: Row }) {
  const [busy, setBusy] = useState(false);
  const manager = mode.value === "manager";
  const now = tick.value;
  // What has come back since is another window now.
  const spans = row.windows.flatMap(({ id, seconds, resetAtMs }) => (seconds && resetAtMs && resetAtMs > now ? [{ key: id, from: resetAtMs - seconds * 1000, to: resetAtMs }] : []));
  const key = manager && spans.length ? JSON.stringify(spans) : null;
  const usage = useData(key, (signal) => readWindowUsage(row.file, spans, signal)).now.value.value;
  const ask = async () => {
    setBusy(true);
    await askQuota(row.file).then(() => toast("success", t("creds.askedQuota")), toastError);
    // What the Manager has kept of it is in the forecast, too.
    if (manager) void refreshAll();
    setBusy(false);
  };
  return (
    <>
      {row.windows.length === 0 && <p class="dim">{t("creds.noQuota")}</p>}
      {row.windows.map((window) => (
        <WindowPart key={window.id} window={window} usage={usage?.find((item) => item.window_key === window.id)} />
      ))}
      {canAsk(row.file) && (
        <p>
          <Button action="ask-quota" icon="refresh" busy={busy} onClick={() => void ask()}>{t("creds.askQuota")}</Button>
        </p>
      )}
      {manager && <Ahead burns={row.burns} />}
      {manager && <Shares row={row} />}
    </>
  );
}

function WindowPart({ window, usage }: { readonly window: Window; readonly usage: WindowUsage | undefined }) {
  const now = tick.value;
  return (
    <div class="window-part">
      <Bar window={window} />
      <p>{windowText(window, now)}</p>
      {usage && <p>{t("creds.usedHere", { requests: usage.total_requests, tokens: fmt.value.compact(usage.total_tokens), cost: fmt.value.usd(usage.total_cost) })}</p>}
      <p class="hint">{t("creds.seen", { source: t(SOURCES[window.source]), when: fmt.value.ago(window.seenAtMs, Math.max(now, window.seenAtMs)) })}</p>
    </div>
  );
}

function Ahead({ burns }: { readonly burns: readonly Burn[] }) {
  return (
    <>
      <h3>{t("creds.forecast")}</h3>
      <Burns burns={burns} />
    </>
  );
}

// -- who used it --------------------------------------------------------------------------------

function Shares({ row }: { readonly row: Row }) {
  const data = useData(`shares ${row.key}`, (signal) => readShares(row.file, signal), 60, steps(10));
  return (
    <>
      <h3>{t("creds.shares")}</h3>
      <Block id="shares" data={data} class="bare" empty={(windows) => windows.length === 0 && t("creds.noShares")}>
        {(windows) => windows.map((window) => <OneWindow key={`${window.provider_window_id} ${window.model_scope.key}`} window={window} />)}
      </Block>
    </>
  );
}

const percentOf = (points: number) => fmt.value.percent(points / 100);

function OneWindow({ window }: { readonly window: WindowShares }) {
  const [all, setAll] = useState(false);
  const { rows = [], rest, later, total } = window;
  const name = windowName({ id: window.provider_window_id, seconds: window.from_ms === null ? null : Math.round((window.to_ms - window.from_ms) / 1000) });
  if (window.unknown || !total) {
    return (
      <div class="window-part" data-shares={window.provider_window_id} data-value="null">
        <p><b>{name}</b> <span class="dim">{t("creds.notKnown", { why: t(window.from_ms === null ? "creds.unknownBegin" : "creds.unknownUsed") })}</span></p>
      </div>
    );
  }
  const shown = all ? rows : rows.slice(0, SHOWN);
  const hidden = rows.slice(shown.length).reduce((sum, share) => sum + share.percent, rest?.percent ?? 0);
  const unexplained = window.unexplained_percent ?? 0;
  return (
    <div class="window-part" data-shares={window.provider_window_id} data-value={window.used_percent}>
      <p>
        <b>{name}</b> {t("creds.sharesOf", { used: percentOf(window.used_percent ?? 0), from: fmt.value.dateTime(window.from_ms) })}{" "}
        {rows.length > 0 && <span class="dim">{t(window.basis === "cost" ? "creds.byCost" : "creds.byTokens")}</span>}
      </p>
      <ul class="shares">
        {shown.map((share) => (
          <ShareRow key={`${share.api_key_hash} ${share.model}`} share={share} />
        ))}
        {hidden > 0 && <ShareLine id="others" name={t("creds.shareOthers")} points={hidden} of={window.used_percent} />}
        {unexplained > 0.005 && <ShareLine id="unseen" name={t("creds.shareUnseen")} points={unexplained} of={window.used_percent} />}
      </ul>
      {rows.length > SHOWN && !all && <p><Button action="all-shares" kind="quiet" onClick={() => setAll(true)}>{t("creds.allShares", { n: rows.length })}</Button></p>}
      <p class="hint">
        {[
          later && later.total_requests > 0 && t("creds.sharesLater", { n: later.total_requests }),
          total.unpriced_calls > 0 && t("creds.sharesUnpriced", { n: total.unpriced_calls }),
          (window.unmatched_requests ?? 0) > 0 && t("creds.sharesUnmatched", { n: window.unmatched_requests ?? 0 }),
          window.scope_match_status === "unmatched" && t("creds.sharesScope"),
          unexplained > 0.005 && t("creds.sharesUnseenHint"),
        ].filter(Boolean).join(" ")}
      </p>
    </div>
  );
}

function ShareRow({ share }: { readonly share: Share }) {
  const cost = share.unpriced_calls === share.total_requests && share.total_requests > 0 ? "--" : fmt.value.usd(share.total_cost);
  const used = t("creds.shareUse", { requests: share.total_requests, tokens: fmt.value.compact(share.total_tokens), cost });
  return <ShareLine id={`${share.api_key_hash} ${share.model}`} name={`${keyName(share.api_key_hash)} · ${share.model || "--"}`} points={share.percent} part={share.share} used={used} />;
}

interface LineProps {
  readonly id: string;
  readonly name: string;
  /** Percent of the whole window. */
  readonly points: number;
  readonly of?: number | null;
  readonly part?: number;
  readonly used?: string;
}

function ShareLine({ id, name, points, of, part, used }: LineProps) {
  const width = part ?? (of ? points / of : 0);
  return (
    <li data-share={id} data-value={points}>
      <span title={name}>{name}</span>
      <b>{percentOf(points)}</b>
      <i><i style={{ width: `${Math.min(width, 1) * 100}%` }} /></i>
      {used && <span class="dim">{used}</span>}
    </li>
  );
}
