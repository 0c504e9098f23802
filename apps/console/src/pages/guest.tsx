import { lazy } from 'react';
import { Link, useParams } from 'react-router';
import { useGuestFigures } from '../fleet/guest-figures';
import { useOne, useRows, useUsage, seenOn } from '../fleet/use-fleet';
import type { Guest } from '../fleet/rows';
import { Facts, Section } from '../ui/facts';
import { bytes, count, instant, mebibytes, percent, wholeInstant } from '../ui/format';
import { LiveChart } from '../ui/live-chart';
import { Missing, Page, type PageTab, PageTabs } from '../ui/page';
import { StateLabel } from '../ui/state-label';
import { watchGuest } from '../fleet/usage-history';
import { useEffect } from 'react';
import { EventTable } from './event-table';
import { GuestActions } from './guest-actions';
import { GuestDisks } from './guest-disks';
import { GuestMove } from './guest-move';
import { GuestProcessors } from './guest-processors';
import { GuestSettings } from './guest-settings';
import { Placements } from './placements';
import { Snapshots } from './snapshots';
import { useMay } from '../api/session';

/** The terminal is a large piece, and loaded for those who look at one. */
const GuestConsole = lazy(async () => ({ default: (await import('./guest-console')).GuestConsole }));

/** As is noVNC. */
const GuestScreen = lazy(async () => ({ default: (await import('./guest-screen')).GuestScreen }));

export function GuestPage() {
  const { reference = '', tab = 'summary' } = useParams();
  const guest = useOne('guest', reference);
  const may = useMay();
  if (guest === undefined) return <Missing what="guest" reference={reference} to="/guests" />;
  const tabs: PageTab[] = [
    { name: 'summary', title: 'Summary', body: <Summary guest={guest} /> },
    ...(may('guest.console') ? [{ name: 'console', title: 'Console', body: <GuestConsole guest={guest} /> }] : []),
    ...(may('guest.screen') ? [{ name: 'screen', title: 'Screen', body: <GuestScreen guest={guest} /> }] : []),
    { name: 'disks', title: 'Disks', body: <GuestDisks guest={guest} /> },
    { name: 'snapshots', title: 'Snapshots', body: <Snapshots guest={guest} /> },
    { name: 'placements', title: 'Placements', body: <Placements guest={guest} /> },
    { name: 'settings', title: 'Settings', body: <GuestSettings key={guest.id} guest={guest} /> },
    { name: 'events', title: 'Events', body: <EventTable query={{ subjectKind: 'guest', subject: guest.id }} /> },
  ];
  return (
    <Page
      title={guest.name}
      above={[{ title: 'Guests', to: '/guests' }]}
      beside={<StateLabel state={guest.state} title={guest.stateReason} />}
      actions={<GuestActions guest={guest} />}
    >
      <PageTabs base={`/guests/${reference}`} tabs={tabs} current={tab} />
    </Page>
  );
}

function Summary({ guest }: { readonly guest: Guest }) {
  useGuestFigures();
  const usage = useUsage();
  const [hosts, pools, images, datastores] = [useRows('host'), useRows('pool'), useRows('image'), useRows('datastore')];
  const seen = seenOn(usage, guest);
  const own = seen?.usage ?? null;
  const host = guest.hostId === null ? undefined : hosts.get(guest.hostId);
  const most = guest.cpuLimitMillicores ?? guest.vcpus * 1000;
  useEffect(() => watchGuest(guest.id), [guest.id]);
  return (
    <>
      <GuestMove guest={guest} />
      <Section title="Processors">
        <LiveChart
          of="guest"
          id={guest.id}
          label={`Processors that ${guest.name} used and wanted, over time`}
          maximum={most}
          isWantedShown
        />
      </Section>
      <GuestProcessors guest={guest} />
      <Section title="Now">
        <Facts
          facts={[
            ['State', `${guest.state}${guest.stateReason === '' ? '' : `: ${guest.stateReason}`}`],
            [
              'Host',
              host ? (
                <Link key="host" to={`/hosts/${host.id}`}>
                  {host.name}
                </Link>
              ) : (
                'none'
              ),
            ],
            [
              'Memory',
              `${mebibytes(guest.memoryMiB)}${own ? `, ${mebibytes(own.residentMiB)} resident (${percent(own.residentMiB / guest.memoryMiB)})` : ''}`,
            ],
            [
              'Disk',
              `${guest.diskMiB === 0 ? 'as its image' : mebibytes(guest.diskMiB)} on ${datastores.get(guest.datastoreId)?.name ?? '?'}${own?.diskBytes == null ? '' : `, takes ${bytes(own.diskBytes)}`}`,
            ],
            [
              'Heartbeat',
              seen?.heartbeat
                ? `${count(seen.heartbeat.count, 'beat')}, the last ${instant(seen.heartbeat.at)}`
                : 'none heard',
            ],
            ['Address', `${guest.address} (${guest.macAddress})`],
            ['Made from', guest.clonedFrom ?? images.get(guest.imageId)?.name ?? guest.imageId],
            [
              'Pool',
              <Link key="pool" to={`/pools/${guest.poolId}`}>
                {pools.get(guest.poolId)?.name}
              </Link>,
            ],
            ['Restart priority', guest.restartPriority],
            ['Display', guest.display === 'none' ? 'none: its serial console alone' : guest.display],
            ['Placement', `number ${guest.epoch}`],
            ['Created', wholeInstant(guest.createdAt)],
            ...(guest.lostAt === null
              ? []
              : [['Lost', `${instant(guest.lostAt)}, and not seen to serve since`] as const]),
          ]}
        />
      </Section>
    </>
  );
}
