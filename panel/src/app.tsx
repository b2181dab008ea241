/** The whole panel: what is on the screen in each state of the start. */

import { effect } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { language } from "./i18n/language";
import { Login } from "./pages/login";
import { Setup } from "./pages/setup";
import { boot, cpaDown, mode } from "./state/session";
import { Shell } from "./shell/shell";
import { Toasts } from "./ui/overlay";

const PATIENCE_MS = 150;

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
  switch (boot.value) {
    case "setup":
      return <Setup />;
    case "login":
      return <Login />;
    case "running":
      return <Shell />;
    default:
      return <Checking />;
  }
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
