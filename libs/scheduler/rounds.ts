import { type Cluster, move, setUse } from './cluster';
import { leastRounds, type MostAway } from './least-rounds';
import { Random } from './model/random';
import { chooseHost } from './place';
import { Effort, type IsLate, unhurried } from './effort';
import { ordinaryLooks, Repacker } from './repacking';
import { guestsOn } from './tolerance';

export interface RoundsOptions {
  /** Each of them is to be empty once; those that come first are tried first. */
  readonly hosts: readonly number[];
  /** Whether the hosts that are left, as the cluster then shows them, have room to spare beside what they hold. */
  readonly keepsRoom: (away: ReadonlySet<number>) => boolean;
  /** null: nothing is known of what it allows at most. */
  readonly mostAway: MostAway | null;
  /** From then on no better way is looked for than the first that was found. */
  readonly isLate?: IsLate;
}

export interface Rounds {
  /** Hosts that are empty at the same time. */
  readonly rounds: readonly (readonly number[])[];
  /** Those that cannot be emptied, not even alone. */
  readonly left: readonly number[];
  /** There is no way with fewer rounds than that: a bound shows it, or every way was looked at. */
  readonly least: number;
}

/** Of so many hosts every set is judged: a thousand of them. */
const mostHostsSearched = 10;
/** Of more, the first round that bears each is looked for in so many other orders, while there may be a better one. */
const otherOrders = 6;
/** Of so many hosts, for each order takes a second. */
const mostHostsReordered = 500;

/**
 * Takes every host away once, in few rounds: those of a round are away together, and their guests find places on the others by
 * every check. First each host joins the first round that bears it; if a bound does not show that this is as good as can be,
 * every other way is looked at in a small cluster, and some others in a large one. Each round is judged from where the
 * guests are now. The cluster is left as it was.
 */
export function fewestRounds(cluster: Cluster, options: RoundsOptions): Rounds {
  const { rounds, left } = inOrder(cluster, { ...options, isLate: unhurried }, options.hosts);
  const movable = options.hosts.filter((host) => !left.includes(host));
  const least = leastRounds(cluster, movable, options.mostAway);
  if (rounds.length <= least) return { rounds, left, least };
  if (movable.length > mostHostsSearched)
    return { rounds: inOtherOrders(cluster, options, rounds, least), left, least };
  const { rounds: fewest, isExact } = new RoundSearch(cluster, movable, options).least();
  const best = fewest.length < rounds.length ? fewest : rounds;
  return { rounds: best, left, least: isExact ? best.length : least };
}

function inOrder(
  cluster: Cluster,
  { keepsRoom, isLate = unhurried }: RoundsOptions,
  hosts: readonly number[],
): { readonly rounds: readonly number[][]; readonly left: readonly number[] } {
  const rounds: number[][] = [];
  let left = hosts;
  while (left.length > 0 && !isLate()) {
    const round = fullRound(cluster, left, keepsRoom);
    if (round.length === 0) break;
    rounds.push(round);
    left = left.filter((host) => !round.includes(host));
  }
  return { rounds, left };
}

/** The hardest first, as bins are packed well, and then by chance. */
function inOtherOrders(
  cluster: Cluster,
  options: RoundsOptions,
  known: readonly number[][],
  least: number,
): readonly number[][] {
  let best = known;
  const movable = known.flat();
  if (movable.length > mostHostsReordered) return best;
  const random = new Random(movable.length);
  const { memoryCapacity } = cluster;
  const order = [...movable].sort(
    (a, b) => memoryCapacity[b]! - memoryCapacity[a]! || movable.indexOf(b) - movable.indexOf(a),
  );
  for (let count = 0; count < otherOrders && best.length > least; count++) {
    const { rounds } = inOrder(cluster, options, order);
    if (options.isLate?.()) return best;
    if (rounds.length < best.length && rounds.flat().length === movable.length) best = rounds;
    for (let index = order.length - 1; index > 0; index--) {
      const other = random.below(index + 1);
      [order[index], order[other]] = [order[other]!, order[index]!];
    }
  }
  return best;
}

/** Whether those hosts may be away together: their guests, the largest first, each where most room is, or packed by a search. */
export function canBeAway(
  cluster: Cluster,
  hosts: readonly number[],
  keepsRoom: RoundsOptions['keepsRoom'],
  effort = new Effort(ordinaryLooks),
): boolean {
  const departure = new Departure(cluster);
  for (const host of hosts) setUse(cluster, host, 'evacuating');
  const guests = hosts.flatMap((host) => guestsOn(cluster, host));
  const isAway = departure.takes(guests) || packs(cluster, departure, guests, effort);
  const answer = isAway && keepsRoom(new Set(hosts));
  departure.undo();
  for (const host of hosts) setUse(cluster, host, cluster.hosts[host]!.use);
  return answer;
}

/** The search takes guests for new ones, that any machine may start: so it is asked only where all machines are alike. */
function packs(cluster: Cluster, departure: Departure, guests: readonly number[], effort: Effort): boolean {
  if (!cluster.isUniform) return false;
  for (const guest of guests) departure.move(guest, -1);
  const repacker = new Repacker(cluster, effort);
  if (repacker.fit(guests) !== 'fit') return false;
  for (const [guest, host] of repacker.places) departure.move(guest, host);
  return true;
}

/** As many of the hosts as can be away together, each joining those before it. */
function fullRound(cluster: Cluster, hosts: readonly number[], keepsRoom: RoundsOptions['keepsRoom']): number[] {
  const away = new Set<number>();
  const departures: Departure[] = [];
  for (const host of hosts) {
    const departure = new Departure(cluster);
    setUse(cluster, host, 'evacuating');
    away.add(host);
    if (departure.takes(guestsOn(cluster, host)) && keepsRoom(away)) {
      departures.push(departure);
      continue;
    }
    departure.undo();
    away.delete(host);
    setUse(cluster, host, cluster.hosts[host]!.use);
  }
  // One whose guests do not find places each by itself may still go alone, if they are packed.
  const alone = away.size > 0 ? undefined : hosts.find((host) => canBeAway(cluster, [host], keepsRoom));
  for (const departure of departures.reverse()) departure.undo();
  for (const host of away) setUse(cluster, host, cluster.hosts[host]!.use);
  return alone === undefined ? [...away] : [alone];
}

/** Moves in thought, which can be taken back. */
class Departure {
  private readonly before: [guest: number, host: number][] = [];

  constructor(private readonly cluster: Cluster) {}

  move(guest: number, host: number): void {
    this.before.push([guest, this.cluster.hostOf[guest]!]);
    move(this.cluster, guest, host);
  }

  /** Each guest goes where most room is, as an evacuation has it. */
  takes(guests: readonly number[]): boolean {
    const { guestMemory } = this.cluster;
    for (const guest of [...guests].sort((a, b) => guestMemory[b]! - guestMemory[a]! || a - b)) {
      const host = chooseHost(this.cluster, guest, { avoid: this.cluster.hostOf[guest]! });
      if (host < 0) return false;
      this.move(guest, host);
    }
    return true;
  }

  undo(): void {
    for (const [guest, host] of this.before.reverse()) move(this.cluster, guest, host);
    this.before.length = 0;
  }
}

/** Sets of hosts are numbers, with a bit for each host. */
class RoundSearch {
  private readonly effort: Effort;
  private readonly keepsRoom: RoundsOptions['keepsRoom'];
  private readonly mayBeAway: Uint8Array;

  constructor(
    private readonly cluster: Cluster,
    private readonly hosts: readonly number[],
    { keepsRoom, isLate }: RoundsOptions,
  ) {
    this.effort = new Effort(ordinaryLooks, isLate);
    this.keepsRoom = keepsRoom;
    this.mayBeAway = new Uint8Array(1 << hosts.length);
    for (let set = 1; set < this.mayBeAway.length; set++) this.mayBeAway[set] = this.judge(set) ? 1 : 0;
  }

  /** A set is too much if a part of it is. */
  private judge(set: number): boolean {
    if ((set & (set - 1)) !== 0)
      for (let bit = 0; bit < this.hosts.length; bit++)
        if ((set & (1 << bit)) !== 0 && this.mayBeAway[set & ~(1 << bit)] === 0) return false;
    return canBeAway(this.cluster, this.membersOf(set), this.keepsRoom, this.effort);
  }

  private membersOf(set: number): number[] {
    return this.hosts.filter((_, bit) => (set & (1 << bit)) !== 0);
  }

  /** By set: the fewest rounds that take all of it, and the first of these, which takes the first host of the set. */
  least(): { readonly rounds: number[][]; readonly isExact: boolean } {
    const { mayBeAway } = this;
    const fewest = new Uint8Array(mayBeAway.length);
    const first = new Uint16Array(mayBeAway.length);
    for (let set = 1; set < mayBeAway.length; set++) {
      const lowest = set & -set;
      fewest[set] = 255;
      for (let part = set; part > 0; part = (part - 1) & set) {
        if ((part & lowest) === 0 || mayBeAway[part] === 0 || fewest[set & ~part]! + 1 >= fewest[set]!) continue;
        fewest[set] = fewest[set & ~part]! + 1;
        first[set] = part;
      }
    }
    const rounds: number[][] = [];
    for (let set = mayBeAway.length - 1; set > 0; set &= ~first[set]!) rounds.push(this.membersOf(first[set]!));
    return { rounds, isExact: !this.effort.isSpent };
  }
}
