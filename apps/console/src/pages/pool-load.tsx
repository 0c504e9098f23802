import type { RouteResponse } from '@argosy/contracts/routes';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useMemo } from 'react';
import { call } from '../api/client';
import type { Pool } from '../fleet/rows';
import { useRows } from '../fleet/use-fleet';
import { Answer } from '../ui/answer';
import { Section } from '../ui/facts';
import { duration, percent } from '../ui/format';
import { Nothing, Waiting } from '../ui/page';

/** The charts are a large piece, and loaded for those who look at one. */
const HeatMap = lazy(async () => ({ default: (await import('../ui/heat-map')).HeatMap }));

const renewMs = 20_000;

/** How much of each host was used over the last hour, all hosts of the pool beside each other. */
export function PoolLoad({ pool }: { readonly pool: Pool }) {
  const heat = useQuery({
    queryKey: ['read', 'usage-heat', pool.id],
    queryFn: ({ signal }) => call('usage.heat', { query: { pool: pool.id } }, { signal }),
    refetchInterval: renewMs,
  });
  return (
    <Answer of={heat} what="The load">
      {(found) => <Load pool={pool} found={found} />}
    </Answer>
  );
}

function Load({ pool, found }: { readonly pool: Pool; readonly found: RouteResponse<'usage.heat'> }) {
  const hosts = useRows('host');
  const rows = useMemo(
    () =>
      found.hosts
        .map(({ hostId, usedPermille }) => ({
          name: hosts.get(hostId)?.name ?? hostId,
          shares: usedPermille.map((each) => (each === null ? null : each / 1000)),
        }))
        .sort((one, other) => one.name.localeCompare(other.name, 'en', { numeric: true })),
    [found, hosts],
  );
  if (rows.length === 0)
    return <Nothing title="No host is in this pool">Its hosts’ load is drawn here when there are some.</Nothing>;
  if (found.at.length === 0)
    return (
      <Nothing title="Nothing is known yet">
        The controller has just started. From then on it keeps a point each {duration(found.everyMs)}, for an hour.
      </Nothing>
    );
  return (
    <Section title="Processors used by host, over the last hour">
      <p className="quiet">{inWords(rows)} What is not known is left empty.</p>
      <Suspense fallback={<Waiting />}>
        <HeatMap
          label={`Processors used by each host of ${pool.name}, over the last hour. ${inWords(rows)}`}
          at={found.at}
          rows={rows}
        />
      </Suspense>
    </Section>
  );
}

/** The same for those who do not see it: what is highest now, and what all come to. */
function inWords(rows: readonly { readonly name: string; readonly shares: readonly (number | null)[] }[]): string {
  const now = rows.flatMap(({ name, shares }) => {
    const share = shares.at(-1) ?? null;
    return share === null ? [] : [{ name, share }];
  });
  const [first] = now;
  if (first === undefined) return 'Nothing is known of any host now.';
  const hottest = now.reduce((most, each) => (each.share > most.share ? each : most), first);
  const mean = now.reduce((sum, { share }) => sum + share, 0) / now.length;
  return `Now ${hottest.name} is used most, at ${percent(hottest.share)}; the mean of ${now.length} is ${percent(mean)}.`;
}
