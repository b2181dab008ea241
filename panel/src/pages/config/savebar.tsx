/** The bar at the foot of a form that was changed. */

import { t } from "../../i18n/language";
import { Button } from "../../ui/controls";

interface SaveBarProps {
  readonly changes: number;
  readonly busy?: boolean;
  readonly disabled?: boolean;
  readonly save: string;
  readonly onSave: () => void;
  readonly onDiscard: () => void;
}

export function SaveBar({ changes, busy = false, disabled = false, save, onSave, onDiscard }: SaveBarProps) {
  if (changes === 0) return null;
  return (
    <div class="save-bar card" role="status" data-block="save-bar">
      <span class="grow">{t("config.unsaved", { n: changes })}</span>
      <Button action="discard" disabled={busy} onClick={onDiscard}>
        {t("config.discard")}
      </Button>
      <Button action="save" kind="primary" busy={busy} disabled={disabled} onClick={onSave}>
        {save}
      </Button>
    </div>
  );
}
