import type { HostOutlook, WhatIf } from '@argosy/domain/simulation';
import { paint, tableLines } from './table';
import { cpu, duration, memory, nothing, percent } from './units';

const fateColour = { moved: 'green', restarted: 'yellow', down: 'red' } as const;

/** How the hosts were and are, whom something became of, and why. */
export function whatIfLines(
  { before, after, guests, refused, alarms, notes, log }: WhatIf,
  { showLog, useColour }: { readonly showLog: boolean; readonly useColour: boolean },
): string[] {
  return [
    ...(showLog ? [...log, ''] : []),
    ...tableLines(hostCells(before, after), {
      titles: ['HOST', 'STATE', 'GUESTS', 'CPU DEMAND', 'MEMORY'],
      right: [false, false, true, true, true],
      useColour,
    }),
    '',
    ...(guests.length === 0
      ? ['Every guest stays where it is.']
      : tableLines(
          guests.map(({ guest, fate, from, to, outageMs, reason }) => [
            { text: guest },
            { text: fate, colour: fateColour[fate] },
            { text: from ?? nothing },
            { text: to ?? nothing },
            { text: fate === 'moved' ? nothing : duration(outageMs) },
            { text: reason },
          ]),
          {
            titles: ['GUEST', 'FATE', 'FROM', 'TO', 'OUTAGE', 'WHY'],
            right: [false, false, false, false, true, false],
            useColour,
          },
        )),
    ...notes.map((note) => paint(`note: ${note}`, 'dim', useColour)),
    ...refused.map((message) => paint(`refused: ${message}`, 'red', useColour)),
    ...alarms.map((message) => paint(`alarm: ${message}`, 'yellow', useColour)),
  ];
}

function hostCells(before: readonly HostOutlook[], after: readonly HostOutlook[]): { text: string }[][] {
  const change = (was: string | undefined, is: string): string =>
    was === undefined || was === is ? is : `${was} → ${is}`;
  return after.map((now) => {
    const then = before.find(({ host }) => host === now.host);
    const share = (each: HostOutlook): string => percent(each.cpuDemandMillicores / each.cpuMillicores);
    return [
      { text: now.host },
      { text: change(then?.state, now.state) },
      { text: change(then && `${then.guests}`, `${now.guests}`) },
      { text: `${change(then && share(then), share(now))} of ${cpu(now.cpuMillicores)}` },
      { text: `${change(then && memory(then.memoryUsedMiB), memory(now.memoryUsedMiB))} of ${memory(now.memoryMiB)}` },
    ];
  });
}
