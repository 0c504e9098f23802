import { type MachineKind, machineParts } from '@argosy/domain/entities';
import type { GuestFigures, HostFigures, Platform } from './cluster';

// What a pool's hosts have in common: what fails as one, and what runs guests on the same.

export function domainsOf(hosts: readonly HostFigures[]): Int32Array {
  const named = new Map<string, number>();
  return Int32Array.from(hosts, ({ failureDomain = null }, index) => {
    if (failureDomain === null) return index;
    const domain = named.get(failureDomain) ?? index;
    named.set(failureDomain, domain);
    return domain;
  });
}

export function hostsByDomain(
  hosts: readonly HostFigures[],
  domainOf: Int32Array,
): ReadonlyMap<number, readonly number[]> {
  const hostsIn = new Map<number, number[]>();
  hosts.forEach(({ failureDomain = null }, host) => {
    if (failureDomain === null) return;
    const others = hostsIn.get(domainOf[host]!);
    if (others) others.push(host);
    else hostsIn.set(domainOf[host]!, [host]);
  });
  return hostsIn;
}

/** Clusters are built anew at each pass, and what hosts tell of themselves stays. */
const platformKeys = new WeakMap<Platform, string>();

function platformKey(platform: Platform): string {
  let key = platformKeys.get(platform);
  if (key === undefined) platformKeys.set(platform, (key = keyOf(platform)));
  return key;
}

function keyOf(machine: MachineKind): string {
  return machineParts.map((part) => machine[part]).join('\n');
}

/** A memory of such a machine goes on there; of a host of which nothing is known that is believed. */
export function runsMachine(platform: Platform | null | undefined, machine: MachineKind): boolean {
  return platform === null || platform === undefined || platformKey(platform) === keyOf(machine);
}

/** A host of which nothing is known is one by itself: -1, and takes and gives as any. */
export function platformsOf(hosts: readonly HostFigures[]): Int32Array {
  const known = new Map<string, number>();
  return Int32Array.from(hosts, ({ platform = null }) => {
    if (platform === null) return -1;
    const key = platformKey(platform);
    const number = known.get(key) ?? known.size;
    known.set(key, number);
    return number;
  });
}

export function isUniform(
  hosts: readonly HostFigures[],
  guests: readonly GuestFigures[],
  platformOf: Int32Array,
): boolean {
  const architectures = new Set(guests.flatMap(({ architecture }) => architecture ?? []));
  return (
    guests.every(({ memoryMachine }) => suitsAll(hosts, memoryMachine)) &&
    platformOf.every((platform) => platform === -1 || platform === platformOf[0]) &&
    hosts.every(({ platform = null }) =>
      [...architectures].every((each) => platform === null || platform.guestArchitectures.includes(each)),
    )
  );
}

/** None of the hosts is closed to a memory of that machine. */
export function suitsAll(hosts: readonly HostFigures[], machine: MachineKind | null | undefined): boolean {
  return machine === null || machine === undefined || hosts.every(({ platform }) => runsMachine(platform, machine));
}
