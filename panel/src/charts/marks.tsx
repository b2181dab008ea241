/** Small drawings: rows of ranks, shares, outcomes. */

import type { ComponentChildren } from "preact";
import type { Range } from "../text/ranges";
import { holeIn, holes } from "./holes";

export interface Rank {
  readonly id: string;
  readonly name: string;
  readonly full?: string;
  /** The part of the sum that the bar shows. */
  readonly share: number;
  readonly figure: ComponentChildren;
  readonly href?: string;
}

/** Names with a bar behind each; the bars are parts of one sum. */
export function Ranks({ rows, id }: { readonly rows: readonly Rank[]; readonly id: string }) {
  return (
    <ol class="ranks" data-chart={id} data-points={rows.length}>
      {rows.map((row) => (
        <li key={row.id} data-row={row.id}>
          <i class="fill" style={{ width: `${Math.min(Math.max(row.share, 0), 1) * 100}%` }} />
          {row.href ? (
            <a href={row.href} title={row.full ?? row.name}>
              {row.name}
            </a>
          ) : (
            <span class="name" title={row.full ?? row.name}>
              {row.name}
            </span>
          )}
          <span class="figure">{row.figure}</span>
        </li>
      ))}
    </ol>
  );
}

export interface Part {
  readonly id: string;
  readonly label: string;
  readonly share: number;
  readonly text: string;
  readonly color: string;
}

/** Parts of a whole, side by side. */
export function Mix({ id, parts }: { readonly id: string; readonly parts: readonly Part[] }) {
  return (
    <figure data-chart={id} data-points={parts.length} class="mix-figure">
      <div class="mix" aria-hidden="true">
        {parts.map((part) => (
          <i key={part.id} title={`${part.label} ${part.text}`} style={{ width: `${part.share * 100}%`, background: part.color }} />
        ))}
      </div>
      <figcaption class="legend">
        {parts.map((part) => (
          <span key={part.id} data-part={part.id} data-value={part.share}>
            <i class="dot" style={{ background: part.color }} />
            {part.label} <b>{part.text}</b>
          </span>
        ))}
      </figcaption>
    </figure>
  );
}

export type Outcome = "success" | "failure" | "mixed" | "idle";

interface OutcomesProps {
  readonly cells: readonly Outcome[];
  readonly label: string;
  /** The time that the cells are equal stretches of; without it they are the last calls. */
  readonly range?: Range | undefined;
}

/** Outcomes of stretches of time, or of the last calls, oldest first. */
export function Outcomes({ cells, label, range }: OutcomesProps) {
  const step = range && range.from > 1 ? (range.to - range.from) / cells.length : 0;
  const doubtful = (at: number) => range && step > 0 && holeIn(holes.value, range.from + at * step, range.from + (at + 1) * step);
  return (
    <span class="strip-cells" role="img" aria-label={label} title={label}>
      {cells.map((cell, at) => (
        <i key={at} class={`${cell} ${doubtful(at) ? "hatch" : ""}`} />
      ))}
    </span>
  );
}
