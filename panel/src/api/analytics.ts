/** The answers of `monitoring/analytics` and `dashboard/summary`, and how they are asked for. */

import { api } from "../state/session";
import type { Analytics } from "./answers.generated";
import type { Range } from "../text/ranges";

export type {
  AccountStats,
  Analytics,
  Anomaly,
  Channel,
  ChannelShare,
  Comparison,
  Contributor,
  CredentialStats,
  Dashboard,
  EventRow,
  Events,
  Failure,
  GroupModel,
  FilterOptions as Selectors,
  HealthPoint,
  HeatCell,
  KeyContext,
  KeyStats,
  ModelStats,
  Strip,
  Summary,
  TimelineBucket,
} from "./answers.generated";

/** What a row says of who was behind it; not every kind of row says all. */
export interface Snapshots {
  readonly account_snapshot?: string;
  readonly auth_label_snapshot?: string;
  readonly auth_provider_snapshot?: string;
  readonly auth_index?: string;
  readonly source?: string;
}

export interface Filters {
  readonly models?: readonly string[];
  readonly providers?: readonly string[];
  readonly accounts?: readonly string[];
  readonly credential_ids?: readonly string[];
  readonly auth_files?: readonly string[];
  readonly auth_indices?: readonly string[];
  readonly api_key_hashes?: readonly string[];
  readonly source_hashes?: readonly string[];
  readonly project_ids?: readonly string[];
  readonly request_types?: readonly string[];
  readonly include_failed?: boolean;
  readonly failed_only?: boolean;
  readonly min_latency_ms?: number;
  readonly cache_status?: string;
}

export interface Question {
  readonly range: Range;
  readonly now: number;
  readonly search?: string;
  readonly searchHash?: string;
  readonly filters?: Filters;
  readonly include: Readonly<Record<string, unknown>>;
}

/** The time zone in which the server draws days and hours. */
let zone = "";

/** The time zone of the browser, found out at the first use: that takes a while. */
export function timeZone(): string {
  return (zone ||= Intl.DateTimeFormat().resolvedOptions().timeZone);
}

/** A question as the server takes it. */
export function bodyOf({ range, now, search, searchHash, filters, include }: Question): object {
  return {
    from_ms: Math.max(1, Math.trunc(range.from)),
    to_ms: Math.trunc(range.to),
    now_ms: now,
    time_zone: timeZone(),
    ...(search && { search_query: search }),
    ...(searchHash && { search_api_key_hash: searchHash }),
    ...(filters && Object.keys(filters).length && { filters }),
    include,
  };
}

/** Ask for sections of figures. */
export function analytics(question: Question, signal?: AbortSignal): Promise<Analytics> {
  return api().call<Analytics>("/v0/management/monitoring/analytics", { method: "POST", body: bodyOf(question), signal });
}
