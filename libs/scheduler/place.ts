import type { Cluster } from './cluster';
import { type Rejection, rejection, violation } from './checks';

export interface Chosen {
  readonly host: number;
  readonly hostId: string;
  readonly score: number;
  /** The named scores that made it, for the record. */
  readonly scores: Readonly<Record<string, number>>;
}

export type PlacementAnswer =
  | { readonly chosen: Chosen; readonly rejections: readonly Rejection[] }
  | { readonly chosen: null; readonly rejections: readonly Rejection[] };

/** Each gives 0 (poor) to 1 (good). */
const scores: readonly {
  readonly name: string;
  readonly weight: number;
  readonly score: (cluster: Cluster, guest: number, host: number) => number;
}[] = [
  { name: 'wishes', weight: 4, score: wishes },
  { name: 'cpu-room', weight: 2, score: cpuRoom },
  { name: 'memory-room', weight: 1, score: memoryRoom },
];

/** The share of the guest's `should` rules that the host fulfils. */
function wishes(cluster: Cluster, guest: number, host: number): number {
  const wanted = cluster.rulesOf[guest]!.filter((rule) => rule.kind.startsWith('should'));
  if (wanted.length === 0) return 1;
  return wanted.filter((rule) => violation(cluster, rule, guest, host) === null).length / wanted.length;
}

function cpuRoom(cluster: Cluster, guest: number, host: number): number {
  const own = cluster.hostOf[guest] === host ? 0 : cluster.guests[guest]!.cpuDemandMillicores;
  return Math.max(0, 1 - (cluster.cpuDemand[host]! + own) / cluster.hosts[host]!.cpuMillicores);
}

function memoryRoom(cluster: Cluster, guest: number, host: number): number {
  const own = cluster.hostOf[guest] === host ? 0 : cluster.guests[guest]!.memoryMiB;
  return Math.max(0, 1 - (cluster.memoryUsed[host]! + own) / cluster.hosts[host]!.memoryMiB);
}

/**
 * Filter by the named checks, then rank by the named scores; equal scores go to the first host by order. `avoid` is left
 * out without a word (the host that a guest is leaving).
 */
export function place(
  cluster: Cluster,
  guest: number,
  options: { readonly avoid?: number; readonly only?: number } = {},
): PlacementAnswer {
  const rejections: Rejection[] = [];
  let best: Chosen | null = null;
  for (let host = 0; host < cluster.hosts.length; host++) {
    if (host === options.avoid || (options.only !== undefined && host !== options.only)) continue;
    const failed = rejection(cluster, guest, host);
    if (failed) {
      rejections.push(failed);
      continue;
    }
    const named: Record<string, number> = {};
    let total = 0;
    for (const { name, weight, score } of scores) {
      const value = score(cluster, guest, host);
      named[name] = Math.round(value * 1000) / 1000;
      total += weight * value;
    }
    if (best === null || total > best.score + 1e-9)
      best = { host, hostId: cluster.hosts[host]!.id, score: total, scores: named };
  }
  return { chosen: best, rejections };
}

/** "h1: needs 128 MiB, 30 MiB free; h2: in maintenance": for messages. */
export function explainRejections(cluster: Cluster, rejections: readonly Rejection[]): string {
  if (rejections.length === 0) return 'the pool has no other host';
  return rejections
    .map((each) => `${cluster.hosts[cluster.hostIndex.get(each.hostId)!]!.name}: ${each.reason}`)
    .join('; ');
}
