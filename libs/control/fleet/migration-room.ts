import type { FleetTurn } from './turn';

/** Two to four at once is where an evacuation is quickest without stretching each guest's downtime (measured). */
export function hasMigrationRoom(turn: FleetTurn, hostId: string): boolean {
  const host = turn.fleet.hosts.get(hostId);
  const limit = (host && turn.fleet.pools.get(host.poolId)?.migration.concurrentPerHost) ?? 1;
  let busy = 0;
  for (const migration of turn.fleet.migrations.values())
    if (migration.step !== 'release' && (migration.sourceHostId === hostId || migration.targetHostId === hostId))
      busy++;
  return busy < limit;
}
