import { machineParts } from '@argosy/domain/entities';
import type { RefusalCode } from '@argosy/domain/refusal';
import type { Cluster } from './cluster';
import { runsMachine } from './cluster-hosts';
import { breaks, violation } from './rules';

/** Why a host does not take a guest. */
export interface Rejection {
  readonly hostId: string;
  readonly check: string;
  readonly code: RefusalCode;
  readonly reason: string;
}

interface Check {
  readonly name: string;
  readonly passes: (cluster: Cluster, guest: number, host: number) => boolean;
  /** Of one that does not pass. */
  readonly explain: (cluster: Cluster, guest: number, host: number) => { code: RefusalCode; reason: string };
}

/** In this order: the first that fails is the one that is told. */
export const checks: readonly Check[] = [
  { name: 'usable', passes: isUsable, explain: notUsable },
  { name: 'compatibility', passes: isCompatible, explain: notCompatible },
  { name: 'datastore', passes: reachesDatastores, explain: datastoreMissing },
  { name: 'memory', passes: hasMemory, explain: memoryShort },
  { name: 'reservation', passes: canReserve, explain: reservationShort },
  { name: 'processors', passes: hasProcessors, explain: processorsShort },
  { name: 'rules', passes: keepsRules, explain: ruleBroken },
];

/** What `rejection` looks at, and nothing is allocated for the answer. The cheapest and likeliest to fail come first. */
export function fits(cluster: Cluster, guest: number, host: number): boolean {
  return (
    isUsable(cluster, guest, host) &&
    hasMemory(cluster, guest, host) &&
    canReserve(cluster, guest, host) &&
    (!cluster.countsVcpus || hasProcessors(cluster, guest, host)) &&
    (cluster.isUniform || isCompatible(cluster, guest, host)) &&
    (cluster.guestBound[guest] === 0 || (reachesDatastores(cluster, guest, host) && keepsRules(cluster, guest, host)))
  );
}

export function failedCheck(cluster: Cluster, guest: number, host: number): Check | null {
  for (const check of checks) if (!check.passes(cluster, guest, host)) return check;
  return null;
}

export function rejection(cluster: Cluster, guest: number, host: number): Rejection | null {
  const failed = failedCheck(cluster, guest, host);
  return failed
    ? { hostId: cluster.hosts[host]!.id, check: failed.name, ...failed.explain(cluster, guest, host) }
    : null;
}

function isUsable(cluster: Cluster, _guest: number, host: number): boolean {
  return cluster.useOf[host] === 0;
}

function notUsable(cluster: Cluster, _guest: number, host: number): { code: RefusalCode; reason: string } {
  const { use, useReason } = cluster.hosts[host]!;
  return { code: use === 'evacuating' ? 'host-in-maintenance' : 'host-not-online', reason: useReason };
}

/** A guest that starts needs a processor of its kind; one that runs, or goes on from a memory, needs the very machine of that. */
export function isCompatible(cluster: Cluster, guest: number, host: number): boolean {
  if (cluster.isUniform) return true;
  const { architecture, memoryMachine = null } = cluster.guests[guest]!;
  const { platform = null } = cluster.hosts[host]!;
  if (platform === null) return true;
  if (architecture !== undefined && !platform.guestArchitectures.includes(architecture)) return false;
  const from = cluster.hostOf[guest]!;
  if (from < 0 && memoryMachine !== null) return runsMachine(platform, memoryMachine);
  return from < 0 || cluster.platformOf[from]! < 0 || cluster.platformOf[from] === cluster.platformOf[host];
}

function notCompatible(cluster: Cluster, guest: number, host: number): { code: RefusalCode; reason: string } {
  const { architecture, memoryMachine = null } = cluster.guests[guest]!;
  const here = cluster.hosts[host]!.platform!;
  const code = 'incompatible-host';
  if (architecture !== undefined && !here.guestArchitectures.includes(architecture))
    return { code, reason: `its processor is ${architecture}, and ${here.guestArchitectures.join(', ')} is run here` };
  if (cluster.hostOf[guest]! < 0) {
    const other = machineParts.find((each) => memoryMachine![each] !== here[each])!;
    return {
      code,
      reason: `its memory was kept where the ${platformWords[other]} is ${memoryMachine![other]}, and here it is ${here[other]}: a memory goes on only on the same`,
    };
  }
  const source = cluster.hosts[cluster.hostOf[guest]!]!;
  const part = machineParts.find((each) => source.platform![each] !== here[each])!;
  return {
    code,
    reason: `its ${platformWords[part]} is ${source.platform![part]} on ${source.name} and ${here[part]} here, and a running guest cannot change it`,
  };
}

const platformWords = {
  driver: 'driver',
  accelerator: 'accelerator',
  machineType: 'machine type',
  cpuModel: 'CPU model',
};

export function reachesDatastores(cluster: Cluster, guest: number, host: number): boolean {
  const { datastores } = cluster.guests[guest]!;
  if (datastores.length === 0) return true;
  const { id, missingDatastores } = cluster.hosts[host]!;
  for (const needed of datastores) {
    if (needed.hostId !== null && needed.hostId !== id) return false;
    if (missingDatastores.has(needed.id)) return false;
  }
  return true;
}

function datastoreMissing(cluster: Cluster, guest: number, host: number): { code: RefusalCode; reason: string } {
  const { id, missingDatastores } = cluster.hosts[host]!;
  const needed = cluster.guests[guest]!.datastores.find(
    (each) => missingDatastores.has(each.id) || (each.hostId !== null && each.hostId !== id),
  )!;
  const owner = needed.hostId === null ? undefined : cluster.hosts[cluster.hostIndex.get(needed.hostId) ?? -1];
  const reason =
    missingDatastores.get(needed.id) ??
    `it needs datastore ${needed.name}, which only ${owner?.name ?? 'a host of another pool'} reaches`;
  return { code: 'datastore-not-reached', reason };
}

/** Where it is, or still is, it has its room. */
function holds(cluster: Cluster, guest: number, host: number): boolean {
  return cluster.hostOf[guest] === host || cluster.leaving[guest] === host;
}

function hasMemory(cluster: Cluster, guest: number, host: number): boolean {
  const free = cluster.memoryCapacity[host]! - cluster.memoryUsed[host]!;
  return cluster.guestMemory[guest]! <= free || holds(cluster, guest, host);
}

function memoryShort(cluster: Cluster, guest: number, host: number): { code: RefusalCode; reason: string } {
  const free = cluster.memoryCapacity[host]! - cluster.memoryUsed[host]!;
  const wanted = cluster.guestMemory[guest]!;
  const leaving = cluster.memoryLeaving[host]!;
  const soon = leaving > 0 ? ` (${leaving} MiB more when its leaving guests have left)` : '';
  return {
    code: 'not-enough-memory',
    reason: `needs ${wanted} MiB, ${Math.max(0, Math.floor(free))} MiB free: ${Math.ceil(wanted - free)} MiB short${soon}`,
  };
}

function canReserve(cluster: Cluster, guest: number, host: number): boolean {
  const free = cluster.cpuCapacity[host]! - cluster.cpuReserved[host]!;
  return cluster.guestReservation[guest]! <= free || holds(cluster, guest, host);
}

function reservationShort(cluster: Cluster, guest: number, host: number): { code: RefusalCode; reason: string } {
  const free = cluster.cpuCapacity[host]! - cluster.cpuReserved[host]!;
  return {
    code: 'not-enough-cpu',
    reason: `reserves ${cluster.guestReservation[guest]} millicores, ${Math.max(0, Math.floor(free))} unreserved`,
  };
}

function hasProcessors(cluster: Cluster, guest: number, host: number): boolean {
  const free = cluster.vcpuCapacity[host]! - cluster.vcpusUsed[host]!;
  return cluster.guestVcpus[guest]! <= free || holds(cluster, guest, host);
}

function processorsShort(cluster: Cluster, guest: number, host: number): { code: RefusalCode; reason: string } {
  const [most, used] = [cluster.vcpuCapacity[host]!, cluster.vcpusUsed[host]!];
  return {
    code: 'not-enough-cpu',
    reason: `has ${cluster.guestVcpus[guest]} virtual processors, and ${used} of the ${most} that the pool allows are there`,
  };
}

export function keepsRules(cluster: Cluster, guest: number, host: number): boolean {
  for (const rule of cluster.rulesOf[guest]!) if (!rule.isWish && breaks(cluster, rule, guest, host)) return false;
  return true;
}

function ruleBroken(cluster: Cluster, guest: number, host: number): { code: RefusalCode; reason: string } {
  const broken = cluster.rulesOf[guest]!.find((rule) => !rule.isWish && breaks(cluster, rule, guest, host))!;
  return { code: 'rule-violated', reason: violation(cluster, broken, guest, host)! };
}
