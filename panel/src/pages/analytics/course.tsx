/** One metric along time, chosen by a switch. */

import { useMemo } from "preact/hooks";
import type { TimelineBucket } from "../../api/analytics";
import { axisOf, valuesOn } from "../../charts/buckets";
import { colorAt } from "../../charts/colors";
import { Series } from "../../charts/series";
import { language, t } from "../../i18n/language";
import { query, setQuery } from "../../state/router";
import { Segments } from "../../ui/controls";
import { measure, METRICS, metricName, write, type Metric, type Shown } from "./read";

export function chosenMetric(metrics: readonly Metric[] = METRICS): Metric {
  return metrics.find((metric) => metric === query.value["metric"]) ?? "cost";
}

export function MetricSwitch({ metrics = METRICS }: { readonly metrics?: readonly Metric[] }) {
  return <Segments name="metric" label={t("analytics.metric")} value={chosenMetric(metrics)} choices={metrics.map((value) => ({ value, text: metricName(value) }))} onChange={(metric) => setQuery({ metric }, true)} />;
}

interface CourseProps {
  readonly id: string;
  readonly shown: Shown;
  readonly height: number;
  readonly metrics?: readonly Metric[];
  readonly onPick?: (from: number) => void;
}

export function Course({ id, shown, height, metrics = METRICS, onPick }: CourseProps) {
  const metric = chosenMetric(metrics);
  const { axis, lines } = useMemo(() => {
    const rows: readonly TimelineBucket[] = shown.answer.timeline ?? [];
    const made = axisOf(shown.range, shown.granularity, rows, shown.now);
    const values = valuesOn(made, rows, (row) => measure(metric, row));
    return { axis: made, lines: [{ id: metric, label: metricName(metric), color: colorAt(0), values }] };
  }, [shown, metric, language.value]);
  return (
    <Series
      id={id}
      label={metricName(metric)}
      axis={axis}
      lines={lines}
      format={(value) => write(metric, value)}
      bars={axis.starts.length <= 100}
      whole={metric !== "cost"}
      height={height}
      {...(onPick && { onPick })}
    />
  );
}
