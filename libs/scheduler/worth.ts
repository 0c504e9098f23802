import type { Cluster } from './cluster';
import { breaks } from './rules';

/** What makes one move better than another; the rest of a balancing's options says how far it goes. */
export interface WorthOptions {
  /** What guests are entitled to above this share of a host's processors is not met well. */
  readonly cpuSafetyShare: number;
  /** Over this time a move's gain must be worth more than its cost. */
  readonly horizonMs: number;
  readonly bandwidthMiBPerSecond: number;
}

/** What copying takes of the two hosts while it lasts, and what the guest loses by being copied. */
const copyMillicores = 200;
const slowdownShare = 0.2;
/** A fulfilled wish is worth as much as this much relief. */
const wishMillicores = 30;
/** Evening out where nothing is unmet leaves room for the next rise: so much of the smaller gap counts. */
export const eveningShare = 0.1;
/** A host that is asked for less than this share of its safety level has that room already: demand may double. */
const idleShare = 0.5;

/**
 * In millicores: demand that is met after the move and was not before, evening, and wishes. 0: the move is no good. A move
 * that leaves more demand unmet than before is none, whatever else it does. Demand is what guests are entitled to of it.
 */
export function worthOf(cluster: Cluster, guest: number, host: number, options: WorthOptions): number {
  const relief = reliefOf(cluster, guest, host, options);
  if (relief < 0) return 0;
  return Math.max(0, relief + evenness(cluster, guest, host, options) + wishWorth(cluster, guest, host));
}

export function reliefOf(cluster: Cluster, guest: number, host: number, options: WorthOptions): number {
  const from = cluster.hostOf[guest]!;
  const demand = cluster.guestEntitlement[guest]!;
  return (
    unmet(cluster, from, 0, options) +
    unmet(cluster, host, 0, options) -
    unmet(cluster, from, -demand, options) -
    unmet(cluster, host, demand, options)
  );
}

function unmet(cluster: Cluster, host: number, change: number, { cpuSafetyShare }: WorthOptions): number {
  return Math.max(0, cluster.cpuEntitled[host]! + change - cpuSafetyShare * cluster.cpuCapacity[host]!);
}

/** The demand above the safety level. */
export function overloadOf(cluster: Cluster, host: number, options: WorthOptions): number {
  return unmet(cluster, host, 0, options);
}

/** Only a move that leaves the giver above the taker counts as evening: so none is ever undone by its opposite. */
function evenness(cluster: Cluster, guest: number, host: number, { cpuSafetyShare }: WorthOptions): number {
  const from = cluster.hostOf[guest]!;
  const demand = cluster.guestEntitlement[guest]!;
  const given = cluster.cpuCapacity[from]!;
  const taken = cluster.cpuCapacity[host]!;
  if (cluster.cpuEntitled[from]! < idleShare * cpuSafetyShare * given) return 0;
  const after = (cluster.cpuEntitled[from]! - demand) / given - (cluster.cpuEntitled[host]! + demand) / taken;
  return after < 0 ? 0 : eveningShare * (demand / given + demand / taken) * Math.min(given, taken);
}

export function wishWorth(cluster: Cluster, guest: number, host: number): number {
  return wishMillicores * (wishesBroken(cluster, guest, cluster.hostOf[guest]!) - wishesBroken(cluster, guest, host));
}

export function wishesBroken(cluster: Cluster, guest: number, host: number): number {
  let broken = 0;
  for (const rule of cluster.rulesOf[guest]!) if (rule.isWish && breaks(cluster, rule, guest, host)) broken++;
  return broken;
}

/** What can be said of a guest's moves before any host is looked at. */
export interface Prospect {
  demandMillicores: number;
  /** What its host is relieved of when it leaves. */
  reliefMillicores: number;
  wishesBroken: number;
  cost: number;
}

/** On no host a move is worth more than that. */
export function mostWorth(demand: number, relief: number, broken: number): number {
  return relief + mostEvening(demand) + wishMillicores * broken;
}

/** Reached between hosts of one size. */
export function mostEvening(demand: number): number {
  return 2 * eveningShare * demand;
}

/** The same, on hosts of a kind (the fewest and the most processors of any of them). */
export function mostWorthOn(given: number, [fewest, most]: readonly [number, number], prospect: Prospect): number {
  const nearest = Math.min(Math.max(given, fewest), most);
  const demand = prospect.demandMillicores;
  const evening = eveningShare * (demand / given + demand / nearest) * Math.min(given, nearest);
  return prospect.reliefMillicores + evening + wishMillicores * prospect.wishesBroken;
}

/** A host of which a smaller share is left with the guest is of no use to it, neither by relief nor by evening. */
export function leastRoomFor(
  cluster: Cluster,
  from: number,
  fewest: number,
  options: WorthOptions,
  { demandMillicores, reliefMillicores, wishesBroken: wishes }: Prospect,
): number {
  const evening = 1 - (cluster.cpuEntitled[from]! - demandMillicores) / cluster.cpuCapacity[from]!;
  if (reliefMillicores <= 0 && wishes === 0) return evening;
  // From one overloaded host to another nothing is lost, and a wish is won.
  if (wishes > 0 && reliefMillicores >= demandMillicores) return -Infinity;
  return Math.min(evening, 1 - options.cpuSafetyShare - reliefMillicores / fewest);
}

/** Worth that lasts over the horizon, in millicore-seconds. */
export function gainOf(worth: number, { horizonMs }: WorthOptions): number {
  return (worth * horizonMs) / 1000;
}

/** Pre-copy sends memory once and what is dirtied meanwhile again: memory / (bandwidth − dirty rate), as Clark et al. 2005 have it. */
export function moveCost(cluster: Cluster, guest: number, { bandwidthMiBPerSecond }: WorthOptions): number {
  const left = bandwidthMiBPerSecond - cluster.guestDirtyMiBPerSecond[guest]!;
  const seconds = cluster.guestMemory[guest]! / Math.max(left, bandwidthMiBPerSecond / 10);
  return seconds * (2 * copyMillicores + slowdownShare * cluster.guestEntitlement[guest]!);
}

/** The share of the giving host's processors that the move is worth, as vSphere's stars: 2 is strong, 5 slight. */
export function priorityOf(cluster: Cluster, guest: number, worth: number): number {
  const share = worth / cluster.cpuCapacity[cluster.hostOf[guest]!]!;
  if (share >= 0.2) return 2;
  if (share >= 0.08) return 3;
  return share >= 0.03 ? 4 : 5;
}

/** Sums of parts differ from their whole by less. */
const roundingMillicores = 0.01;

/** Its guests are not entitled to all that they ask for: the pool has too little. */
function isCut({ cpuEntitled, cpuDemand }: Cluster, host: number): boolean {
  return cpuEntitled[host]! < cpuDemand[host]! - roundingMillicores;
}

export function reasonOf(cluster: Cluster, guest: number, host: number, options: WorthOptions): string {
  const from = cluster.hostOf[guest]!;
  const [giver, taker] = [cluster.hosts[from]!.name, cluster.hosts[host]!.name];
  const relief = reliefOf(cluster, guest, host, options);
  const isShort = isCut(cluster, from) || isCut(cluster, host);
  if (relief > 0 && isShort)
    return `the guests of ${giver} are entitled to ${percent(cluster, from)} of its processors, and ${cluster.guests[guest]!.name} to ${Math.round(cluster.guestEntitlement[guest]!)} of the ${Math.round(cluster.guestDemand[guest]!)} millicores that it asks for; on ${taker} ${Math.round(relief)} millicores more of that are met`;
  if (relief > 0)
    return `${giver} is asked for ${percent(cluster, from)} of its processors; on ${taker} ${Math.round(relief)} millicores more of the demand are met`;
  if (wishWorth(cluster, guest, host) > 0) return `a rule would rather have it on ${taker}`;
  if (isShort)
    return `the guests of ${giver} are entitled to ${percent(cluster, from)} of its processors, those of ${taker} to ${percent(cluster, host)}: more even, each gets nearer to its shares`;
  return `${giver} is at ${percent(cluster, from)}, ${taker} at ${percent(cluster, host)}: more even, there is room for the next rise`;
}

/** Of one of several moves that are worth their cost only with the others. */
export function reasonTogether(cluster: Cluster, others: readonly number[], reliefMillicores: number): string {
  const names = others.map((guest) => cluster.guests[guest]!.name).join(', ');
  const gain =
    reliefMillicores > 0
      ? `${Math.round(reliefMillicores)} millicores more of the demand are met`
      : 'the hosts are more even, and there is room for the next rise';
  return `together with what moves for it (${names}), ${gain}; by itself it is not worth it`;
}

function percent(cluster: Cluster, host: number): string {
  return `${Math.round((100 * cluster.cpuEntitled[host]!) / cluster.cpuCapacity[host]!)} %`;
}
