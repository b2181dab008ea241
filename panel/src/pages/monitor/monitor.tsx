/** What happens now, and why did this fail. */

import { useRef } from "preact/hooks";
import { Interval, intervalOf } from "../../filters/interval";
import { FilterBar } from "../../filters/bar";
import { holdsUntil, pageView } from "../../filters/view";
import { fmt, t } from "../../i18n/language";
import { useData, usePart } from "../../state/freshness";
import { location, query, setQuery } from "../../state/router";
import { Tabs } from "../../ui/controls";
import { SummaryTiles } from "../summary";
import { EventDrawer } from "./event";
import { readTab, TABS, type Shown, type Tab } from "./events";
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
  const counts = useCounts(JSON.stringify(view), data.now.value.value);
  return (
    <>
      <FilterBar view={view} ranges={RANGES} shown={data.now.value.value?.range ?? null}>
        <Watched data={data} />
        <Interval page="monitoring" />
        <Transfers />
      </FilterBar>
      <SummaryTiles data={usePart(data, ({ summary, range, now }) => ({ summary, range, now }))} view={view} />
      <Tabs label={t("monitor.title")} value={tab} tabs={TABS.map((value) => ({ value, text: t(`monitor.${value}`), ...(counts[value] !== undefined && { count: fmt.value.compact(counts[value]) }) }))} onChange={(value) => setQuery({ tab: value, row: null, event: null })} />
      {tab === "realtime" && <Realtime data={data} view={view} viewKey={key} />}
      {tab === "accounts" && <Accounts data={data} />}
      {tab === "apiKeys" && <ApiKeys data={data} />}
      {hash && <EventDrawer hash={hash} />}
    </>
  );
}

type Counts = Partial<Record<Tab, number>>;

/** How many rows the tabs of a view have, as far as they have been looked at. */
function useCounts(view: string, shown: Shown | null): Counts {
  const known = useRef<{ readonly view: string; counts: Counts }>({ view, counts: {} });
  if (known.current.view !== view) known.current = { view, counts: {} };
  if (shown) {
    const { account_stats: accounts, api_key_stats: keys } = shown.answer;
    known.current.counts = { ...known.current.counts, realtime: shown.summary.total_calls, ...(accounts && { accounts: accounts.length }), ...(keys && { apiKeys: keys.length }) };
  }
  return known.current.counts;
}
