import { Button } from '@patternfly/react-core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { type ReactNode, useMemo } from 'react';
import { Link } from 'react-router';
import { call } from '../api/client';
import type { FleetEvent } from '../fleet/feed';
import { useRecords, useSubject } from '../fleet/use-fleet';
import { Answer } from '../ui/answer';
import { type Column, DataTable } from '../ui/data-table';
import { instant } from '../ui/format';
import { Nothing } from '../ui/page';
import { StateLabel } from '../ui/state-label';

export interface EventFilter {
  readonly subjectKind?: FleetEvent['subjectKind'];
  readonly subject?: string;
  readonly severity?: FleetEvent['severity'];
  readonly since?: number;
}

const ranks: readonly FleetEvent['severity'][] = ['information', 'warning', 'error'];

/** What happened, newest first: pages of the past, and above them what happens now. */
export function useEvents({ subjectKind, subject, severity, since }: EventFilter) {
  const past = useInfiniteQuery({
    queryKey: ['read', 'events', subjectKind, subject, severity, since],
    queryFn: ({ pageParam, signal }) =>
      call(
        'event.list',
        {
          query: {
            subjectKind,
            subject,
            severity,
            since: since === undefined ? since : String(since),
            limit: 200,
            cursor: pageParam,
          },
        },
        { signal },
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
  });
  const records = useRecords();
  const events = useMemo(() => {
    const read = (past.data?.pages ?? []).flatMap(({ items }) => items);
    const latest = read[0]?.at ?? 0;
    const key = (event: FleetEvent) => `${event.at} ${event.code} ${event.subjectId} ${event.message}`;
    const known = new Set(read.filter(({ at }) => at === latest).map(key));
    const isAsked = (event: FleetEvent) =>
      (subject === undefined || event.subjectId === subject) &&
      (subjectKind === undefined || event.subjectKind === subjectKind) &&
      (severity === undefined || ranks.indexOf(event.severity) >= ranks.indexOf(severity));
    const fresh = records.filter((event) => event.at >= latest && isAsked(event) && !known.has(key(event)));
    return [...fresh, ...read];
  }, [past.data, records, subject, subjectKind, severity]);
  return { ...past, events };
}

export function EventTable({
  query,
  actions,
}: {
  readonly query: EventFilter;
  /** Of those that the filter leaves. */
  readonly actions?: (shown: readonly FleetEvent[]) => ReactNode;
}) {
  const { events, ...past } = useEvents(query);
  const { hasNextPage, fetchNextPage, isFetchingNextPage } = past;
  const subjectOf = useSubject();
  const isOfOne = query.subject !== undefined;
  const columns = useMemo<Column<FleetEvent>[]>(
    () => [
      {
        title: 'When',
        value: ({ at }) => at,
        show: ({ at }) => <time dateTime={new Date(at).toISOString()}>{instant(at)}</time>,
      },
      { title: 'Severity', value: ({ severity }) => severity, show: ({ severity }) => <StateLabel state={severity} /> },
      ...(isOfOne
        ? []
        : [
            {
              title: 'Of what',
              value: ({ subjectKind, subjectId }: FleetEvent) => subjectOf(subjectKind, subjectId).name,
              show: ({ subjectKind, subjectId }: FleetEvent) => {
                const { name, to } = subjectOf(subjectKind, subjectId);
                return to === null ? <span className="quiet">{subjectKind}</span> : <Link to={to}>{name}</Link>;
              },
            },
          ]),
      { title: 'What', value: ({ message }) => message, isWide: true },
      { title: 'Who', value: ({ actor }) => actor },
      { title: 'Code', value: ({ code }) => code },
    ],
    [subjectOf, isOfOne],
  );
  return (
    <Answer of={past} what="The events">
      {() => (
        <>
          <DataTable
            label="events"
            rows={events}
            columns={columns}
            keyOf={({ id }) => String(id)}
            {...(actions ? { actions } : {})}
            empty={<Nothing title="No events">What happens from now on appears here by itself.</Nothing>}
          />
          {hasNextPage && (
            <Button variant="link" isLoading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
              Earlier events
            </Button>
          )}
        </>
      )}
    </Answer>
  );
}
