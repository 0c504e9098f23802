import 'uplot/dist/uPlot.min.css';
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import { readSeries } from '../fleet/usage-history';
import { useIsDark } from '../frame/theme';

interface LiveChartProps {
  readonly id: string;
  readonly label: string;
  /** The top of the scale, in millicores. */
  readonly maximum: number;
  readonly isWantedShown?: boolean;
}

const height = 180;
const renewMs = 1000;
/** What is heard first stands at the right, and not all over the chart. */
const shortestSeconds = 120;

/** Processors used since the page was opened, in millicores; the last ten minutes of it. */
export function LiveChart({ id, label, maximum, isWantedShown = false }: LiveChartProps) {
  const frame = useRef<HTMLDivElement>(null);
  const isDark = useIsDark();
  useEffect(() => {
    const element = frame.current!;
    const ink = isDark ? '#c7c7c7' : '#4d4d4d';
    const grid = { stroke: isDark ? '#4d4d4d' : '#e0e0e0', width: 1 };
    const axis = { stroke: ink, grid, ticks: grid };
    const data = (): uPlot.AlignedData => {
      const { at, used, wanted } = readSeries(id);
      return isWantedShown ? [[...at], [...used], [...wanted]] : [[...at], [...used]];
    };
    const wantedSeries: uPlot.Series[] = isWantedShown
      ? [{ label: 'wanted', stroke: isDark ? '#dca614' : '#96640f', width: 2, dash: [4, 3] }]
      : [];
    const chart = new uPlot(
      {
        width: Math.max(200, element.clientWidth),
        height,
        legend: { show: isWantedShown, live: false },
        cursor: { show: false },
        scales: {
          x: { range: (_self, first, last) => [Math.min(first, last - shortestSeconds), last] },
          y: { range: (_self, _low, high) => [0, Math.max(maximum, high)] },
        },
        axes: [axis, { ...axis, size: 60, values: (_self, ticks) => ticks.map((tick) => `${tick} m`) }],
        series: [
          {},
          { label: 'used', stroke: isDark ? '#92c5f9' : '#0066cc', width: 2, fill: isDark ? '#92c5f922' : '#0066cc18' },
          ...wantedSeries,
        ],
      },
      data(),
      element,
    );
    const timer = setInterval(() => chart.setData(data()), renewMs);
    const observer = new ResizeObserver(() => chart.setSize({ width: Math.max(200, element.clientWidth), height }));
    observer.observe(element);
    return () => {
      clearInterval(timer);
      observer.disconnect();
      chart.destroy();
    };
  }, [id, maximum, isDark, isWantedShown]);
  return <div className="chart" ref={frame} role="img" aria-label={label} />;
}
