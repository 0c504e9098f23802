import type { RefusalCode } from '@argosy/domain/refusal';
import type { Cluster, ClusterRule } from './cluster';

/** Why a host does not take a guest. */
export interface Rejection {
  readonly hostId: string;
  readonly check: string;
  readonly code: RefusalCode;
  readonly reason: string;
}

type Check = (
  cluster: Cluster,
  guest: number,
  host: number,
) => { readonly code: RefusalCode; readonly reason: string } | null;

/** In this order: the first that fails is the one that is told. `fits` asks them all. */
export const checks: readonly { readonly name: string; readonly check: Check }[] = [
  { name: 'usable', check: usable },
  { name: 'datastore', check: datastore },
  { name: 'memory', check: memory },
  { name: 'reservation', check: reservation },
  { name: 'rules', check: rules },
];

function usable(cluster: Cluster, _guest: number, host: number): ReturnType<Check> {
  const { use, useReason } = cluster.hosts[host]!;
  if (use === 'usable') return null;
  return { code: use === 'evacuating' ? 'host-in-maintenance' : 'host-not-online', reason: useReason };
}

function datastore(cluster: Cluster, guest: number, host: number): ReturnType<Check> {
  const { id, missingDatastores } = cluster.hosts[host]!;
  for (const needed of cluster.guests[guest]!.datastores) {
    const missing = missingDatastores.get(needed.id);
    if (needed.hostId === null ? missing === undefined : needed.hostId === id && missing === undefined) continue;
    const owner = needed.hostId === null ? undefined : cluster.hosts[cluster.hostIndex.get(needed.hostId) ?? -1];
    const reason =
      missing ?? `it needs datastore ${needed.name}, which only ${owner?.name ?? 'a host of another pool'} reaches`;
    return { code: 'datastore-not-reached', reason };
  }
  return null;
}

function memory(cluster: Cluster, guest: number, host: number): ReturnType<Check> {
  const free = cluster.hosts[host]!.memoryMiB - cluster.memoryUsed[host]!;
  const wanted = cluster.guests[guest]!.memoryMiB;
  if (cluster.hostOf[guest] === host || wanted <= free) return null;
  return {
    code: 'not-enough-memory',
    reason: `needs ${wanted} MiB, ${Math.max(0, Math.floor(free))} MiB free: ${Math.ceil(wanted - free)} MiB short`,
  };
}

function reservation(cluster: Cluster, guest: number, host: number): ReturnType<Check> {
  const free = cluster.hosts[host]!.cpuMillicores - cluster.cpuReserved[host]!;
  const wanted = cluster.guests[guest]!.cpuReservationMillicores;
  if (cluster.hostOf[guest] === host || wanted <= free) return null;
  return {
    code: 'not-enough-cpu',
    reason: `reserves ${wanted} millicores, ${Math.max(0, Math.floor(free))} unreserved`,
  };
}

function rules(cluster: Cluster, guest: number, host: number): ReturnType<Check> {
  for (const rule of cluster.rulesOf[guest]!) {
    const reason = violation(cluster, rule, guest, host);
    if (reason !== null && !rule.kind.startsWith('should')) return { code: 'rule-violated', reason };
  }
  return null;
}

/** What the rule says against the guest on this host, where the others are; null: nothing. */
export function violation(cluster: Cluster, rule: ClusterRule, guest: number, host: number): string | null {
  const elsewhere = (other: number): boolean =>
    other !== guest && cluster.hostOf[other]! >= 0 && cluster.hostOf[other] !== host;
  const here = (other: number): boolean => other !== guest && cluster.hostOf[other] === host;
  const named = (other: number): string => cluster.guests[other]!.name;
  switch (rule.kind) {
    case 'apart': {
      const neighbour = rule.guests.find(here);
      return neighbour === undefined ? null : `rule ${rule.name} keeps it apart from ${named(neighbour)}`;
    }
    case 'together': {
      const partner = rule.guests.find(elsewhere);
      return partner === undefined
        ? null
        : `rule ${rule.name} keeps it together with ${named(partner)} on ${cluster.hosts[cluster.hostOf[partner]!]!.name}`;
    }
    case 'must-run-on':
    case 'should-run-on':
      return rule.hosts.has(host)
        ? null
        : `rule ${rule.name}: ${rule.kind.startsWith('must') ? 'must' : 'should'} run on other hosts`;
    case 'must-not-run-on':
    case 'should-not-run-on':
      return rule.hosts.has(host)
        ? `rule ${rule.name}: ${rule.kind.startsWith('must') ? 'must' : 'should'} not run on this host`
        : null;
  }
}

export function rejection(cluster: Cluster, guest: number, host: number): Rejection | null {
  for (const { name, check } of checks) {
    const failed = check(cluster, guest, host);
    if (failed) return { hostId: cluster.hosts[host]!.id, check: name, ...failed };
  }
  return null;
}

/** Rules broken by the guests where they are now, each with its guest: what balancing mends first. */
export function brokenRules(
  cluster: Cluster,
): readonly { readonly rule: ClusterRule; readonly guest: number; readonly reason: string }[] {
  return cluster.rules.flatMap((rule) =>
    rule.guests.flatMap((guest) => {
      const host = cluster.hostOf[guest]!;
      const reason = host < 0 ? null : violation(cluster, rule, guest, host);
      return reason === null ? [] : [{ rule, guest, reason }];
    }),
  );
}
