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

/** What of two hosts has to be the same for a running guest to move between them. */
export const platformParts = ['driver', 'accelerator', 'machineType', 'cpuModel'] as const;

/** Clusters are built anew at each pass, and what hosts tell of themselves stays. */
const platformKeys = new WeakMap<Platform, string>();

function platformKey(platform: Platform): string {
  let key = platformKeys.get(platform);
  if (key === undefined) platformKeys.set(platform, (key = platformParts.map((part) => platform[part]).join('\n')));
  return key;
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
    platformOf.every((platform) => platform === -1 || platform === platformOf[0]) &&
    hosts.every(({ platform = null }) =>
      [...architectures].every((each) => platform === null || platform.guestArchitectures.includes(each)),
    )
  );
}
