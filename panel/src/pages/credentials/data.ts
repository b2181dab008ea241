/** The credentials of CPA, and beside them what the Manager knows of each. */

import { signal } from "@preact/signals";
import { providerOf, type AuthFile } from "../../api/authfile";
import { callThrough, readAuthFiles } from "../../api/cpa";
import { readForecast, refreshQuota, type Forecast } from "../../api/accounts";
import { readCandidates, readCooldowns, readHeaders, readHistory, readRun, readRuns, type Candidate, type Cooldown, type HeaderSnapshot, type History, type Result, type RunDetail } from "../../api/manager";
import { ApiError } from "../../api/client";
import { steps, useData, type Data } from "../../state/freshness";
import { mode } from "../../state/session";
import { forecastOf } from "./burning";
import { fieldsOf, merge, ofHeaders, ofInspection, ofSnapshots, QUESTIONS, type Window } from "./quota";
import { reasonText } from "../reasons";
import { keyed, rowOf, timeOf, type Row } from "./state";

const REFRESH_S = 60;
/** Cooldowns end and quotas burn by the clock. */
const AGES_MINUTES = 10;

export interface Known {
  readonly history: ReadonlyMap<string, History>;
  readonly headers: readonly HeaderSnapshot[];
  readonly inspected: RunDetail | null;
  readonly cooldowns: readonly Cooldown[];
  readonly candidates: readonly Candidate[];
  readonly forecast: Forecast;
}

/** What providers have answered in this session, by auth index. */
export const asked = signal<ReadonlyMap<string, readonly Window[]>>(new Map());

export function useCredentials(): Data<readonly AuthFile[]> {
  return useData("credentials", (signal) => readAuthFiles(signal), REFRESH_S, steps(AGES_MINUTES));
}

/** Read once the credentials are known; never where there is no Manager. */
export function useKnown(files: readonly AuthFile[] | null): Data<Known> {
  const key = mode.value === "manager" && files ? keyed(files).map(([name]) => name).join("\n") : null;
  return useData(
    key,
    async (signal) => {
      const [history, headers, inspected, cooldowns, candidates, forecast] = await Promise.all([readHistory(keyed(files ?? []), signal), readHeaders(signal), readInspected(signal), readCooldowns(signal), readCandidates("pending", 500, signal), readForecast(signal)]);
      return { history, headers, inspected, cooldowns, candidates: candidates.items, forecast };
    },
    REFRESH_S,
    steps(AGES_MINUTES),
  );
}

async function readInspected(signal: AbortSignal): Promise<RunDetail | null> {
  const { items } = await readRuns(10, signal);
  const last = items.find((run) => run.status === "completed");
  return last ? readRun(last.id, signal) : null;
}

export function headerOf(file: AuthFile, known: Known | null): HeaderSnapshot | undefined {
  return known?.headers.find((item) => (item.auth_file_snapshot ?? file.name) === file.name && (!item.auth_index || item.auth_index === file.auth_index));
}

/** Until when the provider refuses a credential, as its last answer said; 0 if it does not. */
function limitedUntil(header: HeaderSnapshot): number {
  const metadata = fieldsOf(header.response_metadata);
  const reached = fieldsOf(metadata["quota"])["reached_window_kind"] || fieldsOf(metadata["provider_usage"])["state"] === "exhausted";
  return reached || (header.header_quota_used_percent ?? 0) >= 100 ? (header.header_quota_recover_at_ms ?? 0) : 0;
}

/** Whether an inspection has found a credential unfit that has not been written since. */
function isComplaint(result: Result, file: AuthFile): boolean {
  return (result.action === "reauth" || result.action === "delete") && result.createdAtMs > (timeOf(file.modtime) ?? 0);
}

export function rowsOf(files: readonly AuthFile[], known: Known | null, now: number): readonly Row[] {
  return keyed(files).map(([key, file]) => {
    const header = headerOf(file, known);
    const result = known?.inspected?.results.find((item) => item.fileName === file.name && (!item.authIndex || item.authIndex === file.auth_index));
    const windows = merge(
      header ? ofHeaders(header.response_metadata, header.timestamp_ms) : [],
      result ? ofInspection(result.quotaWindows, result.createdAtMs) : [],
      asked.value.get(file.auth_index ?? "") ?? [],
    );
    const rest = known?.cooldowns.find((item) => item.authFileName === file.name && (!item.authIndex || item.authIndex === file.auth_index));
    const candidate = known?.candidates.find((item) => item.authFileName === file.name && (!item.authIndex || item.authIndex === file.auth_index));
    const complaint = candidate ? reasonText(candidate.reasonCode, candidate.reason) : result && isComplaint(result, file) ? reasonText(result.actionReasonCode, result.actionReason) : "";
    const row = rowOf(key, file, windows, now, { refused: header ? limitedUntil(header) : 0, rests: rest?.recoverAtMs ?? 0, complaint }, result?.planType || header?.header_quota_plan_type);
    return { ...row, burns: forecastOf(file, known?.forecast ?? null) };
  });
}

export function canAsk(file: AuthFile): boolean {
  return Boolean(file.auth_index && providerOf(file) in QUESTIONS);
}

/** Ask the provider how much of its quota a credential has used. */
export async function askQuota(file: AuthFile): Promise<void> {
  const question = QUESTIONS[providerOf(file)];
  if (!question || !file.auth_index) return;
  // What the Manager asks is kept, and the forecast goes by it.
  if (mode.value === "manager" && providerOf(file) === "claude") {
    const windows = await refreshQuota(file);
    if (windows) {
      asked.value = new Map(asked.value).set(file.auth_index, ofSnapshots(windows));
      return;
    }
  }
  const account = file.id_token?.chatgpt_account_id;
  const header = { ...question.header, ...(account && { "Chatgpt-Account-Id": account }) };
  const reply = await callThrough({ authIndex: file.auth_index, method: "GET", url: question.url, header });
  if (reply.status < 200 || reply.status >= 300) throw new ApiError("provider_refused", reply.status, reply.text.slice(0, 300));
  asked.value = new Map(asked.value).set(file.auth_index, question.read(reply.json, Date.now()));
}
