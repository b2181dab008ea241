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
  /** Told from when to when. */
  readonly onPick: (from: number, to: number) => void;
}

export function HealthMatrix({ points, onPick }: MatrixProps) {
  const Day = phone.value ? Hours : TenMinutes;
  return (
    <figure class="matrices" data-chart="health-matrix" data-points={points.length}>
      <Day points={points} onPick={onPick} />
    </figure>
  );
}

/** For a finger, which finds an hour, but no ten minutes. */
function Hours({ points, onPick }: MatrixProps) {
  const hours = Array.from({ length: Math.ceil(points.length / ROWS) }, (_, hour) => points.slice(hour * ROWS, (hour + 1) * ROWS));
  return (
    <div class="hours">
      {hours.map((parts) => {
        const start = parts[0]?.bucket_ms ?? 0;
        const end = start + parts.length * CELL_MS;
        const [ok, failed] = [sum(parts, "success"), sum(parts, "failure")];
        const inside = (
          <>
            {parts.map((point) => (
              <i key={point.bucket_ms} class={lookOf(point)} />
            ))}
            <span class="label">{fmt.value.clock(start).slice(0, 2)}</span>
          </>
        );
        if (ok + failed === 0) return <div key={start} class="matrix hour">{inside}</div>;
        const text = t("dashboard.cell", { time: `${fmt.value.clock(start)}–${fmt.value.clock(end)}`, ok, failed });
        return (
          <button key={start} type="button" class="matrix hour" title={text} aria-label={text} onClick={() => onPick(start, end)}>
            {inside}
          </button>
        );
      })}
    </div>
  );
}

const sum = (points: readonly HealthPoint[], of: "success" | "failure"): number => points.reduce((all, point) => all + point[of], 0);

function TenMinutes({ points, onPick }: MatrixProps) {
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
        {hour % 4 === 0 ? fmt.value.clock(start).slice(0, 2) : ""}
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

/** Whether records of a part may be missing, and whether nobody looked at all. */
function doubtOf(point: HealthPoint) {
  const end = point.bucket_ms + CELL_MS;
  const coverage = status.value?.collector.coverage;
  const hole = holeIn(holes.value, point.bucket_ms, end);
  return { hole, unwatched: !hole && !point.calls && coverage !== undefined && end <= watchedSince(coverage, Date.now()) };
}

function lookOf(point: HealthPoint): string {
  const { hole, unwatched } = doubtOf(point);
  const few = point.failure > 0 && point.calls < ENOUGH_CALLS;
  return [few ? "few" : point.tone, (hole || unwatched) && point.tone !== "future" ? "hatch" : ""].join(" ");
}

function Cell({ point, onPick }: { readonly point: HealthPoint; readonly onPick: MatrixProps["onPick"] }) {
  const time = fmt.value.clock(point.bucket_ms);
  const { hole, unwatched } = doubtOf(point);
  const doubt = hole ? `, ${t(hole.state === "lost" ? "coverage.recordsLost" : "coverage.recordsAtRisk")}` : "";
  const said = point.calls ? t("dashboard.cell", { time, ok: point.success, failed: point.failure }) : t(unwatched ? "coverage.nobodyWatched" : "dashboard.cellEmpty", { time });
  const text = said + doubt;
  if (!point.calls) return <span class={lookOf(point)} title={text} />;
  return (
    <button type="button" class={lookOf(point)} title={text} aria-label={text} tabIndex={point.failure ? 0 : -1} onClick={() => onPick(point.bucket_ms, point.bucket_ms + CELL_MS)}>
      {text}
    </button>
  );
}
