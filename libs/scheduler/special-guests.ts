import type { Cluster, ClusterRule } from './cluster';

/** What rules, datastores and machine leave a guest, or a group that stays together: one of few that the ordinary bound does not fit. */
export interface SpecialGuest {
  readonly host: number;
  readonly guests: readonly number[];
  /** Only these may take it; null: all but those that are excluded. */
  readonly only: readonly number[] | null;
  readonly excluded: ReadonlySet<number>;
  /** So many other hosts at most do not take it, whichever these turn out to be, and none of so many failure domains. */
  readonly otherHosts: number;
  readonly otherDomains: number;
}

/** What keeps a guest from hosts: from which, or from how many. */
interface Limits {
  only: readonly number[] | null;
  readonly excluded: Set<number>;
  otherHosts: number;
  otherDomains: number;
  readonly groups: Set<ClusterRule>;
}

/** Reads for guests what keeps them from hosts; what many of them share is found once. */
export class SpecialGuests {
  private readonly hostsWithout = new Map<string, readonly number[]>();
  private readonly missing = new Map<string, number[]>();

  constructor(private readonly cluster: Cluster) {
    cluster.hosts.forEach(({ missingDatastores }, host) => {
      for (const id of missingDatastores.keys()) {
        const hosts = this.missing.get(id);
        if (hosts) hosts.push(host);
        else this.missing.set(id, [host]);
      }
    });
  }

  /**
   * From how many hosts at most that guest is kept, whichever these are. Infinity: it is no case for such a number, as one that stays with
   * others.
   */
  keptFrom(guest: number): number {
    if (this.cluster.guestBound[guest] === 0 && this.cluster.isUniform) return 0;
    const limits = this.limitsOf(guest);
    if (limits === null || limits.otherDomains > 0 || limits.groups.size > 0) return Infinity;
    const notNamed = limits.only === null ? 0 : this.cluster.hosts.length - limits.only.length;
    return notNamed + limits.excluded.size + limits.otherHosts;
  }

  /** null: what keeps it, or those that stay with it, from hosts cannot be said beforehand. */
  read(guest: number, counts: (guest: number) => boolean): SpecialGuest | null {
    const { cluster } = this;
    const host = cluster.hostOf[guest]!;
    const own = this.limitsOf(guest);
    if (own === null || own.groups.size > 1) return null;
    const [group] = own.groups;
    if (group === undefined) return { host, guests: [guest], ...own };
    const guests = group.guests.filter((each) => each === guest || cluster.hostOf[each]! >= 0);
    if (guests.some((each) => cluster.hostOf[each] !== host || cluster.leaving[each]! >= 0)) return null;
    if (guests.some((each) => isAgainst(cluster, each, guests))) return null;
    const all: Limits = { only: null, excluded: new Set(), otherHosts: 0, otherDomains: 0, groups: own.groups };
    for (const each of guests) {
      const limits = this.limitsOf(each);
      if (limits === null || limits.groups.size > 1) return null;
      all.only = bothOf(all.only, limits.only);
      for (const out of limits.excluded) all.excluded.add(out);
      all.otherHosts += limits.otherHosts;
      all.otherDomains += limits.otherDomains;
    }
    return { host, guests: guests.filter(counts), ...all };
  }

  private limitsOf(guest: number): Limits | null {
    const { cluster } = this;
    const { datastores, architecture, memoryMachine = null } = cluster.guests[guest]!;
    // What its memory goes on on depends on more than there is to be seen here.
    if (memoryMachine !== null || datastores.some(({ hostId }) => hostId !== null)) return null;
    const limits: Limits = { only: null, excluded: new Set(), otherHosts: 0, otherDomains: 0, groups: new Set() };
    for (const { id } of datastores) for (const host of this.missing.get(id) ?? []) limits.excluded.add(host);
    if (architecture !== undefined && !cluster.isUniform)
      for (const host of this.withoutArchitecture(architecture)) limits.excluded.add(host);
    for (const rule of cluster.rulesOf[guest]!) obey(cluster, limits, rule, guest);
    return limits;
  }

  private withoutArchitecture(architecture: string): readonly number[] {
    let hosts = this.hostsWithout.get(architecture);
    if (hosts === undefined) {
      hosts = this.cluster.hosts.flatMap(({ platform = null }, host) =>
        platform !== null && !platform.guestArchitectures.includes(architecture) ? [host] : [],
      );
      this.hostsWithout.set(architecture, hosts);
    }
    return hosts;
  }
}

/** A rule keeps it away from others that it is to stay with. */
function isAgainst(cluster: Cluster, guest: number, others: readonly number[]): boolean {
  return cluster.rulesOf[guest]!.some(
    ({ kind, guests }) =>
      (kind === 'apart' || kind === 'spread') && others.some((other) => other !== guest && guests.includes(other)),
  );
}

function obey(cluster: Cluster, limits: Limits, rule: ClusterRule, guest: number): void {
  // Another guest is where it is and, on its way, where it was.
  const places = (): number =>
    rule.guests.reduce((sum, other) => sum + (other === guest ? 0 : cluster.leaving[other]! >= 0 ? 2 : 1), 0);
  switch (rule.kind) {
    case 'apart':
      limits.otherHosts += places();
      return;
    case 'spread':
      limits.otherDomains += places();
      return;
    case 'must-run-on':
      limits.only = bothOf(limits.only, [...rule.hosts]);
      return;
    case 'must-not-run-on':
      for (const host of rule.hosts) limits.excluded.add(host);
      return;
    case 'together':
      if (rule.guests.length > 1) limits.groups.add(rule);
      return;
    case 'near':
    case 'should-run-on':
    case 'should-not-run-on':
      return;
  }
}

function bothOf(one: readonly number[] | null, other: readonly number[] | null): readonly number[] | null {
  if (one === null || other === null) return one ?? other;
  const allowed = new Set(other);
  return one.filter((host) => allowed.has(host));
}
