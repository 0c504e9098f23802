import type { Guest, Recommendation } from '@argosy/domain/entities';
import { type Cluster, move } from '@argosy/scheduler/cluster';
import { rejection } from '@argosy/scheduler/checks';
import type { Chosen } from '@argosy/scheduler/place';
import { findTask } from './tasks';
import { becomeGuest, type FleetTurn, hostName, poolOf, put, putEnded, record } from './turn';

/** As vSphere has it: where nothing else can be done for a guest that was asked for. */
const startPriority = 1;

/**
 * In a manual pool the first host of a guest is recommended and not taken. What brings a guest back (a lost host, a
 * crash, a restart that was asked for) is no placement of DRS's, and is never held up by it.
 */
export function waitsForApproval(turn: FleetTurn, guest: Guest): boolean {
  if (guest.state !== 'stopped' || poolOf(turn.fleet, guest).balance.automation !== 'manual') return false;
  return findTask(turn, 'guest.restart', guest.id) === undefined;
}

function recommendedStart(turn: FleetTurn, guestId: string): Recommendation | null {
  for (const each of turn.fleet.recommendations.values())
    if (each.guestId === guestId && each.fromHostId === null) return each;
  return null;
}

/** An open recommendation whose host still takes the guest stands: a slightly better host a moment later is no news. */
export function standingStart(turn: FleetTurn, guest: Guest, cluster: Cluster): boolean {
  const open = recommendedStart(turn, guest.id);
  const host = open ? cluster.hostIndex.get(open.toHostId) : undefined;
  if (!open || host === undefined) return false;
  const index = cluster.guestIndex.get(guest.id)!;
  if (rejection(cluster, index, host)) return false;
  move(cluster, index, host);
  return true;
}

export function recommendStart(turn: FleetTurn, guest: Guest, cluster: Cluster, chosen: Chosen): void {
  const { fleet, now } = turn;
  const open = recommendedStart(turn, guest.id);
  if (open) putEnded(turn, 'recommendation', { ...open, state: 'withdrawn' });
  const target = cluster.hosts[chosen.host]!;
  const index = cluster.guestIndex.get(guest.id)!;
  const [cpuBefore, memoryBeforeMiB] = [cluster.cpuDemand[chosen.host]!, cluster.memoryUsed[chosen.host]!];
  move(cluster, index, chosen.host);
  const scores = Object.entries(chosen.scores).map(([name, value]) => `${name} ${value}`);
  const recommendation: Recommendation = {
    id: fleet.newId(),
    balanceRunId: null,
    poolId: guest.poolId,
    guestId: guest.id,
    fromHostId: null,
    toHostId: target.id,
    priority: startPriority,
    reason: `start: ${target.name} suits it best (${scores.join(', ')})`,
    gain: 0,
    cost: 0,
    projected: [
      {
        hostId: target.id,
        cpuBefore,
        cpuAfter: cluster.cpuDemand[chosen.host]!,
        memoryBeforeMiB,
        memoryAfterMiB: cluster.memoryUsed[chosen.host]!,
      },
    ],
    state: 'open',
    createdAt: now,
  };
  put(turn, 'recommendation', recommendation);
  const reason = `its start on ${target.name} is recommended and waits to be applied: argosy balance apply ${recommendation.id}`;
  becomeGuest(turn, guest, 'stopped', reason);
  record(turn, {
    code: 'recommendation',
    subject: ['guest', guest.id],
    message: `Start ${guest.name} on ${hostName(fleet, target.id)} (priority ${startPriority}): the pool's automation is manual.`,
    details: { recommendationId: recommendation.id, projected: recommendation.projected },
  });
}

/** Of guests that are stopped, removed or started meanwhile, or whose pool is not manual any more. */
export function withdrawStaleStarts(turn: FleetTurn): void {
  for (const each of [...turn.fleet.recommendations.values()]) {
    if (each.fromHostId !== null) continue;
    const guest = turn.fleet.guests.get(each.guestId);
    if (guest?.desired === 'running' && waitsForApproval(turn, guest)) continue;
    putEnded(turn, 'recommendation', { ...each, state: 'withdrawn' });
    if (guest?.state === 'stopped') becomeGuest(turn, guest, 'stopped', '');
  }
}
