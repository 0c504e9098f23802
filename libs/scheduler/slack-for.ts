import type { Cluster } from './cluster';

/** How much a unit of each resource that may run out weighs, how much of it is free, and what guests take of it. */
export interface Weights {
  readonly cluster: Cluster;
  readonly units: readonly number[];
  readonly free: readonly ((host: number) => number)[];
  readonly sizes: readonly Float64Array[];
  /** Sizes are rounded up to multiples of these, so that few stand for all. */
  readonly steps: readonly number[];
}

export interface Where {
  /** Only on these hosts; left out or null: on all but those that are excluded. */
  readonly only?: readonly number[] | null;
  readonly excluded?: ReadonlySet<number>;
  /** Neither on so many others nor in so many failure domains, whichever they are: so those with the most slack. */
  readonly otherHosts: number;
  readonly otherDomains?: number;
}

/** Of more hosts than that, each counts as much as the last of them. */
const listed = 32;

/** What each host takes before a guest of some size fits there no more, in one weighing of the resources. */
export class SlackFor {
  /** By host. */
  readonly slack: Float64Array;
  private readonly total: number;
  private readonly largest: Float64Array;
  private largestDomains: Float64Array | null = null;

  constructor(
    private readonly weights: Weights,
    size: readonly number[],
  ) {
    const { cluster, units, free } = weights;
    this.slack = new Float64Array(cluster.hosts.length);
    let total = 0;
    for (let host = 0; host < this.slack.length; host++) {
      if (cluster.hosts[host]!.use !== 'usable') continue;
      let least = Infinity;
      for (let index = 0; index < units.length; index++)
        least = Math.min(least, units[index]! * (free[index]!(host) - size[index]!));
      this.slack[host] = Math.max(0, least);
      total += this.slack[host]!;
    }
    this.total = total;
    this.largest = largestOf(this.slack, listed);
  }

  /** For guests that go to a host together, or one; `known` has those that were asked for before. */
  static of(weights: Weights, guests: readonly number[], known: Map<string, SlackFor>): SlackFor {
    const size = weights.sizes.map((sizes, index) => {
      const asked = guests.reduce((sum, guest) => sum + sizes[guest]!, 0);
      return Math.ceil(asked / weights.steps[index]!) * weights.steps[index]!;
    });
    const key = size.join(' ');
    let found = known.get(key);
    if (found === undefined) known.set(key, (found = new SlackFor(weights, size)));
    return found;
  }

  /** The slack that is certain to be there for it. */
  of({ only = null, excluded = new Set(), otherHosts, otherDomains = 0 }: Where): number {
    const domains = otherDomains > 0 ? inLargest(this.domains(), otherDomains) : 0;
    if (only !== null) {
      const named = Float64Array.from(
        only.filter((host) => !excluded.has(host)),
        (host) => this.slack[host]!,
      ).sort();
      const left = named.subarray(0, Math.max(0, named.length - otherHosts));
      return Math.max(0, left.reduce((sum, each) => sum + each, 0) - domains);
    }
    let rest = this.total - inLargest(this.largest, otherHosts) - domains;
    for (const host of excluded) rest -= this.slack[host]!;
    return Math.max(0, rest);
  }

  private domains(): Float64Array {
    if (this.largestDomains !== null) return this.largestDomains;
    const sums = new Float64Array(this.slack.length);
    this.slack.forEach((slack, host) => (sums[this.weights.cluster.domainOf[host]!]! += slack));
    return (this.largestDomains = largestOf(sums, listed));
  }
}

/** The largest of them, in falling order. */
function largestOf(values: Float64Array, count: number): Float64Array {
  const largest = new Float64Array(count);
  for (const value of values) {
    if (value <= largest[count - 1]!) continue;
    let at = count - 1;
    for (; at > 0 && largest[at - 1]! < value; at--) largest[at] = largest[at - 1]!;
    largest[at] = value;
  }
  return largest;
}

/** At least what so many of them add up to. */
function inLargest(largest: Float64Array, count: number): number {
  let sum = 0;
  for (let index = 0; index < Math.min(count, largest.length); index++) sum += largest[index]!;
  return sum + Math.max(0, count - largest.length) * largest[largest.length - 1]!;
}
