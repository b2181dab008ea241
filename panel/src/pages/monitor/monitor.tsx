/** What happens now, and why did this fail. */

import { useRef } from "preact/hooks";
import type { Analytics } from "../../api/analytics";
import { Interval, intervalOf } from "../../filters/interval";
import { FilterBar } from "../../filters/bar";
import { holdsUntil, pageView, type View } from "../../filters/view";
import { fmt, t } from "../../i18n/language";
import { useData, usePart } from "../../state/freshness";
import { location, query, setQuery } from "../../state/router";
import { Tabs } from "../../ui/controls";
import { SummaryTiles } from "../summary";
import { EventDrawer } from "./event";
import { countRows, readTab, TABS, type Shown, type Tab } from "./events";
import { Accounts, ApiKeys } from "./groups";
import { Realtime } from "./realtime";
import { Transfers } from "./transfers";
import { Watched } from "./watched";

const RANGES = ["today", "7d", "14d", "30d", "all", "custom"] as const;

export function Monitor() {
  const view = pageView(location.value, "today");
  const tab = TABS.find((name) => name === query.value["tab"]) ?? "realtime";
  const key = JSON.stringify([view, tab]);
  const viewKey = JSON.stringify(view);
  const data = useData<Shown & Of>(key, async (signal) => ({ ...(await readTab(view, tab, signal)), of: viewKey }), intervalOf("monitoring"), ({ summary }, at) => (summary.total_calls > 0 ? holdsUntil(view, at) : Infinity));
  const hash = query.value["event"];
  const counts = useCounts(view, viewKey, tab, data.now.value.value);
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

/** Of which view something is. */
interface Of {
  readonly of: string;
}

type Counts = Partial<Record<Tab, number>>;

/** How many rows the tabs of a view have. What no answer has told is asked for behind the figures. */
function useCounts(view: View, of: string, tab: Tab, shown: (Shown & Of) | null): Counts {
  const known = useRef<Counts & Of>({ of });
  if (known.current.of !== of) known.current = { of };
  const note = (told: ({ readonly answer: Analytics } & Of) | null) => {
    // What was asked of another view may still be shown.
    if (told?.of !== of) return;
    const { summary, account_strips: accounts, api_key_stats: keys } = told.answer;
    known.current = { ...known.current, ...(summary && { realtime: summary.total_calls }), ...(accounts && { accounts: accounts.length }), ...(keys && { apiKeys: keys.length }) };
  };
  note(shown);
  const missing = tab === "apiKeys" ? "accounts" : "apiKeys";
  // While requests come in it grows: it is asked for once a minute.
  const wanted = shown?.of === of ? `count ${missing} ${of} ${Math.floor(shown.now / 60_000)}` : null;
  note(useData(wanted, async (signal) => ({ answer: await countRows(view, missing, signal), of })).now.value.value);
  return known.current;
}
