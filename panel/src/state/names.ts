/** How accounts and keys are called on the screen: one switch masks all of them. */

import { computed } from "@preact/signals";
import type { Aliases } from "../api/types";
import { t } from "../i18n/language";
import { keyOfHash, maskAccount } from "../text/mask";
import { prefer, preferences } from "./preferences";
import { aliasList, api, cpa } from "./session";

export const masked = computed(() => !preferences.value.unmasked);
export const toggleMasking = (): void => prefer({ unmasked: masked.value });

/** The aliases of client keys by hash; empty until they have been read. */
export const aliases = computed<ReadonlyMap<string, string>>(
  () => new Map(aliasList.value?.items.map((item) => [item.apiKeyHash, item.alias])),
);

/** The masked keys of CPA's clients by hash; empty while CPA has not told them. */
const clientKeys = computed<ReadonlyMap<string, string>>(() => {
  const part = cpa.value?.clientKeys;
  return new Map(part && "data" in part ? Object.entries(part.data) : []);
});

/** Whether this is the hash of a client key that is known to exist. */
export function isKeyHash(hash: string): boolean {
  return aliases.value.has(hash) || clientKeys.value.has(hash);
}

/** Read the aliases, once for all blocks that ask at the same time. */
export async function readAliases(): Promise<Aliases> {
  const found = await api().call<Aliases>("/v0/management/api-key-aliases");
  aliasList.value = found;
  return found;
}

/** The name of a client key. */
export function keyName(hash: string | undefined): string {
  const known = (hash ?? "").toLowerCase();
  if (known === "" || known.startsWith("unknown-client-api-key:")) return t("name.noKey");
  return aliases.value.get(known) ?? clientKeys.value.get(known) ?? keyOfHash(known);
}

/** The name of an account, masked if the switch says so. */
export function accountName(account: string | undefined): string {
  const text = (account ?? "").trim();
  if (text === "" || text === "-") return t("name.noAccount");
  return masked.value ? maskAccount(text) : text;
}

/** A text with the addresses in it masked like accounts: files are named after them. */
export function fileLabel(text: string): string {
  return masked.value ? text.replace(/([^\s@"'/]{1,3})[^\s@"'/]*@/g, "$1***@") : text;
}

interface Snapshots {
  readonly account_snapshot?: string;
  readonly auth_label_snapshot?: string;
  readonly source?: string;
  readonly auth_index?: string;
  readonly id?: string;
}

/** The name of what a row was made with: the first that is filled. */
export function whoseName(row: Snapshots): string {
  const names = [row.account_snapshot, row.auth_label_snapshot, row.source, row.auth_index, row.id];
  return accountName(names.find((name) => name?.trim() && name !== "-"));
}
