import type { GuestView } from '@argosy/contracts/responses';
import type { RouteResponse } from '@argosy/contracts/routes';
import type * as entity from '@argosy/domain/entities';
import type { Datastore, Image, Snapshot } from '@argosy/domain/storage';
import type { FenceDevice } from '@argosy/domain/fence-device';
import type { HostUsage } from '@argosy/contracts/responses';
import { mebibyte } from '@argosy/domain/units';
import type { Lookup } from '../lookup';
import { createdColumns, idColumn, orNothing, stateColumn } from './columns';
import { age, ageOf, bytes, cpu, duration, exactTime, memory, nothing, percent, rate } from './units';
import type { View } from './view';

/** "10432, 0.3s ago": the guest's own counter, and whether it still counts. */
function heartbeat(guest: GuestView, lookup: Lookup): string {
  const seen = lookup.observation(guest)?.heartbeat;
  if (!seen || guest.hostId === null) return nothing;
  const silentMs = Math.max(0, lookup.now - seen.at);
  return `${seen.count}, ${silentMs < 10_000 ? `${(silentMs / 1000).toFixed(1)}s` : age(silentMs)} ago`;
}

export const guestView: View<GuestView> = {
  kind: 'guest',
  needs: ['host', 'pool', 'image', 'datastore', 'usage'],
  nameOf: ({ name }) => name,
  columns: [
    { title: 'NAME', text: ({ name }) => name },
    stateColumn(({ state, isTemplate }) => (isTemplate ? 'template' : state)),
    { title: 'HOST', text: ({ hostId }, lookup) => lookup.nameOf('host', hostId) },
    { title: 'ADDRESS', text: ({ address }) => address },
    { title: 'EPOCH', text: ({ epoch }) => `${epoch}`, right: true },
    { title: 'MEMORY', text: ({ memoryMiB }) => memory(memoryMiB), right: true },
    { title: 'CPU', text: (guest, lookup) => cpu(lookup.observation(guest)?.usage?.cpuMillicores), right: true },
    {
      title: 'DEMAND',
      text: (guest, lookup) => cpu(lookup.observation(guest)?.usage?.cpuDemandMillicores),
      right: true,
    },
    {
      title: 'UPTIME',
      text: (guest, lookup) => ageOf(lookup.observation(guest)?.heartbeat?.firstAt ?? null, lookup.now),
      right: true,
    },
    { title: 'HEARTBEAT', text: heartbeat },
    { title: 'POOL', text: ({ poolId }, lookup) => lookup.nameOf('pool', poolId), only: 'wide' },
    { title: 'IMAGE', text: ({ imageId }, lookup) => lookup.nameOf('image', imageId), only: 'wide' },
    { title: 'DESIRED', text: ({ desired }) => desired, only: 'wide' },
    { title: 'VCPUS', text: ({ vcpus }) => `${vcpus}`, right: true, only: 'wide' },
    {
      title: 'RESERVED',
      text: ({ cpuReservationMillicores }) => cpu(cpuReservationMillicores),
      right: true,
      only: 'wide',
    },
    { title: 'LIMIT', text: ({ cpuLimitMillicores }) => cpu(cpuLimitMillicores), right: true, only: 'wide' },
    { title: 'SHARES', text: ({ cpuShares }) => `${cpuShares}`, right: true, only: 'wide' },
    { title: 'PRIORITY', text: ({ restartPriority }) => restartPriority, only: 'wide' },
    { title: 'DISPLAY', text: ({ display }) => display, only: 'wide' },
    { title: 'RESIDENT', text: (guest, lookup) => residentOf(guest, lookup), right: true, only: 'wide' },
    { title: 'DISK', text: ({ diskMiB }) => memory(diskMiB), right: true, only: 'wide' },
    {
      title: 'DISK USED',
      text: (guest, lookup) => {
        const used = lookup.observation(guest)?.usage?.diskBytes;
        return typeof used === 'number' ? bytes(used) : nothing;
      },
      right: true,
      only: 'wide',
    },
    { title: 'DATASTORE', text: ({ datastoreId }, lookup) => lookup.nameOf('datastore', datastoreId), only: 'wide' },
    { title: 'AGE', text: ({ createdAt }, { now }) => age(now - createdAt), only: 'wide' },
    { title: 'CLONED FROM', text: ({ clonedFrom }) => orNothing(clonedFrom ?? ''), only: 'detail' },
    { title: 'BASES', text: ({ basePaths }) => orNothing(basePaths.join(', ')), only: 'detail' },
    { title: 'MAC', text: ({ macAddress }) => macAddress, only: 'detail' },
    { title: 'MOVED', text: ({ movedAt }) => exactTime(movedAt), only: 'detail' },
    { title: 'RETRY', text: ({ retryAt }) => exactTime(retryAt), only: 'detail' },
    {
      title: 'CLOUD-INIT',
      text: ({ cloudInitBytes }) => (cloudInitBytes === null ? nothing : bytes(cloudInitBytes)),
      only: 'detail',
    },
    { title: 'CREATED', text: ({ createdAt }) => exactTime(createdAt), only: 'detail' },
    idColumn(),
    { title: 'REASON', text: ({ stateReason }) => orNothing(stateReason), only: 'wide' },
  ],
};

/** One guest, with what is asked of the leader for it alone. */
export const shownGuestView: View<GuestView & { readonly processors: RouteResponse<'guest.processors'> }> = {
  ...guestView,
  columns: [
    ...guestView.columns,
    {
      title: 'ENTITLED TO',
      text: ({ processors }) =>
        processors.usedMillicores === null
          ? nothing
          : `${cpu(processors.entitlementMillicores)} of ${cpu(processors.demandMillicores)} asked for`,
      only: 'detail',
    },
    {
      title: 'MET',
      text: ({ processors }) => (processors.metShare === null ? nothing : percent(processors.metShare)),
      only: 'detail',
    },
  ],
};

function residentOf(guest: GuestView, lookup: Lookup): string {
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
    stateColumn(
      ({ maintenance, standby }) => (standby === 'none' ? maintenance : `standby: ${standby}`),
      'MAINTENANCE',
    ),
    { title: 'GUESTS', text: ({ id }, lookup) => `${guestsOn(id, lookup).length}`, right: true },
    { title: 'CPU', text: ({ capacity }) => cpu(capacity.cpuMillicores), right: true },
    {
      title: 'USED',
      text: ({ id, capacity }, { usages }) => hostShare(usages.get(id), capacity.cpuMillicores),
      right: true,
    },
    { title: 'MEMORY', text: ({ capacity }) => memory(capacity.memoryMiB), right: true },
    {
      title: 'PROMISED',
      text: ({ id, capacity }, lookup) => share(promisedMiB(id, lookup), capacity.memoryMiB),
      right: true,
    },
    { title: 'HEARD', text: ({ id }, { usages, now }) => heard(usages.get(id), now) },
    {
      title: 'VMM',
      text: ({ capabilities }) =>
        capabilities ? `${capabilities.driver} ${capabilities.version} (${capabilities.accelerator})` : nothing,
    },
    { title: 'POOL', text: ({ poolId }, lookup) => lookup.nameOf('pool', poolId), only: 'wide' },
    { title: 'INCARNATION', text: ({ incarnation }) => `${incarnation}`, right: true, only: 'wide' },
    { title: 'PEER', text: ({ peerAddress }) => orNothing(peerAddress), only: 'wide' },
    {
      title: 'HEALTH',
      text: ({ degraded, quarantined }) => (quarantined ? 'quarantined' : (degraded?.reason ?? 'well')),
      only: 'wide',
    },
    { title: 'DOMAIN', text: ({ failureDomain }) => orNothing(failureDomain), only: 'wide' },
    {
      title: 'FENCE',
      text: ({ fenceDevices }) => orNothing(fenceDevices.map(({ name }) => name).join(', ')),
      only: 'wide',
    },
    { title: 'QUEUE', text: ({ queue }) => orNothing(queue), only: 'detail' },
    { title: 'CREATED', text: ({ createdAt }) => exactTime(createdAt), only: 'detail' },
    idColumn(),
    { title: 'REASON', text: ({ stateReason }) => orNothing(stateReason), only: 'wide' },
  ],
};

export const fenceDeviceView: View<FenceDevice & { readonly order: number }> = {
  kind: 'fence-device',
  needs: [],
  nameOf: ({ name }) => name,
  columns: [
    { title: 'ORDER', text: ({ order }) => `${order}`, right: true },
    { title: 'NAME', text: ({ name }) => name },
    { title: 'KIND', text: ({ kind }) => kind },
    { title: 'ADDRESS', text: ({ address }) => address },
    {
      title: 'OPTIONS',
      text: ({ options, secretNames }) =>
        orNothing(
          [
            ...Object.entries(options).map(([key, value]) => `${key}=${value}`),
            ...secretNames.map((name) => `${name}=(secret)`),
          ].join(' '),
        ),
    },
    { title: 'DEADLINE', text: ({ deadlineMs }) => duration(deadlineMs), right: true },
    { title: 'SET BY', text: ({ setBy }) => setBy },
  ],
};

export function guestsOn(hostId: string, { guests }: Lookup): GuestView[] {
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
    {
      title: 'HOSTS',
      text: ({ id }, { hosts }) => `${[...hosts.values()].filter(({ poolId }) => poolId === id).length}`,
      right: true,
    },
    {
      title: 'GUESTS',
      text: ({ id }, { guests }) => `${[...guests.values()].filter(({ poolId }) => poolId === id).length}`,
      right: true,
    },
    { title: 'AUTOMATION', text: ({ balance }) => balance.automation },
    { title: 'THRESHOLD', text: ({ balance }) => `${balance.threshold}`, right: true },
    {
      title: 'KEEPS ROOM FOR',
      text: ({ failure }) =>
        `${failure.toleratedHostFailures} host${failure.toleratedHostFailures === 1 ? '' : 's'} lost`,
    },
    { title: 'SUBNET', text: ({ network }) => network.subnet },
    { title: 'ISOLATION', text: ({ isolationResponse }) => isolationResponse },
    ...createdColumns<entity.Pool>(),
    { title: 'BALANCE EVERY', text: ({ balance }) => duration(balance.intervalMs), only: 'wide' },
    { title: 'COOL-DOWN', text: ({ balance }) => duration(balance.coolDownMs), only: 'wide' },
    {
      title: 'OVER-COMMIT',
      text: ({ balance }) =>
        `memory ${balance.memoryRatio}, processors ${balance.vcpuRatio === 0 ? 'without limit' : balance.vcpuRatio}`,
      only: 'detail',
    },
    { title: 'CPU SAFETY', text: ({ balance }) => percent(balance.cpuSafetyShare), only: 'detail' },
    { title: 'AUTO-CONVERGE', text: ({ migration }) => `${migration.autoConverge}`, only: 'detail' },
    { title: 'ENCRYPTED', text: ({ migration }) => `${migration.encrypted}`, only: 'detail' },
    { title: 'POST-COPY', text: ({ migration }) => `${migration.postCopy}`, only: 'detail' },
    { title: 'BANDWIDTH', text: ({ migration }) => rate(migration.bandwidthMiBPerSecond * mebibyte), only: 'detail' },
    { title: 'DOWNTIME LIMIT', text: ({ migration }) => duration(migration.downtimeLimitMs), only: 'detail' },
    { title: 'COPY DEADLINE', text: ({ migration }) => duration(migration.copyDeadlineMs), only: 'detail' },
    { title: 'MIGRATIONS', text: ({ migration }) => `${migration.concurrentPerHost} at once per host`, only: 'detail' },
    { title: 'SUSPECT AFTER', text: ({ failure }) => duration(failure.suspectAfterMs), only: 'detail' },
    { title: 'FAILED AFTER', text: ({ failure }) => duration(failure.failedAfterMs), only: 'wide' },
    { title: 'DATASTORE SILENT', text: ({ failure }) => duration(failure.datastoreSilentAfterMs), only: 'detail' },
    {
      title: 'POWER SAVING',
      text: ({ power }) =>
        power.automation === 'off'
          ? 'off'
          : `${power.automation}, off below ${percent(power.offShare)} for ${duration(power.lowForMs)}, on above ${percent(power.onShare)}`,
      only: 'detail',
    },
    { title: 'GATEWAY', text: ({ network }) => orNothing(network.gateway), only: 'detail' },
    { title: 'MOST SILENT', text: ({ failure }) => `${failure.maximumSilentHosts}`, only: 'detail' },
    idColumn(),
  ],
};

export const poolDetailView: View<entity.Pool & { readonly lossTolerance: entity.LossTolerance }> = {
  ...poolView,
  columns: [...poolView.columns, { title: 'LOSSES', text: ({ lossTolerance }) => lossTolerance.explanation }],
};

export const imageView: View<Image> = {
  kind: 'image',
  needs: ['guest', 'datastore'],
  nameOf: ({ name }) => name,
  columns: [
    { title: 'NAME', text: ({ name }) => name },
    { title: 'FORMAT', text: ({ format }) => format },
    { title: 'FIRMWARE', text: ({ firmware }) => firmware },
    { title: 'ARCHITECTURE', text: ({ architecture }) => architecture },
    { title: 'LEAST MEMORY', text: ({ minimumMemoryMiB }) => memory(minimumMemoryMiB), right: true },
    {
      title: 'GUESTS',
      text: ({ id }, { guests }) => `${[...guests.values()].filter(({ imageId }) => imageId === id).length}`,
      right: true,
    },
    ...createdColumns<Image>(),
    { title: 'FILE', text: ({ diskPath, kernelPath }) => orNothing(diskPath ?? kernelPath), only: 'wide' },
    { title: 'INITRD', text: ({ initrdPath }) => orNothing(initrdPath), only: 'detail' },
    { title: 'ARGUMENTS', text: ({ kernelArguments }) => orNothing(kernelArguments), only: 'detail' },
    { title: 'DATASTORE', text: ({ datastoreId }, lookup) => lookup.nameOf('datastore', datastoreId), only: 'wide' },
    idColumn(),
  ],
};

export const datastoreView: View<Datastore> = {
  kind: 'datastore',
  needs: ['host', 'guest'],
  nameOf: ({ name }) => name,
  columns: [
    { title: 'NAME', text: ({ name }) => name },
    { title: 'HOST', text: ({ shared, hostId }, lookup) => (shared ? 'all' : lookup.nameOf('host', hostId)) },
    { title: 'SIZE', text: ({ use }) => (use ? bytes(use.totalBytes) : nothing), right: true },
    { title: 'FREE', text: ({ use }) => (use ? bytes(use.freeBytes) : nothing), right: true },
    { title: 'USED', text: ({ use }) => (use ? percent(1 - use.freeBytes / use.totalBytes) : nothing), right: true },
    { title: 'GROWTH', text: growth, right: true },
    { title: 'PROMISED', text: ({ id }, lookup) => memory(promisedDiskMiB(id, lookup)), right: true },
    { title: 'GUESTS', text: ({ id }, lookup) => `${guestsOf(id, lookup).length}`, right: true },
    { title: 'PATH', text: ({ path }) => path },
    { title: 'ALARM AT', text: ({ alarmUsedShare }) => percent(alarmUsedShare), right: true, only: 'wide' },
    { title: 'MEASURED', text: ({ use }, { now }) => ageOf(use?.at ?? null, now), only: 'wide' },
    ...createdColumns<Datastore>(),
    idColumn(),
  ],
};

function guestsOf(datastoreId: string, { guests }: Lookup): GuestView[] {
  return [...guests.values()].filter((guest) => guest.datastoreId === datastoreId);
}
/** Disks are thin: what they could grow to is more than what they take. */
function promisedDiskMiB(datastoreId: string, lookup: Lookup): number {
  return guestsOf(datastoreId, lookup)
    .filter(({ isTemplate }) => !isTemplate)
    .reduce((sum, { diskMiB }) => sum + diskMiB, 0);
}
function growth({ use }: Datastore): string {
  const perSecond = use?.growthBytesPerSecond ?? null;
  if (perSecond === null) return nothing;
  return perSecond < 0 ? `-${rate(-perSecond)}` : rate(perSecond);
}

export const snapshotView: View<Snapshot> = {
  kind: 'snapshot',
  needs: ['guest'],
  nameOf: ({ name }) => name,
  columns: [
    { title: 'NAME', text: ({ name }) => name },
    stateColumn(({ state }) => state),
    { title: 'GUEST', text: ({ guestId }, lookup) => lookup.nameOf('guest', guestId) },
    {
      title: 'MEMORY',
      text: ({ memoryPath, memoryBytes }) =>
        memoryPath === null ? 'no' : memoryBytes === null ? 'yes' : bytes(memoryBytes),
      right: true,
    },
    { title: 'STOOD STILL', text: ({ pauseMs }) => duration(pauseMs), right: true },
    ...createdColumns<Snapshot>(),
    idColumn(),
  ],
};

export const guestHostView: View<RouteResponse<'guest.hosts'>['items'][number]> = {
  kind: 'host',
  needs: [],
  nameOf: ({ hostName }) => hostName,
  columns: [
    { title: 'HOST', text: ({ hostName }) => hostName },
    {
      title: 'TAKES IT',
      text: ({ isCurrent, isBest, rejection }) =>
        isCurrent ? 'is there' : rejection !== null ? 'no' : isBest ? 'yes, the best' : 'yes',
    },
    { title: 'BECAUSE', text: ({ rejection }) => orNothing(rejection?.reason ?? '') },
  ],
};

export const guestDatastoreView: View<RouteResponse<'guest.datastores'>['items'][number]> = {
  kind: 'datastore',
  needs: [],
  nameOf: ({ datastoreName }) => datastoreName,
  columns: [
    { title: 'DATASTORE', text: ({ datastoreName }) => datastoreName },
    {
      title: 'TAKES IT',
      text: ({ isCurrent, refusal }) => (isCurrent ? 'is there' : refusal === null ? 'yes' : 'no'),
    },
    { title: 'BECAUSE', text: ({ refusal }) => orNothing(refusal?.message ?? '') },
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
    {
      title: 'HOSTS',
      text: ({ hostIds }, lookup) => orNothing(hostIds.map((id) => lookup.nameOf('host', id)).join(', ')),
    },
    { title: 'POOL', text: ({ poolId }, lookup) => lookup.nameOf('pool', poolId) },
    ...createdColumns<entity.Rule>(),
    idColumn(),
  ],
};
