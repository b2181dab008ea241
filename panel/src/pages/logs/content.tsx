/** The lines of CPA's log: read on from where the last reading ended, the newest at the foot. */

import { signal } from "@preact/signals";
import { useMemo, useState } from "preact/hooks";
import { ApiError } from "../../api/client";
import { t } from "../../i18n/language";
import { useData } from "../../state/freshness";
import { phone } from "../../state/preferences";
import { query, setQuery } from "../../state/router";
import { api } from "../../state/session";
import { counted, parseLine, passes, type LogFilter, type LogLine } from "../../text/logs";
import { Block } from "../../ui/block";
import { Button, Search, Select, type Choice } from "../../ui/controls";
import { Confirm } from "../../ui/overlay";
import { saveText } from "../../ui/saving";
import { LineDrawer } from "./line";
import { LogList } from "./list";

const PATH = "/v0/management/logs";
const MOST_LINES = 10_000;
const FOLLOW_S = 8;
const LOG_MS = 60_000;

interface Answer {
  readonly lines: readonly string[] | null;
  readonly "latest-timestamp": number;
  readonly "next-cursor"?: string;
  readonly "cursor-reset"?: boolean;
}

interface Read {
  readonly lines: readonly LogLine[];
  readonly cursor: string;
  readonly after: number;
  /** CPA writes no log. */
  readonly off?: boolean;
}

const NOTHING: Read = { lines: [], cursor: "", after: 0 };
const following = signal(true);
// What has been read outlives a look at another page; a new session begins anew.
let kept: { readonly by: unknown; readonly read: Read } = { by: null, read: NOTHING };

async function load(abort: AbortSignal): Promise<Read> {
  const before = kept.by === api() ? kept.read : NOTHING;
  const place: Record<string, string> = before.cursor ? { cursor: before.cursor } : before.after ? { after: String(before.after) } : {};
  const search = new URLSearchParams({ limit: String(MOST_LINES), ...place });
  let answer: Answer;
  try {
    answer = await api().call<Answer>(`${PATH}?${search}`, { signal: abort, timeoutMs: LOG_MS });
  } catch (error) {
    if (error instanceof ApiError && error.status === 400 && /disabled/i.test(error.detail)) return { ...NOTHING, off: true };
    throw error;
  }
  const anew = answer["cursor-reset"] === true || !(before.cursor || before.after);
  const lines = anew ? [] : [...before.lines];
  let n = before.lines.at(-1)?.n ?? 0;
  for (const line of answer.lines ?? []) lines.push(parseLine((n += 1), line, lines.at(-1)));
  const read = { lines: lines.slice(-MOST_LINES), cursor: answer["next-cursor"] ?? "", after: answer["latest-timestamp"] };
  kept = { by: api(), read };
  return read;
}

function filterOf(): LogFilter {
  const { search = "", level = "", method = "", status = "", path = "", quiet = "1" } = query.value;
  return { search, level, method, status, path, quiet: quiet !== "0" };
}

export function Content() {
  const data = useData("logs", load, following.value ? FOLLOW_S : 0);
  const [clearing, setClearing] = useState(false);
  const [turning, setTurning] = useState(false);
  const filter = filterOf();
  const lines = data.now.value.value?.lines ?? NOTHING.lines;
  const found = useMemo(() => lines.filter((line) => passes(line, filter)), [lines, JSON.stringify(filter)]);
  const opened = found.find((line) => String(line.n) === query.value["line"]);
  const raw = query.value["raw"] === "1";
  const off = (
    <>
      <span>{t("logs.off")}</span>
      <Button action="turn-on" onClick={() => setTurning(true)}>
        {t("logs.turnOn")}
      </Button>
    </>
  );
  const nothing = (read: Read) => (read.off ? off : read.lines.length === 0 ? t("logs.none") : found.length === 0 && t("common.noMatch"));
  return (
    <>
      <Block id="log" class="fill" data={data} empty={nothing} aside={<Filters lines={lines} found={found} filter={filter} raw={raw} onClear={() => setClearing(true)} />}>
        {() => <LogList lines={found} raw={raw} search={filter.search} follow={following.value} onFollow={(on) => (following.value = on)} onOpen={(line) => setQuery({ line: line.n })} />}
      </Block>
      {opened && <LineDrawer line={opened} onClose={() => setQuery({ line: null })} />}
      {clearing && (
        <Confirm
          id="clear-log"
          title={t("logs.clear")}
          danger
          onClose={() => setClearing(false)}
          onConfirm={async () => {
            await api().call(PATH, { method: "DELETE" });
            kept = { by: null, read: NOTHING };
            await data.reload();
          }}
        >
          <p>{t("logs.clearText")}</p>
        </Confirm>
      )}
      {turning && (
        <Confirm
          id="turn-on"
          title={t("logs.turnOn")}
          onClose={() => setTurning(false)}
          onConfirm={async () => {
            await api().call("/v0/management/logging-to-file", { method: "PUT", body: { value: true } });
            await data.reload();
          }}
        >
          <p>{t("logs.turnOnText")}</p>
        </Confirm>
      )}
    </>
  );
}

interface FiltersProps {
  readonly lines: readonly LogLine[];
  readonly found: readonly LogLine[];
  readonly filter: LogFilter;
  readonly raw: boolean;
  readonly onClear: () => void;
}

/** On a phone what is seldom changed is folded, so that the lines have the room. */
function Filters({ lines, found, filter, raw, onClear }: FiltersProps) {
  const [unfolded, setUnfolded] = useState([filter.level, filter.status, filter.method, filter.path].some(Boolean));
  return (
    <>
      <Search value={filter.search} onSearch={(search) => setQuery({ search }, true)} />
      {phone.value && (
        <Button action="filters" icon="filter" pressed={unfolded} onClick={() => setUnfolded(!unfolded)}>
          {t("common.filters")}
        </Button>
      )}
      {(!phone.value || unfolded) && <Narrowing lines={lines} filter={filter} raw={raw} />}
      <Check name="follow" on={following.value} text={t("logs.follow")} set={(on) => (following.value = on)} />
      <span class="bar-line">
        <span class="nowrap" data-metric="lines" data-value={found.length}>
          {t("logs.shown", { n: found.length, all: lines.length })}
        </span>
        <Button action="export" kind="quiet" icon="download" label={t("logs.save")} disabled={found.length === 0} onClick={() => saveText("logs.txt", `${found.map((line) => line.raw).join("\n")}\n`, "text/plain")} />
        <Button action="clear" kind="quiet" icon="trash" label={t("logs.clear")} disabled={lines.length === 0} onClick={onClear} />
      </span>
    </>
  );
}

/** By what lines are chosen, and how they look. */
function Narrowing({ lines, filter, raw }: Pick<FiltersProps, "lines" | "filter" | "raw">) {
  const counts = useMemo(() => ({ method: counted(lines, (call) => call.method), status: counted(lines, (call) => call.status[0]!), path: counted(lines, (call) => call.path) }), [lines]);
  const choices = (any: string, name: keyof typeof counts): readonly Choice<string>[] => [{ value: "", text: any }, ...counts[name].map(([value, n]) => ({ value, text: `${name === "status" ? `${value}xx` : value} (${n})` }))];
  return (
    <>
      <Select
        name="level"
        label={t("logs.level")}
        value={filter.level}
        choices={[
          { value: "", text: t("logs.levelAll") },
          { value: "warn", text: t("logs.levelWarn") },
          { value: "error", text: t("logs.levelError") },
        ]}
        onChange={(level) => setQuery({ level })}
      />
      <Select name="status" label={t("logs.status")} value={filter.status} choices={choices(t("logs.anyStatus"), "status")} onChange={(status) => setQuery({ status })} />
      <Select name="method" label={t("logs.method")} value={filter.method} choices={choices(t("logs.anyMethod"), "method")} onChange={(method) => setQuery({ method })} />
      <Select name="path" label={t("logs.path")} value={filter.path} choices={choices(t("logs.anyPath"), "path")} onChange={(path) => setQuery({ path })} />
      <Check name="quiet" on={filter.quiet} text={t("logs.quiet")} set={(on) => setQuery({ quiet: on ? null : "0" })} />
      <Check name="raw" on={raw} text={t("logs.raw")} set={(on) => setQuery({ raw: on ? "1" : null })} />
    </>
  );
}

function Check({ name, on, text, set }: { readonly name: string; readonly on: boolean; readonly text: string; readonly set: (on: boolean) => void }) {
  return (
    <label class="check nowrap">
      <input type="checkbox" data-field={name} checked={on} onChange={(event) => set(event.currentTarget.checked)} />
      {text}
    </label>
  );
}
