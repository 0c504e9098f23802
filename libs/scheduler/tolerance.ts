import { type Cluster, move, setUse } from './cluster';
import { Effort, type IsLate } from './effort';
import { namedByAnyone, ordinaryLooks, Repacker } from './repacking';
import { Slack } from './slack';

/** Hosts whose loss leaves guests down, and which those are. */
export interface LossWitness {
  readonly hosts: readonly number[];
  readonly guests: readonly number[];
}

export interface Tolerance {
  /** Whichever so many hosts are lost at once, all their guests find places beside the others, where those are: proved. */
  readonly proved: number;
  /** The fewest losses that are known not to be tolerated. null: none is known, of as many as were asked about. */
  readonly witness: LossWitness | null;
  /** Nothing is left open between the two. */
  readonly isExact: boolean;
  /** Guests that rules or datastores leave none of the hosts that so many losses spare: no room would help, and none is asked for. */
  readonly unprotected: readonly number[];
}

export interface ToleranceOptions {
  readonly losses: number;
  /** Guests that are not to be restarted anywhere. */
  readonly without?: ReadonlySet<number>;
  /** How many times a host is looked at for a guest before the answer is left open: some ten million a second. */
  readonly looks?: number;
  /** From then on it is left open as well. */
  readonly isLate?: IsLate;
}

/**
 * How many hosts the cluster can lose. Every set of so many is looked at, of hosts that are alike one for all, and the hardest
 * first; but where a bound shows that no set from here on can be too much, none of them is. Each that is left is decided by
 * packing its guests on the others. The cluster is left as it was.
 */
export function tolerance(cluster: Cluster, options: ToleranceOptions): Tolerance {
  const search = new LossSearch(cluster, options);
  let proved = 0;
  let isOpen = false;
  for (let losses = 1; losses <= options.losses; losses++) {
    const answer = search.of(losses);
    if (answer === 'open') isOpen = true;
    else if (answer !== 'tolerated')
      return { proved, witness: answer, isExact: !isOpen, unprotected: search.unprotected() };
    else if (!isOpen) proved = losses;
    if (isOpen && search.isSpent) break;
  }
  return { proved, witness: null, isExact: !isOpen, unprotected: search.unprotected() };
}

class LossSearch {
  private readonly effort: Effort;
  private readonly slack: Slack;
  private readonly noOtherHost = new Set<number>();
  /** What the bound alone does not decide needs more, which is made then. */
  private work: { readonly repacker: Repacker; readonly kindOf: ReadonlyMap<number, string> } | null = null;
  /** Hosts that can be lost, the hardest first, those that are alike one after another. */
  private hosts: readonly number[] = [];

  constructor(
    private readonly cluster: Cluster,
    private readonly options: ToleranceOptions,
  ) {
    this.effort = new Effort(options.looks ?? ordinaryLooks, options.isLate);
    this.slack = new Slack(cluster, (guest) => this.counts(guest));
  }

  get isSpent(): boolean {
    return this.effort.isSpent;
  }

  unprotected(): readonly number[] {
    return [...this.noOtherHost].sort((a, b) => a - b);
  }

  of(losses: number): LossWitness | 'tolerated' | 'open' {
    const running = this.cluster.hosts.flatMap(({ use }, host) => (use === 'unusable' ? [] : [host]));
    if (losses > running.length) return 'tolerated';
    if (this.effort.glance()) return 'open';
    this.slack.ask(losses);
    if (this.slack.coversAny()) return 'tolerated';
    this.work ??= {
      repacker: new Repacker(this.cluster, this.effort),
      kindOf: kindsOf(this.cluster, running),
    };
    const { kindOf } = this.work;
    const hardness = new Map(running.map((host) => [host, this.slack.hardness(host)]));
    this.hosts = [...running].sort(
      (a, b) => hardness.get(b)! - hardness.get(a)! || compare(kindOf.get(a)!, kindOf.get(b)!) || a - b,
    );
    this.slack.order(this.hosts);
    return this.choose([], 0, losses);
  }

  private counts(guest: number): boolean {
    return this.options.without?.has(guest) !== true;
  }

  private choose(chosen: readonly number[], from: number, missing: number): LossWitness | 'tolerated' | 'open' {
    if (missing === 0) {
      this.effort.spend(1);
      return this.slack.covers(chosen, 0, 0) ? 'tolerated' : this.judge(chosen);
    }
    const { hosts } = this;
    const { kindOf } = this.work!;
    let answer: 'tolerated' | 'open' = 'tolerated';
    for (let index = from; index + missing <= hosts.length; index++) {
      if (this.slack.covers(chosen, index, missing)) break;
      const host = hosts[index]!;
      // Of hosts that are alike the first are lost for all of them.
      const twin = index > from ? hosts[index - 1]! : -1;
      if (twin >= 0 && kindOf.get(twin) === kindOf.get(host)) continue;
      if (this.effort.isSpent) return 'open';
      const below = this.choose([...chosen, host], index + 1, missing - 1);
      if (below === 'open') answer = 'open';
      else if (below !== 'tolerated') return below;
    }
    return answer;
  }

  /** The hosts are lost in thought. */
  private judge(lost: readonly number[]): LossWitness | 'tolerated' | 'open' {
    const { cluster } = this;
    const { repacker } = this.work!;
    const homeless = lost.flatMap((host) => guestsOn(cluster, host).map((guest) => ({ guest, host })));
    for (const { guest } of homeless) move(cluster, guest, -1);
    for (const host of lost) setUse(cluster, host, 'unusable');
    const restarted = homeless.map(({ guest }) => guest).filter((guest) => this.counts(guest));
    const hopeless = new Set(repacker.withoutAnyHost(restarted));
    for (const guest of hopeless) this.noOtherHost.add(guest);
    const guests = restarted.filter((guest) => !hopeless.has(guest));
    const answer = repacker.fit(guests);
    const down = answer === 'do-not-fit' ? repacker.leftOver(guests) : [];
    for (const host of lost) setUse(cluster, host, cluster.hosts[host]!.use);
    for (const { guest, host } of homeless.reverse()) move(cluster, guest, host);
    if (answer === 'do-not-fit') return { hosts: lost, guests: down };
    return answer === 'fit' ? 'tolerated' : 'open';
  }
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

export function guestsOn(cluster: Cluster, host: number): number[] {
  const guests: number[] = [];
  for (let guest = cluster.firstGuestOn[host]!; guest >= 0; guest = cluster.nextGuest[guest]!) guests.push(guest);
  return guests;
}

/** Two hosts of a kind can stand for each other: the same room, guests of the same sizes, and nothing that names either. */
function kindsOf(cluster: Cluster, hosts: readonly number[]): ReadonlyMap<number, string> {
  const named = namedByAnyone(cluster);
  return new Map(
    hosts.map((host) => {
      const guests = guestsOn(cluster, host);
      if (named[host] === 1 || guests.some((guest) => cluster.guestBound[guest] === 1)) return [host, `${host}`];
      const sizes = guests
        .map(
          (guest) =>
            `${cluster.guestMemory[guest]}/${cluster.guestReservation[guest]}/${cluster.guests[guest]!.architecture}/${cluster.guestVcpus[guest]}`,
        )
        .sort();
      const room = [
        cluster.memoryCapacity[host],
        cluster.cpuCapacity[host],
        cluster.memoryUsed[host],
        cluster.cpuReserved[host],
        cluster.platformOf[host],
        cluster.vcpuCapacity[host],
        cluster.vcpusUsed[host],
      ];
      return [host, `${cluster.useOf[host]} ${room.join(' ')}: ${sizes.join(' ')}`];
    }),
  );
}
