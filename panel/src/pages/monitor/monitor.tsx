/** What happens now, and why did this fail. */

import { Interval, intervalOf } from "../../filters/interval";
import { FilterBar } from "../../filters/bar";
import { holdsUntil, pageView } from "../../filters/view";
import { fmt, t } from "../../i18n/language";
import { useData, usePart } from "../../state/freshness";
import { location, query, setQuery } from "../../state/router";
import { Tabs } from "../../ui/controls";
import { SummaryTiles } from "../summary";
import { EventDrawer } from "./event";
import { readTab, TABS, type Shown } from "./events";
import { Accounts, ApiKeys } from "./groups";
import { Realtime } from "./realtime";
import { Transfers } from "./transfers";
import { Watched } from "./watched";

const RANGES = ["today", "7d", "14d", "30d", "all", "custom"] as const;

export function Monitor() {
  const view = pageView(location.value, "today");
  const tab = TABS.find((name) => name === query.value["tab"]) ?? "realtime";
  const key = JSON.stringify([view, tab]);
  const data = useData<Shown>(key, (signal) => readTab(view, tab, signal), intervalOf("monitoring"), ({ summary }, at) => (summary.total_calls > 0 ? holdsUntil(view, at) : Infinity));
  const hash = query.value["event"];
  const calls = data.now.value.value?.summary.total_calls;
  return (
    <>
      <FilterBar view={view} ranges={RANGES} shown={data.now.value.value?.range ?? null}>
        <Watched data={data} />
        <Interval page="monitoring" />
        <Transfers />
      </FilterBar>
      <SummaryTiles data={usePart(data, ({ summary, range, now }) => ({ summary, range, now }))} view={view} />
      <Tabs label={t("monitor.title")} value={tab} tabs={TABS.map((value) => ({ value, text: t(`monitor.${value}`), ...(value === "realtime" && calls !== undefined && { count: fmt.value.compact(calls) }) }))} onChange={(value) => setQuery({ tab: value, row: null, event: null })} />
      {tab === "realtime" && <Realtime data={data} view={view} viewKey={key} />}
      {tab === "accounts" && <Accounts data={data} />}
      {tab === "apiKeys" && <ApiKeys data={data} />}
      {hash && <EventDrawer hash={hash} />}
    </>
  );
}
