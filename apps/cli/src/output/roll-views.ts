import type { Roll, RollHost } from '@argosy/domain/roll';
import { idColumn, orNothing, stateColumn } from './columns';
import { clock, exactTime } from './units';
import type { View } from './view';

export const rollView: View<Roll> = {
  kind: 'roll',
  needs: ['pool'],
  nameOf: ({ id }) => id,
  columns: [
    { title: 'BEGUN', text: ({ createdAt }, { now }) => clock(createdAt, now) },
    stateColumn(({ state }) => state),
    { title: 'POOL', text: ({ poolId }, lookup) => lookup.nameOf('pool', poolId) },
    { title: 'COMMAND', text: ({ command }) => command },
    {
      title: 'DONE',
      text: ({ hosts }) => `${hosts.filter(({ step }) => step === 'done').length} of ${hosts.length}`,
      right: true,
    },
    { title: 'BY', text: ({ requestedBy }) => requestedBy, only: 'wide' },
    { title: 'FAILURE', text: ({ failure }) => orNothing(failure) },
    { title: 'ENDED', text: ({ endedAt }) => exactTime(endedAt), only: 'detail' },
    idColumn(),
  ],
};

export const rollHostView: View<RollHost> = {
  kind: 'host',
  needs: ['host'],
  nameOf: ({ hostId }) => hostId,
  columns: [
    { title: 'ROUND', text: ({ round }) => `${round}`, right: true },
    { title: 'HOST', text: ({ hostId }, lookup) => lookup.nameOf('host', hostId) },
    stateColumn(({ step }) => step, 'STEP'),
    { title: 'SINCE', text: ({ since }, { now }) => clock(since, now) },
    { title: 'OUTPUT', text: ({ output }) => orNothing(output.trim().split('\n').at(-1) ?? '') },
  ],
};
