import { Button } from '@patternfly/react-core';
import { useInfiniteQuery } from '@tanstack/react-query';
import type { RouteResponse } from '@argosy/contracts/routes';
import { Link } from 'react-router';
import { call } from '../api/client';
import { compareNames, type Guest } from '../fleet/rows';
import { Answer } from '../ui/answer';
import { Wide } from '../ui/facts';
import { duration, wholeInstant } from '../ui/format';
import { Nothing } from '../ui/page';

type Placement = RouteResponse<'guest.placements'>['items'][number];

/** Where it was, from when to when, and why: as bars over time, and as a table. */
export function Placements({ guest }: { readonly guest: Guest }) {
  const past = useInfiniteQuery({
    queryKey: ['read', 'placements', guest.id],
    queryFn: ({ pageParam, signal }) =>
      call('guest.placements', { params: { guest: guest.id }, query: { limit: 100, cursor: pageParam } }, { signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
  });
  const { hasNextPage, fetchNextPage, isFetchingNextPage } = past;
  return (
    <Answer of={past} what="Its placements">
      {({ pages }) => (
        <>
          <Stays placements={pages.flatMap(({ items }) => items)} />
          {hasNextPage && (
            <Button variant="link" isLoading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
              Earlier placements
            </Button>
          )}
        </>
      )}
    </Answer>
  );
}

function Stays({ placements }: { readonly placements: readonly Placement[] }) {
  if (placements.length === 0)
    return <Nothing title="It has never run">Each stay on a host is recorded here, from when to when and why.</Nothing>;
  return (
    <>
      <Wide label="Where it was">
        <Timeline placements={placements} />
      </Wide>
      <div className="table-scroller" tabIndex={0} role="region" aria-label="Placements">
        <table className="table">
          <thead>
            <tr>
              <th scope="col" className="number">
                Number
              </th>
              <th scope="col">Host</th>
              <th scope="col">From</th>
              <th scope="col">For</th>
              <th scope="col">Why</th>
              <th scope="col">Ended because</th>
            </tr>
          </thead>
          <tbody>
            {placements.map(({ epoch, hostId, hostName, from, to, reason, endReason }) => (
              <tr key={epoch}>
                <td className="number">{epoch}</td>
                <td>
                  <Link to={`/hosts/${hostId}`}>{hostName ?? hostId}</Link>
                </td>
                <td>{wholeInstant(from)}</td>
                <td>{to === null ? 'until now' : duration(to - from)}</td>
                <td className="wide">{reason}</td>
                <td className="wide">{endReason}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

const rowHeight = 26;
const labelWidth = 110;
const chartWidth = 900;

function Timeline({ placements }: { readonly placements: readonly Placement[] }) {
  const now = Date.now();
  const start = Math.min(...placements.map(({ from }) => from));
  const span = Math.max(1, now - start);
  const hosts = [...new Set(placements.map(({ hostName, hostId }) => hostName ?? hostId))].sort(compareNames);
  const x = (at: number) => labelWidth + ((at - start) / span) * (chartWidth - labelWidth);
  const height = hosts.length * rowHeight + 24;
  return (
    <svg
      className="timeline"
      viewBox={`0 0 ${chartWidth} ${height}`}
      role="img"
      aria-label={`Hosts over time, from ${wholeInstant(start)} until now; the table below has the same`}
    >
      {hosts.map((host, row) => (
        <g key={host} transform={`translate(0 ${row * rowHeight})`}>
          <text x={labelWidth - 8} y={rowHeight / 2 + 4} textAnchor="end">
            {host}
          </text>
          <line x1={labelWidth} x2={chartWidth} y1={rowHeight - 1} y2={rowHeight - 1} />
          {placements
            .filter(({ hostName, hostId }) => (hostName ?? hostId) === host)
            .map(({ epoch, from, to, reason }) => (
              <rect
                key={epoch}
                x={x(from)}
                y={5}
                width={Math.max(2, x(to ?? now) - x(from))}
                height={rowHeight - 10}
                className={to === null ? 'is-now' : ''}
              >
                <title>{`${host}, ${duration((to ?? now) - from)}: ${reason}`}</title>
              </rect>
            ))}
        </g>
      ))}
      <text x={labelWidth} y={height - 6}>
        {wholeInstant(start)}
      </text>
      <text x={chartWidth} y={height - 6} textAnchor="end">
        now
      </text>
    </svg>
  );
}
