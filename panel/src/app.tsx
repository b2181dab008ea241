/** The whole panel: what is on the screen in each state of the start. */

import { effect } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { language, t } from "./i18n/language";
import { Login } from "./pages/login";
import { later } from "./pages/later";
import { refreshAll } from "./state/freshness";
import { boot, cpaDown, interrupted, mode } from "./state/session";
import { Shell } from "./shell/shell";
import { Toasts } from "./ui/overlay";

const PATIENCE_MS = 150;
const Setup = later("Setup");

/** Keep the document's marks in step with the state. */
export function markDocument(): void {
  effect(() => {
    const root = document.documentElement;
    root.lang = language.value;
    root.dataset["mode"] = mode.value;
    root.dataset["boot"] = boot.value === "running" && cpaDown.value ? "recovery" : boot.value;
  });
}

export function App() {
  return (
    <>
      <Screen />
      <Toasts />
    </>
  );
}

function Screen() {
  const paused = interrupted.value;
  return (
    <>
      {(boot.value === "running" || paused) && <Shell key="shell" />}
      {paused && <Paused />}
      {boot.value === "setup" && <Setup />}
      {boot.value === "login" && !paused && <Login />}
      {(boot.value === "checking" || boot.value === "restoring") && <Checking />}
    </>
  );
}

/** The login form over a page that waits for it, which is covered whole. */
function Paused() {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    element.current?.showModal();
    return () => void refreshAll();
  }, []);
  return (
    <dialog ref={element} class="paused" data-dialog="login" aria-label={t("login.title")} onCancel={(event) => event.preventDefault()} onClose={() => element.current?.showModal()}>
      <Login />
    </dialog>
  );
}

/** Shown only where the answer takes its time. */
function Checking() {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, []);
  return late ? (
    <div class="checking">
      <div class="bar" role="progressbar" />
    </div>
  ) : null;
}
