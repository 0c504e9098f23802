import type { Guest, Host, Rule } from './rows';

type RuleKind = Rule['kind'];

/** What each kind of rule asks for, in the words of a sentence that begins with guests. */
export const ruleSentences: Readonly<Record<RuleKind, string>> = {
  together: 'run on the same host',
  apart: 'run on different hosts',
  spread: 'are spread evenly over failure domains',
  near: 'run in the same failure domain, if they can',
  'must-run-on': 'must run on',
  'should-run-on': 'should run on',
  'must-not-run-on': 'must not run on',
  'should-not-run-on': 'should not run on',
};

export const isAboutGuests = (kind: RuleKind): boolean =>
  kind === 'together' || kind === 'apart' || kind === 'spread' || kind === 'near';

interface Fleet {
  readonly guests: ReadonlyMap<string, Guest>;
  readonly hosts: ReadonlyMap<string, Host>;
}

function groupsBy(guests: readonly Guest[], placeOf: (guest: Guest) => string): readonly Guest[][] {
  const groups = new Map<string, Guest[]>();
  for (const guest of guests) groups.set(placeOf(guest), [...(groups.get(placeOf(guest)) ?? []), guest]);
  return [...groups.values()];
}

/** The guests, by name, that are where the rule does not want them, as they are placed now. */
export function violators(rule: Rule, { guests, hosts }: Fleet): readonly string[] {
  const placed = rule.guestIds.flatMap((id) => {
    const guest = guests.get(id);
    return guest !== undefined && guest.hostId !== null ? [guest] : [];
  });
  const names = (some: readonly Guest[]) => some.map(({ name }) => name);
  const byHost = groupsBy(placed, ({ hostId }) => hostId!);
  switch (rule.kind) {
    case 'together':
      return byHost.length > 1 ? names(placed) : [];
    case 'apart':
      return names(byHost.filter((group) => group.length > 1).flat());
    case 'near':
      return groupsBy(placed, ({ hostId }) => domainOf(hosts.get(hostId!))).length > 1 ? names(placed) : [];
    case 'spread': {
      const domains = new Set([...hosts.values()].filter(({ poolId }) => poolId === rule.poolId).map(domainOf));
      const share = Math.ceil(placed.length / Math.max(1, domains.size));
      const groups = groupsBy(placed, ({ hostId }) => domainOf(hosts.get(hostId!)));
      return names(groups.filter((group) => group.length > share).flat());
    }
    case 'must-run-on':
    case 'should-run-on':
      return names(placed.filter(({ hostId }) => !rule.hostIds.includes(hostId!)));
    case 'must-not-run-on':
    case 'should-not-run-on':
      return names(placed.filter(({ hostId }) => rule.hostIds.includes(hostId!)));
  }
}

/** A host without a domain is one by itself. */
function domainOf(host: Host | undefined): string {
  return host?.failureDomain ?? `host ${host?.id ?? ''}`;
}
