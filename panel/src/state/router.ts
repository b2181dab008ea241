/** The address is the state: page, tab, filters and drawer are read from the hash. */

import { computed, signal } from "@preact/signals";

export type Query = Readonly<Record<string, string>>;

export interface Location {
  readonly path: string;
  readonly query: Query;
}

const ALIASES: Readonly<Record<string, string>> = {
  "/dashboard": "/",
  "/settings": "/config",
  "/api-keys": "/config",
  "/monitoring/model-prices": "/model-prices",
  "/codex-inspection": "/accounts?view=health&healthMode=local",
  "/monitoring/codex-inspection": "/accounts?view=health&healthMode=local",
  "/codex-inspection/server": "/accounts?view=health&healthMode=server",
  "/monitoring/codex-inspection/server": "/accounts?view=health&healthMode=server",
};

/** Addresses below a folder, by the parts behind it. */
const FOLDERS: readonly (readonly [string, (parts: readonly string[]) => string])[] = [
  ["/plugin-store", () => "/plugins?tab=store"],
  ["/plugin-pages/", ([plugin = "", menu = "0"]) => `/plugins?plugin=${plugin}&menu=${menu}`],
  ["/plugins/", () => "/plugins"],
  ["/ai-providers/", ([kind = ""]) => `/ai-providers?kind=${kind}`],
];

/** Where an address leads: old ones to what took their place. */
export function parse(hash: string): Location {
  const text = hash.replace(/^#/, "");
  const [rawPath = "", search = ""] = split(text.startsWith("/") ? text : `/${text}`);
  const path = rawPath.replace(/\/+$/, "") || "/";
  const alias = ALIASES[path] ?? FOLDERS.flatMap(([folder, to]) => (path.startsWith(folder) ? [to(path.slice(folder.length).split("/").filter(Boolean))] : []))[0];
  if (alias) {
    const [to = "/", more = ""] = split(alias);
    return { path: to, query: { ...queryOf(search), ...queryOf(more) } };
  }
  return { path, query: queryOf(search) };
}

function split(text: string): [string, string] {
  const at = text.indexOf("?");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

/** Stands between the values of one name; in an address the name is repeated instead. */
const BETWEEN = "\u001f";

/** The values of a name. */
export function valuesOf(text: string | undefined): readonly string[] {
  return text ? text.split(BETWEEN) : [];
}

/** Several values as those of one name. */
export function joined(values: readonly string[]): string {
  return values.join(BETWEEN);
}

function queryOf(search: string): Query {
  const parameters = new URLSearchParams(search);
  return Object.fromEntries([...parameters.keys()].map((name) => [name, joined(parameters.getAll(name))]));
}

/** The hash of a place; what is empty is left out. */
export function hashOf(path: string, query: Readonly<Record<string, string | number | null | undefined>> = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of valuesOf(String(value ?? ""))) search.append(name, one);
  }
  const text = search.toString();
  return `#${path}${text ? `?${text}` : ""}`;
}

export const location = signal<Location>(parse(window.location.hash));
export const query = computed(() => location.value.query);

/** Asked before the place changes, unless the page itself changes its query; true holds it back until `leave`. */
type Guard = (to: Location, leave: () => void) => boolean;
let asks: Guard = () => false;
export const guard = (by: Guard): void => void (asks = by);

// Every step of the history knows its number, so that one can be taken back in either direction.
const numberOf = (state: unknown): number | undefined => (state as { readonly at?: number } | null)?.at;
let at = numberOf(history.state) ?? 0;
const note = (): void => history.replaceState({ at }, "");
note();
/** What the next change of the address is: nobody's, one that nobody asks about, or a step back to where we are. */
let next: "asked" | "free" | "back" = "asked";

window.addEventListener("hashchange", () => {
  const what = next;
  next = "asked";
  if (what === "back") return;
  const to = parse(window.location.hash);
  const step = (numberOf(history.state) ?? at + 1) - at;
  const move = (how: "free" | "back", by: number) => {
    next = how;
    history.go(by);
  };
  if (what === "asked" && step && asks(to, () => move("free", step))) {
    // A step that is new needs its number as well, to be found again.
    history.replaceState({ at: at + step }, "");
    move("back", -step);
    return;
  }
  at += step;
  note();
  location.value = to;
});

/** Go to another place. */
export function go(path: string, to: Parameters<typeof hashOf>[1] = {}): void {
  window.location.hash = hashOf(path, to);
}

/** Change parts of the query of this page. `replace` leaves no step in the history: for typing. */
export function setQuery(change: Parameters<typeof hashOf>[1], replace = false): void {
  const hash = hashOf(location.value.path, { ...location.value.query, ...change });
  if (hash === hashOf(location.value.path, location.value.query)) return;
  if (replace) {
    history.replaceState({ at }, "", hash);
    location.value = parse(hash);
  } else {
    next = "free";
    window.location.hash = hash;
  }
}
