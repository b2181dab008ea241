/** Values along time: straight lines or bars on one axis that starts at 0. */

import { useSignalEffect } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type uPlot from "uplot";
import { fmt, t } from "../i18n/language";
import { joined, query, setQuery, valuesOf } from "../state/router";
import { bucketEnd } from "../text/ranges";
import { Button } from "../ui/controls";
import { Table, type Column } from "../ui/table";
import { isOpen, lone, type Axis } from "./buckets";
import { resolved } from "./colors";
import { holeIn, holes } from "./holes";
import { plotting, readyToPlot } from "./plotting";

export interface Line {
  readonly id: string;
  readonly label: string;
  readonly values: readonly (number | null)[];
  readonly color: string;
}

interface SeriesProps {
  readonly id: string;
  readonly label: string;
  readonly axis: Axis;
  readonly lines: readonly Line[];
  readonly format: (value: number | null) => string;
  readonly bars?: boolean;
  /** Each line is drawn on top of the ones before; what they show is parts of a sum. */
  readonly stacked?: boolean;
  readonly height: number;
  readonly most?: number;
  /** There are no parts of what is counted, so no ticks for them. */
  readonly whole?: boolean;
  readonly onPick?: (start: number, end: number) => void;
  readonly hideAxis?: boolean;
  /** Charts of one key have a common cursor. */
  readonly sync?: string | undefined;
  /** Its names take lines away and bring them back; the address knows which are gone. */
  readonly choose?: boolean;
}

const FEW_POINTS = 30;
const LOW_PX = 120;
const LINE_PX = 1.5;
const WHOLE = Array.from({ length: 14 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();
const FONT = '12px system-ui, "Segoe UI", "Noto Sans", sans-serif';

export function Series(props: SeriesProps) {
  const [asTable, setAsTable] = useState(false);
  const hide = props.choose ? query.value["hide"] : undefined;
  const lines = useMemo(() => (hide ? props.lines.filter((line) => !valuesOf(hide).includes(line.id)) : props.lines), [props.lines, hide]);
  const name = (line: Line) => (
    <>
      <i class="dot" style={{ background: line.color }} />
      <span class="cut" title={line.label}>
        {line.label}
      </span>
    </>
  );
  const toggle = (id: string) => setQuery({ hide: joined(lines.some((line) => line.id === id) ? [...valuesOf(hide), id] : valuesOf(hide).filter((other) => other !== id)) }, true);
  return (
    <figure class="series" data-chart={props.id} data-points={props.axis.starts.length}>
      <div class="legend">
        {props.lines.map((line) =>
          props.choose ? (
            <button key={line.id} type="button" class="line-name" aria-pressed={lines.includes(line)} data-line={line.id} onClick={() => toggle(line.id)}>
              {name(line)}
            </button>
          ) : (
            <span key={line.id}>{name(line)}</span>
          ),
        )}
        <Button action="as-table" kind="quiet" icon={asTable ? "chart" : "table"} label={t(asTable ? "common.asChart" : "common.asTable")} onClick={() => setAsTable(!asTable)} />
      </div>
      {asTable ? <Values {...props} lines={lines} /> : <Plot {...props} lines={lines} />}
    </figure>
  );
}

/** The moment or the day at which a bucket starts. */
function bucketName(axis: Axis, start: number): string {
  const end = bucketEnd(start, axis.granularity);
  const day = fmt.value.day(start);
  return axis.granularity === "day" ? day : `${day}, ${fmt.value.clock(start)}–${fmt.value.clock(end)}`;
}

function Values({ id, label, axis, lines, format, height }: SeriesProps) {
  const columns: Column<number>[] = [
    { id: "time", title: t("range.title"), value: (at) => axis.starts[at], cell: (at) => bucketName(axis, axis.starts[at] ?? 0), phone: "main" },
    ...lines.map((line): Column<number> => ({
      id: line.id,
      title: line.label,
      kind: "number",
      phone: "sub",
      value: (at) => line.values[at],
      cell: (at) => format(line.values[at] ?? null),
    })),
  ];
  return <Table id={`${id}-values`} label={label} columns={columns} rows={axis.starts.map((_, at) => at)} rowKey={(at) => String(at)} height={`${height}px`} />;
}

interface Tip {
  readonly at: number;
  readonly left: number;
}

function Plot(props: SeriesProps) {
  const { axis, lines, format, height, label } = props;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [tip, setTip] = useState<Tip | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const draw = () => {
    plot.current?.destroy();
    plot.current = null;
    const UPlot = plotting.value;
    if (!box.current || !UPlot) return;
    const width = Math.max(box.current.clientWidth, 120);
    const move = (chart: uPlot) => {
      const at = chart.cursor.idx;
      setTip(at === null || at === undefined || (chart.cursor.left ?? -1) < 0 ? null : { at, left: chart.cursor.left ?? 0 });
    };
    plot.current = new UPlot(optionsOf(UPlot, latest.current, width, move), dataOf(latest.current), box.current);
  };
  useSignalEffect(draw);
  useEffect(draw, [axis, lines, height]);
  useEffect(() => {
    void readyToPlot();
    const element = box.current;
    if (!element) return undefined;
    let width = element.clientWidth;
    const observer = new ResizeObserver(() => {
      if (element.clientWidth === width) return;
      width = element.clientWidth;
      plot.current?.setSize({ width: Math.max(width, 120), height: latest.current.height });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, []);
  const hole = tip && holeIn(holes.value, axis.starts[tip.at] ?? 0, bucketEnd(axis.starts[tip.at] ?? 0, axis.granularity));
  const pick = () => {
    const start = axis.starts[plot.current?.cursor.idx ?? -1];
    if (start !== undefined) props.onPick?.(start, bucketEnd(start, axis.granularity));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step && plot.current) {
      event.preventDefault();
      const at = Math.min(Math.max((tip?.at ?? axis.starts.length) + step, 0), axis.starts.length - 1);
      plot.current.setCursor({ left: plot.current.valToPos((axis.starts[at] ?? 0) / 1000, "x"), top: 10 });
    } else if (event.key === "Enter") pick();
  };
  return (
    <div class="chart" tabIndex={0} role="img" aria-label={label} onKeyDown={onKeyDown} onBlur={() => setTip(null)}>
      <div ref={box} style={{ height: `${height}px`, cursor: props.onPick ? "pointer" : undefined }} onClick={pick} />
      {tip && (
        <div class="tip" style={tipPlace(tip.left, box.current?.clientWidth ?? 0)}>
          <b>
            {bucketName(axis, axis.starts[tip.at] ?? 0)}
            {isOpen(axis, tip.at) ? " …" : ""}
          </b>
          {lines.map((line) => (
            <div key={line.id}>
              <i class="dot" style={{ background: line.color }} />
              <span class="cut">{line.label}</span>
              <span>{format(line.values[tip.at] ?? null)}</span>
            </div>
          ))}
          {hole && (
            <div>
              <i class="dot hatch" />
              {t(hole.state === "lost" ? "coverage.recordsLost" : "coverage.recordsAtRisk")}
            </div>
          )}
        </div>
      )}
    </div>
  );
}

function tipPlace(left: number, width: number): Record<string, string> {
  return left > width / 2 ? { right: `${width - left - 40}px`, top: "4px" } : { left: `${left + 72}px`, top: "4px" };
}

function dataOf({ axis, lines, stacked }: SeriesProps): uPlot.AlignedData {
  const sums = new Array<number>(axis.starts.length).fill(0);
  const drawn = lines.map((line) =>
    stacked
      ? line.values.map((value, at) => {
          if (value === null) return null;
          sums[at] = (sums[at] ?? 0) + value;
          return sums[at];
        })
      : [...line.values],
  );
  // The largest sum is drawn first, so that the smaller ones lie in front of it.
  return [axis.starts.map((ms) => ms / 1000), ...(stacked ? drawn.reverse() : drawn)] as uPlot.AlignedData;
}

function optionsOf({ paths }: typeof uPlot, props: SeriesProps, width: number, move: (chart: uPlot) => void): uPlot.Options {
  const { axis, lines, bars, stacked, height, format } = props;
  const drawn = stacked ? [...lines].reverse() : lines;
  const text = resolved("var(--text-3)");
  const grid = { stroke: resolved("var(--line)"), width: 1 };
  const last = axis.starts[axis.starts.length - 1] ?? 0;
  const half = axis.granularity === "day" ? 43_200 : 1_800;
  return {
    width,
    height,
    padding: [8, 20, props.hideAxis ? 6 : 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      points: { show: !bars },
      drag: { x: false, y: false },
      ...(props.sync && { sync: { key: props.sync } }),
    },
    scales: {
      x: { time: true, range: () => [(axis.starts[0] ?? 0) / 1000 - (bars ? half : 0), last / 1000 + (bars ? half : 1)] },
      y: { range: (_chart, _low, high) => [0, props.most ?? (high > 0 ? high * 1.05 : 1)] },
    },
    axes: [
      { stroke: text, font: FONT, grid: { show: false }, ticks: grid, size: 26, space: 64, values: (_chart, splits) => timeLabels(splits), show: !props.hideAxis },
      { stroke: text, font: FONT, grid, ticks: { show: false }, size: 56, space: height < LOW_PX ? 22 : 36, ...(props.whole && { incrs: WHOLE }), values: (_chart, splits) => splits.map((value) => format(value)) },
    ],
    series: [{}, ...drawn.map((line) => seriesOf(paths, line, props, Boolean(bars)))],
    hooks: { setCursor: [move], drawClear: [drawHoles], ...(!bars && { drawSeries: [(chart, at) => drawOpen(chart, at, axis, drawn[at - 1])] }) },
  };
}

function seriesOf(paths: typeof uPlot.paths, line: Line, { axis, stacked }: SeriesProps, bars: boolean): uPlot.Series {
  const color = resolved(line.color);
  const points: uPlot.Series.Points = {
    show: !bars && axis.starts.length <= FEW_POINTS,
    size: 5,
    fill: color,
    // A value between gaps has no line, and would not be seen at all.
    filter: (chart, at, all) => (all ? null : lone((chart.data[at] ?? []) as (number | null)[])),
  };
  if (!bars) {
    const linear = paths.linear!();
    const whole: uPlot.Series.PathBuilder = (chart, at, first, last) => linear(chart, at, first, isOpen(axis, last) ? Math.max(first, last - 1) : last);
    return { label: line.label, stroke: color, width: LINE_PX, points, ...(stacked && { fill: color }), paths: whole };
  }
  // The bucket that is not over yet is paler.
  const fills = axis.starts.map((_, at) => (isOpen(axis, at) ? pale(color, resolved("var(--card)")) : color));
  const drawn = paths.bars!({
    size: [0.8, 40],
    align: 0,
    disp: { fill: { unit: 3, values: () => fills }, stroke: { unit: 3, values: () => fills } },
  });
  return { label: line.label, stroke: color, fill: color, width: 0, points: { show: false }, paths: drawn };
}

/** The line into the bucket that is not over yet is dashed. */
function drawOpen(chart: uPlot, series: number, axis: Axis, line: Line | undefined): void {
  const at = axis.starts.length - 1;
  const [before, now] = [chart.data[series]?.[at - 1], chart.data[series]?.[at]];
  if (!line || !isOpen(axis, at) || typeof before !== "number" || typeof now !== "number") return;
  const place = (step: number, value: number) => [chart.valToPos((axis.starts[step] ?? 0) / 1000, "x", true), chart.valToPos(value, "y", true)] as const;
  const { ctx } = chart;
  ctx.save();
  ctx.strokeStyle = resolved(line.color);
  ctx.lineWidth = LINE_PX * devicePixelRatio;
  ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(...place(at - 1, before));
  ctx.lineTo(...place(at, now));
  ctx.stroke();
  ctx.restore();
}

/** A colour nearer to the ground that it lies on; not see-through. Both in hex digits. */
function pale(color: string, ground: string): string {
  const long = (hex: string) => (hex.length === 4 ? hex.replace(/[0-9a-f]/gi, "$&$&") : hex);
  const parts = (hex: string) => [1, 3, 5].map((at) => parseInt(long(hex).slice(at, at + 2), 16));
  const under = parts(ground);
  const mixed = parts(color).map((part, at) => Math.round(part * 0.4 + (under[at] ?? 0) * 0.6));
  return `rgb(${mixed.join(",")})`;
}

/** The clock, and the date at midnight. */
function timeLabels(splits: readonly number[]): string[] {
  return splits.map((seconds) => {
    const ms = seconds * 1000;
    const date = new Date(ms);
    return date.getHours() === 0 && date.getMinutes() === 0 ? fmt.value.day(ms) : fmt.value.clock(ms);
  });
}

/** Where records are missing the ground is hatched. */
function drawHoles(chart: uPlot): void {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.strokeStyle = resolved("var(--border)");
  ctx.lineWidth = 1;
  for (const hole of holes.value) {
    const left = Math.max(chart.valToPos(hole.fromMs / 1000, "x", true), bbox.left);
    const right = Math.min(chart.valToPos(hole.toMs / 1000, "x", true), bbox.left + bbox.width);
    if (right <= left) continue;
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, bbox.top, Math.max(right - left, 2), bbox.height);
    ctx.clip();
    ctx.beginPath();
    for (let x = left - bbox.height; x < right; x += 8) {
      ctx.moveTo(x, bbox.top + bbox.height);
      ctx.lineTo(x + bbox.height, bbox.top);
    }
    ctx.stroke();
    ctx.restore();
  }
  ctx.restore();
}
