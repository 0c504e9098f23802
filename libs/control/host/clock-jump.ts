import type { HostState } from '../host-types';

/** As the fleet's brain does: a jump of the fleet's time must not count as a time in which nobody outside was reached. */
export function followClock(state: HostState, jumpedMs: number): void {
  const byMs = jumpedMs - state.jumpedMs;
  if (byMs === 0) return;
  state.jumpedMs = jumpedMs;
  if (state.outsideHeardAt !== null) state.outsideHeardAt += byMs;
  for (const moments of [state.orphanedAt, state.diskMovedAt])
    for (const [migrationId, at] of moments) moments.set(migrationId, at + byMs);
  for (const live of state.live.values()) if (live.sampledAt !== null) live.sampledAt += byMs;
}
