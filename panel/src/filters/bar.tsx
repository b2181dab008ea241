/** The line of filters above a page: range, search, one button for the rest, and chips. */

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { analytics, type Selectors } from "../api/analytics";
import { fmt, t } from "../i18n/language";
import type { PlainKey } from "../i18n/messages";
import { useData } from "../state/freshness";
import { accountName, keyName } from "../state/names";
import { prefer, preferences } from "../state/preferences";
import { joined, location, query, setQuery, valuesOf } from "../state/router";
import { maskIndex } from "../text/mask";
import { fieldOf, midnight, momentOf, type Range, type RangeName } from "../text/ranges";
import { Button, Field, Search, Segments, Select } from "../ui/controls";
import { Icon } from "../ui/icon";
import { Modal } from "../ui/overlay";
import { Block } from "../ui/block";
import { accountOf, FILTER_NAMES, LISTS, rangeOf, searchOf, searchQuery, type FilterName, type View } from "./view";

interface BarProps {
  readonly view: View;
  readonly ranges: readonly RangeName[];
  /** The range that the shown figures are of. */
  readonly shown: Range | null;
  readonly children?: ComponentChildren;
}

const TITLES: Readonly<Record<FilterName, PlainKey>> = {
  model: "column.model",
  api_key_hash: "column.key",
  provider: "column.provider",
  account: "column.account",
  auth_file: "column.file",
  auth_index: "filter.channel",
  credential: "filter.credential",
  project_id: "filter.project",
  request_type: "filter.requestType",
  status: "column.status",
  min_latency_ms: "filter.latency",
  cache_status: "filter.cache",
  search: "common.search",
  search_hash: "column.key",
};

/** How the value of a filter is shown. */
function shownValue(name: FilterName, value: string): string {
  switch (name) {
    case "api_key_hash":
    case "search_hash":
      return keyName(value);
    case "account":
      return accountName(accountOf(value));
    case "credential":
      return accountName(value);
    case "auth_index":
      return maskIndex(value);
    case "status":
      return t(value === "failed" ? "outcome.failed" : "outcome.ok");
    case "min_latency_ms":
      return `≥ ${fmt.value.duration(Number(value))}`;
    case "cache_status":
      return t(value === "hit" ? "filter.hit" : "filter.miss");
    default:
      return value;
  }
}

export function FilterBar({ view, ranges, shown, children }: BarProps) {
  const [open, setOpen] = useState(false);
  const active = FILTER_NAMES.flatMap((name) => valuesOf(query.value[name]).map((value) => [name, value] as const));
  const custom = view.name === "custom";
  const written = searchQuery(view.search);
  useEffect(() => {
    // A link may bring a key along; it is not left in the address.
    if (view.search && !written.search) setQuery(written, true);
  }, [written.search_hash]);
  const { path } = location.value;
  const known = preferences.value.ranges?.[path];
  useEffect(() => {
    // Whoever gets this address sees the same.
    if (known && !query.value["time_range"] && !view.custom) setQuery({ time_range: known }, true);
  }, [path, query.value["time_range"]]);
  // A link may bring a range along that this page does not offer.
  const offered = ranges.includes(view.name) ? ranges : [view.name, ...ranges];
  const choose = (name: RangeName) => {
    if (name !== "custom") {
      prefer({ ranges: { ...preferences.value.ranges, [path]: name } });
      setQuery({ time_range: name, from_ms: null, to_ms: null });
    } else {
      const { range } = rangeOf(view, Date.now());
      const from = range.from <= 1 ? midnight(Date.now(), -30) : range.from;
      setQuery({ time_range: "custom", from_ms: Math.trunc(from), to_ms: Math.trunc(range.to) });
    }
  };
  return (
    <div class="filters">
      <div class="bar-line">
        <div class="range-strip">
          <Segments name="range" label={t("range.title")} value={view.name} choices={offered.map((value) => ({ value, text: t(`range.${value}`) }))} onChange={choose} />
        </div>
        {custom && view.custom && <CustomRange key={`${view.custom.from}-${view.custom.to}`} range={view.custom} />}
        <Search value={view.search} onSearch={(text) => setQuery(searchQuery(text), true)} />
        <Button action="filters" icon="filter" pressed={active.length > 0} onClick={() => setOpen(true)}>
          {t("common.filters")}
          {active.length > 0 && <span class="badge">{active.length}</span>}
        </Button>
        <span class="grow" />
        {children}
      </div>
      <div class="chips">
        {shown && <span class="dim exact">{exactRange(shown)}</span>}
        {active.map(([name, value]) => (
          <Chip key={`${name} ${value}`} name={name} value={value}>
            {t(TITLES[name])}: {shownValue(name, value)}
          </Chip>
        ))}
        {active.length > 1 && (
          <button type="button" class="chip-clear" data-action="clear-filters" onClick={() => setQuery(Object.fromEntries(FILTER_NAMES.map((name) => [name, null])))}>
            {t("common.clearFilters")}
          </button>
        )}
      </div>
      {open && <FilterSheet view={view} onClose={() => setOpen(false)} />}
    </div>
  );
}

/** A value that is chosen, and can be taken back. */
function Chip({ name, value, children }: { readonly name: FilterName; readonly value: string; readonly children: ComponentChildren }) {
  return (
    <span class="chip" data-chip={name}>
      <span class="cut">{children}</span>
      <button
        type="button"
        data-action="remove-filter"
        aria-label={t("common.removeFilter", { name: `${t(TITLES[name])} ${shownValue(name, value)}` })}
        onClick={() => setQuery({ [name]: joined(valuesOf(query.value[name]).filter((other) => other !== value)) })}
      >
        <Icon name="close" />
      </button>
    </span>
  );
}

/** From when to when, exactly. */
function exactRange(range: Range): string {
  const written = (ms: number) => `${fmt.value.day(ms)} ${fmt.value.clock(ms)}`;
  return range.from <= 1 ? `… – ${written(range.to)}` : `${written(range.from)} – ${written(range.to)}`;
}

function CustomRange({ range }: { readonly range: Range }) {
  const [from, setFrom] = useState(fieldOf(range.from));
  const [to, setTo] = useState(fieldOf(range.to));
  const [wrong, setWrong] = useState(false);
  const apply = (event: Event) => {
    event.preventDefault();
    const [begin, end] = [momentOf(from), momentOf(to)];
    const fine = begin !== null && end !== null && begin < end;
    setWrong(!fine);
    if (fine) setQuery({ time_range: "custom", from_ms: begin, to_ms: end });
  };
  return (
    <form class="bar-line" onSubmit={apply}>
      <input type="datetime-local" data-field="from" aria-label={t("range.from")} value={from} onInput={(e) => setFrom(e.currentTarget.value)} />
      <input type="datetime-local" data-field="to" aria-label={t("range.to")} value={to} onInput={(e) => setTo(e.currentTarget.value)} />
      <Button action="apply-range" submit>
        {t("range.apply")}
      </Button>
      {wrong && (
        <span class="bad-text" role="alert">
          {t("range.wrong")}
        </span>
      )}
    </form>
  );
}

const LATENCIES = ["3000", "10000", "30000"];
const CACHES = ["hit", "miss"];
const STATUSES = ["success", "failed"];

function FilterSheet({ view, onClose }: { readonly view: View; readonly onClose: () => void }) {
  const data = useData<Selectors>("selectors", async (signal) => {
    const now = Date.now();
    const { range } = rangeOf(view, now);
    const answer = await analytics({ range, now, ...searchOf(view), include: { filter_selectors: true } }, signal);
    return answer.filter_options ?? {};
  });
  return (
    <Modal id="filters" title={t("common.filters")} onClose={onClose}>
      <Block id="selectors" data={data} class="bare">
        {(options) => (
          <div class="form">
            <Chooser name="model" field="model" values={options.models} />
            <Chooser name="api_key_hash" field="api-key" values={options.api_key_hashes} />
            <Chooser name="provider" field="provider" values={options.providers} />
            <Chooser name="account" field="account" values={options.accounts} />
            <Chooser name="auth_index" field="channel" {...channelsOf(options)} />
            <Chooser name="auth_file" field="auth-file" values={options.auth_files} />
            <Chooser name="status" field="status" values={STATUSES} />
            <Chooser name="min_latency_ms" field="min-latency" values={LATENCIES} />
            <Chooser name="cache_status" field="cache" values={CACHES} />
          </div>
        )}
      </Block>
    </Modal>
  );
}

/** The channels, each named after its account too. */
function channelsOf({ account_stats = [] }: Selectors): Pick<ChooserProps, "values" | "textOf"> {
  const accounts = new Map(account_stats.flatMap((account) => account.auth_indices.map((index) => [index, account.id] as const)));
  return { values: [...accounts.keys()].sort(), textOf: (index) => `${maskIndex(index)} · ${accountName(accounts.get(index))}` };
}

const MANY = 20;

interface ChooserProps {
  readonly name: FilterName;
  readonly field: string;
  readonly values?: readonly string[] | undefined;
  readonly textOf?: (value: string) => string;
}

/** Chooses a value, or of a list one after the other. */
function Chooser({ name, field, values = [], textOf = (value) => shownValue(name, value) }: ChooserProps) {
  const [typed, setTyped] = useState("");
  const wanted = typed.toLowerCase();
  const chosen = valuesOf(query.value[name]);
  const several = name in LISTS;
  const offered = values.filter((value) => !(several && chosen.includes(value)) && (!wanted || textOf(value).toLowerCase().includes(wanted)));
  return (
    <Field name={`${field}-search`} label={t(TITLES[name])}>
      {(attributes) => (
        <>
          {several && chosen.length > 0 && (
            <div class="chips">
              {chosen.map((value) => (
                <Chip key={value} name={name} value={value}>
                  {textOf(value)}
                </Chip>
              ))}
            </div>
          )}
          {values.length > MANY && <input {...attributes} type="text" placeholder={t("common.search")} value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />}
          <Select
            name={field}
            label={t(TITLES[name])}
            value={several ? "" : (chosen[0] ?? "")}
            choices={[{ value: "", text: t(several && chosen.length > 0 ? "filter.another" : "common.all") }, ...offered.map((value) => ({ value, text: textOf(value) }))]}
            onChange={(value) => setQuery({ [name]: several ? joined([...chosen, value]) : value })}
          />
        </>
      )}
    </Field>
  );
}
