/** Whether the credentials of an account are on, as CPA has them now. */

import type { AccountStats } from "../../api/analytics";
import { accountOf, type AuthFile } from "../../api/authfile";
import { readAuthFiles } from "../../api/cpa";
import { t } from "../../i18n/language";
import { useData } from "../../state/freshness";

export type StateName = "enabled" | "disabled" | "mixed" | "unknown";

/** Reads the credentials, and tells which are an account's; nobody waits for CPA. */
export function useFiles(): (row: AccountStats) => readonly AuthFile[] {
  const files = useData("auth-files", readAuthFiles).now.value.value ?? [];
  return (row) => {
    const indices = new Set(row.auth_indices);
    return files.filter((file) => (file.auth_index && indices.has(file.auth_index)) || accountOf(file) === row.id);
  };
}

/** What an account with these credentials is. */
export function stateOf(files: readonly AuthFile[]): StateName {
  const off = files.filter((file) => file.disabled).length;
  return files.length === 0 ? "unknown" : off === 0 ? "enabled" : off === files.length ? "disabled" : "mixed";
}

export function State({ of }: { readonly of: StateName }) {
  return <span class={of === "disabled" || of === "mixed" ? "badge warn" : "dim"}>{t(`monitor.${of}`)}</span>;
}
