import type { Guest, Pool } from '@argosy/domain/entities';
import { formatDuration } from '@argosy/domain/units';
import { type Cluster, move } from '@argosy/scheduler/cluster';
import { explainRejections, place } from '@argosy/scheduler/place';
import { planTogether } from '@argosy/scheduler/repacking';
import type { KeptCluster } from '../fleet-types';
import { reconsiderClaims } from './copies';
import { startAt } from './guests';
import { makeRoomFor } from './make-room';
import { clusterOf } from './placement';
import { awaitsReports, awaitsWordOf } from './restored';
import { heldAfterRank, rankOf, restartsLeft, tellSpent } from './recovery';
import { recommendStart, standingStart, waitsForApproval, withdrawStaleStarts } from './recommended-starts';
import { isStillTurnedAway, rememberTurnedAway, type RoomNews, roomNewsOf } from './turned-away';
import { isBusy } from './begin-disk-operation';
import { settleTakeOvers } from './take-over';
import { becomeGuest, type FleetTurn, poolOf, raiseAlarm, record } from './turn';

/** As against a VMM that crashed on a host that is well: that one is restarted whatever the priority. */
const lostWithHost = / (is proved off|has stopped it)$/;

/**
 * Places what waits for a place: guests to be restarted first, in the order of their priority, then new ones. Who was turned away before is
 * tried again only when there is room for it that was not there then. Returns how many were tried.
 */
export function placeWaiting(turn: FleetTurn): number {
  settleTakeOvers(turn);
  reconsiderClaims(turn);
  withdrawStaleStarts(turn);
  const passes = new Map<string, Pass>();
  const held = new Map<string, Held>();
  const unplaced = new Map<string, string[]>();
  let tried = 0;
  for (const guest of waitingGuests(turn)) {
    if (guest.state === 'recovering' && guest.restartPriority === 'disabled' && lostWithHost.test(guest.stateReason)) {
      giveUpDisabled(turn, guest);
      continue;
    }
    if (guest.state === 'recovering' && isHeld(turn, guest, held)) continue;
    // Those that lost their host come first, so the others see the hosts as these have left them.
    const purpose = guest.state === 'recovering' ? 'failover' : 'ordinary';
    const key = `${guest.poolId}/${purpose}`;
    let pass = passes.get(key);
    if (!pass) passes.set(key, (pass = beginPass(turn, guest.poolId, purpose)));
    const isTried = !(
      turn.fleet.alarms.has(`guest-down/${guest.id}`) && isStillTurnedAway(pass.kept, pass.news, guest)
    );
    if (isTried) tried++;
    if (isTried && tryToPlace(turn, guest, pass)) {
      if (guest.state === 'recovering') held.get(guest.poolId)!.restartsLeft--;
      continue;
    }
    pass.turnedAway.push(turn.fleet.guests.get(guest.id)!);
    const others = unplaced.get(guest.poolId);
    if (others) others.push(guest.id);
    else unplaced.set(guest.poolId, [guest.id]);
  }
  for (const { kept, turnedAway } of passes.values()) rememberTurnedAway(kept, turnedAway);
  for (const [poolId, guestIds] of unplaced) makeRoom(turn, turn.fleet.pools.get(poolId)!, guestIds);
  return tried;
}

/** One look at a pool's hosts for the guests that wait for one. */
interface Pass {
  readonly poolId: string;
  readonly purpose: 'ordinary' | 'failover';
  readonly kept: KeptCluster;
  readonly news: RoomNews | null;
  /** undefined: not made yet. */
  plan: Plan | undefined;
  readonly turnedAway: Guest[];
}

function beginPass(turn: FleetTurn, poolId: string, purpose: Pass['purpose']): Pass {
  clusterOf(turn, poolId, purpose);
  const kept = turn.fleet.clusters.get(`${poolId}/${purpose}`)!;
  return { poolId, purpose, kept, news: roomNewsOf(kept), plan: undefined, turnedAway: [] };
}

function tryToPlace(turn: FleetTurn, guest: Guest, pass: Pass): boolean {
  const { poolId, purpose, kept } = pass;
  if (pass.plan === undefined) pass.plan = purpose === 'failover' ? planRestarts(turn, poolId, kept.cluster) : null;
  return placeGuest(turn, guest, kept.cluster, pass.plan);
}

/** Where moves are Argosy's own affair, a guest that no host takes gets room by others that make way. */
function makeRoom(turn: FleetTurn, pool: Pool, guestIds: readonly string[]): void {
  const waiting = guestIds.filter((id) => turn.fleet.alarms.has(`guest-down/${id}`));
  if (pool.balance.automation !== 'full' || waiting.length === 0) return;
  // A host that is kept for failover takes those who make way for a lost guest, and nobody for one that is only to start.
  const isLost = waiting.some((id) => turn.fleet.guests.get(id)?.state === 'recovering');
  makeRoomFor(turn, pool, waiting, isLost ? 'failover' : 'ordinary');
}

/** Where guests are to go, by their index in the cluster; null: each to the host that suits it best. */
type Plan = ReadonlyMap<number, number> | null;

/** Those that wait for others of higher priority are in it as well: their room is not given away before they come. */
function planRestarts(turn: FleetTurn, poolId: string, cluster: Cluster): Plan {
  const { indexes, guests } = turn.fleet;
  const lost = [...indexes.recovering]
    .flatMap((id) => guests.get(id) ?? [])
    .filter(({ poolId: pool, restartPriority }) => pool === poolId && restartPriority !== 'disabled');
  lost.sort((a, b) => rankOf(a) - rankOf(b) || (a.name < b.name ? -1 : 1));
  return planTogether(
    cluster,
    lost.map(({ id }) => cluster.guestIndex.get(id)!),
    turn.fleet.deadline(),
  );
}

/** What the guests of a pool wait for besides room. */
interface Held {
  readonly afterRank: number;
  restartsLeft: number;
}

function isHeld(turn: FleetTurn, guest: Guest, known: Map<string, Held>): boolean {
  const pool = poolOf(turn.fleet, guest);
  let held = known.get(pool.id);
  if (!held)
    known.set(pool.id, (held = { afterRank: heldAfterRank(turn, pool), restartsLeft: restartsLeft(turn, pool) }));
  if (held.restartsLeft <= 0) {
    tellSpent(turn, pool);
    return true;
  }
  const { heldRestarts } = turn.fleet;
  if (rankOf(guest) <= held.afterRank) {
    heldRestarts.delete(guest.id);
    return false;
  }
  if (!heldRestarts.has(guest.id))
    record(turn, {
      code: 'restart-held',
      subject: ['guest', guest.id],
      message: `${guest.name} (${guest.restartPriority}) waits until those of higher priority are ${pool.failure.restartReady === 'heartbeat' ? 'recovered' : 'running'}, ${formatDuration(pool.failure.restartWaitMs)} at most.`,
    });
  heldRestarts.add(guest.id);
  return true;
}

function waitingGuests(turn: FleetTurn): Guest[] {
  const waiting: Guest[] = [];
  for (const id of turn.fleet.indexes.waiting) {
    const guest = turn.fleet.guests.get(id)!;
    if (isBusy(turn.fleet, guest.id) || awaitsReports(turn, guest.poolId) || awaitsWordOf(turn, guest)) continue;
    if (guest.retryAt === null || guest.retryAt <= turn.now) waiting.push(guest);
  }
  const later = (guest: Guest): number => (guest.state === 'recovering' ? 0 : 1);
  return waiting.sort((a, b) => later(a) - later(b) || rankOf(a) - rankOf(b) || (a.name < b.name ? -1 : 1));
}

function giveUpDisabled(turn: FleetTurn, guest: Guest): void {
  becomeGuest(turn, guest, 'failed', 'its restart priority is disabled');
  raiseAlarm(turn, {
    code: 'guest-down',
    subject: ['guest', guest.id],
    message: `${guest.name} is not restarted: its restart priority is disabled. Start it by hand.`,
  });
}

/** Room that is not there now is looked for at each pass; the wait is told once, when it begins. */
export function placeGuest(turn: FleetTurn, guest: Guest, cluster: Cluster, plan: Plan = null): boolean {
  const index = cluster.guestIndex.get(guest.id);
  if (index === undefined) throw new Error(`Guest ${guest.name} is missing from its pool's cluster.`);
  const approval = waitsForApproval(turn, guest);
  if (approval && standingStart(turn, guest, cluster)) return false;
  const only = plan?.get(index);
  const answer = place(cluster, index, { explain: true, ...(only === undefined ? {} : { only }) });
  if (answer.chosen === null) {
    raiseAlarm(turn, {
      code: 'guest-down',
      severity: 'error',
      subject: ['guest', guest.id],
      message: `${guest.name} waits: no host takes it (${explainRejections(cluster, answer.rejections)}).`,
      details: { rejections: answer.rejections },
    });
    return false;
  }
  if (approval) {
    recommendStart(turn, guest, cluster, answer.chosen);
    return false;
  }
  move(cluster, index, answer.chosen.host);
  startAt(turn, guest, answer.chosen, answer.rejections);
  return true;
}
