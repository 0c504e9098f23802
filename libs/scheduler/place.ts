import type { Cluster } from './cluster';
import { failedCheck, type Rejection, rejection } from './checks';
import { indexOf, type PlacementIndex, roomWeights } from './placement-index';
import { equalScores } from './room-tree';
import { breaks, namedHosts } from './rules';

export interface Chosen {
  readonly host: number;
  readonly hostId: string;
  readonly score: number;
  /** The named scores that made it, for the record. */
  readonly scores: Readonly<Record<string, number>>;
}

/** Who refused is listed when nobody took the guest, or when it was asked for. */
export type PlacementAnswer =
  | { readonly chosen: Chosen; readonly rejections: readonly Rejection[] }
  | { readonly chosen: null; readonly rejections: readonly Rejection[] };

/** spread: the host with the most room, as pools place. packing: the one on which the least is left, so that others stay empty. */
export type Objective = 'spread' | 'packing';

export interface PlacementOptions {
  readonly objective?: Objective;
  /** Left out without a word: the host that the guest is leaving. */
  readonly avoid?: number;
  readonly only?: number;
  /** Guests that are to follow it: a host with room for all of them. */
  readonly company?: readonly number[];
  /** The rejections are wanted, though a host was found. */
  readonly explain?: boolean;
}

interface Score {
  readonly name: string;
  readonly weight: number;
  /** 0 (poor) to 1 (good). */
  readonly score: (cluster: Cluster, guest: number, host: number) => number;
}

const byWish: Score = { name: 'wishes', weight: 4, score: wishes };

const scores: Readonly<Record<Objective, readonly Score[]>> = {
  spread: [
    byWish,
    { name: 'cpu-room', weight: roomWeights.cpuWeight, score: cpuRoom },
    { name: 'memory-room', weight: roomWeights.memoryWeight, score: memoryRoom },
  ],
  packing: [byWish, { name: 'tightness', weight: 3, score: tightness }],
};

/** The share of the guest's `should` rules that the host fulfils. */
function wishes(cluster: Cluster, guest: number, host: number): number {
  let wanted = 0;
  let fulfilled = 0;
  for (const rule of cluster.rulesOf[guest]!) {
    if (!rule.isWish) continue;
    wanted++;
    if (!breaks(cluster, rule, guest, host)) fulfilled++;
  }
  return wanted === 0 ? 1 : fulfilled / wanted;
}

function cpuRoom(cluster: Cluster, guest: number, host: number): number {
  const own = cluster.hostOf[guest] === host ? 0 : cluster.guestDemand[guest]!;
  return Math.max(0, 1 - (cluster.cpuDemand[host]! + own) / cluster.cpuCapacity[host]!);
}

function memoryRoom(cluster: Cluster, guest: number, host: number): number {
  const own = cluster.hostOf[guest] === host ? 0 : cluster.guestMemory[guest]!;
  return Math.max(0, 1 - (cluster.memoryUsed[host]! + own) / cluster.memoryCapacity[host]!);
}

/** 1: nothing would be left; 0: a host as large as the largest would be empty. */
function tightness(cluster: Cluster, guest: number, host: number): number {
  const { cpuUnit, memoryUnit } = indexOf(cluster).packing;
  const isHere = cluster.hostOf[guest] === host;
  const claim = isHere ? 0 : Math.max(cluster.guestDemand[guest]!, cluster.guestReservation[guest]!);
  const memory = isHere ? 0 : cluster.guestMemory[guest]!;
  const left =
    (cluster.cpuCapacity[host]! - cluster.cpuClaimed[host]! - claim) * cpuUnit +
    (cluster.memoryCapacity[host]! - cluster.memoryUsed[host]! - memory) * memoryUnit;
  return Math.min(1, Math.max(0, 1 - left / 2));
}

function totalScore(cluster: Cluster, guest: number, host: number, objective: Objective): number {
  let total = 0;
  for (const { weight, score } of scores[objective]) total += weight * score(cluster, guest, host);
  return total;
}

/**
 * Filter by the named checks, then rank by the named scores; equal scores go to the first host by order. Hosts are found
 * through the cluster's index; looked at one by one are only those that a rule or a datastore of the guest names.
 */
export function place(cluster: Cluster, guest: number, options: PlacementOptions = {}): PlacementAnswer {
  const { objective = 'spread', explain = false } = options;
  const host = chooseHost(cluster, guest, options);
  if (host < 0) return { chosen: null, rejections: rejectionsOf(cluster, guest, options) };
  const named: Record<string, number> = {};
  for (const { name, score } of scores[objective]) named[name] = Math.round(score(cluster, guest, host) * 1000) / 1000;
  const score = totalScore(cluster, guest, host, objective);
  return {
    chosen: { host, hostId: cluster.hosts[host]!.id, score, scores: named },
    rejections: explain ? rejectionsOf(cluster, guest, options, { recordedRejections, askedHosts }) : noRejections,
  };
}

const noRejections: readonly Rejection[] = [];
/** Beside a host that was found, so many that refused are enough for the record, and so many hosts to be asked for it. */
const recordedRejections = 100;
const askedHosts = 200;

const usualOptions: PlacementOptions = {};

/** As `place`, and nothing is allocated for the answer. -1: no host takes it. */
export function chooseHost(cluster: Cluster, guest: number, options: PlacementOptions = usualOptions): number {
  const { objective = 'spread', avoid = -1, only, company } = options;
  const index = indexOf(cluster);
  index.seek(guest, avoid, company);
  if (only !== undefined) return index.takes(only) && hasRoomForAll(cluster, only, index) ? only : -1;
  const few = cluster.guestBound[guest] === 1 ? namedHosts(cluster, guest) : null;
  if (few !== null) return bestOf(cluster, guest, few, index, objective);
  const found = index[objective].find(index);
  const named = index.named();
  const here = cluster.hostOf[guest]!;
  if (named === null && here < 0) return found;
  // Where it is now it needs no more room, which the index does not know.
  const others = new Set(named ?? []);
  if (here >= 0) others.add(here);
  if (found >= 0) others.add(found);
  return bestOf(cluster, guest, others, index, objective);
}

function bestOf(
  cluster: Cluster,
  guest: number,
  hosts: Iterable<number>,
  index: PlacementIndex,
  objective: Objective,
): number {
  let [best, most] = [-1, -Infinity];
  for (const host of hosts) {
    if (!index.takes(host) || !hasRoomForAll(cluster, host, index)) continue;
    if (objective === 'packing' && !canClaim(cluster, guest, host, index)) continue;
    const score = totalScore(cluster, guest, host, objective);
    if (score > most + equalScores || (score >= most - equalScores && host < best)) [best, most] = [host, score];
  }
  return best;
}

/** Packing fills a host up to its processors by what is asked for, not only by what is promised. */
function canClaim(cluster: Cluster, guest: number, host: number, { claimMillicores }: PlacementIndex): boolean {
  const free = cluster.cpuCapacity[host]! - cluster.cpuClaimed[host]!;
  return cluster.hostOf[guest] === host || claimMillicores <= free;
}

/** `takes` has looked at the guest itself; its company needs room as well. */
function hasRoomForAll(cluster: Cluster, host: number, index: PlacementIndex): boolean {
  return (
    !index.hasCompany ||
    (index.memoryMiB <= cluster.memoryCapacity[host]! - cluster.memoryUsed[host]! &&
      index.vcpus <= cluster.vcpuCapacity[host]! - cluster.vcpusUsed[host]! &&
      index.reservationMillicores <= cluster.cpuCapacity[host]! - cluster.cpuReserved[host]!)
  );
}

/** Of each host that does not take the guest, the first check that fails there. */
export function rejectionsOf(
  cluster: Cluster,
  guest: number,
  { avoid, only }: PlacementOptions,
  most = { recordedRejections: Infinity, askedHosts: Infinity },
): readonly Rejection[] {
  const rejections: Rejection[] = [];
  const end = Math.min(cluster.hosts.length, most.askedHosts);
  for (let host = 0; host < end && rejections.length < most.recordedRejections; host++) {
    if (host === avoid || (only !== undefined && host !== only)) continue;
    const failed = rejection(cluster, guest, host);
    if (failed) rejections.push(failed);
  }
  return rejections;
}

/** More hosts than that are counted by the check that failed. */
const explainedHosts = 20;

/** "h1: needs 128 MiB, 30 MiB free; h2: in maintenance": for messages. */
export function explainRejections(cluster: Cluster, rejections: readonly Rejection[]): string {
  if (rejections.length === 0) return 'the pool has no other host';
  const told = rejections
    .slice(0, explainedHosts)
    .map((each) => `${cluster.hosts[cluster.hostIndex.get(each.hostId)!]!.name}: ${each.reason}`);
  return [...told, ...counted(rejections.slice(explainedHosts).map(({ check }) => check))].join('; ');
}

/** As `explainRejections`, of a guest that nobody takes, without a list of all of them. */
export function explainRefusal(cluster: Cluster, guest: number, avoid: number): string {
  const told: Rejection[] = [];
  const others: string[] = [];
  for (let host = 0; host < cluster.hosts.length; host++) {
    const failed = host === avoid ? null : failedCheck(cluster, guest, host);
    if (failed === null) continue;
    if (told.length < explainedHosts) told.push(rejection(cluster, guest, host)!);
    else others.push(failed.name);
  }
  return [explainRejections(cluster, told), ...counted(others)].join('; ');
}

function counted(names: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([check, count]) => `${check} on ${count} more`);
}
