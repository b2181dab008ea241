/** Plugins of CPA: installed ones, and those that could be. */

import { prefer, preferences, type PluginPage } from "../../state/preferences";
import { api, noteHeaders } from "../../state/session";

const BASE = "/v0/management";

export interface Menu {
  readonly path: string;
  readonly menu: string;
  readonly description?: string;
}

export interface Plugin {
  readonly id: string;
  readonly registered?: boolean;
  readonly configured?: boolean;
  readonly enabled?: boolean;
  readonly effective_enabled?: boolean;
  readonly supports_oauth?: boolean;
  readonly oauth_provider?: string;
  readonly menus?: readonly Menu[] | null;
  readonly metadata?: { readonly name?: string; readonly version?: string; readonly author?: string } | null;
}

export interface Installed {
  readonly plugins_enabled: boolean;
  readonly plugins: readonly Plugin[] | null;
}

export interface StorePlugin {
  readonly id: string;
  readonly source_id?: string;
  readonly name?: string;
  readonly description?: string;
  readonly author?: string;
  readonly version?: string;
  readonly installed?: boolean;
  readonly installed_version?: string;
  readonly update_available?: boolean;
}

export interface PluginStore {
  readonly plugins_enabled: boolean;
  readonly source_errors?: unknown;
  readonly plugins: readonly StorePlugin[] | null;
}

export async function readPlugins(signal?: AbortSignal): Promise<Installed> {
  const { value, headers } = await api().answer<Installed>(`${BASE}/plugins`, { signal });
  noteHeaders(headers);
  const pluginPages = value.plugins_enabled ? (value.plugins ?? []).flatMap(pagesOf) : [];
  // The side bar has them from then on, without asking CPA at each start.
  if (JSON.stringify(pluginPages) !== JSON.stringify(preferences.peek().pluginPages ?? [])) prefer({ pluginPages });
  return value;
}

/** The pages of a plugin that runs. */
export function pagesOf({ id, menus, effective_enabled: runs }: Plugin): readonly PluginPage[] {
  return (menus ?? []).flatMap((menu, at) => (runs && pageOf(menu, "") ? [{ plugin: id, menu: at, title: menu.menu }] : []));
}

export function readStore(signal: AbortSignal): Promise<PluginStore> {
  return api().call(`${BASE}/plugin-store`, { signal });
}

const path = (id: string, rest = ""): string => `${BASE}/plugins/${encodeURIComponent(id)}${rest}`;

export async function switchPlugin(id: string, enabled: boolean): Promise<void> {
  await api().call(path(id, "/enabled"), { method: "PATCH", body: { enabled } });
}

export async function deletePlugin(id: string): Promise<void> {
  await api().call(path(id), { method: "DELETE" });
}

export function readConfig(id: string, signal: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
  return api().call(path(id, "/config"), { signal });
}

export async function writeConfig(id: string, config: unknown): Promise<void> {
  await api().call(path(id, "/config"), { method: "PUT", body: config });
}

const EVERY_MS = 500;
const PATIENCE_MS = 15_000;
const INSTALL_MS = 120_000;

/** Install a plugin, and wait until CPA lists it; false if that takes too long. */
export async function install({ id, source_id, version }: StorePlugin): Promise<boolean> {
  const query = new URLSearchParams({ ...(source_id && { source: source_id }), ...(version && { version }) });
  await api().call(`${BASE}/plugin-store/${encodeURIComponent(id)}/install?${query}`, { method: "POST", timeoutMs: INSTALL_MS });
  const until = Date.now() + PATIENCE_MS;
  while (Date.now() < until) {
    if ((await readPlugins()).plugins?.some((plugin) => plugin.id === id)) return true;
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
  return false;
}

const RESOURCES = "/v0/resource/plugins/";

/** The address of a plugin's page; null for what is not one. */
export function pageOf(menu: Menu | undefined, base: string): string | null {
  const path = menu?.path ?? "";
  // Nothing above its own folder, whatever the plugin says.
  const known = path.startsWith(RESOURCES) && !/(^|[/\\])\.\.?([/\\]|$)|%2e|\\/i.test(path);
  return known ? base + path : null;
}
