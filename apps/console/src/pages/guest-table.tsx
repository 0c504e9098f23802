import { type ReactNode, useMemo } from 'react';
import { Link } from 'react-router';
import type { Guest } from '../fleet/rows';
import { useGuestFigures } from '../fleet/guest-figures';
import { useObservations, useRows } from '../fleet/use-fleet';
import { type Column, DataTable } from '../ui/data-table';
import { mebibytes, processors } from '../ui/format';
import { StateLabel } from '../ui/state-label';

export function GuestTable({ guests, empty }: { readonly guests: readonly Guest[]; readonly empty: ReactNode }) {
  useGuestFigures();
  const [hosts, pools, seen] = [useRows('host'), useRows('pool'), useObservations()];
  const columns = useMemo<Column<Guest>[]>(
    () => [
      {
        title: 'Name',
        value: ({ name }) => name,
        show: ({ id, name, isTemplate }) => (
          <>
            <Link to={`/guests/${id}`}>{name}</Link>
            {isTemplate && <span className="quiet"> template</span>}
          </>
        ),
      },
      {
        title: 'State',
        value: ({ state }) => state,
        show: ({ state, stateReason }) => <StateLabel state={state} title={stateReason} />,
      },
      {
        title: 'Host',
        value: ({ hostId }) => (hostId === null ? '' : (hosts.get(hostId)?.name ?? hostId)),
        show: ({ hostId }) => (hostId === null ? '–' : <Link to={`/hosts/${hostId}`}>{hosts.get(hostId)?.name}</Link>),
      },
      { title: 'Pool', value: ({ poolId }) => pools.get(poolId)?.name ?? '' },
      {
        title: 'Processors used',
        value: ({ id }) => seen.get(id)?.usage?.cpuMillicores ?? null,
        show: ({ id, vcpus }) => {
          const usage = seen.get(id)?.usage;
          return `${usage ? processors(usage.cpuMillicores) : '–'} of ${vcpus * 1000} m`;
        },
        isNumber: true,
        isLive: true,
      },
      {
        title: 'Memory',
        value: ({ memoryMiB }) => memoryMiB,
        show: ({ memoryMiB }) => mebibytes(memoryMiB),
        isNumber: true,
      },
      { title: 'Address', value: ({ address }) => address },
      { title: 'Restart priority', value: ({ restartPriority }) => restartPriority },
    ],
    [hosts, pools, seen],
  );
  return (
    <DataTable
      label="guests"
      rows={guests}
      columns={columns}
      keyOf={({ id }) => id}
      sortedBy={{ title: 'Name' }}
      empty={empty}
    />
  );
}
