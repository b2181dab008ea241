/** The bar at the foot of a form that was changed. */

import type { ComponentChildren } from "preact";
import { t } from "../../i18n/language";
import { Button } from "../../ui/controls";

interface SaveBarProps {
  readonly changes: number;
  readonly busy?: boolean;
  readonly disabled?: boolean;
  readonly save: string;
  readonly onSave: () => void;
  readonly onDiscard: () => void;
  readonly children?: ComponentChildren;
}

export function SaveBar({ changes, busy = false, disabled = false, save, onSave, onDiscard, children }: SaveBarProps) {
  if (changes === 0) return null;
  return (
    <div class="save-bar card" role="status" data-block="save-bar">
      <span>{t("config.unsaved", { n: changes })}</span>
      <span class="cut grow">{children}</span>
      <Button action="discard" disabled={busy} onClick={onDiscard}>
        {t("config.discard")}
      </Button>
      <Button action="save" kind="primary" busy={busy} disabled={disabled} onClick={onSave}>
        {save}
      </Button>
    </div>
  );
}
