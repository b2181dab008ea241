/** All that is known of one request, in a drawer. */

import type { EventRow } from "../../api/analytics";
import { fmt, t } from "../../i18n/language";
import { useData } from "../../state/freshness";
import { keyName, whoseName } from "../../state/names";
import { setQuery } from "../../state/router";
import { iso } from "../../text/format";
import { maskIndex, redact } from "../../text/mask";
import { Block } from "../../ui/block";
import { Button, CopyButton } from "../../ui/controls";
import { Facts } from "../../ui/facts";
import { Modal } from "../../ui/overlay";
import { readEvent, speedOf } from "./events";

export function EventDrawer({ hash }: { readonly hash: string }) {
  const data = useData(`event ${hash}`, (signal) => readEvent(hash, signal));
  return (
    <Modal id="event" drawer title={t("monitor.detail")} onClose={() => setQuery({ event: null })}>
      <Block id="event" class="bare" data={data} empty={(row) => row === null && t("monitor.gone")}>
        {(row) => row && <EventFacts row={row} />}
      </Block>
    </Modal>
  );
}

function EventFacts({ row }: { readonly row: EventRow }) {
  const key = row.api_key_hash;
  const tokens = (count: number) => fmt.value.full(count);
  return (
    <>
      <p class="bar-line">
        <span class={`badge ${row.failed ? "bad" : "good"}`}>
          {t(row.failed ? "outcome.failed" : "outcome.ok")} {row.fail_status_code || ""}
        </span>
        <b class="cut">{row.analytics_model || row.model}</b>
        <span class="grow" />
        <b data-metric="event-cost" data-value={row.cost ?? "null"}>
          {row.cost === null ? t("common.unpriced", { n: 1 }) : fmt.value.usdRequest(row.cost)}
        </b>
      </p>
      {row.fail_summary && (
        <div class="reason">
          <pre>{redact(row.fail_summary)}</pre>
          <CopyButton text={redact(row.fail_summary)} />
        </div>
      )}
      <Facts
        rows={[
          [t("column.time"), `${fmt.value.dateTime(row.timestamp_ms)} (${iso(row.timestamp_ms)})`],
          [t("column.account"), whoseName(row)],
          [t("column.provider"), row.auth_provider_snapshot],
          [t("column.file"), row.auth_file_snapshot],
          [t("filter.channel"), row.auth_index && maskIndex(row.auth_index)],
          [t("column.key"), row.api_key_alias || keyName(key)],
          [t("filter.project"), row.auth_project_id_snapshot],
          [t("monitor.asked"), row.requested_model],
          [t("monitor.resolved"), row.resolved_model],
          [t("monitor.billed"), row.pricing_model],
          [t("monitor.effort"), row.reasoning_effort],
          [t("monitor.tier"), row.service_tier],
        ]}
      />
      <Facts
        rows={[
          [t("column.latency"), fmt.value.duration(row.latency_ms)],
          [t("column.ttft"), fmt.value.duration(row.ttft_ms)],
          [t("column.tps"), fmt.value.rate(speedOf(row))],
          [t("column.input"), tokens(row.input_tokens)],
          [t("monitor.cacheRead"), tokens(row.cache_read_tokens + row.cached_tokens)],
          [t("monitor.cacheCreation"), tokens(row.cache_creation_tokens)],
          [t("column.output"), tokens(row.output_tokens)],
          [t("column.reasoning"), tokens(row.reasoning_tokens)],
          [t("column.total"), tokens(row.total_tokens)],
        ]}
      />
      <Facts
        rows={[
          [t("monitor.endpoint"), row.endpoint || [row.method, row.path].join(" ").trim()],
          [t("monitor.client"), [row.client_ip, row.x_forwarded_for].filter(Boolean).join(" ← ")],
          [t("monitor.userAgent"), row.user_agent],
          [t("filter.requestType"), row.executor_type],
          [t("monitor.requestId"), row.request_id, "copy"],
          [t("monitor.trace"), row.header_trace_id, "copy"],
          [t("monitor.eventHash"), row.event_hash, "copy"],
        ]}
      />
      {row.response_metadata ? (
        <details>
          <summary>{t("monitor.metadata")}</summary>
          <pre>{redact(JSON.stringify(row.response_metadata, null, 2))}</pre>
        </details>
      ) : null}
      <p class="bar-line">
        {key && (
          <Button action="focus-key" icon="filter" onClick={() => setQuery({ event: null, api_key_hash: key })}>
            {t("column.key")}
          </Button>
        )}
        {row.account_snapshot && (
          <Button action="focus-account" icon="filter" onClick={() => setQuery({ event: null, account: row.account_snapshot ?? null })}>
            {t("column.account")}
          </Button>
        )}
        <Button action="focus-model" icon="filter" onClick={() => setQuery({ event: null, model: row.analytics_model || row.model })}>
          {t("column.model")}
        </Button>
      </p>
    </>
  );
}
