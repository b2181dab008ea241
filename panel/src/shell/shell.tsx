/** What is around every page: side bar, top bar, strips, and the keyboard. */

import { useEffect, useState } from "preact/hooks";
import { fmt, t } from "../i18n/language";
import { say } from "../i18n/say";
import { pages, type Page } from "../pages";
import { failures, lastData, refreshAll, refreshing } from "../state/freshness";
import { changes, connected } from "../state/live";
import { phone, prefer, preferences } from "../state/preferences";
import { hashOf, location, query } from "../state/router";
import { config, cpaDown, cpaHeaders, cpaProblem, mode, monitored, readConfig } from "../state/session";
import { question } from "../state/unsaved";
import { Button } from "../ui/controls";
import { Icon } from "../ui/icon";
import { Modal, toast } from "../ui/overlay";
import { Shortcuts, useShortcuts } from "./keyboard";
import { Freshness } from "./freshness";
import { Recovery } from "./recovery";
import { Settings } from "./settings";

const KIOSK_MS = 60_000;

/** The pages that this server and its data have. */
export function shownPages(): readonly Page[] {
  return pages.filter(({ shown }) => {
    if (shown === "always") return true;
    // An old CPA does not tell of them at all; only where it denies them is there no page.
    if (shown === "plugins") return !/^(0|false|no|off)$/i.test(cpaHeaders.value["plugins"] ?? "");
    return mode.value === "manager" && (shown === "manager" || monitored.value);
  });
}

/** The page of the address; the first one for an address that leads nowhere. */
export function currentPage(): Page {
  const found = pages.find((page) => page.path === location.value.path);
  return found ?? pages[0]!;
}

export async function refresh(): Promise<void> {
  const config = mode.value === "manager" ? readConfig() : undefined;
  const done = await refreshAll();
  await config;
  toast(done ? "success" : "error", t(done ? "common.refreshed" : "common.refreshFailed"));
}

export function Shell() {
  const [menu, setMenu] = useState(false);
  const [help, setHelp] = useState(false);
  const page = currentPage();
  const kiosk = query.value["kiosk"] === "1";
  useShortcuts(() => setHelp(true));
  useEffect(() => setMenu(false), [location.value]);
  useEffect(() => {
    document.title = `${t(page.title)} · CPA Manager Plus`;
  });
  useEffect(() => {
    if (!kiosk) return undefined;
    let seen = -1;
    const timer = setInterval(() => {
      if (document.hidden || (connected.peek() && changes.peek() === seen)) return;
      seen = changes.peek();
      void refreshAll();
    }, KIOSK_MS);
    return () => clearInterval(timer);
  }, [kiosk]);
  if (kiosk) return <Kiosk page={page} />;
  const folded = preferences.value.folded === true;
  return (
    <div class={`shell${folded ? " folded" : ""}${menu ? " open" : ""}`} onKeyDown={(event) => event.key === "Escape" && setMenu(false)}>
      <a class="skip" href="#page" onClick={(event) => { event.preventDefault(); document.getElementById("page")?.focus(); }}>
        {t("nav.skip")}
      </a>
      <SideBar page={page} folded={folded} onHelp={() => setHelp(true)} />
      <div class="backdrop" onClick={() => setMenu(false)} />
      <header class="top">
        <span class="only-phone">
          <Button action="menu" kind="quiet" icon="menu" label={t("nav.menu")} onClick={() => setMenu(!menu)} />
        </span>
        <h1>{t(page.title)}</h1>
        <span class="grow" />
        <Freshness page={page.id} />
        <Button action="refresh" icon="refresh" label={t("common.refresh")} busy={refreshing.value} onClick={() => void refresh()} />
        {!phone.value && <Settings onHelp={() => setHelp(true)} />}
      </header>
      <Strips />
      <Content page={page} />
      {help && <Shortcuts onClose={() => setHelp(false)} />}
      <Leaving />
    </div>
  );
}

/** Asks before what was typed is left. */
function Leaving() {
  const asked = question.value;
  if (!asked) return null;
  const close = () => void (question.value = null);
  const foot = (
    <>
      <Button action="stay" kind="primary" onClick={close}>
        {t("common.stay")}
      </Button>
      <Button
        action="leave"
        kind={asked.kept ? "plain" : "danger"}
        onClick={() => {
          close();
          asked.leave();
        }}
      >
        {t(asked.kept ? "common.leaveIt" : "common.loseIt")}
      </Button>
    </>
  );
  return (
    <Modal id="unsaved" title={t("common.unsaved")} onClose={close} foot={foot}>
      <p>{t(asked.kept ? "common.unsavedKept" : "common.unsavedLost")}</p>
    </Modal>
  );
}

/** For a screen on the wall: large figures, the time, and a way back. */
function Kiosk({ page }: { readonly page: Page }) {
  const now = useClock();
  return (
    <div class="kiosk">
      <header>
        <h1>{t(page.title)}</h1>
        <span class="grow" />
        <time data-metric="clock">{fmt.value.clock(now)}</time>
        <a class="button quiet square" href={hashOf(page.path)} data-action="leave-kiosk" aria-label={t("nav.leaveKiosk")} title={t("nav.leaveKiosk")}>
          <Icon name="close" />
        </a>
      </header>
      <Strips />
      <Content page={page} />
    </div>
  );
}

function useClock(): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

function Content({ page }: { readonly page: Page }) {
  const Component = shownPages().includes(page) ? page.component : Unavailable;
  return (
    <main id="page" tabIndex={0} data-page={page.id} key={page.id}>
      <Component />
    </main>
  );
}

/** Why there is nothing at an address that exists. */
function Unavailable() {
  const why = mode.value === "cpa" ? "dashboard.cpaOnly" : "common.nothingRecorded";
  return (
    <section class="card block" data-block="unavailable" data-state="unavailable">
      <p class="empty">
        {t(why)}
        <a href="#/">{t("dashboard.title")}</a>
      </p>
    </section>
  );
}

function SideBar({ page, folded, onHelp }: { readonly page: Page; readonly folded: boolean; readonly onHelp: () => void }) {
  const shown = shownPages();
  const groups = ["overview", "data", "accounts", "system"] as const;
  return (
    <nav class="side" aria-label={t("nav.menu")}>
      <a class="brand" href="#/">
        <span class="mark" aria-hidden="true">
          <Icon name="analytics" />
        </span>
        <span class="text">CPA Manager Plus</span>
      </a>
      {groups.map((group) => (
        <ul key={group}>
          {shown
            .filter((entry) => entry.group === group)
            .map((entry) => (
              <li key={entry.id}>
                <a href={hashOf(entry.path)} aria-current={entry.id === page.id && query.value["menu"] === undefined ? "page" : undefined} title={folded ? t(entry.title) : undefined} data-nav={entry.id}>
                  <Icon name={entry.icon} />
                  <span class="text">{t(entry.title)}</span>
                </a>
              </li>
            ))}
          {group === "accounts" && shown.some((entry) => entry.id === "plugins") && <PluginPages folded={folded} />}
        </ul>
      ))}
      <span class="grow" />
      {phone.value && (
        <div class="side-tools">
          <Settings onHelp={onHelp} />
        </div>
      )}
      <Button action="fold" kind="quiet" icon={folded ? "right" : "left"} label={t(folded ? "nav.unfold" : "nav.fold")} onClick={() => prefer({ folded: !folded })} />
    </nav>
  );
}

/** The pages that plugins of CPA have, below that of the plugins. */
function PluginPages({ folded }: { readonly folded: boolean }) {
  const { plugin: open, menu: at } = query.value;
  return (
    <>
      {preferences.value.pluginPages?.map(({ plugin, menu, title }) => (
        <li key={`${plugin} ${menu}`}>
          <a href={hashOf("/plugins", { plugin, menu })} aria-current={open === plugin && at === String(menu) ? "page" : undefined} title={folded ? title : undefined} data-nav="plugin-page">
            <Icon name="plug" />
            <span class="text cut">{title}</span>
          </a>
        </li>
      ))}
    </>
  );
}

/** What must be known on every page. */
function Strips() {
  const connection = config.value?.config.cpaConnection;
  const off = config.value?.config.collector?.enabled === false;
  return (
    <div class="strips">
      {failures.value >= 2 && (
        <p class="strip bad" role="status" data-strip="connection">
          <Icon name="warn" />
          {lastData.value ? t("common.connectionLost", { time: fmt.value.moment(lastData.value) }) : t("common.noConnection")}
        </p>
      )}
      {cpaDown.value === true && (
        <p class="strip warn" role="status" data-strip="cpa">
          <Icon name="plug" />
          {t("common.cpaDown", { base: connection?.cpaBaseUrl ?? "" })} {cpaProblem.value && say(cpaProblem.value)}
        </p>
      )}
      <Recovery />
      {off && (
        <p class="strip warn" role="status" data-strip="monitoring">
          {t("common.monitoringOff")}
        </p>
      )}
    </div>
  );
}
