/** What CPA writes to its log, and the requests that failed. */

import { t } from "../../i18n/language";
import { query, setQuery } from "../../state/router";
import { Tabs } from "../../ui/controls";
import { Content } from "./content";
import { Failures } from "./failures";

export function Logs() {
  const tab = query.value["tab"] === "errors" ? "errors" : "content";
  return (
    <>
      <Tabs
        label={t("logs.tabs")}
        value={tab}
        tabs={[
          { value: "content", text: t("logs.content") },
          { value: "errors", text: t("logs.errors") },
        ]}
        onChange={(to) => setQuery({ tab: to })}
      />
      {tab === "errors" ? <Failures /> : <Content />}
    </>
  );
}
