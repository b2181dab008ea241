/** How often a page reads its data by itself. */

import { fmt, t } from "../i18n/language";
import { prefer, preferences } from "../state/preferences";
import { Select } from "../ui/controls";

const CHOICES = [0, 5, 10, 30, 60, 300] as const;
const USUAL = 5;

export function intervalOf(page: string): number {
  return preferences.value.intervals?.[page] ?? USUAL;
}

export function Interval({ page }: { readonly page: string }) {
  return (
    <Select
      name="auto-refresh"
      label={t("range.autoRefresh")}
      value={String(intervalOf(page))}
      choices={CHOICES.map((seconds) => ({ value: String(seconds), text: seconds ? `↻ ${fmt.value.duration(seconds * 1000)}` : `↻ ${t("range.never")}` }))}
      onChange={(value) => prefer({ intervals: { ...preferences.value.intervals, [page]: Number(value) } })}
    />
  );
}
