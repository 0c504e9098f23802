import type * as entity from '@argosy/domain/entities';
import type { HostUsage } from '@argosy/contracts/responses';
import type { RouteName, RouteResponse } from '@argosy/contracts/routes';
import { mebibyte } from '@argosy/domain/units';
import type { Lookup } from '../lookup';
import type { Colour } from './table';
import { age, ageOf, bytes, clock, cpu, duration, exactTime, memory, nothing, percent, rate, shortId } from './units';
import type { Column, View } from './view';

type ItemOf<Name extends RouteName> = RouteResponse<Name> extends { items: (infer Row)[] } ? Row : never;
export type PlacementRow = ItemOf<'placement.list'>;
export type EventRow = ItemOf<'event.list'>;
export type TokenRow = ItemOf<'token.list'>;
export type JoinTokenRow = ItemOf<'join-token.list'>;

const good = ['running', 'online', 'done', 'succeeded', 'finished', 'met', 'applied'];
const bad = ['failed', 'fenced', 'suspect', 'disconnected', 'recovering', 'error', 'missed', 'aborted', 'refused'];
const idle = ['stopped', 'offline', 'cancelled', 'withdrawn', 'information', 'none'];

/** Every lifecycle in the same colours: all is well, something is wrong, nothing is wanted, something is under way. */
export function colourOfState(state: string): Colour | undefined {
  if (good.includes(state)) return 'green';
  if (bad.includes(state)) return 'red';
  return idle.includes(state) ? 'dim' : 'yellow';
}

function stateColumn<Row>(read: (row: Row) => string, title = 'STATE'): Column<Row> {
  return { title, text: read, colour: (row) => colourOfState(read(row)) };
}
function idColumn<Row extends { readonly id: string }>(): Column<Row> {
  return { title: 'ID', text: ({ id }) => id, only: 'wide' };
}
function shortIdColumn<Row extends { readonly id: string }>(): Column<Row> {
  return { title: 'ID', text: ({ id }) => shortId(id) };
}
function createdColumns<Row extends { readonly createdAt: number }>(): Column<Row>[] {
  return [
    { title: 'AGE', text: ({ createdAt }, { now }) => age(now - createdAt) },
    { title: 'CREATED', text: ({ createdAt }) => exactTime(createdAt), only: 'detail' },
  ];
}
const orNothing = (text: string | null | undefined): string => (text === null || text === undefined || text === '' ? nothing : text);

/** "10432, 0.3s ago": the guest's own counter, and whether it still counts. */
function heartbeat(guest: entity.Guest, lookup: Lookup): string {
  const seen = lookup.observation(guest)?.heartbeat;
  if (!seen || guest.hostId === null) return nothing;
  const silentMs = Math.max(0, lookup.now - seen.at);
  return `${seen.count}, ${silentMs < 10_000 ? `${(silentMs / 1000).toFixed(1)}s` : age(silentMs)} ago`;
}

export const guestView: View<entity.Guest> = {
  kind: 'guest',
  needs: ['host', 'pool', 'image', 'usage'],
  nameOf: ({ name }) => name,
  columns: [
    { title: 'NAME', text: ({ name }) => name },
    stateColumn(({ state }) => state),
    { title: 'HOST', text: ({ hostId }, lookup) => lookup.nameOf('host', hostId) },
    { title: 'EPOCH', text: ({ epoch }) => `${epoch}`, right: true },
    { title: 'MEMORY', text: ({ memoryMiB }) => memory(memoryMiB), right: true },
    { title: 'CPU', text: (guest, lookup) => cpu(lookup.observation(guest)?.usage?.cpuMillicores), right: true },
    { title: 'DEMAND', text: (guest, lookup) => cpu(lookup.observation(guest)?.usage?.cpuDemandMillicores), right: true },
    { title: 'UPTIME', text: (guest, lookup) => ageOf(lookup.observation(guest)?.heartbeat?.firstAt ?? null, lookup.now), right: true },
    { title: 'HEARTBEAT', text: heartbeat },
    { title: 'POOL', text: ({ poolId }, lookup) => lookup.nameOf('pool', poolId), only: 'wide' },
    { title: 'IMAGE', text: ({ imageId }, lookup) => lookup.nameOf('image', imageId), only: 'wide' },
    { title: 'DESIRED', text: ({ desired }) => desired, only: 'wide' },
    { title: 'VCPUS', text: ({ vcpus }) => `${vcpus}`, right: true, only: 'wide' },
    { title: 'RESERVED', text: ({ cpuReservationMillicores }) => cpu(cpuReservationMillicores), right: true, only: 'wide' },
    { title: 'LIMIT', text: ({ cpuLimitMillicores }) => cpu(cpuLimitMillicores), right: true, only: 'wide' },
    { title: 'SHARES', text: ({ cpuShares }) => `${cpuShares}`, right: true, only: 'wide' },
    { title: 'PRIORITY', text: ({ restartPriority }) => restartPriority, only: 'wide' },
    { title: 'RESIDENT', text: (guest, lookup) => residentOf(guest, lookup), right: true, only: 'wide' },
    { title: 'DISK', text: ({ diskMiB }) => memory(diskMiB), right: true, only: 'wide' },
    { title: 'AGE', text: ({ createdAt }, { now }) => age(now - createdAt), only: 'wide' },
    { title: 'MOVED', text: ({ movedAt }) => exactTime(movedAt), only: 'detail' },
    { title: 'RETRY', text: ({ retryAt }) => exactTime(retryAt), only: 'detail' },
    { title: 'CLOUD-INIT', text: ({ cloudInit }) => (cloudInit === null ? nothing : bytes(cloudInit.length)), only: 'detail' },
    { title: 'CREATED', text: ({ createdAt }) => exactTime(createdAt), only: 'detail' },
    idColumn(),
    { title: 'REASON', text: ({ stateReason }) => orNothing(stateReason), only: 'wide' },
  ],
};

function residentOf(guest: entity.Guest, lookup: Lookup): string {
  const usage = lookup.observation(guest)?.usage;
  return usage ? memory(usage.residentMiB) : nothing;
}

function share(used: number, capacity: number): string {
  return capacity > 0 ? percent(used / capacity) : nothing;
}

export const hostView: View<entity.Host> = {
  kind: 'host',
  needs: ['pool', 'guest', 'usage'],
  nameOf: ({ name }) => name,
  columns: [
    { title: 'NAME', text: ({ name }) => name },
    stateColumn(({ state }) => state),
    stateColumn(({ maintenance }) => maintenance, 'MAINTENANCE'),
    { title: 'GUESTS', text: ({ id }, lookup) => `${guestsOn(id, lookup).length}`, right: true },
    { title: 'CPU', text: ({ capacity }) => cpu(capacity.cpuMillicores), right: true },
    { title: 'USED', text: ({ id, capacity }, { usages }) => hostShare(usages.get(id), capacity.cpuMillicores), right: true },
    { title: 'MEMORY', text: ({ capacity }) => memory(capacity.memoryMiB), right: true },
    { title: 'PROMISED', text: ({ id, capacity }, lookup) => share(promisedMiB(id, lookup), capacity.memoryMiB), right: true },
    { title: 'HEARD', text: ({ id }, { usages, now }) => heard(usages.get(id), now) },
    { title: 'VMM', text: ({ capabilities }) => (capabilities ? `${capabilities.driver} ${capabilities.version} (${capabilities.accelerator})` : nothing) },
    { title: 'POOL', text: ({ poolId }, lookup) => lookup.nameOf('pool', poolId), only: 'wide' },
    { title: 'INCARNATION', text: ({ incarnation }) => `${incarnation}`, right: true, only: 'wide' },
    { title: 'PEER', text: ({ peerAddress }) => orNothing(peerAddress), only: 'wide' },
    { title: 'FENCE', text: ({ fenceDevice }) => orNothing(fenceDevice), only: 'wide' },
    { title: 'QUEUE', text: ({ queue }) => orNothing(queue), only: 'detail' },
    { title: 'CREATED', text: ({ createdAt }) => exactTime(createdAt), only: 'detail' },
    idColumn(),
    { title: 'REASON', text: ({ stateReason }) => orNothing(stateReason), only: 'wide' },
  ],
};

export function guestsOn(hostId: string, { guests }: Lookup): entity.Guest[] {
  return [...guests.values()].filter((guest) => guest.hostId === hostId);
}
function promisedMiB(hostId: string, lookup: Lookup): number {
  return guestsOn(hostId, lookup).reduce((sum, { memoryMiB }) => sum + memoryMiB, 0);
}
function hostShare(usage: HostUsage | undefined, capacity: number): string {
  return usage?.heardAt ? share(usage.cpuMillicores, capacity) : nothing;
}
function heard(usage: HostUsage | undefined, now: number): string {
  return usage?.heardAt ? `${age(now - usage.heardAt)} ago` : nothing;
}

export const poolView: View<entity.Pool> = {
  kind: 'pool',
  needs: ['host', 'guest'],
  nameOf: ({ name }) => name,
  columns: [
    { title: 'NAME', text: ({ name }) => name },
    { title: 'HOSTS', text: ({ id }, { hosts }) => `${[...hosts.values()].filter(({ poolId }) => poolId === id).length}`, right: true },
    { title: 'GUESTS', text: ({ id }, { guests }) => `${[...guests.values()].filter(({ poolId }) => poolId === id).length}`, right: true },
    { title: 'AUTOMATION', text: ({ balance }) => balance.automation },
    { title: 'THRESHOLD', text: ({ balance }) => `${balance.threshold}`, right: true },
    { title: 'TOLERATES', text: ({ failure }) => `${failure.toleratedHostFailures} host${failure.toleratedHostFailures === 1 ? '' : 's'} lost` },
    { title: 'ISOLATION', text: ({ isolationResponse }) => isolationResponse },
    ...createdColumns<entity.Pool>(),
    { title: 'BALANCE EVERY', text: ({ balance }) => duration(balance.intervalMs), only: 'wide' },
    { title: 'COOL-DOWN', text: ({ balance }) => duration(balance.coolDownMs), only: 'wide' },
    { title: 'CPU SAFETY', text: ({ balance }) => percent(balance.cpuSafetyShare), only: 'detail' },
    { title: 'AUTO-CONVERGE', text: ({ migration }) => `${migration.autoConverge}`, only: 'detail' },
    { title: 'POST-COPY', text: ({ migration }) => `${migration.postCopy}`, only: 'detail' },
    { title: 'BANDWIDTH', text: ({ migration }) => rate(migration.bandwidthMiBPerSecond * mebibyte), only: 'detail' },
    { title: 'DOWNTIME LIMIT', text: ({ migration }) => duration(migration.downtimeLimitMs), only: 'detail' },
    { title: 'COPY DEADLINE', text: ({ migration }) => duration(migration.copyDeadlineMs), only: 'detail' },
    { title: 'MIGRATIONS', text: ({ migration }) => `${migration.concurrentPerHost} at once per host`, only: 'detail' },
    { title: 'SUSPECT AFTER', text: ({ failure }) => duration(failure.suspectAfterMs), only: 'detail' },
    { title: 'FAILED AFTER', text: ({ failure }) => duration(failure.failedAfterMs), only: 'wide' },
    { title: 'DATASTORE SILENT', text: ({ failure }) => duration(failure.datastoreSilentAfterMs), only: 'detail' },
    { title: 'MOST SILENT', text: ({ failure }) => `${failure.maximumSilentHosts}`, only: 'detail' },
    idColumn(),
  ],
};

export const imageView: View<entity.Image> = {
  kind: 'image',
  needs: ['guest'],
  nameOf: ({ name }) => name,
  columns: [
    { title: 'NAME', text: ({ name }) => name },
    { title: 'FORMAT', text: ({ format }) => format },
    { title: 'FIRMWARE', text: ({ firmware }) => firmware },
    { title: 'ARCHITECTURE', text: ({ architecture }) => architecture },
    { title: 'LEAST MEMORY', text: ({ minimumMemoryMiB }) => memory(minimumMemoryMiB), right: true },
    { title: 'GUESTS', text: ({ id }, { guests }) => `${[...guests.values()].filter(({ imageId }) => imageId === id).length}`, right: true },
    ...createdColumns<entity.Image>(),
    { title: 'FILE', text: ({ diskPath, kernelPath }) => orNothing(diskPath ?? kernelPath), only: 'wide' },
    { title: 'INITRD', text: ({ initrdPath }) => orNothing(initrdPath), only: 'detail' },
    { title: 'ARGUMENTS', text: ({ kernelArguments }) => orNothing(kernelArguments), only: 'detail' },
    { title: 'DATASTORE', text: ({ datastoreId }) => datastoreId, only: 'wide' },
    idColumn(),
  ],
};

export const datastoreView: View<entity.Datastore> = {
  kind: 'datastore',
  needs: [],
  nameOf: ({ name }) => name,
  columns: [
    { title: 'NAME', text: ({ name }) => name },
    { title: 'SHARED', text: ({ shared }) => (shared ? 'yes' : 'no') },
    { title: 'PATH', text: ({ path }) => path },
    ...createdColumns<entity.Datastore>(),
    idColumn(),
  ],
};

export const ruleView: View<entity.Rule> = {
  kind: 'rule',
  needs: ['guest', 'host', 'pool'],
  nameOf: ({ name }) => name,
  columns: [
    { title: 'NAME', text: ({ name }) => name },
    { title: 'KIND', text: ({ kind }) => kind },
    { title: 'GUESTS', text: ({ guestIds }, lookup) => guestIds.map((id) => lookup.nameOf('guest', id)).join(', ') },
    { title: 'HOSTS', text: ({ hostIds }, lookup) => orNothing(hostIds.map((id) => lookup.nameOf('host', id)).join(', ')) },
    { title: 'POOL', text: ({ poolId }, lookup) => lookup.nameOf('pool', poolId) },
    ...createdColumns<entity.Rule>(),
    idColumn(),
  ],
};

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
    { title: 'TOOK', text: ({ createdAt, endedAt }) => (endedAt === null ? nothing : duration(endedAt - createdAt)), right: true },
    { title: 'DOWNTIME', text: ({ downtimeMs }) => duration(downtimeMs), right: true },
    { title: 'GUEST SAW', text: ({ guestSeenDowntimeMs }) => duration(guestSeenDowntimeMs), right: true },
    { title: 'BEGAN', text: ({ createdAt }, { now }) => clock(createdAt, now) },
    { title: 'REASON', text: ({ reason, failure }) => orNothing(failure ?? reason) },
    { title: 'BY', text: ({ requestedBy }) => requestedBy, only: 'wide' },
    { title: 'EPOCH', text: ({ epoch }) => `${epoch}`, right: true, only: 'wide' },
    { title: 'FULL ID', text: ({ id }) => id, only: 'wide' },
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
    { title: 'FULL ID', text: ({ id }) => id, only: 'wide' },
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
    { title: 'PROJECTED', text: ({ projected }, lookup) => orNothing(projected.map((host) => projection(host, lookup)).join(', ')), only: 'wide' },
    { title: 'POOL', text: ({ poolId }, lookup) => lookup.nameOf('pool', poolId), only: 'wide' },
    { title: 'FULL ID', text: ({ id }) => id, only: 'wide' },
  ],
};

/** "h2 cpu 0.92→0.61, memory 512→384 MiB" */
function projection(host: entity.ProjectedHost, lookup: Lookup): string {
  const { hostId, cpuBefore, cpuAfter, memoryBeforeMiB, memoryAfterMiB } = host;
  const two = (value: number): string => String(Math.round(value * 100) / 100);
  return `${lookup.nameOf('host', hostId)} cpu ${two(cpuBefore)}→${two(cpuAfter)} memory ${two(memoryBeforeMiB)}→${two(memoryAfterMiB)} MiB`;
}

export const drillView: View<entity.Drill> = {
  kind: 'drill',
  needs: ['guest', 'host'],
  nameOf: ({ id }) => id,
  columns: [
    shortIdColumn(),
    { title: 'KIND', text: ({ kind }) => kind },
    { title: 'TARGET', text: ({ hostId, guestId }, lookup) => (guestId === null ? lookup.nameOf('host', hostId) : lookup.nameOf('guest', guestId)) },
    stateColumn(({ state }) => state),
    { title: 'VERDICT', text: ({ verdict }) => orNothing(verdict), colour: ({ verdict }) => (verdict ? colourOfState(verdict) : undefined) },
    { title: 'ALIVE AFTER', text: ({ phases }) => duration(phases.find(({ name }) => name === 'alive')?.measuredMs), right: true },
    { title: 'GUESTS', text: ({ outages }) => `${outages.length}`, right: true },
    { title: 'BEGAN', text: ({ createdAt }, { now }) => clock(createdAt, now) },
    { title: 'BY', text: ({ requestedBy }) => requestedBy },
    { title: 'EXPLANATION', text: ({ explanation }) => orNothing(explanation), only: 'wide' },
    { title: 'FULL ID', text: ({ id }) => id, only: 'wide' },
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

export const taskView: View<entity.Task> = {
  kind: 'task',
  needs: ['pool', 'host', 'guest', 'image'],
  nameOf: ({ id }) => id,
  columns: [
    shortIdColumn(),
    { title: 'NAME', text: ({ name }) => name },
    { title: 'SUBJECT', text: ({ subjectKind, subjectId }, lookup) => lookup.subject(subjectKind, subjectId) },
    stateColumn(({ state }) => state),
    { title: 'PROGRESS', text: ({ progressShare }) => (progressShare === null ? nothing : percent(progressShare)), right: true },
    { title: 'TOOK', text: ({ createdAt, endedAt }) => (endedAt === null ? nothing : duration(endedAt - createdAt)), right: true },
    { title: 'BEGAN', text: ({ createdAt }, { now }) => clock(createdAt, now) },
    { title: 'BY', text: ({ requestedBy }) => requestedBy },
    { title: 'RESULT', text: ({ result }) => orNothing(result) },
    { title: 'FULL ID', text: ({ id }) => id, only: 'wide' },
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

export const userView: View<entity.User> = {
  kind: 'user',
  needs: [],
  nameOf: ({ name }) => name,
  columns: [{ title: 'NAME', text: ({ name }) => name }, { title: 'ROLE', text: ({ role }) => role }, ...createdColumns<entity.User>(), idColumn()],
};

export const tokenView: View<TokenRow> = {
  kind: 'token',
  needs: [],
  nameOf: ({ id }) => id,
  columns: [
    shortIdColumn(),
    { title: 'BEGINS', text: ({ prefix }) => prefix },
    { title: 'DESCRIPTION', text: ({ description }) => orNothing(description) },
    { title: 'EXPIRES', text: ({ expiresAt }) => (expiresAt === null ? 'never' : exactTime(expiresAt)) },
    { title: 'USED', text: ({ lastUsedAt }, { now }) => (lastUsedAt === null ? 'never' : `${age(now - lastUsedAt)} ago`) },
    ...createdColumns<TokenRow>(),
    { title: 'USER ID', text: ({ userId }) => userId, only: 'wide' },
    { title: 'FULL ID', text: ({ id }) => id, only: 'wide' },
  ],
};

export const joinTokenView: View<JoinTokenRow> = {
  kind: 'join-token',
  needs: [],
  nameOf: ({ id }) => id,
  columns: [
    shortIdColumn(),
    { title: 'BEGINS', text: ({ prefix }) => prefix },
    { title: 'POOL', text: ({ poolName }) => poolName ?? 'any' },
    { title: 'FOR', text: ({ reusable }) => (reusable ? 'any number of hosts' : 'one host') },
    { title: 'EXPIRES', text: ({ expiresAt }) => (expiresAt === null ? 'never' : exactTime(expiresAt)) },
    { title: 'USED', text: ({ usedAt }, { now }) => (usedAt === null ? 'never' : `${age(now - usedAt)} ago`) },
    { title: 'DESCRIPTION', text: ({ description }) => orNothing(description) },
    ...createdColumns<JoinTokenRow>(),
    { title: 'FULL ID', text: ({ id }) => id, only: 'wide' },
  ],
};
