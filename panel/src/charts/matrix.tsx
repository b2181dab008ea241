/** Health of a day: a column for each hour, a row for each ten minutes. */

import type { HealthPoint } from "../api/analytics";
import { fmt, t } from "../i18n/language";
import { phone } from "../state/preferences";
import { status } from "../state/session";
import { holeIn, holes, watchedSince } from "./holes";

const ROWS = 6;
const CELL_MS = 600_000;
// Fewer calls than these make no alarm.
const ENOUGH_CALLS = 20;

interface MatrixProps {
  readonly points: readonly HealthPoint[];
  readonly onPick: (point: HealthPoint) => void;
}

/** On a phone the day stands in two halves, so that a finger finds a cell. */
export function HealthMatrix({ points, onPick }: MatrixProps) {
  const hours = Math.ceil(points.length / ROWS);
  const half = phone.value ? Math.ceil(hours / 2) : hours;
  const parts = [points.slice(0, half * ROWS), points.slice(half * ROWS)].filter((part) => part.length > 0);
  return (
    <figure class="matrices" data-chart="health-matrix" data-points={points.length}>
      {parts.map((part, at) => (
        <Hours key={at} points={part} onPick={onPick} />
      ))}
    </figure>
  );
}

function Hours({ points, onPick }: MatrixProps) {
  const hours = Math.ceil(points.length / ROWS);
  const cells = [];
  for (let row = 0; row < ROWS; row += 1) {
    for (let hour = 0; hour < hours; hour += 1) {
      const point = points[hour * ROWS + row];
      cells.push(point ? <Cell key={`${hour}-${row}`} point={point} onPick={onPick} /> : <span key={`${hour}-${row}`} />);
    }
  }
  const labels = Array.from({ length: hours }, (_, hour) => {
    const start = points[hour * ROWS]?.bucket_ms ?? 0;
    return (
      <span key={hour} class="label">
        {phone.value || hour % 4 === 0 ? fmt.value.clock(start).slice(0, 2) : ""}
      </span>
    );
  });
  return (
    <div class="matrix" style={{ gridTemplateColumns: `repeat(${hours}, minmax(0, 1fr))`, gridTemplateRows: `repeat(${ROWS}, minmax(18px, 1fr)) 16px` }}>
      {cells}
      {labels}
    </div>
  );
}

function Cell({ point, onPick }: { readonly point: HealthPoint; readonly onPick: (point: HealthPoint) => void }) {
  const time = fmt.value.clock(point.bucket_ms);
  const end = point.bucket_ms + CELL_MS;
  const coverage = status.value?.collector.coverage;
  const hole = holeIn(holes.value, point.bucket_ms, end);
  const unwatched = !hole && !point.calls && coverage && end <= watchedSince(coverage, Date.now());
  const doubt = hole ? `, ${t(hole.state === "lost" ? "coverage.recordsLost" : "coverage.recordsAtRisk")}` : "";
  const said = point.calls ? t("dashboard.cell", { time, ok: point.success, failed: point.failure }) : t(unwatched ? "coverage.nobodyWatched" : "dashboard.cellEmpty", { time });
  const text = said + doubt;
  const few = point.failure > 0 && point.calls < ENOUGH_CALLS;
  const look = [few ? "few" : point.tone, (hole || unwatched) && point.tone !== "future" ? "hatch" : ""].join(" ");
  if (!point.calls) return <span class={look} title={text} />;
  return (
    <button type="button" class={look} title={text} aria-label={text} tabIndex={point.failure ? 0 : -1} onClick={() => onPick(point)}>
      {text}
    </button>
  );
}
