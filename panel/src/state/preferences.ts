/** What this browser remembers of its user's taste. Works without storage for the page's life. */

import { effect, signal } from "@preact/signals";

export interface PluginPage {
  readonly plugin: string;
  /** Which of the plugin's menus it is. */
  readonly menu: number;
  readonly title: string;
}

export interface Preferences {
  readonly theme?: "auto" | "light" | "dark";
  readonly language?: string;
  readonly motion?: "full" | "reduced";
  readonly folded?: boolean;
  /** Whether accounts and keys are shown in full. */
  readonly unmasked?: boolean;
  /** Rows a page, by table. */
  readonly pageSizes?: Readonly<Record<string, number>>;
  /** The range that was chosen last, by page. */
  readonly ranges?: Readonly<Record<string, string>>;
  /** Seconds between automatic refreshes, by page; 0 is never. */
  readonly intervals?: Readonly<Record<string, number>>;
  /** The pages that CPA's plugins had when they were looked at last. */
  readonly pluginPages?: readonly PluginPage[];
}

const NAME = "cpamp.preferences";

/** What is stored under a name; null where there is nothing, or no storage. */
export function stored(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/** Store a text, or forget it with null. */
export function store(name: string, text: string | null): void {
  try {
    if (text === null) localStorage.removeItem(name);
    else localStorage.setItem(name, text);
  } catch {
    // Without storage everything lives as long as the page.
  }
}

function unquoted(name: string): string | undefined {
  return stored(name)?.replaceAll('"', "") ?? undefined;
}

function read(): Preferences {
  try {
    const own: unknown = JSON.parse(stored(NAME) ?? "null");
    if (own !== null && typeof own === "object") return own;
  } catch {
    // What can't be read is as good as absent.
  }
  const older = { white: "light", light: "light", dark: "dark" } as const;
  const theme = older[unquoted("cli-proxy-theme") as keyof typeof older];
  const language = unquoted("cli-proxy-language");
  return { ...(theme && { theme }), ...(language && { language }) };
}

export const preferences = signal<Preferences>(read());

/** Change some of them. */
export function prefer(change: Preferences): void {
  preferences.value = { ...preferences.value, ...change };
  store(NAME, JSON.stringify(preferences.value));
}

const systemDark = matchMedia("(prefers-color-scheme: dark)");
const systemStill = matchMedia("(prefers-reduced-motion: reduce)");
const system = signal({ dark: systemDark.matches, still: systemStill.matches });
for (const query of [systemDark, systemStill]) {
  query.addEventListener("change", () => {
    system.value = { dark: systemDark.matches, still: systemStill.matches };
  });
}

const narrow = matchMedia("(max-width: 768px)");
/** Whether the page is as narrow as on a phone. */
export const phone = signal(narrow.matches);
narrow.addEventListener("change", () => (phone.value = narrow.matches));

export const dark = signal(document.documentElement.dataset["theme"] === "dark");

/** Keep the document in the chosen theme and motion. */
export function follow(): void {
  effect(() => {
    const { theme = "auto", motion } = preferences.value;
    dark.value = theme === "dark" || (theme === "auto" && system.value.dark);
    const root = document.documentElement.dataset;
    root["theme"] = dark.value ? "dark" : "light";
    root["motion"] = motion === "reduced" || system.value.still ? "reduced" : "full";
  });
}
