/** Credentials of CPA: which of them work, what is left of their quotas, and what to do with them. */

import { t } from "../../i18n/language";
import { query, setQuery } from "../../state/router";
import { mode } from "../../state/session";
import { Tabs } from "../../ui/controls";
import { Inspection } from "../inspection/inspection";
import { List } from "./list";
import { ModelRules } from "./rules";

export function Credentials() {
  const tabs = [
    { value: "list", text: t("creds.list"), component: List },
    // Inspections are the Manager's.
    ...(mode.value === "manager" ? [{ value: "health", text: t("creds.inspection"), component: Inspection }] : []),
    { value: "oauth", text: t("creds.rules"), component: ModelRules },
  ];
  const { value: view, component: View } = tabs.find(({ value }) => value === query.value["view"]) ?? tabs[0]!;
  return (
    <>
      <Tabs label={t("creds.title")} value={view} tabs={tabs} onChange={(value) => setQuery({ view: value === "list" ? "" : value, account: "", provider: "" })} />
      <View />
    </>
  );
}
