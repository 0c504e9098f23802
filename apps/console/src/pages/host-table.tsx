import { type ReactNode, useMemo } from 'react';
import { Link } from 'react-router';
import { standbyOf } from '../fleet/host-states';
import type { Host } from '../fleet/rows';
import { useRows, useUsage } from '../fleet/use-fleet';
import { Bar } from '../ui/bar';
import { type Column, DataTable } from '../ui/data-table';
import { mebibytes, percent } from '../ui/format';
import { StateLabel } from '../ui/state-label';

/** What a host is to whoever looks at a list: its state, its maintenance or standby, its ailment. */
export function hostStates(host: Host): readonly string[] {
  const { state, maintenance, standby, degraded, quarantined } = host;
  const resting = standbyOf(host);
  return [
    ...(standby === 'in' ? [] : [state]),
    ...(resting === null ? [] : [resting]),
    ...(maintenance === 'none' ? [] : [maintenance]),
    ...(degraded === null ? [] : ['degraded']),
    ...(quarantined ? ['quarantined'] : []),
  ];
}

export function HostTable({ hosts, empty }: { readonly hosts: readonly Host[]; readonly empty: ReactNode }) {
  const [pools, guests, usage] = [useRows('pool'), useRows('guest'), useUsage()];
  const columns = useMemo<Column<Host>[]>(() => {
    const given = new Map<string, { guests: number; memoryMiB: number }>();
    for (const { hostId, memoryMiB } of guests.values()) {
      if (hostId === null) continue;
      const before = given.get(hostId) ?? { guests: 0, memoryMiB: 0 };
      given.set(hostId, { guests: before.guests + 1, memoryMiB: before.memoryMiB + memoryMiB });
    }
    const load = ({ id, capacity }: Host) => (usage.get(id)?.cpuMillicores ?? 0) / capacity.cpuMillicores;
    const memory = ({ id }: Host) => given.get(id)?.memoryMiB ?? 0;
    return [
      { title: 'Name', value: ({ name }) => name, show: ({ id, name }) => <Link to={`/hosts/${id}`}>{name}</Link> },
      {
        title: 'State',
        value: (host) => hostStates(host).join(' '),
        show: (host) => (
          <span className="labels">
            {hostStates(host).map((state) => (
              <StateLabel key={state} state={state} title={host.stateReason} />
            ))}
          </span>
        ),
      },
      {
        title: 'Pool',
        value: ({ poolId }) => pools.get(poolId)?.name ?? '',
        show: ({ poolId }) => <Link to={`/pools/${poolId}`}>{pools.get(poolId)?.name}</Link>,
      },
      {
        title: 'Processors',
        value: load,
        isNumber: true,
        isLive: true,
        show: (host) => <Bar value={load(host)} maximum={1} label={`Processors of ${host.name} used`} />,
      },
      {
        title: 'Memory given',
        value: memory,
        isNumber: true,
        show: (host) => (
          <Bar
            value={memory(host)}
            maximum={host.capacity.memoryMiB}
            label={`Memory of ${host.name} given to guests`}
            text={`${mebibytes(memory(host))} (${percent(memory(host) / host.capacity.memoryMiB)})`}
          />
        ),
      },
      { title: 'Guests', value: ({ id }) => given.get(id)?.guests ?? 0, isNumber: true },
      { title: 'Failure domain', value: ({ failureDomain }) => failureDomain ?? '' },
    ];
  }, [pools, guests, usage]);
  return (
    <DataTable
      label="hosts"
      rows={hosts}
      columns={columns}
      keyOf={({ id }) => id}
      sortedBy={{ title: 'Name' }}
      empty={empty}
    />
  );
}
