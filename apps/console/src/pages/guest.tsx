import { lazy, Suspense } from 'react';
import { Link, useParams } from 'react-router';
import { useGuestFigures } from '../fleet/guest-figures';
import { useOne, useRows, useUsage, seenOn } from '../fleet/use-fleet';
import type { Guest } from '../fleet/rows';
import { Facts, Section } from '../ui/facts';
import { Bar } from '../ui/bar';
import { bytes, count, duration, instant, mebibytes, percent, processors, wholeInstant } from '../ui/format';
import { LiveChart } from '../ui/live-chart';
import { Missing, Page, PageTabs, Waiting } from '../ui/page';
import { StateLabel } from '../ui/state-label';
import { watchGuest } from '../fleet/usage-history';
import { useEffect } from 'react';
import { EventTable } from './event-table';
import { GuestActions } from './guest-actions';
import { GuestSettings } from './guest-settings';
import { Placements } from './placements';
import { Snapshots } from './snapshots';
import { useMay } from '../api/session';

/** The terminal is a large piece, and loaded for those who look at one. */
const GuestConsole = lazy(async () => ({ default: (await import('./guest-console')).GuestConsole }));

export function GuestPage() {
  const { reference = '', tab = 'summary' } = useParams();
  const guest = useOne('guest', reference);
  const may = useMay();
  if (guest === undefined) return <Missing what="guest" reference={reference} to="/guests" />;
  const tabs = [
    { name: 'summary', title: 'Summary' },
    ...(may('guest.console') ? [{ name: 'console', title: 'Console' }] : []),
    { name: 'snapshots', title: 'Snapshots' },
    { name: 'placements', title: 'Placements' },
    { name: 'settings', title: 'Settings' },
    { name: 'events', title: 'Events' },
  ];
  return (
    <Page
      title={guest.name}
      above={[{ title: 'Guests', to: '/guests' }]}
      beside={<StateLabel state={guest.state} title={guest.stateReason} />}
      actions={<GuestActions guest={guest} />}
    >
      <PageTabs base={`/guests/${reference}`} tabs={tabs} current={tab}>
        {tab === 'summary' && <Summary guest={guest} />}
        {tab === 'console' && (
          <Suspense fallback={<Waiting />}>
            <GuestConsole guest={guest} />
          </Suspense>
        )}
        {tab === 'snapshots' && <Snapshots guest={guest} />}
        {tab === 'placements' && <Placements guest={guest} />}
        {tab === 'settings' && <GuestSettings key={guest.id} guest={guest} />}
        {tab === 'events' && <EventTable query={{ subjectKind: 'guest', subject: guest.id }} />}
      </PageTabs>
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
      <Move guest={guest} />
      <Section title="Processors">
        <LiveChart
          id={guest.id}
          label={`Processors that ${guest.name} used and wanted, over time`}
          maximum={most}
          isWantedShown
        />
      </Section>
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
              'Processors',
              <Bar
                key="cpu"
                label="Processors used of what it may have"
                value={own?.cpuMillicores ?? 0}
                maximum={most}
                text={
                  own
                    ? `${processors(own.cpuMillicores)} of ${processors(most)}, wants ${processors(own.cpuDemandMillicores)}`
                    : 'not running'
                }
              />,
            ],
            [
              'Entitled to',
              `${guest.cpuReservationMillicores} m at least, ${guest.cpuLimitMillicores === null ? 'no limit' : `${guest.cpuLimitMillicores} m at most`}, ${guest.cpuShares} shares`,
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

/** A migration under way, and how far it is. */
function Move({ guest }: { readonly guest: Guest }) {
  const migrations = useRows('migration');
  const hosts = useRows('host');
  const own = [...migrations.values()].filter(({ guestId }) => guestId === guest.id);
  const active = own.find(({ endedAt }) => endedAt === null);
  const last = own.filter(({ endedAt, step }) => endedAt !== null && step === 'done').at(-1);
  const name = (id: string) => hosts.get(id)?.name ?? id;
  if (active) {
    const { progress, step, sourceHostId, targetHostId, reason } = active;
    const done = progress === null ? 0 : progress.totalBytes - progress.remainingBytes;
    return (
      <div className="move" role="status">
        <strong>
          Moving from {name(sourceHostId)} to {name(targetHostId)}
        </strong>{' '}
        ({step}): {reason}
        {progress !== null && progress.totalBytes > 0 && (
          <Bar
            label="Copied"
            value={done}
            maximum={progress.totalBytes}
            text={`${bytes(progress.transferredBytes)} sent at ${bytes(progress.bytesPerSecond)}/s, ${bytes(progress.remainingBytes)} left`}
          />
        )}
      </div>
    );
  }
  if (last === undefined) return null;
  return (
    <p className="quiet">
      Last moved {instant(last.endedAt!)} from {name(last.sourceHostId)} to {name(last.targetHostId)} in{' '}
      {duration(last.endedAt! - last.createdAt)}
      {last.downtimeMs === null ? '' : `; it stood still for ${duration(last.downtimeMs)}`}
      {last.guestSeenDowntimeMs === null ? '' : `, ${duration(last.guestSeenDowntimeMs)} between its heartbeats`}.
    </p>
  );
}
