/** Credentials of CPA: which of them work, what is left of their quotas, and what to do with them. */

import { t } from "../../i18n/language";
import { query, setQuery } from "../../state/router";
import { mode } from "../../state/session";
import { Tabs } from "../../ui/controls";
import { Inspection } from "../inspection/inspection";
import { List } from "./list";

export function Credentials() {
  const view = query.value["view"] === "health" && mode.value === "manager" ? "health" : "list";
  const tabs = [
    { value: "list" as const, text: t("creds.list") },
    { value: "health" as const, text: t("creds.inspection") },
  ];
  return (
    <>
      {mode.value === "manager" && <Tabs label={t("creds.title")} value={view} tabs={tabs} onChange={(value) => setQuery({ view: value === "list" ? "" : value, account: "" })} />}
      {view === "health" ? <Inspection /> : <List />}
    </>
  );
}
