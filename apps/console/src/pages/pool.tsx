import { Button } from '@patternfly/react-core';
import { useMemo } from 'react';
import { useNavigate, useParams } from 'react-router';
import { call } from '../api/client';
import { useMay } from '../api/session';
import type { Pool } from '../fleet/rows';
import { useGuestFigures } from '../fleet/guest-figures';
import { useNamed, useOne, useRows, useUsage } from '../fleet/use-fleet';
import { type Action, ActionMenu } from '../ui/action-menu';
import { Bar } from '../ui/bar';
import { Dialog, useDialog } from '../ui/dialog';
import { Facts, Section } from '../ui/facts';
import { count, mebibytes, processors, wholeInstant } from '../ui/format';
import { Missing, Nothing, Page, type PageTab, PageTabs } from '../ui/page';
import { EventTable } from './event-table';
import { FailoverRoom } from './failover-room';
import { GuestTable } from './guest-table';
import { HostTable } from './host-table';
import { NewGuestDialog } from './new-guest';
import { PoolBalance } from './pool-balance';
import { PoolLoad } from './pool-load';
import { PoolRoll } from './pool-roll';
import { PoolSettings } from './pool-settings';
import { admissionTitles, automationTitles, isolationTitles } from './pool-words';
import { Rules } from './rules';

export function PoolPage() {
  const { reference = '', tab = 'summary' } = useParams();
  const pool = useOne('pool', reference);
  const [allHosts, allGuests] = [useNamed('host'), useNamed('guest')];
  const id = pool?.id;
  const hosts = useMemo(() => allHosts.filter(({ poolId }) => poolId === id), [allHosts, id]);
  const guests = useMemo(() => allGuests.filter(({ poolId }) => poolId === id), [allGuests, id]);
  if (pool === undefined) return <Missing what="pool" reference={reference} to="/pools" />;
  const noHost = <Nothing title="No host is in this pool">Hosts join with a token for it.</Nothing>;
  const noGuest = <Nothing title="No guest is in this pool">Create one, above.</Nothing>;
  const tabs: PageTab[] = [
    { name: 'summary', title: 'Summary', body: <Summary pool={pool} /> },
    { name: 'hosts', title: 'Hosts', body: <HostTable hosts={hosts} empty={noHost} /> },
    { name: 'guests', title: 'Guests', body: <GuestTable guests={guests} empty={noGuest} /> },
    { name: 'load', title: 'Load', body: <PoolLoad pool={pool} /> },
    { name: 'balance', title: 'Balance', body: <PoolBalance pool={pool} /> },
    { name: 'rules', title: 'Rules', body: <Rules pool={pool} guests={guests} hosts={hosts} /> },
    { name: 'failover', title: 'Room for failures', body: <FailoverRoom pool={pool} /> },
    { name: 'maintenance', title: 'Maintenance', body: <PoolRoll pool={pool} /> },
    { name: 'settings', title: 'Settings', body: <PoolSettings key={pool.id} pool={pool} /> },
    { name: 'events', title: 'Events', body: <EventTable query={{ subjectKind: 'pool', subject: pool.id }} /> },
  ];
  return (
    <Page
      title={pool.name}
      above={[{ title: 'Pools', to: '/pools' }]}
      actions={<PoolActions pool={pool} isEmpty={hosts.length === 0 && guests.length === 0} />}
    >
      <PageTabs base={`/pools/${reference}`} tabs={tabs} current={tab} />
    </Page>
  );
}

function Summary({ pool }: { readonly pool: Pool }) {
  useGuestFigures();
  const [hosts, guests, usage] = [useRows('host'), useRows('guest'), useUsage()];
  const figures = useMemo(() => {
    const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);
    const own = [...hosts.values()].filter(({ poolId, state }) => poolId === pool.id && state === 'online');
    const placed = [...guests.values()].filter(({ poolId, hostId }) => poolId === pool.id && hostId !== null);
    const seen = own.flatMap(({ id }) => usage.get(id)?.guests ?? []);
    return {
      hosts: own.length,
      guests: placed.length,
      capacity: sum(own.map(({ capacity }) => capacity.cpuMillicores)),
      memory: sum(own.map(({ capacity }) => capacity.memoryMiB)),
      used: sum(own.map(({ id }) => usage.get(id)?.cpuMillicores ?? 0)),
      wanted: sum(seen.map((guest) => guest.usage?.cpuDemandMillicores ?? 0)),
      reserved: sum(placed.map(({ cpuReservationMillicores }) => cpuReservationMillicores)),
      given: sum(placed.map(({ memoryMiB }) => memoryMiB)),
    };
  }, [hosts, guests, usage, pool.id]);
  const { capacity, memory, used, wanted, reserved, given } = figures;
  const bar = (label: string, value: number, maximum: number, show: (amount: number) => string) => (
    <Bar label={label} value={value} maximum={maximum} text={`${show(value)} of ${show(maximum)}`} />
  );
  return (
    <>
      <Section title="Capacity and demand">
        <Facts
          facts={[
            ['Processors used', bar('Processors used', used, capacity, processors)],
            ['Processors wanted', bar('Processors wanted by guests', wanted, capacity, processors)],
            ['Processors reserved', bar('Processors reserved', reserved, capacity, processors)],
            ['Memory given', bar('Memory given to guests', given, memory, mebibytes)],
          ]}
        />
      </Section>
      <Section title="Policy">
        <Facts
          facts={[
            ['Hosts', count(figures.hosts, 'host') + ' online'],
            ['Guests', count(figures.guests, 'guest') + ' on hosts'],
            ['Automation', automationTitles[pool.balance.automation]],
            ['Room for failures', admissionTitles[pool.failure.admission]],
            ['Subnet', pool.network.subnet],
            ['When cut off, a host’s guests', isolationTitles[pool.isolationResponse]],
            [
              'Migrations',
              `${pool.migration.encrypted ? 'encrypted' : 'not encrypted'}, ${pool.migration.concurrentPerHost} at once on a host`,
            ],
            ['Created', wholeInstant(pool.createdAt)],
          ]}
        />
      </Section>
    </>
  );
}

function PoolActions({ pool, isEmpty }: { readonly pool: Pool; readonly isEmpty: boolean }) {
  const may = useMay();
  const navigate = useNavigate();
  const { open, show, close } = useDialog<'guest' | 'remove'>();
  const actions: Action[] = may('pool.remove')
    ? [
        {
          title: 'Remove',
          isDangerous: true,
          because: isEmpty ? null : 'Hosts or guests are in it.',
          run: () => show('remove'),
        },
      ]
    : [];
  return (
    <>
      {may('guest.create') && <Button onClick={() => show('guest')}>Create a guest</Button>}
      <ActionMenu title="More" actions={actions} />
      {open === 'guest' && <NewGuestDialog pool={pool.id} onClose={close} />}
      {open === 'remove' && (
        <Dialog
          title={`Remove the pool ${pool.name}`}
          deed="Remove"
          isDangerous
          onClose={close}
          run={async () => {
            await call('pool.remove', { params: { pool: pool.id } });
            await navigate('/pools');
          }}
        >
          <p>Its policy and its rules are forgotten. No host and no guest is in it.</p>
        </Dialog>
      )}
    </>
  );
}
