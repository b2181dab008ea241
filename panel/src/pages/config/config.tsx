/** Settings: the Manager's own, the keys of CPA's clients, and CPA's configuration file. */

import type { FunctionComponent } from "preact";
import { t } from "../../i18n/language";
import { query, setQuery } from "../../state/router";
import { mode } from "../../state/session";
import { Tabs } from "../../ui/controls";
import { changedLines } from "./document";
import { ClientKeys } from "./keys";
import { changedFields, ManagerSettings } from "./manager";
import { Source } from "./source";
import { Visual } from "./visual";

type Tab = "manager" | "keys" | "visual" | "source";

const PARTS: Readonly<Record<Tab, FunctionComponent>> = { manager: ManagerSettings, keys: ClientKeys, visual: Visual, source: Source };

/** Edits outlive a look at another page, but not the browser's tab. */
export function hasUnsaved(tab: Tab): boolean {
  return tab === "manager" ? changedFields.value.length > 0 : tab !== "keys" && changedLines.value > 0;
}

window.addEventListener("beforeunload", (event) => {
  if (hasUnsaved("manager") || hasUnsaved("source")) event.preventDefault();
});

export function Config() {
  const tabs = (Object.keys(PARTS) as Tab[]).filter((tab) => mode.value === "manager" || tab !== "manager");
  const asked = query.value["tab"] as Tab;
  const tab = tabs.includes(asked) ? asked : tabs[0]!;
  const Part = PARTS[tab];
  return (
    <>
      <Tabs
        label={t("config.tabs")}
        value={tab}
        tabs={tabs.map((value) => ({ value, text: hasUnsaved(value) ? `${t(`config.${value}`)} ●` : t(`config.${value}`) }))}
        onChange={(to) => setQuery({ tab: to, line: null })}
      />
      <Part key={tab} />
    </>
  );
}
