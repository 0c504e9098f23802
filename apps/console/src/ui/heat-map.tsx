import { HeatmapChart } from 'echarts/charts';
import { GridComponent, TooltipComponent, VisualMapComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';
import { useEffect, useRef } from 'react';
import { useIsDark } from '../frame/theme';

use([HeatmapChart, GridComponent, TooltipComponent, VisualMapComponent, CanvasRenderer]);

interface HeatMapProps {
  readonly label: string;
  readonly at: readonly number[];
  /** A share from 0 to 1 for each moment; null: not known, and left empty. */
  readonly rows: readonly { readonly name: string; readonly shares: readonly (number | null)[] }[];
}

const margin = { left: 90, right: 16, top: 8, bottom: 64 };
/** A row is as high as its name needs; where there are very many, as is left for it. */
const rowPx = { usual: 22, least: 3 };
const mostPx = 900;
const mostNamed = 60;
const minutes = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const seconds = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
/** So few moments stand each under its own. */
const fewMoments = 12;

/** Rows by time, the deeper the more. */
export function HeatMap({ label, at, rows }: HeatMapProps) {
  const frame = useRef<HTMLDivElement>(null);
  const isDark = useIsDark();
  const each = Math.max(rowPx.least, Math.min(rowPx.usual, mostPx / Math.max(1, rows.length)));
  const height = Math.ceil(each * rows.length) + margin.top + margin.bottom;
  useEffect(() => {
    const chart = init(frame.current);
    const clock = at.length > fewMoments ? minutes : seconds;
    const times = at.map((moment) => clock.format(moment));
    const ink = isDark ? '#c7c7c7' : '#4d4d4d';
    chart.setOption({
      animation: false,
      grid: { ...margin, show: true, borderWidth: 0, backgroundColor: isDark ? '#292929' : '#f2f2f2' },
      tooltip: {
        formatter: ({ value }: { readonly value: [number, number, number] }) =>
          `${rows[value[1]]?.name ?? ''} at ${clock.format(at[value[0]])}: ${value[2]} %`,
      },
      xAxis: {
        type: 'category',
        data: times,
        // Several moments of one minute have its time once.
        axisLabel: { color: ink, hideOverlap: true, interval: (index: number) => times[index] !== times[index - 1] },
      },
      yAxis: {
        type: 'category',
        inverse: true,
        data: rows.map(({ name }) => name),
        axisLabel: { color: ink, show: rows.length <= mostNamed, width: margin.left - 12, overflow: 'truncate' },
      },
      visualMap: {
        min: 0,
        max: 100,
        orient: 'horizontal',
        left: margin.left,
        bottom: 0,
        itemHeight: 160,
        text: ['100 %', '0 %'],
        textStyle: { color: ink },
        inRange: {
          color: isDark ? ['#1f2d3d', '#2b9af3', '#f0ab00', '#c9190b'] : ['#e7f1fa', '#2b9af3', '#f0ab00', '#a30000'],
        },
      },
      series: {
        type: 'heatmap',
        data: rows.flatMap(({ shares }, row) =>
          shares.flatMap((share, column) => (share === null ? [] : [[column, row, Math.round(share * 100)]])),
        ),
      },
    });
    const observer = new ResizeObserver(() => chart.resize());
    observer.observe(frame.current!);
    return () => {
      observer.disconnect();
      chart.dispose();
    };
  }, [at, rows, isDark]);
  return <div ref={frame} role="img" aria-label={label} style={{ height }} />;
}
