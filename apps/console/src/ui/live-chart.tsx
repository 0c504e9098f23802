import 'uplot/dist/uPlot.min.css';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import { call } from '../api/client';
import { withPast } from '../fleet/usage-history';
import { useIsDark } from '../frame/theme';

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const preciseClock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const clockTimes = (_self: uPlot, ticks: number[], _axis: number, _space: number, stepSeconds: number) =>
  ticks.map((tick) => (stepSeconds < 60 ? preciseClock : clock).format(tick * 1000));

/** Without anything to draw, the last minutes: uPlot gives null for what it calls numbers. */
const timeRange = (_self: uPlot, first: number | null, last: number | null): [number, number] => {
  const end = last ?? Date.now() / 1000;
  return [Math.min(first ?? end, end - shortestSeconds), end];
};

interface LiveChartProps {
  readonly of: 'host' | 'guest';
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
const pastRenewMs = 60_000;

/** Processors used in the last hour, in millicores: the past as the controller kept it, and what was heard since. */
export function LiveChart({ of, id, label, maximum, isWantedShown = false }: LiveChartProps) {
  const { data: past } = useQuery({
    queryKey: ['read', 'usage-history', id],
    queryFn: ({ signal }) => call('usage.history', { query: { [of]: id } }, { signal }),
    refetchInterval: pastRenewMs,
  });
  const latestPast = useRef(past);
  latestPast.current = past;
  const redraw = useRef(() => undefined as void);
  const frame = useRef<HTMLDivElement>(null);
  const isDark = useIsDark();
  useEffect(() => {
    const element = frame.current!;
    const ink = isDark ? '#c7c7c7' : '#4d4d4d';
    const grid = { stroke: isDark ? '#4d4d4d' : '#e0e0e0', width: 1 };
    const axis = { stroke: ink, grid, ticks: grid };
    const data = (): uPlot.AlignedData => {
      const [at, used, wanted] = withPast(id, latestPast.current);
      return isWantedShown ? [at, used, wanted] : [at, used];
    };
    const wantedSeries: uPlot.Series[] = isWantedShown
      ? [{ label: 'wanted', stroke: isDark ? '#dca614' : '#96640f', width: 2, dash: [4, 3] }]
      : [];
    const chart = new uPlot(
      {
        width: Math.max(200, element.clientWidth),
        height,
        // Half of the last time of day stands out over the end.
        padding: [null, 30, null, null],
        legend: { show: isWantedShown, live: false },
        cursor: { show: false },
        scales: {
          x: { range: timeRange },
          y: { range: (_self, _low, high) => [0, Math.max(maximum, high)] },
        },
        axes: [
          { ...axis, values: clockTimes },
          { ...axis, size: 60, values: (_self, ticks) => ticks.map((tick) => `${tick} m`) },
        ],
        series: [
          {},
          { label: 'used', stroke: isDark ? '#92c5f9' : '#0066cc', width: 2, fill: isDark ? '#92c5f922' : '#0066cc18' },
          ...wantedSeries,
        ],
      },
      data(),
      element,
    );
    redraw.current = () => chart.setData(data());
    const timer = setInterval(redraw.current, renewMs);
    const observer = new ResizeObserver(() => chart.setSize({ width: Math.max(200, element.clientWidth), height }));
    observer.observe(element);
    return () => {
      clearInterval(timer);
      observer.disconnect();
      chart.destroy();
    };
  }, [id, maximum, isDark, isWantedShown]);
  useEffect(() => redraw.current(), [past]);
  return (
    <>
      <div className="chart" ref={frame} role="img" aria-label={label} />
      <p className="quiet">In thousandths of a processor (m).</p>
    </>
  );
}
