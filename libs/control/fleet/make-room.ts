import type { Pool } from '@argosy/domain/entities';
import { makeRoom } from '@argosy/scheduler/make-room';
import { isBeingEmptied } from './host-use';
import { hasMigrationRoom } from './migration-room';
import { beginMigration } from './migrations';
import { clusterOf } from './placement';
import type { FleetTurn } from './turn';

/** Some hundredth of a second of searching. */
const searchSteps = 50_000;
/** Where more have no place, a few moves do not help. */
const mostGuests = 20;

type Purpose = NonNullable<Parameters<typeof clusterOf>[2]>;

/**
 * For guests that no host takes as the pool stands: others move where that makes room for them. Looked for as often as balance is, for it
 * is dear; in between it says what it found. True: moves are under way, and the guests go when these have ended.
 */
export function makeRoomFor(turn: FleetTurn, pool: Pool, guestIds: readonly string[], purpose: Purpose): boolean {
  const { fleet, now } = turn;
  const last = fleet.roomSought.get(pool.id);
  const isMoving = [...fleet.migrations.values()].some(({ guestId }) => fleet.guests.get(guestId)?.poolId === pool.id);
  // What is on its way frees room as well.
  if (last && (isMoving || now - last.at < pool.balance.intervalMs)) return last.found;
  if (isMoving) return false;
  const cluster = clusterOf(turn, pool.id, purpose);
  const wanting = guestIds.slice(0, mostGuests).map((id) => cluster.guestIndex.get(id)!);
  const moves = makeRoom(cluster, wanting, { seed: 1, steps: searchSteps, isLate: fleet.deadline() });
  fleet.roomSought.set(pool.id, { at: now, found: moves.length > 0 });
  for (const { guest, host, reason } of moves) {
    const row = fleet.guests.get(cluster.guests[guest]!.id);
    const target = fleet.hosts.get(cluster.hosts[host]!.id);
    if (!row || !target || row.state !== 'running' || row.hostId === null) continue;
    const source = fleet.hosts.get(row.hostId);
    if (hasMigrationRoom(turn, row.hostId) && hasMigrationRoom(turn, target.id))
      beginMigration(turn, row, target, {
        reason: isBeingEmptied(source) ? `${source?.name} is being emptied` : reason,
      });
  }
  return moves.length > 0;
}
