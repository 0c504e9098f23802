import type { Guest, Host, Pool, Recommendation } from '@argosy/domain/entities';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import { balance, type BalanceAnswer, type ProposedMove } from '@argosy/scheduler/balance';
import { rejection } from '@argosy/scheduler/checks';
import { gathers } from '@argosy/scheduler/gather';
import { explainRejections, place } from '@argosy/scheduler/place';
import { formatDuration } from '@argosy/domain/units';
import { balanceHorizonMs, balanceSearchSteps, decisionDeadlineMs } from '../defaults';
import { isBusy } from './begin-disk-operation';
import { startAt } from './guests';
import { makeRoomFor } from './make-room';
import { hasMigrationRoom } from './migration-room';
import { beginMigration } from './migrations';
import { isBeingEmptied } from './host-use';
import { clusterOf } from './placement';
import { endTasks } from './tasks';
import {
  becomeMaintenance,
  type FleetTurn,
  guestName,
  hostName,
  put,
  putEnded,
  raiseAlarm,
  clearAlarm,
  record,
} from './turn';

const movesPerRun = 20;
/** Who must leave, leaves; nobody moves for less. */
export const emptying = { cpuSafetyShare: 1, horizonMs: 0, bandwidthMiBPerSecond: 1_000, maximumMoves: 0 };

/** At each pool's own interval; hosts that are being emptied are looked at on every pass. */
export function balanceDuePools(turn: FleetTurn): void {
  const { fleet, now } = turn;
  for (const pool of fleet.pools.values()) {
    const last = fleet.lastBalanceAt.get(pool.id);
    // After a takeover, demand is heard for one interval before it is acted on.
    if (last === undefined) fleet.lastBalanceAt.set(pool.id, now);
    else if (now - last >= pool.balance.intervalMs) runBalance(turn, pool);
    evacuate(turn, pool);
  }
}

/**
 * One pass: judges the pool, writes the run with its recommendations, and applies those that the automation level allows. A run
 * that finds nothing is written when somebody asked for it (`isAsked`), and says why.
 */
export function runBalance(turn: FleetTurn, pool: Pool, { isAsked = false } = {}): readonly Recommendation[] {
  const { fleet, now } = turn;
  fleet.lastBalanceAt.set(pool.id, now);
  const cluster = clusterOf(turn, pool.id);
  if (cluster.guests.length === 0) {
    if (isAsked) writeRun(turn, pool, nothingToBalance, []);
    return [];
  }
  const answer = balance(cluster, {
    cpuSafetyShare: pool.balance.cpuSafetyShare,
    horizonMs: balanceHorizonMs,
    bandwidthMiBPerSecond: Math.min(pool.migration.bandwidthMiBPerSecond, 1_000),
    maximumMoves: movesPerRun,
    searchSteps: balanceSearchSteps,
    isLate: fleet.deadline(),
  });
  // Who leaves a host that is being emptied goes without a recommendation.
  const moves = answer.moves.filter(
    (each) => each.priority <= pool.balance.threshold && !isBeingEmptied(fleet.hosts.get(each.fromHostId)),
  );
  const open = [...fleet.recommendations.values()].filter(
    (each) => each.poolId === pool.id && each.fromHostId !== null,
  );
  // A pass that was cut short does not know what it would have found.
  for (const recommendation of answer.isComplete ? open : [])
    if (!moves.some((move) => isSame(move, recommendation)))
      putEnded(turn, 'recommendation', { ...recommendation, state: 'withdrawn' });
  const fresh = moves.filter((move) => !open.some((each) => isSame(move, each)));
  if (fresh.length > 0 || isAsked) writeRun(turn, pool, answer, fresh);
  const recommendations = [...fleet.recommendations.values()].filter((each) => each.poolId === pool.id);
  if (pool.balance.automation === 'full')
    for (const recommendation of recommendations.sort((a, b) => a.priority - b.priority))
      applyRecommendation(turn, recommendation);
  return recommendations;
}

/** One that is open keeps its figures from run to run; with another priority there is another reason for the move. */
function isSame(move: ProposedMove, open: Recommendation): boolean {
  return (
    move.guestId === open.guestId &&
    move.fromHostId === open.fromHostId &&
    move.toHostId === open.toHostId &&
    move.priority === open.priority
  );
}

const nothingToBalance: BalanceAnswer = {
  moves: [],
  imbalanceBefore: 0,
  imbalanceAfter: 0,
  stuck: [],
  isComplete: true,
};

/** Of a run that recommends nothing new. */
function whyNothing(turn: FleetTurn, pool: Pool, { moves, stuck, isComplete }: BalanceAnswer): string {
  const standing = [...turn.fleet.recommendations.values()].filter(
    (each) => each.poolId === pool.id && each.fromHostId !== null,
  );
  const { threshold } = pool.balance;
  if (standing.length > 0)
    return `Nothing new: ${standing.length === 1 ? 'one recommendation stands' : `${standing.length} recommendations stand`} already.`;
  if (stuck.length > 0) return 'Nothing to do: what must move cannot.';
  if (!isComplete) return 'Nothing was found in time.';
  if (![...turn.fleet.guests.values()].some((each) => each.poolId === pool.id && each.state === 'running'))
    return 'Nothing to do, because no guest runs in it.';
  if (moves.length > 0)
    return `Nothing to do, because what would better it is slight: ${moves.length} moves of priority ${Math.min(...moves.map(({ priority }) => priority))} and slighter, and the pool's threshold is ${threshold}.`;
  return 'Nothing to do, because no move would bring more than it costs.';
}

function writeRun(turn: FleetTurn, pool: Pool, answer: BalanceAnswer, fresh: BalanceAnswer['moves']): void {
  const runId = turn.fleet.newId();
  const isIdle = fresh.length === 0;
  const balanceRun = {
    id: runId,
    poolId: pool.id,
    at: turn.now,
    imbalanceBefore: answer.imbalanceBefore,
    imbalanceAfter: isIdle ? answer.imbalanceBefore : answer.imbalanceAfter,
    recommendationCount: fresh.length,
    explanation: [
      ...(isIdle ? [whyNothing(turn, pool, answer)] : []),
      answer.stuck
        .map((each) => `${guestName(turn.fleet, each.guestId)} must move and cannot: ${each.reason}`)
        .join('; '),
      answer.isComplete ? '' : `It was cut short after ${formatDuration(decisionDeadlineMs)}; the next pass goes on.`,
    ]
      .filter((part) => part !== '')
      .join(' '),
  };
  put(turn, 'balanceRun', balanceRun);
  for (const move of fresh) {
    const recommendation: Recommendation = {
      id: turn.fleet.newId(),
      balanceRunId: runId,
      poolId: pool.id,
      ...move,
      state: 'open',
      createdAt: turn.now,
    };
    put(turn, 'recommendation', recommendation);
    record(turn, {
      code: 'recommendation',
      subject: ['guest', move.guestId],
      message: `Move ${guestName(turn.fleet, move.guestId)} from ${hostName(turn.fleet, move.fromHostId)} to ${hostName(turn.fleet, move.toHostId)} (priority ${move.priority}): ${move.reason}. Gain ${Math.round(move.gain)}, cost ${Math.round(move.cost)} millicore-seconds.`,
      details: { recommendationId: recommendation.id, projected: move.projected },
    });
  }
}

/** `null`: not now, as both hosts' limits of concurrent migrations are reached; it stays open. */
export function applyRecommendation(turn: FleetTurn, recommendation: Recommendation): Result<Recommendation> | null {
  const guest = turn.fleet.guests.get(recommendation.guestId);
  const target = turn.fleet.hosts.get(recommendation.toHostId);
  const refuse = (message: string): Result<Recommendation> => {
    putEnded(turn, 'recommendation', { ...recommendation, state: 'refused' });
    return refused('guest-busy', message);
  };
  if (recommendation.fromHostId === null) return applyStart(turn, recommendation, refuse);
  if (guest && isBusy(turn.fleet, guest.id)) return null;
  if (!guest || !target || guest.state !== 'running' || guest.hostId !== recommendation.fromHostId)
    return refuse(
      `The recommendation is out of date: the guest is not running on ${hostName(turn.fleet, recommendation.fromHostId)} any more.`,
    );
  const cluster = clusterOf(turn, guest.poolId);
  const [index, host] = [cluster.guestIndex.get(guest.id)!, cluster.hostIndex.get(target.id)!];
  const failed = rejection(cluster, index, host);
  // The first of a group that comes together somewhere else goes there without the others.
  const isGathered = failed?.check === 'rules' && gathers(cluster, index, host);
  if (failed && !isGathered) return refuse(`${target.name} does not take ${guest.name} any more: ${failed.reason}.`);
  if (!hasMigrationRoom(turn, recommendation.fromHostId) || !hasMigrationRoom(turn, target.id)) return null;
  const applied = { ...recommendation, state: 'applied' as const };
  putEnded(turn, 'recommendation', applied);
  beginMigration(turn, guest, target, { reason: recommendation.reason });
  return accepted(applied);
}

function applyStart(
  turn: FleetTurn,
  recommendation: Recommendation,
  refuse: (message: string) => Result<Recommendation>,
): Result<Recommendation> {
  const guest = turn.fleet.guests.get(recommendation.guestId);
  if (guest?.state !== 'stopped' || guest.desired !== 'running')
    return refuse('The recommendation is out of date: the guest does not wait for its start any more.');
  const cluster = clusterOf(turn, guest.poolId);
  const only = cluster.hostIndex.get(recommendation.toHostId);
  const answer = only === undefined ? null : place(cluster, cluster.guestIndex.get(guest.id)!, { only });
  if (!answer?.chosen)
    return refuse(
      `${hostName(turn.fleet, recommendation.toHostId)} does not take ${guest.name} any more${answer ? ` (${explainRejections(cluster, answer.rejections)})` : ''}; another host will be recommended.`,
    );
  const applied = { ...recommendation, state: 'applied' as const };
  putEnded(turn, 'recommendation', applied);
  startAt(turn, guest, answer.chosen, []);
  return accepted(applied);
}

/** Whatever the automation level: the administrator asked for this host to be emptied, or it is about to fail. */
function evacuate(turn: FleetTurn, pool: Pool): void {
  for (const host of [...turn.fleet.hosts.values()]) {
    if (host.poolId !== pool.id || !isBeingEmptied(host)) continue;
    const guests = [...(turn.fleet.guestsOn.get(host.id) ?? [])].flatMap((id) => turn.fleet.guests.get(id) ?? []);
    if (guests.length > 0) moveOut(turn, pool, host, guests);
    else if (host.maintenance === 'entering') emptied(turn, host);
  }
}

function emptied(turn: FleetTurn, host: Host): void {
  becomeMaintenance(turn, host, 'in');
  clearAlarm(turn, 'evacuation-stuck', host.id);
  record(turn, {
    code: 'host-in-maintenance',
    subject: ['host', host.id],
    message: `${host.name} is empty and in maintenance.`,
  });
  endTasks(turn, host.id, ['host.maintenance'], 'succeeded', 'empty');
}

function isOnOwnDatastore({ fleet }: FleetTurn, host: Host, guestId: string): boolean {
  return fleet.datastores.get(fleet.guests.get(guestId)?.datastoreId ?? '')?.hostId === host.id;
}

function moveOut(turn: FleetTurn, pool: Pool, host: Host, guests: readonly Guest[]): void {
  const movable = guests.filter((guest) => guest.state === 'running' && !isBusy(turn.fleet, guest.id));
  if (movable.length === 0 || !hasMigrationRoom(turn, host.id)) return;
  const cluster = clusterOf(turn, pool.id);
  const answer = balance(cluster, { ...emptying, isLate: turn.fleet.deadline() });
  const stuck = answer.stuck.filter((each) => guests.some((guest) => guest.id === each.guestId));
  const ids = stuck.map(({ guestId }) => guestId);
  const underWay = turn.fleet.migrations.size;
  const isMakingRoom = stuck.length > 0 && makeRoomFor(turn, pool, ids, 'ordinary');
  if (stuck.length > 0 && !isMakingRoom)
    raiseAlarm(turn, {
      code: 'evacuation-stuck',
      subject: ['host', host.id],
      message: `${host.name} cannot be emptied: ${stuck.map((each) => `${guestName(turn.fleet, each.guestId)} (${each.reason})`).join('; ')}. Make room or change the rules, ${stuck.some(({ guestId }) => isOnOwnDatastore(turn, host, guestId)) ? 'move their disks to a datastore that other hosts reach (argosy guest migrate NAME --datastore …), ' : ''}or stop those guests.`,
    });
  // Those that make room have taken some themselves: the next pass sees what is left.
  if (turn.fleet.migrations.size > underWay) return;
  for (const move of answer.moves) {
    const guest = turn.fleet.guests.get(move.guestId);
    const target = turn.fleet.hosts.get(move.toHostId);
    if (!guest || !target || move.fromHostId !== host.id || guest.state !== 'running') continue;
    if (hasMigrationRoom(turn, host.id) && hasMigrationRoom(turn, target.id))
      beginMigration(turn, guest, target, { reason: move.reason });
  }
}
