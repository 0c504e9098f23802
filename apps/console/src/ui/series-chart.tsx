import 'uplot/dist/uPlot.min.css';
import { useEffect, useId, useRef } from 'react';
import uPlot from 'uplot';
import { useIsDark } from '../frame/theme';

export interface ChartSeries {
  readonly name: string;
  /** In the chart's own unit of time, rising. */
  readonly at: readonly number[];
  readonly values: readonly number[];
}

const height = 170;

/** After Okabe and Ito, for those who see few colours too; of a lightness that can be seen on light and on dark. */
const colours = ['#2b87c8', '#d9651a', '#11a07a', '#c273a0', '#c08a00', '#7f7fd5'];
/** A second run of colours is dashed. */
const dashOf = (index: number): number[] => (index < colours.length ? [] : [6, 4]);

/** Several series over the same time, one beside the other. */
export function SeriesChart({ title, series }: { readonly title: string; readonly series: readonly ChartSeries[] }) {
  const frame = useRef<HTMLDivElement>(null);
  const titleId = useId();
  const isDark = useIsDark();
  useEffect(() => {
    const element = frame.current!;
    const grid = { stroke: isDark ? '#4d4d4d' : '#e0e0e0', width: 1 };
    const axis = { stroke: isDark ? '#c7c7c7' : '#4d4d4d', grid, ticks: grid };
    const chart = new uPlot(
      {
        width: Math.max(200, element.clientWidth),
        height,
        cursor: { show: false },
        legend: { live: false },
        scales: { x: { time: false }, y: { range: (_self, _low, high) => [0, high > 0 ? high * 1.05 : 1] } },
        axes: [
          { ...axis, size: 30 },
          { ...axis, size: 56 },
        ],
        series: [
          {},
          ...series.map(({ name }, index) => ({
            label: name,
            stroke: colours[index % colours.length]!,
            width: 1.75,
            dash: dashOf(index),
            points: { show: false },
          })),
        ],
      },
      joined(series),
      element,
    );
    const observer = new ResizeObserver(() => chart.setSize({ width: Math.max(200, element.clientWidth), height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
    };
  }, [series, isDark]);
  return (
    <figure className="chart" aria-labelledby={titleId}>
      <figcaption id={titleId} className="chart-title">
        {title}
      </figcaption>
      <div ref={frame} />
    </figure>
  );
}

/** Runs of different lengths over one line of time. */
function joined(series: readonly ChartSeries[]): uPlot.AlignedData {
  const tables = series.map(({ at, values }): uPlot.AlignedData => [[...at], [...values]]);
  return tables.length === 0 ? [[]] : uPlot.join(tables);
}
