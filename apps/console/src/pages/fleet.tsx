import { Button } from '@patternfly/react-core';
import { useMemo, useState } from 'react';
import { Link } from 'react-router';
import { useMay } from '../api/session';
import { useHasRead, useNamed, useRecords, useRows, useUsage } from '../fleet/use-fleet';
import { count, figure, mebibytes, percent } from '../ui/format';
import { Nothing, Page, PageBody, Waiting } from '../ui/page';
import { EventLine } from './event-line';
import { FleetCanvas } from './fleet-canvas';
import { NewPoolDialog } from './new-pool';

/** The whole fleet in one picture; moves are seen as they happen. */
export function FleetPage() {
  const hasRead = useHasRead();
  const pools = useNamed('pool');
  return (
    <Page title="Fleet">
      <PageBody>{!hasRead ? <Waiting /> : pools.length === 0 ? <FirstSteps /> : <FleetOverview />}</PageBody>
    </Page>
  );
}

function FleetOverview() {
  const pools = useNamed('pool');
  const [hosts, guests, migrations, usage] = [useRows('host'), useRows('guest'), useRows('migration'), useUsage()];
  const records = useRecords();
  const moving = useMemo(() => [...migrations.values()].filter(({ endedAt }) => endedAt === null), [migrations]);
  const view = useMemo(
    () => ({ pools, hosts, guests, migrations: moving, usage }),
    [pools, hosts, guests, moving, usage],
  );
  return (
    <>
      <Figures />
      {hosts.size === 0 ? (
        <Nothing title="No host has joined">
          A host joins with a token: make one under <Link to="/access/hosts">Users and tokens</Link>, then run{' '}
          <code>argosy agent join</code> on the host.
        </Nothing>
      ) : (
        <>
          <FleetCanvas view={view} />
          <Legend />
        </>
      )}
      <h2 className="section-title">Latest events</h2>
      <ul className="event-lines">
        {records.slice(0, 6).map((record) => (
          <EventLine key={record.id} event={record} />
        ))}
      </ul>
      {records.length === 0 && <p className="quiet">Nothing has happened yet.</p>}
    </>
  );
}

function Figures() {
  const [hosts, guests, migrations, usage] = [useRows('host'), useRows('guest'), useRows('migration'), useUsage()];
  const figures = useMemo(() => {
    const up = [...hosts.values()].filter(({ state }) => state === 'online');
    const running = [...guests.values()].filter(({ hostId }) => hostId !== null);
    const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);
    const capacity = sum(up.map((host) => host.capacity.cpuMillicores));
    const memory = sum(up.map((host) => host.capacity.memoryMiB));
    const used = sum(up.map(({ id }) => usage.get(id)?.cpuMillicores ?? 0));
    const promised = sum(running.map(({ memoryMiB }) => memoryMiB));
    const moving = [...migrations.values()].filter(({ endedAt }) => endedAt === null).length;
    return [
      ['Hosts online', `${figure(up.length)} of ${figure(hosts.size)}`, '/hosts'],
      ['Guests on hosts', `${figure(running.length)} of ${figure(guests.size)}`, '/guests'],
      [
        'Processors used',
        capacity === 0 ? '–' : `${percent(used / capacity)} of ${count(capacity / 1000, 'CPU')}`,
        '/hosts',
      ],
      ['Memory given', memory === 0 ? '–' : `${percent(promised / memory)} of ${mebibytes(memory)}`, '/guests'],
      ['Moving now', figure(moving), '/tasks'],
    ] as const;
  }, [hosts, guests, migrations, usage]);
  return (
    <ul className="figures">
      {figures.map(([title, value, to]) => (
        <li key={title}>
          <Link to={to}>
            <span className="quiet">{title}</span>
            <strong>{value}</strong>
          </Link>
        </li>
      ))}
    </ul>
  );
}

function Legend() {
  return (
    <ul className="legend" aria-label="What the picture shows">
      <li>
        <span className="legend-load" aria-hidden="true" /> a host, the deeper the more its processors are used
      </li>
      <li>
        <span className="mark is-success" aria-hidden="true" /> running
      </li>
      <li>
        <span className="mark is-info" aria-hidden="true" /> starting, moving, stopping
      </li>
      <li>
        <span className="mark is-warning" aria-hidden="true" /> paused, recovering
      </li>
      <li>
        <span className="mark is-danger" aria-hidden="true" /> failed
      </li>
      <li>
        <span className="mark is-move" aria-hidden="true" /> a guest on its way
      </li>
      <li>
        <span className="mark is-frame" aria-hidden="true" /> framed: a host in maintenance, suspect or off
      </li>
    </ul>
  );
}

function FirstSteps() {
  const may = useMay();
  const [isOpen, setIsOpen] = useState(false);
  return (
    <>
      <Nothing
        title="An empty fleet"
        action={may('pool.create') && <Button onClick={() => setIsOpen(true)}>Create a pool</Button>}
      >
        First a pool: hosts under one policy. Then a datastore that its hosts reach, hosts that join it, an image, and
        guests made from it.
        {!may('pool.create') && ' An administrator has to begin.'}
      </Nothing>
      {isOpen && <NewPoolDialog onClose={() => setIsOpen(false)} />}
    </>
  );
}
