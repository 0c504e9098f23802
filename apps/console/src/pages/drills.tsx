import { Card, CardBody, CardTitle } from '@patternfly/react-core';
import { useMemo } from 'react';
import { Link } from 'react-router';
import { useMay } from '../api/session';
import type { Drill } from '../fleet/rows';
import { useHasRead, useNewest, useSubject } from '../fleet/use-fleet';
import { type Column, DataTable } from '../ui/data-table';
import { Section } from '../ui/facts';
import { duration, wholeInstant } from '../ui/format';
import { Nothing, Page, PageBody, Waiting } from '../ui/page';
import { StateLabel } from '../ui/state-label';
import { drillKinds, drillTitle } from './drill-kinds';

/** What can be broken on purpose, and what came of it so far. */
export function DrillsPage() {
  const hasRead = useHasRead();
  const drills = useNewest('drill');
  const subjectOf = useSubject();
  const may = useMay();
  const columns = useMemo<Column<Drill>[]>(() => {
    const longest = ({ outages }: Drill) => {
      const known = outages.flatMap(({ outageMs }) => (outageMs === null ? [] : [outageMs]));
      return known.length === 0 ? null : Math.max(...known);
    };
    return [
      {
        title: 'Drill',
        value: ({ kind }) => drillTitle(kind),
        show: ({ id, kind }) => <Link to={`/drills/${id}`}>{drillTitle(kind)}</Link>,
      },
      {
        title: 'Of what',
        value: ({ guestId, hostId }) =>
          guestId === null ? subjectOf('host', hostId ?? '').name : subjectOf('guest', guestId).name,
      },
      { title: 'Run', value: ({ createdAt }) => createdAt, show: ({ createdAt }) => wholeInstant(createdAt) },
      { title: 'State', value: ({ state }) => state, show: ({ state }) => <StateLabel state={state} /> },
      {
        title: 'Verdict',
        value: ({ verdict }) => verdict ?? '',
        show: ({ verdict }) =>
          verdict === null ? <span className="quiet">none</span> : <StateLabel state={verdict} />,
      },
      { title: 'Guests hit', value: ({ outages }) => outages.length, isNumber: true },
      {
        title: 'Longest outage',
        value: longest,
        show: (drill) => (longest(drill) === null ? '–' : duration(longest(drill)!)),
        isNumber: true,
      },
      { title: 'Who', value: ({ requestedBy }) => requestedBy },
    ];
  }, [subjectOf]);
  return (
    <Page title="Drills">
      <PageBody>
        <Section title="Library">
          <ul className="cards">
            {drillKinds.map(({ kind, title, text }) => (
              <li key={kind}>
                <Card isCompact isFullHeight>
                  <CardTitle component="h3">{title}</CardTitle>
                  <CardBody>
                    <p>{text}</p>
                    {may('drill.run') && (
                      <Link to={`/drills/new?kind=${kind}`} aria-label={`Prepare: ${title}`}>
                        Prepare
                      </Link>
                    )}
                  </CardBody>
                </Card>
              </li>
            ))}
          </ul>
        </Section>
        <Section title="Past runs">
          {hasRead ? (
            <DataTable
              label="drills"
              rows={drills}
              columns={columns}
              keyOf={({ id }) => id}
              empty={
                <Nothing title="No drill was run yet">
                  A drill predicts a failure, causes it, and measures how the fleet recovers. Choose one above.
                </Nothing>
              }
            />
          ) : (
            <Waiting />
          )}
        </Section>
      </PageBody>
    </Page>
  );
}
