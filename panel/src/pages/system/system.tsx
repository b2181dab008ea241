/** Versions, storage, and what this browser remembers. */

import { useState } from "preact/hooks";
import type { Status } from "../../api/types";
import { fmt, t } from "../../i18n/language";
import { lasting, useData, type Data } from "../../state/freshness";
import { api, base, config, cpaHeaders, forget, info, mode, noteHeaders, readStatus } from "../../state/session";
import { isNewer } from "../../text/versions";
import { Block } from "../../ui/block";
import { Button } from "../../ui/controls";
import { Facts } from "../../ui/facts";
import { Confirm, toast } from "../../ui/overlay";
import { Models } from "./models";
import { Upkeep } from "./upkeep";

const REFRESH_S = 60;

export function System() {
  return (
    <>
      {mode.value === "manager" ? <ManagerSystem /> : <CpaSystem />}
      <div class="row tall">
        {mode.value === "manager" && <Upkeep />}
        <Models />
      </div>
      <Browser />
    </>
  );
}

function ManagerSystem() {
  const data = useData<Status>("status", readStatus, REFRESH_S, lasting);
  return (
    <div class="row">
      <Versions data={data} />
      <Storage data={data} />
      <Process data={data} />
    </div>
  );
}

/** The newest CPA, as CPA itself knows it; nothing where it does not. */
function useNewest(): string | undefined {
  const data = useData("latest-version", async (signal) => {
    const found = await api().call<{ readonly "latest-version"?: string }>("/v0/management/latest-version", { signal });
    return found["latest-version"];
  });
  return data.now.value.value ?? undefined;
}

function Update({ newest, present }: { readonly newest: string | undefined; readonly present: string | undefined }) {
  const newer = isNewer(newest, present);
  if (newer === null) return null;
  return <span class={`badge ${newer ? "warn" : "good"}`}>{newer ? t("system.update", { version: newest ?? "" }) : t("system.upToDate")}</span>;
}

function Versions({ data }: { readonly data: Data<Status> }) {
  const newest = useNewest();
  return (
    <Block id="versions" class="w-4" height={304} data={data} title={t("system.versions")}>
      {(status) => (
        <Facts
          rows={[
            [t("system.manager"), status.version ?? t("common.unknown")],
            [
              "CPA",
              <>
                {status.collector.cpaVersion ?? t("common.unknown")} <Update newest={newest} present={status.collector.cpaVersion} />
              </>,
            ],
            [t("system.cpaAddress"), config.value?.config.cpaConnection?.cpaBaseUrl],
            [t("system.address"), base.value],
            [t("system.started"), fmt.value.dateTime(info.value?.startedAt)],
            [t("system.links"), <Links />],
          ]}
        />
      )}
    </Block>
  );
}

function Storage({ data }: { readonly data: Data<Status> }) {
  return (
    <Block id="storage" class="w-4" height={304} data={data} title={t("system.storage")}>
      {({ database, dbPath, events, deadLetters }) => (
        <Facts
          rows={[
            [t("system.records"), <span data-metric="events" data-value={events}>{fmt.value.full(events)}</span>],
            [t("coverage.deadLetters"), fmt.value.full(deadLetters)],
            [t("system.file"), dbPath, "copy"],
            [t("system.size"), fmt.value.bytes(database?.totalBytes)],
            [t("system.databaseSize"), fmt.value.bytes(database?.databaseBytes)],
            [t("system.walSize"), `${fmt.value.bytes(database?.walBytes)} / ${fmt.value.bytes(database?.journalSizeLimitBytes)}`],
            [t("system.shmSize"), fmt.value.bytes(database?.shmBytes)],
            [t("system.perRecord"), database && events ? fmt.value.bytes(database.databaseBytes / events) : "--"],
          ]}
        />
      )}
    </Block>
  );
}

function Process({ data }: { readonly data: Data<Status> }) {
  return (
    <Block id="process" class="w-4" height={304} data={data} title={t("system.process")}>
      {({ database, derived, store, reactorLagMs, databaseMaintenance }) => (
        <Facts
          rows={[
            [t("system.store"), store?.ready === false ? <span class="bad-text">{store.problem}</span> : t("system.fine")],
            [t("system.derived"), derived ? `${fmt.value.full(derived.rows)} / ${fmt.value.full(derived.of)}` : ""],
            [t("system.lag"), fmt.value.duration(reactorLagMs)],
            [t("system.checkpoint"), database?.checkpoint ? `${database.checkpoint.mode}, ${fmt.value.dateTime(database.checkpoint.executedAtMs)}, ${fmt.value.duration(database.checkpoint.durationMs)}` : ""],
            [t("system.frames"), database?.checkpoint ? `${fmt.value.full(database.checkpoint.checkpointedFrames)} / ${fmt.value.full(database.checkpoint.logFrames)}${database.checkpoint.busy ? `, ${t("system.busy")}` : ""}` : ""],
            [t("coverage.lastError"), database?.checkpoint?.error],
            [t("system.maintenance"), databaseMaintenance?.required ? <span class="warn-text">{databaseMaintenance.reasons.join(", ") || t("common.yes")}</span> : t("common.none")],
          ]}
        />
      )}
    </Block>
  );
}

function Links() {
  return (
    <a href="https://github.com/router-for-me/CLIProxyAPI" target="_blank" rel="noreferrer noopener">
      CLIProxyAPI
    </a>
  );
}

function CpaSystem() {
  const data = useData("cpa-version", async (signal) => {
    noteHeaders((await api().answer("/v0/management/config", { signal })).headers);
    return cpaHeaders.value;
  });
  return (
    <Block id="versions" data={data} title={t("system.versions")}>
      {(headers) => (
        <Facts
          rows={[
            ["CPA", headers["version"] ?? t("common.unknown")],
            [t("system.commit"), headers["commit"]],
            [t("system.built"), headers["buildDate"]],
            [t("system.address"), base.value],
            [t("system.links"), <Links />],
          ]}
        />
      )}
    </Block>
  );
}

function Browser() {
  const [asking, setAsking] = useState(false);
  return (
    <section class="card block" data-block="browser" data-state="ready">
      <header class="block-head">
        <h2>{t("system.browser")}</h2>
      </header>
      <p class="bar-line">
        <span class="dim">{t("system.browserHint")}</span>
        <span class="grow" />
        <Button action="forget" kind="danger" onClick={() => setAsking(true)}>
          {t("system.forget")}
        </Button>
      </p>
      {asking && (
        <Confirm
          id="forget"
          title={t("system.forget")}
          danger
          onClose={() => setAsking(false)}
          onConfirm={async () => {
            forget();
            toast("success", t("system.forgotten"));
          }}
        >
          <p>{t("system.forgetText")}</p>
        </Confirm>
      )}
    </section>
  );
}
