/** A text area with line numbers, colours and marks: what is seen lies behind what is typed into. */

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";

export interface Span {
  readonly from: number;
  readonly to: number;
}

interface EditorProps {
  readonly label: string;
  readonly value: string;
  readonly onInput: (text: string) => void;
  readonly paint: (line: string) => ComponentChildren;
  /** The line (from 1) where something is wrong. */
  readonly wrong?: number | undefined;
  /** Places to be marked, in order; one of them is the present one. */
  readonly marks?: readonly Span[];
  readonly mark?: number;
  /** A line (from 1) to begin with. */
  readonly line?: number;
}

const LINE_PX = 18;
const ABOVE_LINES = 4;

export function Editor({ label, value, onInput, paint, wrong, marks = [], mark = -1, line }: EditorProps) {
  const box = useRef<HTMLDivElement>(null);
  const area = useRef<HTMLTextAreaElement>(null);
  const lines = useMemo(() => value.split("\n"), [value]);
  const painted = useMemo(() => lines.map((text, at) => <Line key={at} text={text} paint={paint} />), [lines]);
  const show = (number: number) => box.current?.scrollTo({ top: Math.max(0, (number - ABOVE_LINES) * LINE_PX) });
  useLayoutEffect(() => {
    const at = marks[mark];
    if (at) show(value.slice(0, at.from).split("\n").length);
  }, [mark, marks]);
  useLayoutEffect(() => {
    if (!line || !area.current) return;
    const start = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    area.current.focus({ preventScroll: true });
    area.current.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
    show(line);
  }, [line]);
  return (
    <div class="editor" ref={box}>
      <pre class="gutter" aria-hidden="true">
        {lines.map((_, at) => (
          <span key={at} class={at + 1 === wrong ? "wrong" : ""}>{`${at + 1}\n`}</span>
        ))}
      </pre>
      <div class="code">
        <pre aria-hidden="true">{painted}</pre>
        {marks.length > 0 && (
          <pre class="marks" aria-hidden="true">
            {marked(value, marks, mark)}
          </pre>
        )}
        <textarea
          ref={area}
          data-field="source"
          aria-label={label}
          aria-invalid={wrong !== undefined}
          spellcheck={false}
          autocapitalize="off"
          autocomplete="off"
          value={value}
          onInput={(event) => onInput(event.currentTarget.value)}
        />
      </div>
    </div>
  );
}

function Line({ text, paint }: { readonly text: string; readonly paint: EditorProps["paint"] }) {
  const spans = useMemo(() => paint(text), [text]);
  return (
    <>
      {spans}
      {"\n"}
    </>
  );
}

function marked(text: string, marks: readonly Span[], present: number): ComponentChildren {
  let at = 0;
  const parts = marks.map(({ from, to }, i) => {
    const between = text.slice(at, from);
    at = to;
    return [between, <mark class={i === present ? "present" : ""}>{text.slice(from, to)}</mark>];
  });
  return [parts, text.slice(at)];
}

const MOST_MATCHES = 1_000;

/** Where a text is found, whatever the case of its letters. */
export function matches(text: string, wanted: string): readonly Span[] {
  const [whole, part] = [text.toLowerCase(), wanted.toLowerCase()];
  const found: Span[] = [];
  if (part === "" || whole.length !== text.length) return found;
  for (let at = whole.indexOf(part); at >= 0 && found.length < MOST_MATCHES; at = whole.indexOf(part, at + part.length)) {
    found.push({ from: at, to: at + part.length });
  }
  return found;
}
