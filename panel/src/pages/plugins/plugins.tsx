/** Plugins of CPA: installed ones, the store, and their pages in frames of no rights. */

import { useEffect, useState } from "preact/hooks";
import { t } from "../../i18n/language";
import { useData } from "../../state/freshness";
import { hashOf, query, setQuery } from "../../state/router";
import { base } from "../../state/session";
import { redact } from "../../text/mask";
import { Block } from "../../ui/block";
import { Button, Search, Tabs } from "../../ui/controls";
import { Facts } from "../../ui/facts";
import { Fields, isValid, Toggle } from "../../ui/form";
import { Confirm, Modal, toast, toastError } from "../../ui/overlay";
import { Table, type Column } from "../../ui/table";
import { deletePlugin, install, pageOf, pagesOf, readConfig, readPlugins, readStore, switchPlugin, writeConfig, type Plugin, type StorePlugin } from "./data";

export function Plugins() {
  const { plugin, menu, tab } = query.value;
  if (plugin && menu !== undefined) return <PluginPage id={plugin} at={Number(menu) || 0} />;
  const store = tab === "store";
  const tabs = [
    { value: "installed" as const, text: t("plugins.installed") },
    { value: "store" as const, text: t("plugins.store") },
  ];
  return (
    <>
      <Tabs label={t("plugins.title")} value={store ? "store" : "installed"} tabs={tabs} onChange={(value) => setQuery({ tab: value === "store" ? value : "", search: "", plugin: "" })} />
      {store ? <Store /> : <Installed />}
    </>
  );
}

function Off() {
  return <p class="strip warn">{t("plugins.off")}</p>;
}

// -- installed ----------------------------------------------------------------------------------

const nameOf = (plugin: Plugin): string => plugin.metadata?.name || plugin.id;

function Installed() {
  const data = useData("plugins", readPlugins);
  return (
    <Block id="plugins" data={data} empty={(found) => !found.plugins?.length && (found.plugins_enabled ? t("plugins.none") : t("plugins.off"))}>
      {(found) => {
        const plugins = found.plugins ?? [];
        const open = plugins.find((plugin) => plugin.id === query.value["plugin"]);
        return (
          <>
            {!found.plugins_enabled && <Off />}
            <Table id="plugins" label={t("plugins.title")} rows={plugins} rowKey={(plugin) => plugin.id} columns={columns(data.reload)} onRow={(plugin) => setQuery({ plugin: plugin.id })} />
            {open && <Drawer plugin={open} reload={data.reload} />}
          </>
        );
      }}
    </Block>
  );
}

function stateOf(plugin: Plugin): { readonly text: string; readonly tone: string } {
  if (plugin.effective_enabled) return { text: t("plugins.runs"), tone: "good" };
  return plugin.enabled ? { text: t("plugins.waits"), tone: "warn" } : { text: t("creds.disabled"), tone: "" };
}

function columns(reload: () => Promise<boolean>): readonly Column<Plugin>[] {
  return [
    { id: "name", title: t("plugins.name"), phone: "main", value: nameOf },
    { id: "version", title: t("plugins.version"), phone: "sub", value: (plugin) => plugin.metadata?.version ?? "" },
    { id: "author", title: t("plugins.author"), phone: "sub", value: (plugin) => plugin.metadata?.author ?? "" },
    { id: "status", title: t("creds.state"), phone: "side", value: (plugin) => String(plugin.effective_enabled ?? false), cell: (plugin) => <span class={`badge ${stateOf(plugin).tone}`}>{stateOf(plugin).text}</span> },
    {
      id: "pages",
      title: t("plugins.pages"),
      value: (plugin) => plugin.menus?.length ?? 0,
      cell: (plugin) => <PageLinks plugin={plugin} />,
    },
    {
      id: "switch",
      title: t("creds.on"),
      kind: "actions",
      value: (plugin) => String(plugin.enabled ?? false),
      cell: (plugin) => (
        <Toggle
          name="switch"
          label={t("creds.switch", { name: nameOf(plugin) })}
          on={plugin.enabled ?? false}
          onChange={async (on) => {
            await switchPlugin(plugin.id, on).catch(toastError);
            await reload();
          }}
        />
      ),
    },
  ];
}

function PageLinks({ plugin }: { readonly plugin: Plugin }) {
  return (
    <span class="bar-line">
      {pagesOf(plugin).map(({ menu, title }) => (
        <a key={menu} href={hashOf("/plugins", { plugin: plugin.id, menu })} data-action="open-page" onClick={(event) => event.stopPropagation()}>
          {title}
        </a>
      ))}
    </span>
  );
}

function Drawer({ plugin, reload }: { readonly plugin: Plugin; readonly reload: () => Promise<boolean> }) {
  const [deleting, setDeleting] = useState(false);
  const data = useData(`plugin ${plugin.id}`, (signal) => readConfig(plugin.id, signal));
  const close = () => setQuery({ plugin: "" });
  const foot = <Button action="delete" kind="danger" onClick={() => setDeleting(true)}>{t("common.delete")}</Button>;
  const remove = async () => {
    await deletePlugin(plugin.id);
    close();
    await reload();
  };
  return (
    <Modal id="plugin" form title={nameOf(plugin)} drawer onClose={close} foot={foot}>
      <Facts rows={[[t("plugins.version"), plugin.metadata?.version], [t("plugins.author"), plugin.metadata?.author], [t("creds.state"), stateOf(plugin).text], [t("plugins.pages"), plugin.menus?.length ? <PageLinks plugin={plugin} /> : ""]]} />
      <Block id="plugin-config" data={data} class="bare" title={t("plugins.config")}>
        {(config) => <Config id={plugin.id} config={config} />}
      </Block>
      {deleting && (
        <Confirm id="delete-plugin" title={t("plugins.delete", { name: nameOf(plugin) })} danger confirm={t("common.delete")} onConfirm={remove} onClose={() => setDeleting(false)}>
          <p>{t("plugins.deleteText")}</p>
        </Confirm>
      )}
    </Modal>
  );
}

function Config({ id, config }: { readonly id: string; readonly config: unknown }) {
  const before = JSON.stringify(config, null, 2);
  const [values, setValues] = useState({ config: before });
  const [busy, setBusy] = useState(false);
  useEffect(() => setValues({ config: before }), [before]);
  const specs = [{ name: "config", label: "JSON", kind: "json" as const, required: true }];
  const save = async () => {
    setBusy(true);
    await writeConfig(id, JSON.parse(values.config)).then(() => toast("success", t("creds.saved")), toastError);
    setBusy(false);
  };
  return (
    <>
      <Fields specs={specs} values={values} onChange={(next) => setValues({ config: next["config"] ?? "" })} />
      <p>
        <Button action="save" kind="primary" busy={busy} disabled={values.config === before || !isValid(specs, values)} onClick={() => void save()}>{t("common.save")}</Button>
      </p>
    </>
  );
}

// -- store --------------------------------------------------------------------------------------

function Store() {
  const data = useData("plugin-store", readStore);
  const search = query.value["search"] ?? "";
  return (
    <Block id="plugin-store" data={data} empty={(found) => !found.plugins?.length && t("plugins.storeEmpty")}>
      {(found) => (
        <>
          {!found.plugins_enabled && <Off />}
          {isFilled(found.source_errors) && <p class="strip warn" data-error="source">{t("plugins.sourceFailed")} {redact(JSON.stringify(found.source_errors)).slice(0, 300)}</p>}
          <div class="bar-line">
            <Search value={search} onSearch={(text) => setQuery({ search: text }, true)} />
          </div>
          <Table id="plugin-store" label={t("plugins.store")} rows={(found.plugins ?? []).filter((plugin) => `${plugin.id} ${plugin.name} ${plugin.description}`.toLowerCase().includes(search.toLowerCase()))} rowKey={(plugin) => `${plugin.source_id}/${plugin.id}`} columns={storeColumns(data.reload)} sizes={[50, 20]} />
        </>
      )}
    </Block>
  );
}

const isFilled = (value: unknown): boolean => typeof value === "object" && value !== null && Object.keys(value).length > 0;

function storeColumns(reload: () => Promise<boolean>): readonly Column<StorePlugin>[] {
  return [
    { id: "name", title: t("plugins.name"), phone: "main", value: (plugin) => plugin.name || plugin.id },
    { id: "version", title: t("plugins.version"), phone: "side", value: (plugin) => plugin.version ?? "" },
    { id: "author", title: t("plugins.author"), value: (plugin) => plugin.author ?? "" },
    { id: "description", title: t("plugins.description"), phone: "sub", value: (plugin) => plugin.description ?? "", cell: (plugin) => <span title={plugin.description}>{plugin.description}</span> },
    { id: "installed", title: t("plugins.installed"), value: (plugin) => plugin.installed_version ?? "", cell: (plugin) => plugin.installed_version || (plugin.installed ? t("common.yes") : "--") },
    { id: "install", title: "", kind: "actions", value: () => "", cell: (plugin) => (!plugin.installed || plugin.update_available) && <Install plugin={plugin} reload={reload} /> },
  ];
}

function Install({ plugin, reload }: { readonly plugin: StorePlugin; readonly reload: () => Promise<boolean> }) {
  const [asking, setAsking] = useState(false);
  const name = plugin.name || plugin.id;
  const run = async () => {
    toast((await install(plugin)) ? "success" : "info", t("plugins.done", { name }));
    await reload();
  };
  return (
    <>
      <Button action="install" onClick={() => setAsking(true)}>{t(plugin.installed ? "plugins.update" : "plugins.install")}</Button>
      {asking && (
        <Confirm id="install-plugin" title={`${t("plugins.install")}: ${name} ${plugin.version ?? ""}`} confirm={t("plugins.install")} onConfirm={run} onClose={() => setAsking(false)}>
          <p>{t("plugins.installText")}</p>
          <p class="dim">{redact(plugin.description ?? "")}</p>
        </Confirm>
      )}
    </>
  );
}

// -- pages --------------------------------------------------------------------------------------

/** A plugin's page. Without an origin of its own it reads neither the panel nor its storage. */
function PluginPage({ id, at }: { readonly id: string; readonly at: number }) {
  const data = useData("plugins", readPlugins);
  return (
    <Block id="plugin-page" data={data} class="fill">
      {(found) => {
        const plugin = found.plugins?.find((one) => one.id === id && one.effective_enabled);
        const menu = plugin?.menus?.[at];
        const address = pageOf(menu, base.value);
        return (
          <>
            <p class="bar-line">
              <a href="#/plugins">{t("plugins.title")}</a> / {plugin ? nameOf(plugin) : id} / {menu?.menu}
            </p>
            {address ? <iframe class="plugin-frame" src={address} title={menu?.menu ?? id} sandbox="allow-scripts allow-forms allow-popups" referrerpolicy="no-referrer" /> : <p class="empty">{t("plugins.noPage")}</p>}
          </>
        );
      }}
    </Block>
  );
}
