/** Keys that work on every page, but never while something is typed. */

import { useEffect, useRef } from "preact/hooks";
import { t } from "../i18n/language";
import { go } from "../state/router";
import { Modal } from "../ui/overlay";
import { refresh, shownPages } from "./shell";

const SEQUENCE_MS = 1_500;

export function useShortcuts(help: () => void): void {
  // When `g` was pressed; once a letter follows, it is as if it never was.
  const went = useRef(-Infinity);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const typing = (event.target as Element | null)?.closest("input, textarea, select, [contenteditable], dialog");
      if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.timeStamp - went.current < SEQUENCE_MS) {
        went.current = -Infinity;
        const page = shownPages().find(({ letter }) => letter === event.key);
        if (page) go(page.path);
        return;
      }
      if (event.key === "g") went.current = event.timeStamp;
      else if (event.key === "r") void refresh();
      else if (event.key === "?") help();
      else if (event.key === "/") {
        event.preventDefault();
        document.querySelector<HTMLElement>("main [data-field=search]")?.focus();
      }
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
}

export function Shortcuts({ onClose }: { readonly onClose: () => void }) {
  return (
    <Modal id="shortcuts" title={t("common.shortcuts")} onClose={onClose}>
      <dl class="keys">
        <Row keys="/" text={t("common.shortcutSearch")} />
        <Row keys="r" text={t("common.shortcutRefresh")} />
        <Row keys="?" text={t("common.shortcutHelp")} />
        <Row keys="g" text={t("common.shortcutGo")} />
        {shownPages().map((page) => (
          <Row key={page.id} keys={`g ${page.letter}`} text={t(page.title)} />
        ))}
      </dl>
    </Modal>
  );
}

function Row({ keys, text }: { readonly keys: string; readonly text: string }) {
  return (
    <div>
      <dt>
        {keys.split(" ").map((key) => (
          <kbd key={key}>{key}</kbd>
        ))}
      </dt>
      <dd>{text}</dd>
    </div>
  );
}
