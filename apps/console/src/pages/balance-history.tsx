import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { call } from '../api/client';
import type { BalanceRun, Pool } from '../fleet/rows';
import { spreadOver, stretches } from '../fleet/spread';
import { useRows } from '../fleet/use-fleet';
import { Answer } from '../ui/answer';
import { type Column, DataTable } from '../ui/data-table';
import { Section, Wide } from '../ui/facts';
import { count, instant, percent } from '../ui/format';
import { Nothing } from '../ui/page';

const renewMs = 20_000;

/** How far apart the pool's hosts were over the last hour, and every look that found something or was asked for. */
export function BalanceHistory({ pool }: { readonly pool: Pool }) {
  const runs = useRows('balanceRun');
  const own = useMemo(
    () => [...runs.values()].filter(({ poolId }) => poolId === pool.id).sort((one, other) => other.at - one.at),
    [runs, pool.id],
  );
  const heat = useQuery({
    queryKey: ['read', 'usage-heat', pool.id],
    queryFn: ({ signal }) => call('usage.heat', { query: { pool: pool.id } }, { signal }),
    refetchInterval: renewMs,
  });
  return (
    <>
      <Section title="How even its hosts were, over the last hour">
        <Answer of={heat} what="The load">
          {({ at, hosts }) => {
            const shares = hosts.map(({ usedPermille }) =>
              usedPermille.map((each) => (each === null ? null : each / 1000)),
            );
            return <Chart at={at} spread={spreadOver(shares, at.length)} runs={own} />;
          }}
        </Answer>
      </Section>
      <Section title="Looks at the balance">
        <DataTable
          label="looks"
          rows={own}
          columns={columns}
          keyOf={({ id }) => id}
          isUnfiltered
          empty={
            <Nothing title="No look has found anything">
              Each that finds something, or that somebody asks for, is listed here.
            </Nothing>
          }
        />
      </Section>
    </>
  );
}

const whatItSays = ({ explanation, recommendationCount }: BalanceRun): string =>
  [...(recommendationCount === 0 ? [] : [`${count(recommendationCount, 'move')} recommended.`]), explanation].join(' ');

const columns: Column<BalanceRun>[] = [
  { title: 'When', value: ({ at }) => at, show: ({ at }) => instant(at) },
  {
    title: 'Apart before',
    value: ({ imbalanceBefore }) => imbalanceBefore,
    show: ({ imbalanceBefore }) => percent(imbalanceBefore),
    isNumber: true,
  },
  {
    title: 'After',
    value: ({ imbalanceAfter }) => imbalanceAfter,
    show: ({ imbalanceAfter }) => percent(imbalanceAfter),
    isNumber: true,
  },
  { title: 'What it says', value: whatItSays, isWide: true },
];

const chart = { width: 900, height: 170, left: 46, bottom: 22, right: 12 };

interface ChartProps {
  readonly at: readonly number[];
  readonly spread: readonly (number | null)[];
  readonly runs: readonly BalanceRun[];
}

function Chart({ at, spread, runs }: ChartProps) {
  const [start, end] = [at[0], at.at(-1)];
  if (start === undefined || end === undefined || end === start)
    return <p className="quiet">The controller has just started: the line begins here in a minute.</p>;
  const shown = runs.filter((run) => run.at >= start);
  const last = Math.max(end, ...shown.map((run) => run.at));
  const most = Math.max(
    0.1,
    ...spread.map((each) => each ?? 0),
    ...shown.map(({ imbalanceBefore }) => imbalanceBefore),
  );
  const x = (instantAt: number) =>
    chart.left + ((instantAt - start) / (last - start)) * (chart.width - chart.left - chart.right);
  const y = (value: number) => 8 + (1 - value / most) * (chart.height - chart.bottom - 8);
  const now = spread.findLast((each) => each !== null);
  return (
    <>
      <Wide label="History of the balance">
        <svg
          className="timeline"
          viewBox={`0 0 ${chart.width} ${chart.height}`}
          role="img"
          aria-label={`How far apart the hosts were${now == null ? '' : `; now ${percent(now)}`}, and ${shown.length} looks`}
        >
          {[0, most].map((value) => (
            <g key={value}>
              <line x1={chart.left} x2={chart.width - chart.right} y1={y(value)} y2={y(value)} />
              <text x={chart.left - 6} y={y(value) + 4} textAnchor="end">
                {percent(value)}
              </text>
            </g>
          ))}
          {stretches(at, spread).map((stretch) => (
            <polyline
              key={stretch[0]![0]}
              className="spread"
              points={stretch.map(([when, value]) => `${x(when)},${y(value)}`).join(' ')}
            />
          ))}
          {shown.map(({ id, at: when, imbalanceBefore, imbalanceAfter, recommendationCount }) => (
            <g key={id} className="balance-run">
              <line x1={x(when)} x2={x(when)} y1={y(imbalanceBefore)} y2={y(imbalanceAfter)} />
              <circle cx={x(when)} cy={y(imbalanceBefore)} r={4}>
                <title>{`${instant(when)}: ${percent(imbalanceBefore)} before, ${percent(imbalanceAfter)} after ${recommendationCount} moves`}</title>
              </circle>
            </g>
          ))}
          <text x={chart.left} y={chart.height - 4}>
            {instant(start)}
          </text>
          <text x={chart.width - chart.right} y={chart.height - 4} textAnchor="end">
            {instant(last)}
          </text>
        </svg>
      </Wide>
      <p className="quiet">
        The line is the standard deviation of the hosts’ use: 0 % is even. A dot is a look, by what guests are entitled
        to; its stem ends at what its moves would leave.
      </p>
    </>
  );
}
