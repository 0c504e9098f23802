import type { ProjectedHost } from '@argosy/domain/entities';
import { type BalanceSearchOptions, type Bundle, mayGainBySearch, searchBalance, wholePool } from './balance-search';
import { beginMove, type Cluster, type ClusterRule, endMoves, imbalance, takeBack } from './cluster';
import type { IsLate } from './effort';
import { entitle } from './entitlement';
import { gatheringHost, isApart } from './gather';
import { Movers } from './movers';
import { chooseHost, explainRefusal } from './place';
import { breaks, violation } from './rules';
import { gainOf, moveCost, priorityOf, reasonOf, reasonTogether, type WorthOptions, worthOf } from './worth';

export interface BalanceOptions extends WorthOptions {
  readonly maximumMoves: number;
  /** How long a better answer is looked for where single moves leave demand unmet: some four million a second. Left out: not at all. */
  readonly searchSteps?: number;
  /** From then on it answers with the moves that it has found. */
  readonly isLate?: IsLate;
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
  /** false: its time was over, and there may be more to move. */
  readonly isComplete: boolean;
}

interface Pass {
  readonly cluster: Cluster;
  readonly options: BalanceOptions;
  readonly moves: ProposedMove[];
  readonly moved: Set<number>;
  readonly stuck: { guestId: string; reason: string }[];
  /** Its time was over before all of it was done. */
  isCut: boolean;
}

/**
 * First what must move (hosts that are being emptied, broken rules), then the moves that bring the most of what guests are
 * entitled to under the
 * hosts' safety level, one at a time, each judged in the state that the ones before it leave. Where these leave demand unmet, a search looks
 * for a better answer, in which guests change places (`searchBalance`). A guest moves once in an
 * answer, and keeps its room where it was until the end of it: so no rule and no host's room is overrun on the way, however
 * many of the moves are done at once. The cluster is left in the projected state.
 */
export function balance(cluster: Cluster, options: BalanceOptions): BalanceAnswer {
  entitle(cluster);
  const imbalanceBefore = imbalance(cluster);
  const pass: Pass = { cluster, options, moves: [], moved: new Set(), stuck: [], isCut: false };
  mendAll(pass, evacuations(cluster));
  for (const rule of cluster.rules) if (rule.kind === 'together' && isApart(cluster, rule)) gather(pass, rule);
  mendAll(pass, brokenMusts(cluster));
  const mandatory = pass.moves.length;
  moveOneByOne(pass);
  const search = { ...options, searchSteps: options.searchSteps ?? 0 };
  // While single moves are left the next look goes on with them.
  const maySearch = pass.moves.length < options.maximumMoves && !isLate(pass);
  if (maySearch && mayGainBySearch(cluster, search)) improve(pass, mandatory, search);
  endMoves(cluster, pass.moved);
  const { moves, stuck } = pass;
  return { moves, imbalanceBefore, imbalanceAfter: imbalance(cluster), stuck, isComplete: !pass.isCut };
}

function isLate(pass: Pass): boolean {
  return (pass.isCut ||= pass.options.isLate?.() ?? false);
}

function moveOneByOne(pass: Pass): void {
  const { cluster, options, moves } = pass;
  if (moves.length >= options.maximumMoves || isLate(pass)) return;
  const movers = new Movers(cluster, options, () => isLate(pass));
  while (moves.length < options.maximumMoves) {
    const next = movers.next();
    if (next === null) break;
    const { guest, host } = next;
    const from = cluster.hostOf[guest]!;
    const worth = worthOf(cluster, guest, host, options);
    describe(pass, next, {
      priority: priorityOf(cluster, guest, worth),
      reason: reasonOf(cluster, guest, host, options),
      gain: gainOf(worth, options),
      cost: moveCost(cluster, guest, options),
    });
    if (isLate(pass)) break;
    movers.hasMoved(guest, from);
  }
  movers.end();
}

/**
 * In a pool that is looked at as a whole, what was found one by one is taken back, and done again if the search finds nothing better. In a
 * larger one it stands.
 */
function improve(pass: Pass, mandatory: number, options: BalanceSearchOptions): void {
  const { cluster, moves, moved } = pass;
  const found = cluster.hosts.length <= wholePool ? moves.splice(mandatory) : [];
  const begun = found.map(({ guestId, toHostId }) => ({
    guest: cluster.guestIndex.get(guestId)!,
    host: cluster.hostIndex.get(toHostId)!,
  }));
  const guests = begun.map(({ guest }) => guest);
  takeBack(cluster, guests);
  const bundles = searchBalance(cluster, begun, {
    ...options,
    maximumMoves: options.maximumMoves - moves.length,
    isLate: () => isLate(pass),
  });
  if (bundles === null) {
    for (const { guest, host } of begun) beginMove(cluster, guest, host);
    moves.push(...found);
    return;
  }
  for (const guest of guests) moved.delete(guest);
  for (const bundle of bundles) proposeBundle(pass, bundle);
  moveOneByOne(pass);
}

/** Priority, gain and cost are those of the whole, so that nobody takes a part of it for something else. */
function proposeBundle(pass: Pass, { moves, reliefMillicores, worth }: Bundle): void {
  const { cluster, options } = pass;
  const priority = Math.min(...moves.map(({ guest }) => priorityOf(cluster, guest, worth)));
  const gain = gainOf(worth, options);
  const costs = moves.map(({ guest }) => moveCost(cluster, guest, options));
  const cost = costs.reduce((sum, each) => sum + each, 0);
  const reasons = moves.map(({ guest, host }) =>
    moves.length === 1
      ? reasonOf(cluster, guest, host, options)
      : reasonTogether(
          cluster,
          moves.map((each) => each.guest).filter((other) => other !== guest),
          reliefMillicores,
        ),
  );
  moves.forEach((move, index) =>
    describe(pass, move, {
      priority,
      reason: reasons[index]!,
      gain: (gain * costs[index]!) / cost,
      cost: costs[index]!,
    }),
  );
}

interface Want {
  readonly guest: number;
  readonly reason: string;
  readonly rule?: ClusterRule;
}

function evacuations(cluster: Cluster): Want[] {
  const wants: Want[] = [];
  for (let host = 0; host < cluster.hosts.length; host++) {
    if (cluster.useOf[host] !== 1) continue;
    const reason = `${cluster.hosts[host]!.name} is being emptied`;
    for (let guest = cluster.firstGuestOn[host]!; guest >= 0; guest = cluster.nextGuest[guest]!)
      wants.push({ guest, reason });
  }
  return wants.sort((a, b) => a.guest - b.guest);
}

/** Looked at one by one: an earlier move may mend what a later guest breaks. */
function* brokenMusts(cluster: Cluster): Generator<Want> {
  for (const rule of cluster.rules) {
    if (rule.isWish) continue;
    for (const guest of rule.guests) {
      const host = cluster.hostOf[guest]!;
      if (host >= 0 && breaks(cluster, rule, guest, host))
        yield { guest, rule, reason: violation(cluster, rule, guest, host)! };
    }
  }
}

/** One that is late leaves the rest to the next pass. */
function mendAll(pass: Pass, wants: Iterable<Want>): void {
  for (const want of wants) {
    if (isLate(pass)) return;
    mend(pass, want);
  }
}

function mend(pass: Pass, { guest, reason }: Want): void {
  const { cluster, moved, options, stuck } = pass;
  if (cluster.guests[guest]!.pinned || cluster.leaving[guest]! >= 0 || moved.has(guest)) return;
  const avoid = cluster.hostOf[guest]!;
  const company = companyOf(cluster, guest);
  const forAll = company.length > 0 ? chooseHost(cluster, guest, { avoid, company }) : -1;
  const host = forAll >= 0 ? forAll : chooseHost(cluster, guest, { avoid });
  if (host < 0) {
    stuck.push({ guestId: cluster.guests[guest]!.id, reason: explainRefusal(cluster, guest, avoid) });
    return;
  }
  const cost = moveCost(cluster, guest, options);
  describe(pass, { guest, host }, { priority: 1, reason, gain: cost, cost });
}

/** A group that is apart comes to one host or stays: so none of it is moved for nothing. */
function gather(pass: Pass, rule: ClusterRule): void {
  const { cluster, options } = pass;
  const host = gatheringHost(cluster, rule);
  if (host < 0) return;
  for (const guest of rule.guests) {
    const from = cluster.hostOf[guest]!;
    if (from < 0 || from === host) continue;
    const reason = `rule ${rule.name} brings its guests together on ${cluster.hosts[host]!.name}`;
    const cost = moveCost(cluster, guest, options);
    describe(pass, { guest, host }, { priority: 1, reason, gain: cost, cost });
  }
}

/** Who has to leave a host as well, and is to stay with the guest. */
function companyOf(cluster: Cluster, guest: number): readonly number[] {
  const groups = cluster.rulesOf[guest]!.filter(({ kind }) => kind === 'together');
  return groups.flatMap((rule) =>
    rule.guests.filter((other) => other !== guest && cluster.useOf[cluster.hostOf[other]!] === 1),
  );
}

function describe(
  { cluster, moves, moved }: Pass,
  { guest, host }: { readonly guest: number; readonly host: number },
  judged: { readonly priority: number; readonly reason: string; readonly gain: number; readonly cost: number },
): void {
  const from = cluster.hostOf[guest]!;
  // By then, those that leave have left.
  const memory = (at: number): number => cluster.memoryUsed[at]! - cluster.memoryLeaving[at]!;
  const before = [from, host].map((at) => ({ cpu: cluster.cpuDemand[at]!, memoryMiB: memory(at) }));
  beginMove(cluster, guest, host);
  moved.add(guest);
  const projected = [from, host].map((at, order) => ({
    hostId: cluster.hosts[at]!.id,
    cpuBefore: Math.round(before[order]!.cpu),
    cpuAfter: Math.round(cluster.cpuDemand[at]!),
    memoryBeforeMiB: before[order]!.memoryMiB,
    memoryAfterMiB: memory(at),
  }));
  moves.push({
    guestId: cluster.guests[guest]!.id,
    fromHostId: cluster.hosts[from]!.id,
    toHostId: cluster.hosts[host]!.id,
    ...judged,
    projected,
  });
}
