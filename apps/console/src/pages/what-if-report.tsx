import type { RouteResponse } from '@argosy/contracts/routes';
import { Alert, ExpandableSection } from '@patternfly/react-core';
import { useMemo } from 'react';
import { type Column, DataTable } from '../ui/data-table';
import { Section } from '../ui/facts';
import { duration, mebibytes, percent } from '../ui/format';
import { StateLabel } from '../ui/state-label';

type Simulation = RouteResponse<'simulation.get'>;
type Report = Extract<NonNullable<Simulation['report']>, { kind: 'what-if' }>;
type Guest = Report['guests'][number];
type Host = Report['after'][number];

interface Props {
  readonly simulation: Simulation;
  readonly beside: Simulation | null;
}

const whatIfOf = (simulation: Simulation | null): Report | null =>
  simulation?.report?.kind === 'what-if' ? simulation.report : null;

/** Whom something becomes of, how the hosts stand afterwards, and how it came about. */
export function WhatIfReport({ simulation, beside }: Props) {
  const report = whatIfOf(simulation)!;
  const other = whatIfOf(beside);
  return (
    <>
      {other && beside && (
        <Totals
          of={
            [
              [simulation.title, report],
              [beside.title, other],
            ] as const
          }
        />
      )}
      {[...report.refused, ...report.alarms].map((message) => (
        <Alert key={message} isInline variant="warning" title={message} />
      ))}
      {report.notes.map((note) => (
        <Alert key={note} isInline variant="info" title={note} />
      ))}
      <Guests guests={report.guests} other={other?.guests ?? null} />
      <Hosts report={report} other={other} />
      <ExpandableSection toggleText={`Everything that would happen, in its order (${report.log.length} lines)`}>
        <pre className="log" tabIndex={0} aria-label="Log of the simulation">
          {report.log.join('\n')}
        </pre>
      </ExpandableSection>
    </>
  );
}

const fates = ['moved', 'restarted', 'down'] as const;
const fateWords = { moved: 'Moved', restarted: 'Started again', down: 'Down in the end' } as const;
const longest = ({ guests }: Report): number => Math.max(0, ...guests.map(({ outageMs }) => outageMs));

function Totals({ of }: { readonly of: readonly (readonly [string, Report])[] }) {
  return (
    <Section title="Side by side">
      <div className="table-scroller" tabIndex={0} role="region" aria-label="Side by side">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Guests</th>
              {of.map(([title], index) => (
                <th key={index} scope="col" className="number">
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {fates.map((fate) => (
              <tr key={fate}>
                <th scope="row">{fateWords[fate]}</th>
                {of.map(([, { guests }], index) => (
                  <td key={index} className="number">
                    {guests.filter((guest) => guest.fate === fate).length}
                  </td>
                ))}
              </tr>
            ))}
            <tr>
              <th scope="row">Longest outage</th>
              {of.map(([, report], index) => (
                <td key={index} className="number">
                  {duration(longest(report))}
                </td>
              ))}
            </tr>
          </tbody>
        </table>
      </div>
    </Section>
  );
}

function Guests({ guests, other }: { readonly guests: readonly Guest[]; readonly other: readonly Guest[] | null }) {
  const columns = useMemo<Column<Guest>[]>(() => {
    const there = new Map((other ?? []).map((each) => [each.guest, each]));
    return [
      { title: 'Guest', value: ({ guest }) => guest },
      { title: 'Fate', value: ({ fate }) => fate, show: ({ fate }) => <StateLabel state={fate} /> },
      { title: 'From', value: ({ from }) => from ?? '–' },
      { title: 'To', value: ({ to }) => to ?? '–' },
      {
        title: 'Outage',
        value: ({ outageMs }) => outageMs,
        show: ({ fate, outageMs }) => (fate === 'moved' ? '–' : duration(outageMs)),
        isNumber: true,
      },
      ...(other === null
        ? []
        : [
            {
              title: 'In the other',
              value: ({ guest }: Guest) => {
                const found = there.get(guest);
                return found === undefined ? 'stays' : `${found.fate}${found.to === null ? '' : `, ${found.to}`}`;
              },
            },
          ]),
      { title: 'Why', value: ({ reason }) => reason, isWide: true },
    ];
  }, [other]);
  return (
    <Section title="Guests">
      <DataTable
        label="guests"
        rows={guests}
        columns={columns}
        keyOf={({ guest }) => guest}
        isUnfiltered={guests.length < 10}
        empty={<p className="quiet">Every guest stays where it is.</p>}
      />
    </Section>
  );
}

function Hosts({ report: { before, after }, other }: { readonly report: Report; readonly other: Report | null }) {
  const columns = useMemo<Column<Host>[]>(() => {
    const was = new Map(before.map((each) => [each.host, each]));
    const there = new Map((other?.after ?? []).map((each) => [each.host, each]));
    const load = (host: Host) => host.cpuDemandMillicores / host.cpuMillicores;
    const change = (then: string | undefined, now: string) =>
      then === undefined || then === now ? now : `${then} → ${now}`;
    const of = (host: Host, read: (each: Host) => string) => {
      const then = was.get(host.host);
      return change(then && read(then), read(host));
    };
    return [
      { title: 'Host', value: ({ host }) => host },
      { title: 'State', value: (host) => of(host, ({ state }) => state) },
      {
        title: 'Guests',
        value: ({ guests }) => guests,
        show: (host) => of(host, ({ guests }) => `${guests}`),
        isNumber: true,
      },
      {
        title: 'Processors wanted',
        value: load,
        show: (host) => of(host, (each) => percent(load(each))),
        isNumber: true,
      },
      {
        title: 'Memory',
        value: ({ memoryUsedMiB }) => memoryUsedMiB,
        show: (host) => `${of(host, ({ memoryUsedMiB }) => mebibytes(memoryUsedMiB))} of ${mebibytes(host.memoryMiB)}`,
        isNumber: true,
      },
      ...(other === null
        ? []
        : [
            {
              title: 'Guests in the other',
              value: ({ host }: Host) => there.get(host)?.guests ?? null,
              isNumber: true,
            },
          ]),
    ];
  }, [before, other]);
  return (
    <Section title="Hosts">
      <DataTable
        label="hosts"
        rows={after}
        columns={columns}
        keyOf={({ host }) => host}
        isUnfiltered={after.length < 10}
        empty={<p className="quiet">The pool has no host.</p>}
      />
    </Section>
  );
}
