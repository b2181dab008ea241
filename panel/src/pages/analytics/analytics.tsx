/** Where tokens and money go. */

import { FilterBar } from "../../filters/bar";
import { t } from "../../i18n/language";
import { useData, usePart } from "../../state/freshness";
import { query, setQuery } from "../../state/router";
import { Select, Tabs } from "../../ui/controls";
import { SummaryTiles } from "../summary";
import { Bucket } from "./bucket";
import { Heatmap } from "./heatmap";
import { ModelTable } from "./models";
import { analyticsView, Overview } from "./overview";
import { readTab, TABS, type Shown, type Tab } from "./read";
import { CredentialTable, KeyTable } from "./tables";
import { Trends } from "./trends";

const RANGES = ["24h", "today", "yesterday", "7d", "30d", "custom"] as const;
const GRANULARITIES = ["auto", "hour", "day"] as const;

export function Analytics() {
  const view = analyticsView();
  const tab = TABS.find((name) => name === query.value["tab"]) ?? "overview";
  const data = useData<Shown & { readonly of: Tab }>(JSON.stringify([view, tab]), async (signal) => ({ ...(await readTab(view, tab, signal)), of: tab }));
  // What another tab has asked for is not what this one shows.
  const own = usePart<Shown & { readonly of: Tab }, Shown>(data, (shown) => (shown.of === tab ? shown : null));
  const bucket = Number(query.value["bucket"]);
  return (
    <>
      <FilterBar view={view} ranges={RANGES} shown={data.now.value.value?.range ?? null}>
        <Select name="granularity" label={t("analytics.granularity")} value={view.granularity} choices={GRANULARITIES.map((value) => ({ value, text: t(`analytics.${value}`) }))} onChange={(value) => setQuery({ granularity: value === "auto" ? null : value })} />
      </FilterBar>
      <Tabs label={t("analytics.title")} value={tab} tabs={TABS.map((value) => ({ value, text: t(`analytics.${value}`) }))} onChange={(value) => setQuery({ tab: value, row: null, bucket: null, cell: null, date: null, metric: null, hide: null })} />
      <SummaryTiles data={usePart(data, ({ summary, answer, range, now }) => ({ summary, before: answer.summary_comparison, range, now }))} view={view} />
      {tab === "overview" && <Overview data={own} />}
      {tab === "trends" && <Trends data={own} view={view} />}
      {tab === "models" && <ModelTable data={own} view={view} />}
      {tab === "apiKeys" && <KeyTable data={own} view={view} />}
      {tab === "credentials" && <CredentialTable data={own} view={view} />}
      {tab === "heatmap" && <Heatmap data={own} />}
      {bucket > 0 && <Bucket key={bucket} from={bucket} view={view} shown={own.now.value.value} />}
    </>
  );
}
