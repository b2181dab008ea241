/** The user's taste, in the corner of every screen. */

import { LANGUAGE_NAMES, LANGUAGES, language, t } from "../i18n/language";
import { masked, toggleMasking } from "../state/names";
import { prefer, preferences } from "../state/preferences";
import { boot, logOut } from "../state/session";
import { losing } from "../state/unsaved";
import { Button } from "../ui/controls";
import { Menu } from "../ui/overlay";

const THEMES = [
  ["auto", "common.themeAuto"],
  ["light", "common.themeLight"],
  ["dark", "common.themeDark"],
] as const;

/** Language and theme: also before anybody has logged in. */
export function Corner() {
  const theme = preferences.value.theme ?? "auto";
  return (
    <>
      <Menu
        name="language"
        label={t("common.language")}
        icon="language"
        items={LANGUAGES.map((name) => ({
          id: name,
          text: LANGUAGE_NAMES[name],
          checked: name === language.value,
          run: () => prefer({ language: name }),
        }))}
      />
      <Menu
        name="theme"
        label={t("common.theme")}
        icon="theme"
        items={[
          ...THEMES.map(([id, text]) => ({ id, text: t(text), checked: id === theme, run: () => prefer({ theme: id }) })),
          {
            id: "motion",
            text: t("common.motion"),
            checked: preferences.value.motion === "reduced",
            run: () => prefer({ motion: preferences.value.motion === "reduced" ? "full" : "reduced" }),
          },
        ]}
      />
    </>
  );
}

export function Settings({ onHelp }: { readonly onHelp: () => void }) {
  return (
    <>
      <Button action="mask" kind="quiet" icon={masked.value ? "hidden" : "eye"} label={t("common.mask")} pressed={masked.value} onClick={toggleMasking} />
      <Corner />
      <span class="not-phone">
        <Button action="shortcuts" kind="quiet" icon="keyboard" label={t("common.shortcuts")} onClick={onHelp} />
      </span>
      {boot.value === "running" && <Button action="logout" kind="quiet" icon="logout" label={t("common.logout")} onClick={() => losing(logOut)} />}
    </>
  );
}
