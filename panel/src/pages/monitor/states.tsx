/** Whether the credentials of an account are on, as CPA has them now. */

import type { AccountStats } from "../../api/analytics";
import { accountOf } from "../../api/authfile";
import { readAuthFiles } from "../../api/cpa";
import { t } from "../../i18n/language";
import { useData } from "../../state/freshness";

export type StateName = "enabled" | "disabled" | "mixed" | "unknown";

/** Reads the credentials, and tells of each account; nobody waits for CPA. */
export function useStates(): (row: AccountStats) => StateName {
  const files = useData("auth-files", readAuthFiles).now.value.value ?? [];
  return (row) => {
    const indices = new Set(row.auth_indices);
    const of = files.filter((file) => (file.auth_index && indices.has(file.auth_index)) || accountOf(file) === row.id);
    const off = of.filter((file) => file.disabled).length;
    return of.length === 0 ? "unknown" : off === 0 ? "enabled" : off === of.length ? "disabled" : "mixed";
  };
}

export function State({ of }: { readonly of: StateName }) {
  return <span class={of === "disabled" || of === "mixed" ? "badge warn" : "dim"}>{t(`monitor.${of}`)}</span>;
}
