import type { Instant } from '@argosy/domain/units';
import type { Fleet, HostView } from '../fleet-types';

/**
 * The fleet's time may jump, as when the database fails over to a server whose clock is ahead. What was heard by ear is moved
 * with it: what lies between two moments is then what has really passed, and no jump counts as silence or ends a lease.
 */
export function followClock(fleet: Fleet, jumpedMs: number): void {
  const byMs = jumpedMs - fleet.jumpedMs;
  if (byMs === 0) return;
  fleet.jumpedMs = jumpedMs;
  const moved = (at: Instant | null): Instant | null => (at === null ? null : at + byMs);
  for (const view of fleet.views.values()) moveView(view, moved);
  fleet.channelHeardAt = moved(fleet.channelHeardAt);
  fleet.datastoreHeardAt = moved(fleet.datastoreHeardAt);
  fleet.silenceSince += byMs;
  fleet.datastoreSilenceSince += byMs;
  fleet.tookOverAt += byMs;
  // A host may still go by the time before, or by the new one already: what was sent holds until it holds by neither.
  for (const [key, sent] of fleet.outstanding)
    fleet.outstanding.set(key, {
      ...sent,
      sentAt: sent.sentAt + byMs,
      notAfter: Math.max(sent.notAfter, sent.notAfter + byMs),
    });
}

function moveView(view: HostView, moved: (at: Instant | null) => Instant | null): void {
  view.heardAt = moved(view.heardAt);
  view.heldUntil = moved(view.heldUntil);
  view.heldBefore = moved(view.heldBefore);
  view.datastoreHeardAt = moved(view.datastoreHeardAt);
  view.offSince = moved(view.offSince);
  if (view.lease) view.lease = { ...view.lease, seenAt: moved(view.lease.seenAt)! };
}
