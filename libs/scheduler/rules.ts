import type { Cluster, ClusterRule } from './cluster';

/** Whether the guest on this host would be against the rule, where the others are. */
export function breaks(cluster: Cluster, rule: ClusterRule, guest: number, host: number): boolean {
  switch (rule.kind) {
    case 'apart':
      return neighbour(cluster, rule, guest, host) >= 0;
    case 'spread':
      return othersInDomain(cluster, rule, guest, host) >= mostInDomain(cluster, rule);
    case 'together':
      return isAwayFromPartners(cluster, rule, guest, host);
    case 'near':
      return isFarFromOthers(cluster, rule, guest, host);
    case 'must-run-on':
    case 'should-run-on':
      return !rule.hosts.has(host);
    case 'must-not-run-on':
    case 'should-not-run-on':
      return rule.hosts.has(host);
  }
}

/** What the rule says against the guest on this host, where the others are; null: nothing. */
export function violation(cluster: Cluster, rule: ClusterRule, guest: number, host: number): string | null {
  if (!breaks(cluster, rule, guest, host)) return null;
  const named = (other: number): string => cluster.guests[other]!.name;
  const modal = rule.isWish ? 'should' : 'must';
  switch (rule.kind) {
    case 'apart':
      return `rule ${rule.name} keeps it apart from ${named(neighbour(cluster, rule, guest, host))}`;
    case 'spread': {
      const { name, failureDomain } = cluster.hosts[host]!;
      const domain = failureDomain ?? name;
      return `rule ${rule.name} spreads it: ${othersInDomain(cluster, rule, guest, host)} others are in ${domain}, and ${mostInDomain(cluster, rule)} of them belong in one failure domain at most`;
    }
    case 'together': {
      const partner = awayPartner(cluster, rule, guest, host);
      return `rule ${rule.name} keeps it together with ${named(partner)} on ${cluster.hosts[cluster.hostOf[partner]!]!.name}`;
    }
    case 'near':
      return `rule ${rule.name} would rather have it in the failure domain of the others`;
    case 'must-run-on':
    case 'should-run-on':
      return `rule ${rule.name}: ${modal} run on other hosts`;
    case 'must-not-run-on':
    case 'should-not-run-on':
      return `rule ${rule.name}: ${modal} not run on this host`;
  }
}

/** The first other guest of the rule that is there, or still is; -1: none. */
function neighbour(cluster: Cluster, rule: ClusterRule, guest: number, host: number): number {
  for (const other of rule.guests)
    if (other !== guest && (cluster.hostOf[other] === host || cluster.leaving[other] === host)) return other;
  return -1;
}

/** As many of the rule's guests as must share a failure domain, were they all running: so it depends on nobody's start or stop. */
function mostInDomain(cluster: Cluster, rule: ClusterRule): number {
  return Math.ceil(rule.guests.length / Math.max(1, cluster.domains.usable));
}

function othersInDomain(cluster: Cluster, rule: ClusterRule, guest: number, host: number): number {
  const { domainOf, hostOf, leaving } = cluster;
  const domain = domainOf[host]!;
  let count = 0;
  for (const other of rule.guests) {
    if (other === guest) continue;
    const at = hostOf[other]!;
    const from = leaving[other]!;
    if ((at >= 0 && domainOf[at] === domain) || (from >= 0 && domainOf[from] === domain)) count++;
  }
  return count;
}

/** A partner on a host that is being emptied has to go elsewhere itself, and ties nobody to where it is. */
function ties(cluster: Cluster, guest: number, other: number): boolean {
  const at = cluster.hostOf[other]!;
  return other !== guest && at >= 0 && cluster.useOf[at] !== 1;
}

function partnersOn(cluster: Cluster, rule: ClusterRule, guest: number, host: number): number {
  let count = 0;
  for (const other of rule.guests) if (cluster.hostOf[other] === host && ties(cluster, guest, other)) count++;
  return count;
}

/**
 * It belongs where most of its partners are: so a group that has come apart (by a rule made later, by a failure) comes
 * together one by one, and none goes away from the others.
 */
function isAwayFromPartners(cluster: Cluster, rule: ClusterRule, guest: number, host: number): boolean {
  let [here, elsewhere, first, isOneHost] = [0, 0, -1, true];
  for (const other of rule.guests) {
    if (!ties(cluster, guest, other)) continue;
    const at = cluster.hostOf[other]!;
    if (at === host) here++;
    else {
      elsewhere++;
      if (first < 0) first = at;
      else if (first !== at) isOneHost = false;
    }
  }
  if (elsewhere === 0) return false;
  if (here === 0) return true;
  const most = isOneHost ? elsewhere : mostPartners(cluster, rule, guest);
  return here < most;
}

/** More of the others are in another failure domain than in the host's. */
function isFarFromOthers(cluster: Cluster, rule: ClusterRule, guest: number, host: number): boolean {
  const here = partnersInDomain(cluster, rule, guest, host);
  for (const other of rule.guests) {
    if (!ties(cluster, guest, other)) continue;
    if (partnersInDomain(cluster, rule, guest, cluster.hostOf[other]!) > here) return true;
  }
  return false;
}

function partnersInDomain(cluster: Cluster, rule: ClusterRule, guest: number, host: number): number {
  const domain = cluster.domainOf[host];
  let count = 0;
  for (const other of rule.guests)
    if (ties(cluster, guest, other) && cluster.domainOf[cluster.hostOf[other]!] === domain) count++;
  return count;
}

/** The hosts that a wish of the guest tells from others: to go to, or to leave alone. */
export function hostsOfWish(cluster: Cluster, rule: ClusterRule, guest: number): Iterable<number> {
  if (rule.kind !== 'near') return rule.hosts;
  const hosts = new Set<number>();
  for (const other of rule.guests) {
    if (!ties(cluster, guest, other)) continue;
    const at = cluster.hostOf[other]!;
    for (const host of cluster.hostsIn.get(cluster.domainOf[at]!) ?? [at]) hosts.add(host);
  }
  return hosts;
}

function mostPartners(cluster: Cluster, rule: ClusterRule, guest: number): number {
  let most = 0;
  for (const other of rule.guests)
    if (ties(cluster, guest, other)) most = Math.max(most, partnersOn(cluster, rule, guest, cluster.hostOf[other]!));
  return most;
}

function awayPartner(cluster: Cluster, rule: ClusterRule, guest: number, host: number): number {
  const away = rule.guests.filter((other) => ties(cluster, guest, other) && cluster.hostOf[other] !== host);
  const most = Math.max(...away.map((other) => partnersOn(cluster, rule, guest, cluster.hostOf[other]!)));
  return away.find((other) => partnersOn(cluster, rule, guest, cluster.hostOf[other]!) === most)!;
}

/** The only hosts that the guest's rules and datastores leave it, or null: they name none. What is here need not be free to take it. */
export function namedHosts(cluster: Cluster, guest: number): Iterable<number> | null {
  const { datastores } = cluster.guests[guest]!;
  const owner = datastores.length > 0 ? datastores.find(({ hostId }) => hostId !== null) : undefined;
  if (owner) return [cluster.hostIndex.get(owner.hostId!) ?? -1].filter((host) => host >= 0);
  let fewest: ReadonlySet<number> | null = null;
  for (const rule of cluster.rulesOf[guest]!) {
    if (rule.kind === 'must-run-on' && (fewest === null || rule.hosts.size < fewest.size)) fewest = rule.hosts;
    if (rule.kind !== 'together') continue;
    const partners = rule.guests.filter((other) => ties(cluster, guest, other));
    if (partners.length > 0) return new Set(partners.map((other) => cluster.hostOf[other]!));
  }
  return fewest;
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
