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
  /** The width of a cell. */
  readonly width?: 3 | 5;
}

const CELL_PX = 14;
/** Colour is never the only sign: the worse, the higher. */
const HEIGHTS: Readonly<Record<Outcome, number>> = { idle: CELL_PX, success: 10, mixed: 12, failure: CELL_PX };
const KINDS = Object.keys(HEIGHTS) as Outcome[];

/** Outcomes of stretches of time, or of the last calls, oldest first.
 *
 * There is one in each row of long tables, so all cells of a kind are one path.
 */
export function Outcomes({ cells, label, range, width = 5 }: OutcomesProps) {
  const pitch = width + 1;
  const step = range && range.from > 1 ? (range.to - range.from) / cells.length : 0;
  const doubtful = (at: number) => range && step > 0 && holeIn(holes.value, range.from + at * step, range.from + (at + 1) * step);
  const bars = (kind: Outcome) => cells.map((cell, at) => (cell === kind ? `M${at * pitch} ${CELL_PX}h${width}v-${HEIGHTS[kind]}h-${width}z` : "")).join("");
  const holed = cells.map((_, at) => (doubtful(at) ? `M${at * pitch} ${CELL_PX}l${width}-${width}m-${width}-2l${width}-${width}` : "")).join("");
  return (
    <span class="strip-cells" role="img" aria-label={label} title={label}>
      <svg width={cells.length * pitch} height={CELL_PX} aria-hidden="true">
        {KINDS.map((kind) => cells.includes(kind) && <path key={kind} class={kind} d={bars(kind)} />)}
        {holed && <path class="holed" d={holed} />}
      </svg>
    </span>
  );
}
