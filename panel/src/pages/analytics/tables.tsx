/** Client keys and credentials against each other. */

import type { CredentialStats, KeyStats } from "../../api/analytics";
import { searchQuery, type View } from "../../filters/view";
import { fmt, t } from "../../i18n/language";
import type { Data } from "../../state/freshness";
import { accountName, fileLabel, keyName, whoseName } from "../../state/names";
import { query, setQuery } from "../../state/router";
import { maskIndex } from "../../text/mask";
import { Search } from "../../ui/controls";
import { Facts } from "../../ui/facts";
import { Contexts, KeyCopy, latestColumn, Models } from "../monitor/groups";
import type { Shown } from "./read";
import { Stats } from "./stats";

export function KeyTable({ data, view }: { readonly data: Data<Shown>; readonly view: View }) {
  const nameOf = (row: KeyStats) => row.api_key_alias || keyName(row.api_key_hash);
  const keyword = query.value["api_key_keyword"] ?? "";
  const within = (texts: readonly string[]) => texts.some((text) => text.toLowerCase().includes(keyword.toLowerCase()));
  // A whole key is known by its hash, and does not come into the address.
  const look = (text: string) => {
    const { search, search_hash } = searchQuery(text);
    setQuery({ api_key_keyword: search || search_hash }, true);
  };
  return (
    <Stats<KeyStats>
      id="api-keys"
      title={t("analytics.apiKeys")}
      warned
      chosen={(row) => !keyword || within([nameOf(row), keyName(row.api_key_hash), row.api_key_hash, ...row.contexts.map(whoseName)])}
      aside={<Search name="api-key-keyword" value={keyword} onSearch={look} />}
      data={data}
      view={view}
      rows={(shown) => shown.answer.api_key_stats ?? []}
      rowKey={(row) => row.id}
      nameOf={nameOf}
      first={[{ id: "key", title: t("column.key"), phone: "main", value: nameOf }]}
      last={[latestColumn<KeyStats>()]}
      filter={(row) => ({ api_key_hashes: [row.id] })}
      link={(row) => ({ api_key_hash: row.id })}
      more={(row) => (
        <>
          <KeyCopy hash={row.api_key_hash} />
          <Models rows={row.models} />
          <Contexts rows={row.contexts} />
        </>
      )}
    />
  );
}

export function CredentialTable({ data, view }: { readonly data: Data<Shown>; readonly view: View }) {
  const nameOf = (row: CredentialStats) => (row.account_snapshot || row.auth_label_snapshot ? whoseName(row) : accountName(row.auth_file_snapshot || row.source || row.id));
  return (
    <Stats<CredentialStats>
      id="credentials"
      title={t("analytics.credentials")}
      warned
      data={data}
      view={view}
      rows={(shown) => shown.answer.credential_stats ?? []}
      rowKey={(row) => row.id}
      nameOf={nameOf}
      first={[
        { id: "account", title: t("column.account"), phone: "main", value: nameOf, cell: (row) => <span title={accountName(row.auth_file_snapshot)}>{nameOf(row)}</span> },
        { id: "provider", title: t("column.provider"), phone: "sub", value: (row) => row.auth_provider_snapshot ?? "" },
      ]}
      last={[latestColumn<CredentialStats>()]}
      filter={(row) => ({ credential_ids: [row.id] })}
      link={(row) => ({ credential: row.id })}
      more={(row) => (
        <>
          <Facts
            rows={[
              [t("column.account"), row.account_snapshot && accountName(row.account_snapshot)],
              [t("column.provider"), row.auth_provider_snapshot],
              [t("column.file"), row.auth_file_snapshot && fileLabel(row.auth_file_snapshot)],
              [t("filter.channel"), row.auth_index && maskIndex(row.auth_index)],
              [t("filter.project"), row.auth_project_id_snapshot],
              [t("column.latency"), fmt.value.duration(row.average_latency_ms)],
              [t("analytics.firstSeen"), fmt.value.dateTime(row.first_seen_ms)],
              [t("column.latest"), fmt.value.dateTime(row.last_seen_ms)],
            ]}
          />
          <Models rows={row.models} />
        </>
      )}
    />
  );
}
