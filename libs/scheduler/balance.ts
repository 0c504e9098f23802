import type { ProjectedHost } from '@argosy/domain/entities';
import { rejection } from './checks';
import { brokenRules, violation } from './rules';
import { type Cluster, type ClusterRule, imbalance, move } from './cluster';
import { explainRejections, place } from './place';

export interface BalanceOptions {
  /** Demand above this share of a host's processors is not met well. */
  readonly cpuSafetyShare: number;
  /** Over this time a move's gain must be worth more than its cost. */
  readonly horizonMs: number;
  readonly bandwidthMiBPerSecond: number;
  readonly maximumMoves: number;
}

export interface ProposedMove {
  readonly guestId: string;
  readonly fromHostId: string;
  readonly toHostId: string;
  /** 1 (mandatory) to 5 (slight). */
  readonly priority: number;
  readonly reason: string;
  /** Both in millicore-seconds: work that guests get done over the horizon, and that the move takes from them. */
  readonly gain: number;
  readonly cost: number;
  readonly projected: readonly ProjectedHost[];
}

export interface BalanceAnswer {
  readonly moves: readonly ProposedMove[];
  readonly imbalanceBefore: number;
  readonly imbalanceAfter: number;
  /** What had to move and could not: the guest, and why no host took it. */
  readonly stuck: readonly { readonly guestId: string; readonly reason: string }[];
}

/** What copying takes of the two hosts while it lasts, and what the guest loses by being copied. */
const copyMillicores = 200;
const slowdownShare = 0.2;

/**
 * First what must move (hosts that are being emptied, broken rules), then the moves that bring the most demand under the
 * hosts' safety level, one at a time, each judged in the state that the ones before it leave. The cluster is left in
 * the projected state.
 */
export function balance(cluster: Cluster, options: BalanceOptions): BalanceAnswer {
  const imbalanceBefore = imbalance(cluster);
  const stuck: { guestId: string; reason: string }[] = [];
  const moves = mandatoryMoves(cluster, options, stuck);
  while (moves.length < options.maximumMoves) {
    const next = bestMove(cluster, options, new Set(moves.map((each) => each.guestId)));
    if (next === null) break;
    moves.push(
      describe(cluster, next.guest, next.host, {
        priority: next.priority,
        reason: next.reason,
        gain: next.gain,
        cost: next.cost,
      }),
    );
  }
  return { moves, imbalanceBefore, imbalanceAfter: imbalance(cluster), stuck };
}

function mandatoryMoves(
  cluster: Cluster,
  options: BalanceOptions,
  stuck: { guestId: string; reason: string }[],
): ProposedMove[] {
  const wanted: readonly { readonly guest: number; readonly reason: string; readonly rule?: ClusterRule }[] = [
    ...cluster.guests.flatMap((_figures, guest) => {
      const host = cluster.hostOf[guest]!;
      return host >= 0 && cluster.hosts[host]!.use === 'evacuating'
        ? [{ guest, reason: `${cluster.hosts[host]!.name} is being emptied` }]
        : [];
    }),
    ...brokenRules(cluster)
      .filter(({ rule }) => !rule.kind.startsWith('should'))
      .map(({ guest, reason, rule }) => ({ guest, reason, rule })),
  ];
  const moves: ProposedMove[] = [];
  for (const want of wanted) {
    const from = cluster.hostOf[want.guest]!;
    if (cluster.guests[want.guest]!.pinned || moves.some((each) => each.guestId === cluster.guests[want.guest]!.id))
      continue;
    // An earlier move may have mended it already.
    if (want.rule && violation(cluster, want.rule, want.guest, from) === null) continue;
    const answer = place(cluster, want.guest, { avoid: from });
    if (answer.chosen === null) {
      stuck.push({ guestId: cluster.guests[want.guest]!.id, reason: explainRejections(cluster, answer.rejections) });
      continue;
    }
    const cost = moveCost(cluster, want.guest, options);
    moves.push(
      describe(cluster, want.guest, answer.chosen.host, { priority: 1, reason: want.reason, gain: cost, cost }),
    );
  }
  return moves;
}

interface Candidate {
  readonly guest: number;
  readonly host: number;
  readonly priority: number;
  readonly reason: string;
  readonly gain: number;
  readonly cost: number;
}

/** A guest moves once in an answer: what it would gain by a second move is looked at when it has arrived. */
function bestMove(cluster: Cluster, options: BalanceOptions, moved: ReadonlySet<string>): Candidate | null {
  let best: Candidate | null = null;
  for (let guest = 0; guest < cluster.guests.length; guest++) {
    const from = cluster.hostOf[guest]!;
    if (
      from < 0 ||
      cluster.guests[guest]!.pinned ||
      moved.has(cluster.guests[guest]!.id) ||
      cluster.hosts[from]!.use !== 'usable'
    )
      continue;
    if (cluster.guests[guest]!.cpuDemandMillicores <= 0 && wishesBroken(cluster, guest, from) === 0) continue;
    for (let host = 0; host < cluster.hosts.length; host++) {
      if (host === from || rejection(cluster, guest, host) !== null) continue;
      const candidate = judge(cluster, guest, host, options);
      if (candidate !== null && (best === null || candidate.gain - candidate.cost > best.gain - best.cost))
        best = candidate;
    }
  }
  return best;
}

function wishesBroken(cluster: Cluster, guest: number, host: number): number {
  return cluster.rulesOf[guest]!.filter(
    (rule) => rule.kind.startsWith('should') && violation(cluster, rule, guest, host) !== null,
  ).length;
}

/** A fulfilled wish is worth as much as this much relief. */
const wishMillicores = 30;

/**
 * Relief is demand that is met after the move and was not before. Where nothing is unmet, evening out still leaves room
 * for the next rise: a tenth of the smaller gap between the two hosts counts, so that it is worth a slight move at most.
 */
function judge(cluster: Cluster, guest: number, host: number, options: BalanceOptions): Candidate | null {
  const from = cluster.hostOf[guest]!;
  const demand = cluster.guests[guest]!.cpuDemandMillicores;
  const relief =
    unmet(cluster, from, 0, options) +
    unmet(cluster, host, 0, options) -
    unmet(cluster, from, -demand, options) -
    unmet(cluster, host, demand, options);
  const evening = evenness(cluster, from, host, demand);
  const wishes = wishMillicores * (wishesBroken(cluster, guest, from) - wishesBroken(cluster, guest, host));
  const worth = relief + evening + wishes;
  if (worth <= 0 || relief < 0) return null;
  const gain = (worth * options.horizonMs) / 1000;
  const cost = moveCost(cluster, guest, options);
  if (gain <= cost) return null;
  const priority = priorityOf(worth / cluster.hosts[from]!.cpuMillicores);
  const names = [cluster.hosts[from]!, cluster.hosts[host]!].map((each) => each.name);
  const reason =
    relief > 0
      ? `${names[0]} is asked for ${percent(cluster, from, 0)} of its processors; on ${names[1]} ${Math.round(relief)} millicores more of the demand are met`
      : wishes > 0
        ? `a rule would rather have it on ${names[1]}`
        : `${names[0]} is at ${percent(cluster, from, 0)}, ${names[1]} at ${percent(cluster, host, 0)}: more even, there is room for the next rise`;
  return { guest, host, priority, reason, gain, cost };
}

function unmet(cluster: Cluster, host: number, change: number, options: BalanceOptions): number {
  return Math.max(0, cluster.cpuDemand[host]! + change - options.cpuSafetyShare * cluster.hosts[host]!.cpuMillicores);
}

/** Only a move that leaves the giver above the taker counts as evening: so none is ever undone by its opposite. */
function evenness(cluster: Cluster, from: number, host: number, demand: number): number {
  const before =
    cluster.cpuDemand[from]! / cluster.hosts[from]!.cpuMillicores -
    cluster.cpuDemand[host]! / cluster.hosts[host]!.cpuMillicores;
  const after =
    (cluster.cpuDemand[from]! - demand) / cluster.hosts[from]!.cpuMillicores -
    (cluster.cpuDemand[host]! + demand) / cluster.hosts[host]!.cpuMillicores;
  return after < 0
    ? 0
    : 0.1 * (before - after) * Math.min(cluster.hosts[from]!.cpuMillicores, cluster.hosts[host]!.cpuMillicores);
}

function percent(cluster: Cluster, host: number, change: number): string {
  return `${Math.round((100 * (cluster.cpuDemand[host]! + change)) / cluster.hosts[host]!.cpuMillicores)} %`;
}

/** The share of the giving host's processors that the move is worth, as vSphere's stars: 2 is strong, 5 slight. */
function priorityOf(share: number): number {
  if (share >= 0.2) return 2;
  if (share >= 0.08) return 3;
  return share >= 0.03 ? 4 : 5;
}

/** Pre-copy sends memory once and what is dirtied meanwhile again: memory / (bandwidth − dirty rate), as Clark et al. 2005 have it. */
function moveCost(cluster: Cluster, guest: number, options: BalanceOptions): number {
  const figures = cluster.guests[guest]!;
  const dirtyMiB = figures.dirtyBytesPerSecond / (1024 * 1024);
  const seconds =
    figures.memoryMiB / Math.max(options.bandwidthMiBPerSecond - dirtyMiB, options.bandwidthMiBPerSecond / 10);
  return seconds * (2 * copyMillicores + slowdownShare * figures.cpuDemandMillicores);
}

function describe(
  cluster: Cluster,
  guest: number,
  host: number,
  judged: { readonly priority: number; readonly reason: string; readonly gain: number; readonly cost: number },
): ProposedMove {
  const from = cluster.hostOf[guest]!;
  const before = [from, host].map((index) => ({ cpu: cluster.cpuDemand[index]!, memory: cluster.memoryUsed[index]! }));
  move(cluster, guest, host);
  const projected = [from, host].map((index, order) => ({
    hostId: cluster.hosts[index]!.id,
    cpuBefore: Math.round(before[order]!.cpu),
    cpuAfter: Math.round(cluster.cpuDemand[index]!),
    memoryBeforeMiB: before[order]!.memory,
    memoryAfterMiB: cluster.memoryUsed[index]!,
  }));
  return {
    guestId: cluster.guests[guest]!.id,
    fromHostId: cluster.hosts[from]!.id,
    toHostId: cluster.hosts[host]!.id,
    ...judged,
    projected,
  };
}
