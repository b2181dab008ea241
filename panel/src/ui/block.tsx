/** A block of a page: in exactly one state, and it says which. */

import type { ComponentChildren } from "preact";
import { fmt, t } from "../i18n/language";
import { say } from "../i18n/say";
import type { Data, Loaded } from "../state/freshness";
import { Button } from "./controls";
import { Icon } from "./icon";

interface BlockProps<T> {
  readonly id: string;
  readonly data: Data<T>;
  readonly title?: string;
  /** Beside the title. */
  readonly aside?: ComponentChildren;
  /** What is told instead of the value if it has nothing to show. */
  readonly empty?: (value: T) => ComponentChildren | false | null;
  readonly class?: string;
  readonly height?: number;
  readonly children: (value: T) => ComponentChildren;
}

type Shown = Loaded<unknown>["state"] | "empty";

export function Block<T>(props: BlockProps<T>) {
  const { data, title, aside, height } = props;
  const now = data.now.value;
  const nothing = now.value !== null && props.empty ? props.empty(now.value) : null;
  const state: Shown = nothing && (now.state === "ready" || now.state === "refreshing") ? "empty" : now.state;
  const lost = isLost(now);
  return (
    <section
      class={`block card ${props.class ?? ""}`}
      data-block={props.id}
      data-state={state}
      aria-busy={now.state === "loading" || now.state === "refreshing"}
      style={height ? { minHeight: `${height}px` } : undefined}
    >
      {(title || aside) && (
        <header class="block-head">
          {title && <h2>{title}</h2>}
          <div class="aside">
            <Partial now={now} />
            {aside}
          </div>
        </header>
      )}
      {lost && <StaleMark now={now} />}
      {now.state === "stale" && now.error && !lost && (
        <p class="strip warn" data-error={now.error.code}>
          {t("common.stale", { time: fmt.value.moment(now.at) })} {say(now.error)}
        </p>
      )}
      {now.value === null ? <Waiting now={now} reload={data.reload} /> : nothing ? <p class="empty">{nothing}</p> : props.children(now.value)}
    </section>
  );
}

/** Whether data are old since nothing answers: the shell says so once, for all blocks. */
export function isLost(now: Loaded<unknown>): boolean {
  return now.state === "stale" && now.error?.status === 0;
}

function StaleMark({ now }: { readonly now: Loaded<unknown> }) {
  const text = `${t("common.stale", { time: fmt.value.moment(now.at) })} ${now.error ? say(now.error) : ""}`;
  return (
    <span class="stale-mark" role="img" aria-label={text} title={text} data-error={now.error?.code}>
      <Icon name="clock" />
    </span>
  );
}

/** That figures lack events, and how many. */
function Partial({ now: { partial } }: { readonly now: Loaded<unknown> }) {
  if (!partial) return null;
  const [rows, of] = [fmt.value.full(partial.rows), fmt.value.full(partial.of)];
  return (
    <span class="badge warn nowrap" role="status" title={t("recovery.reading", { rows, of })} aria-label={t("recovery.reading", { rows, of })} data-metric="partial" data-value={partial.rows}>
      <Icon name="clock" /> {rows} / {of}
    </span>
  );
}

function Waiting({ now, reload }: { readonly now: Loaded<unknown>; readonly reload: () => Promise<boolean> }) {
  if (now.state !== "error" || !now.error) return <div class="skeleton" role="img" aria-label={t("common.loading")} />;
  return (
    <div class="failed" role="alert">
      <p data-error={now.error.code}>{say(now.error)}</p>
      <Button action="retry" onClick={() => void reload()}>
        {t("common.retry")}
      </Button>
    </div>
  );
}

interface TileProps {
  readonly metric: string;
  readonly label: string;
  /** The raw figure; null is unknown. */
  readonly value: number | null;
  readonly text: string;
  readonly full?: string;
  readonly note?: ComponentChildren;
  readonly tone?: "good" | "warn" | "bad" | undefined;
  readonly href?: string;
}

/** A headline figure. */
export function Tile({ metric, label, value, text, full, note, tone, href }: TileProps) {
  const figure = (
    <b class={tone ? `${tone}-text` : ""} data-metric={metric} data-value={value === null ? "null" : String(value)} title={full}>
      {text}
    </b>
  );
  return (
    <div class="tile">
      <span class="label">{label}</span>
      {href ? <a href={href}>{figure}</a> : figure}
      <span class="note" title={typeof note === "string" ? note : undefined}>{note}</span>
    </div>
  );
}

interface TilesProps<T> {
  readonly id: string;
  readonly data: Data<T>;
  readonly count: number;
  /** Lower than those of the headline. */
  readonly slim?: boolean;
  /** In the corner. */
  readonly aside?: ComponentChildren;
  readonly children: (value: T) => ComponentChildren;
}

/** Tiles of one answer: before it is there, as many empty ones. */
export function Tiles<T>({ id, data, count, slim = false, aside, children }: TilesProps<T>) {
  const now = data.now.value;
  return (
    <section class={`tiles card ${slim ? "slim" : ""}`} data-block={id} data-state={now.state} data-count={count} style={{ "--count": count }} aria-busy={now.state === "loading" || now.state === "refreshing"}>
      {isLost(now) && <StaleMark now={now} />}
      {now.value !== null ? (
        children(now.value)
      ) : now.state === "error" ? (
        <Waiting now={now} reload={data.reload} />
      ) : (
        Array.from({ length: count }, (_, i) => <div key={i} class="tile skeleton" />)
      )}
      {now.value !== null && (aside || now.partial) && (
        <div class="aside">
          <Partial now={now} />
          {aside}
        </div>
      )}
    </section>
  );
}
