import type * as entity from '@argosy/domain/entities';
import type { Drill } from '@argosy/domain/drill';
import type { RouteResponse } from '@argosy/contracts/routes';
import type { Lookup } from '../lookup';
import { colourOfState, idColumn, orNothing, shortIdColumn, stateColumn } from './columns';
import { age, clock, duration, nothing, percent, rate } from './units';
import type { View } from './view';

export type PlacementRow = RouteResponse<'placement.list'>['items'][number];
export type AuditRow = RouteResponse<'audit.list'>['items'][number];
export type EventRow = RouteResponse<'event.list'>['items'][number];

/** "62%, 512 MiB/s, 1.2 s left" while it copies. */
export function migrationProgress({ progress, step, endedAt }: entity.Migration): string {
  if (endedAt !== null || progress === null) return nothing;
  const { totalBytes, remainingBytes, bytesPerSecond, expectedEndMs, dirtyBytesPerSecond } = progress;
  const copied = totalBytes > 0 ? percent(Math.max(0, 1 - remainingBytes / totalBytes)) : '0%';
  if (step !== 'copy') return copied;
  const left = expectedEndMs === null ? 'does not converge yet' : `${duration(expectedEndMs)} left`;
  return `${copied}, ${rate(bytesPerSecond)}, dirties ${rate(dirtyBytesPerSecond)}, ${left}`;
}

export const migrationView: View<entity.Migration> = {
  kind: 'migration',
  needs: ['guest', 'host'],
  nameOf: ({ id }) => id,
  columns: [
    shortIdColumn(),
    { title: 'GUEST', text: ({ guestId }, lookup) => lookup.nameOf('guest', guestId) },
    { title: 'FROM', text: ({ sourceHostId }, lookup) => lookup.nameOf('host', sourceHostId) },
    { title: 'TO', text: ({ targetHostId }, lookup) => lookup.nameOf('host', targetHostId) },
    stateColumn(({ step }) => step, 'STEP'),
    { title: 'PROGRESS', text: migrationProgress },
    {
      title: 'TOOK',
      text: ({ createdAt, endedAt }) => (endedAt === null ? nothing : duration(endedAt - createdAt)),
      right: true,
    },
    { title: 'DOWNTIME', text: ({ downtimeMs }) => duration(downtimeMs), right: true },
    { title: 'GUEST SAW', text: ({ guestSeenDowntimeMs }) => duration(guestSeenDowntimeMs), right: true },
    { title: 'BEGAN', text: ({ createdAt }, { now }) => clock(createdAt, now) },
    { title: 'REASON', text: ({ reason, failure }) => orNothing(failure ?? reason) },
    { title: 'BY', text: ({ requestedBy }) => requestedBy, only: 'wide' },
    { title: 'EPOCH', text: ({ epoch }) => `${epoch}`, right: true, only: 'wide' },
    { title: 'ID', text: ({ id }) => id, only: 'wide' },
  ],
};

export const placementView: View<PlacementRow> = {
  kind: 'placement',
  needs: ['guest', 'host'],
  nameOf: ({ guestId, guestName, epoch }) => `${guestName ?? guestId}/${epoch}`,
  columns: [
    { title: 'GUEST', text: ({ guestId, guestName }, lookup) => guestName ?? lookup.nameOf('guest', guestId) },
    { title: 'HOST', text: ({ hostId, hostName }, lookup) => hostName ?? lookup.nameOf('host', hostId) },
    { title: 'EPOCH', text: ({ epoch }) => `${epoch}`, right: true },
    { title: 'FROM', text: ({ from }, { now }) => clock(from, now) },
    { title: 'TO', text: ({ to }, { now }) => (to === null ? 'now' : clock(to, now)) },
    { title: 'FOR', text: ({ from, to }, { now }) => age((to ?? now) - from), right: true },
    { title: 'BECAUSE', text: ({ reason }) => orNothing(reason) },
    { title: 'ENDED BY', text: ({ endReason }) => orNothing(endReason) },
    { title: 'GUEST ID', text: ({ guestId }) => guestId, only: 'wide' },
    { title: 'HOST ID', text: ({ hostId }) => hostId, only: 'wide' },
  ],
};

const figure = (value: number): string => value.toFixed(3);

export const balanceRunView: View<entity.BalanceRun> = {
  kind: 'balance-run',
  needs: ['pool'],
  nameOf: ({ id }) => id,
  columns: [
    shortIdColumn(),
    { title: 'AT', text: ({ at }, { now }) => clock(at, now) },
    { title: 'POOL', text: ({ poolId }, lookup) => lookup.nameOf('pool', poolId) },
    { title: 'IMBALANCE', text: ({ imbalanceBefore }) => figure(imbalanceBefore), right: true },
    { title: 'AFTERWARDS', text: ({ imbalanceAfter }) => figure(imbalanceAfter), right: true },
    { title: 'MOVES', text: ({ recommendationCount }) => `${recommendationCount}`, right: true },
    { title: 'EXPLANATION', text: ({ explanation }) => orNothing(explanation) },
    { title: 'ID', text: ({ id }) => id, only: 'wide' },
  ],
};

export const recommendationView: View<entity.Recommendation> = {
  kind: 'recommendation',
  needs: ['guest', 'host', 'pool'],
  nameOf: ({ id }) => id,
  columns: [
    shortIdColumn(),
    { title: 'PRIORITY', text: ({ priority }) => `${priority}`, right: true },
    { title: 'GUEST', text: ({ guestId }, lookup) => lookup.nameOf('guest', guestId) },
    { title: 'FROM', text: ({ fromHostId }, lookup) => lookup.nameOf('host', fromHostId) },
    { title: 'TO', text: ({ toHostId }, lookup) => lookup.nameOf('host', toHostId) },
    { title: 'GAIN', text: ({ gain }) => figure(gain), right: true },
    { title: 'COST', text: ({ cost }) => figure(cost), right: true },
    stateColumn(({ state }) => state),
    { title: 'BEGAN', text: ({ createdAt }, { now }) => clock(createdAt, now) },
    { title: 'REASON', text: ({ reason }) => orNothing(reason) },
    {
      title: 'PROJECTED',
      text: ({ projected }, lookup) => orNothing(projected.map((host) => projection(host, lookup)).join(', ')),
      only: 'wide',
    },
    { title: 'POOL', text: ({ poolId }, lookup) => lookup.nameOf('pool', poolId), only: 'wide' },
    { title: 'ID', text: ({ id }) => id, only: 'wide' },
  ],
};

/** "h2 cpu 0.92→0.61, memory 512→384 MiB" */
function projection(host: entity.ProjectedHost, lookup: Lookup): string {
  const { hostId, cpuBefore, cpuAfter, memoryBeforeMiB, memoryAfterMiB } = host;
  const two = (value: number): string => String(Math.round(value * 100) / 100);
  return `${lookup.nameOf('host', hostId)} cpu ${two(cpuBefore)}→${two(cpuAfter)} memory ${two(memoryBeforeMiB)}→${two(memoryAfterMiB)} MiB`;
}

export const drillView: View<Drill> = {
  kind: 'drill',
  needs: ['guest', 'host'],
  nameOf: ({ id }) => id,
  columns: [
    shortIdColumn(),
    { title: 'KIND', text: ({ kind }) => kind },
    {
      title: 'TARGET',
      text: ({ hostId, guestId }, lookup) =>
        guestId === null ? lookup.nameOf('host', hostId) : lookup.nameOf('guest', guestId),
    },
    stateColumn(({ state }) => state),
    {
      title: 'VERDICT',
      text: ({ verdict }) => orNothing(verdict),
      colour: ({ verdict }) => (verdict ? colourOfState(verdict) : undefined),
    },
    {
      title: 'ALIVE AFTER',
      text: ({ phases }) => duration(phases.find(({ name }) => name === 'alive')?.measuredMs),
      right: true,
    },
    { title: 'GUESTS', text: ({ outages }) => `${outages.length}`, right: true },
    { title: 'BEGAN', text: ({ createdAt }, { now }) => clock(createdAt, now) },
    { title: 'BY', text: ({ requestedBy }) => requestedBy },
    { title: 'EXPLANATION', text: ({ explanation }) => orNothing(explanation), only: 'wide' },
    { title: 'ID', text: ({ id }) => id, only: 'wide' },
  ],
};

export const eventView: View<EventRow> = {
  kind: 'event',
  needs: ['pool', 'host', 'guest', 'image'],
  nameOf: ({ id }) => `${id}`,
  columns: [
    { title: 'TIME', text: ({ at }, { now }) => clock(at, now) },
    stateColumn(({ severity }) => severity, 'SEVERITY'),
    { title: 'CODE', text: ({ code }) => code },
    { title: 'SUBJECT', text: ({ subjectKind, subjectId }, lookup) => lookup.subject(subjectKind, subjectId) },
    { title: 'MESSAGE', text: ({ message }) => message },
    { title: 'BY', text: ({ actor }) => actor, only: 'wide' },
    { title: 'SUBJECT ID', text: ({ subjectId }) => subjectId, only: 'wide' },
    { title: 'ID', text: ({ id }) => `${id}`, right: true, only: 'wide' },
  ],
};

export const auditView: View<AuditRow> = {
  kind: 'audit-event',
  needs: [],
  nameOf: ({ id }) => `${id}`,
  columns: [
    { title: 'TIME', text: ({ at }, { now }) => clock(at, now) },
    { title: 'ACTOR', text: ({ actor }) => orNothing(actor) },
    stateColumn(({ outcome }) => outcome, 'OUTCOME'),
    { title: 'ROUTE', text: ({ route }) => route },
    { title: 'SUBJECT', text: ({ subject }) => orNothing(subject) },
    { title: 'CODE', text: ({ code, dropped }) => (dropped > 0 ? `${dropped} calls left out` : orNothing(code)) },
    { title: 'FROM', text: ({ address }) => orNothing(address) },
    { title: 'METHOD', text: ({ method }) => orNothing(method), only: 'wide' },
    {
      title: 'STATUS',
      text: ({ status }) => orNothing(status === null ? null : `${status}`),
      right: true,
      only: 'wide',
    },
    { title: 'TOKEN', text: ({ tokenId }) => orNothing(tokenId), only: 'wide' },
    { title: 'ID', text: ({ id }) => `${id}`, right: true, only: 'wide' },
  ],
};

export const taskView: View<entity.Task> = {
  kind: 'task',
  needs: ['pool', 'host', 'guest', 'image'],
  nameOf: ({ id }) => id,
  columns: [
    shortIdColumn(),
    { title: 'NAME', text: ({ name }) => name },
    { title: 'SUBJECT', text: ({ subjectKind, subjectId }, lookup) => lookup.subject(subjectKind, subjectId) },
    stateColumn(({ state }) => state),
    {
      title: 'PROGRESS',
      text: ({ progressShare }) => (progressShare === null ? nothing : percent(progressShare)),
      right: true,
    },
    {
      title: 'TOOK',
      text: ({ createdAt, endedAt }) => (endedAt === null ? nothing : duration(endedAt - createdAt)),
      right: true,
    },
    { title: 'BEGAN', text: ({ createdAt }, { now }) => clock(createdAt, now) },
    { title: 'BY', text: ({ requestedBy }) => requestedBy },
    { title: 'RESULT', text: ({ result }) => orNothing(result) },
    { title: 'ID', text: ({ id }) => id, only: 'wide' },
  ],
};

export const alarmView: View<entity.Alarm> = {
  kind: 'alarm',
  needs: ['pool', 'host', 'guest', 'image'],
  nameOf: ({ id }) => id,
  columns: [
    { title: 'RAISED', text: ({ raisedAt }, { now }) => clock(raisedAt, now) },
    stateColumn(({ severity }) => severity, 'SEVERITY'),
    { title: 'CODE', text: ({ code }) => code },
    { title: 'SUBJECT', text: ({ subjectKind, subjectId }, lookup) => lookup.subject(subjectKind, subjectId) },
    { title: 'CLEARED', text: ({ clearedAt }, { now }) => clock(clearedAt, now) },
    { title: 'MESSAGE', text: ({ message }) => message },
    idColumn(),
  ],
};
