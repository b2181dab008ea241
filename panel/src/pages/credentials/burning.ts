/** What a forecast says of a credential. */

import type { AccountForecast, Burn, Forecast } from "../../api/accounts";
import type { AuthFile } from "../../api/authfile";

export function forecastOf(file: AuthFile, forecast: Forecast | null): readonly Burn[] {
  const mine = (item: AccountForecast) => (item.auth_file_snapshot ? item.auth_file_snapshot === file.name && (!item.auth_index || item.auth_index === file.auth_index) : item.auth_index !== "" && item.auth_index === file.auth_index);
  return forecast?.accounts.find(mine)?.windows ?? [];
}

/** The window that is used up first, else one that lasts, else one of which nothing is known. */
export function firstOf(burns: readonly Burn[]): Burn | undefined {
  const rank = (burn: Burn) => burn.spent_at_ms ?? (burn.lasts ? Number.MAX_SAFE_INTEGER - 1 : Number.MAX_SAFE_INTEGER);
  return [...burns].sort((a, b) => rank(a) - rank(b))[0];
}

/** Whether a window will be used up before it begins anew. */
export function runsOut(burns: readonly Burn[]): boolean {
  return burns.some((burn) => burn.lasts === false);
}
