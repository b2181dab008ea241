/** Ten thousand lines of which only the visible ones are in the page. */

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { t } from "../../i18n/language";
import type { LogLine } from "../../text/logs";
import { matches } from "../../ui/editor";

interface ListProps {
  readonly lines: readonly LogLine[];
  readonly raw: boolean;
  readonly search: string;
  readonly follow: boolean;
  readonly onFollow: (on: boolean) => void;
  readonly onOpen: (line: LogLine) => void;
}

const ROW_PX = 20;
const PHONE_ROW_PX = 52;
const SPARE_ROWS = 20;
const NEAR_PX = 24;

const phone = matchMedia("(max-width: 768px)");

export function LogList({ lines, raw, search, follow, onFollow, onOpen }: ListProps) {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 800 });
  const height = phone.matches ? PHONE_ROW_PX : ROW_PX;
  const look = () => {
    const element = box.current;
    if (element) setView({ top: element.scrollTop, height: element.clientHeight });
  };
  useLayoutEffect(() => {
    if (follow && box.current) box.current.scrollTop = box.current.scrollHeight;
    look();
  }, [lines, follow, raw]);
  // Who scrolls up wants to read: following goes on when the foot is reached again.
  const scrolled = () => {
    const element = box.current!;
    const atFoot = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_PX;
    if (follow && !atFoot && element.scrollTop < view.top) onFollow(false);
    look();
  };
  const first = Math.max(0, Math.floor(view.top / height) - SPARE_ROWS);
  const last = Math.min(lines.length, Math.ceil((view.top + view.height) / height) + SPARE_ROWS);
  return (
    <div class={`log-lines mono${raw ? " raw" : ""}`} ref={box} onScroll={scrolled} tabIndex={0} role="log" aria-label={t("logs.content")} data-table="log-lines" data-count={lines.length}>
      <div style={{ height: `${lines.length * height}px` }}>
        <div style={{ transform: `translateY(${first * height}px)` }}>
          {lines.slice(first, last).map((line) => (
            <button key={line.n} type="button" class={`log-line ${toneOf(line)}`} data-row={line.n} onClick={() => onOpen(line)}>
              {raw || !line.time ? <span class="text">{marked(line.raw, search)}</span> : <Parts line={line} search={search} />}
            </button>
          ))}
        </div>
      </div>
    </div>
  );
}

function Parts({ line, search }: { readonly line: LogLine; readonly search: string }) {
  const { call } = line;
  return (
    <>
      <span class="time" title={line.time}>
        {line.time.slice(11)}
      </span>
      <span class="level">{line.level}</span>
      {call ? (
        <>
          <span class="status">{call.status}</span>
          <span class="latency">{call.latency}</span>
          <span class="client">{call.client}</span>
          <span class="text">{marked(`${call.method} ${call.path}`, search)}</span>
        </>
      ) : (
        <span class="text">{marked(line.text, search)}</span>
      )}
      <span class="id">{marked(line.id, search)}</span>
    </>
  );
}

function toneOf({ level, call }: LogLine): string {
  if (/^(error|fatal|panic)$/.test(level) || call?.status.startsWith("5")) return "bad";
  return level.startsWith("warn") || call?.status.startsWith("4") ? "warn" : "";
}

function marked(text: string, search: string): ComponentChildren {
  const found = matches(text, search);
  if (found.length === 0) return text;
  let at = 0;
  const parts = found.map(({ from, to }) => {
    const between = text.slice(at, from);
    at = to;
    return [between, <mark>{text.slice(from, to)}</mark>];
  });
  return [parts, text.slice(at)];
}
