/** Requests above tokens, on one axis of time. */

import { useMemo } from "preact/hooks";
import { valuesOn, type Axis } from "../../charts/buckets";
import { colorAt } from "../../charts/colors";
import { Series } from "../../charts/series";
import { fmt, language, t } from "../../i18n/language";
import type { Data } from "../../state/freshness";
import { go } from "../../state/router";
import { Block } from "../../ui/block";
import type { Shown } from "./dashboard";

export function Traffic({ data }: { readonly data: Data<Shown> }) {
  return (
    <Block id="traffic" class="w-8" height={292} data={data} title={t("dashboard.traffic")}>
      {(shown) => <Charts shown={shown} />}
    </Block>
  );
}

function Charts({ shown }: { readonly shown: Shown }) {
  const { summary } = shown;
  const drawn = useMemo(() => {
    const rows = summary.traffic_timeline;
    const axis: Axis = {
      starts: rows.map((row) => row.bucket_ms),
      granularity: "hour",
      since: rows[0]?.bucket_ms ?? 0,
      now: summary.generated_at_ms,
    };
    const past = rows.filter((row) => row.bucket_ms <= axis.now);
    const calls = [{ id: "requests", label: t("dashboard.trafficRequests"), color: colorAt(0), values: valuesOn(axis, past, (row) => row.calls) }];
    const tokens = [{ id: "tokens", label: t("dashboard.trafficTokens"), color: colorAt(1), values: valuesOn(axis, past, (row) => row.tokens) }];
    return { axis, calls, tokens };
  }, [summary, language.value]);
  const pick = (from: number, to: number) => go("/monitoring", { tab: "realtime", from_ms: from, to_ms: to });
  return (
    <>
      <Series id="traffic" label={t("dashboard.trafficRequests")} axis={drawn.axis} lines={drawn.calls} format={(n) => fmt.value.compact(n)} bars whole height={78} hideAxis onPick={pick} sync="traffic" />
      <Series id="traffic-tokens" label={t("dashboard.trafficTokens")} axis={drawn.axis} lines={drawn.tokens} format={(n) => fmt.value.compact(n)} bars whole height={104} onPick={pick} sync="traffic" />
    </>
  );
}
