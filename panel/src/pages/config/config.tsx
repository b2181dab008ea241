/** Settings: the Manager's own, the keys of CPA's clients, and CPA's configuration file. */

import type { FunctionComponent } from "preact";
import { t } from "../../i18n/language";
import { query, setQuery } from "../../state/router";
import { mode } from "../../state/session";
import { watch } from "../../state/unsaved";
import { Tabs } from "../../ui/controls";
import { base, changedLines, take } from "./document";
import { ClientKeys } from "./keys";
import { changedFields, discardFields, ManagerSettings } from "./manager";
import { Source } from "./source";
import { isRefused, refused, Visual } from "./visual";

type Tab = "manager" | "keys" | "visual" | "source";

const PARTS: Readonly<Record<Tab, FunctionComponent>> = { manager: ManagerSettings, keys: ClientKeys, visual: Visual, source: Source };

/** Edits outlive a look at another page, but not the browser's tab. */
export function hasUnsaved(tab: Tab): boolean {
  if (tab === "manager") return changedFields.value.length > 0;
  return tab !== "keys" && (changedLines.value > 0 || (tab === "visual" && isRefused.value));
}

watch({
  page: "/config",
  dirty: () => hasUnsaved("manager") || hasUnsaved("source") || hasUnsaved("visual"),
  discard: () => {
    discardFields();
    take(base.value ?? "");
    refused.value = {};
  },
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
