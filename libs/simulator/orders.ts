import type { HostCommand, HostOrder } from '@argosy/domain/host-command';
import type { Instant } from '@argosy/domain/units';
import type { Means } from './downtime';
import type { ModelSite } from './model-machine';
import type { ModelStore } from './model-store';
import { type HostTraces, WantedOrders } from './wanted-orders';

/** That it is missing is seen in reports, of which several may be lost or late, and a host that is silent meanwhile is not asked. */
const marginMs = 25_000;
/** In a fleet that nothing ails it is not sent more often than this without its effect. */
const mostAttempts = 8;

interface Sent {
  readonly command: HostCommand;
  readonly since: Instant;
  readonly validMs: number;
  /** Since it was sent last, in time in which it could have been sent and seen. */
  waitedMs: number;
  /** How often it was sent while nothing was amiss. */
  attempts: number;
  leader: string | null;
}

/**
 * Every command is answered: what it orders is seen to be done, or not wanted any more by the record; or else its time runs out
 * and it is sent again, and not for ever. It is asked of the machines and of the record, and of nothing that the brains remember.
 */
export class Orders {
  private readonly pending = new Map<string, Sent>();
  private readonly wanted: WantedOrders;
  private isCalm = false;
  private askedAt: Instant = 0;

  constructor(
    private readonly site: ModelSite,
    private readonly store: ModelStore,
    private readonly means: Means & HostTraces,
    private readonly fail: (message: string) => void,
  ) {
    this.wanted = new WantedOrders(site, store, means);
  }

  /** A job for a host's agent, whatever becomes of it on its way. */
  sent(command: HostCommand): void {
    const key = keyOf(command);
    if (key === null) return;
    const { now } = this.site.clock;
    const before = this.pending.get(key);
    const attempts = (before?.attempts ?? 0) + (this.isCalm ? 1 : 0);
    const validMs = Math.max(0, command.notAfter - now);
    const since = before?.since ?? now;
    this.pending.set(key, { command, since, validMs, waitedMs: 0, attempts, leader: this.means.leader() });
  }

  pass(isCalm: boolean): void {
    const { now } = this.site.clock;
    const sinceMs = now - this.askedAt;
    this.askedAt = now;
    this.isCalm = isCalm;
    const leader = this.means.leader();
    for (const [key, sent] of this.pending) {
      const host = this.store.rows.host.get(sent.command.hostId);
      if (!host || !this.wanted.has(sent.command.order, host, sent.since)) {
        this.pending.delete(key);
        continue;
      }
      const isPossible = leader !== null && host.state === 'online' && this.means.isAtWork(host.name);
      sent.waitedMs = isPossible && sent.leader === leader ? sent.waitedMs + sinceMs : 0;
      if (!isCalm) sent.attempts = 0;
      sent.leader = leader;
      const fault = faultOf(sent);
      if (fault === null) continue;
      this.pending.delete(key);
      this.fail(`${sent.command.order.kind}${this.subjectOf(sent.command.order)} for ${host.name} ${fault}`);
    }
  }

  private subjectOf(order: HostOrder): string {
    if ('operationId' in order) return ' of a disk';
    if (!('guestId' in order) && !('guest' in order)) return '';
    const guestId = 'guestId' in order ? order.guestId : order.guest.guestId;
    return ` of ${this.store.rows.guest.get(guestId)?.name ?? guestId}`;
  }
}

function faultOf({ waitedMs, validMs, attempts }: Sent): string | null {
  if (waitedMs > validMs + marginMs)
    return `had no answer for ${Math.round(waitedMs / 1000)} s, and was not sent again`;
  return attempts > mostAttempts ? `was sent ${attempts} times, and nothing comes of it` : null;
}

/** What it is for: sent again it has the same. null: it leaves nothing behind that could be looked for. */
function keyOf({ hostId, order }: HostCommand): string | null {
  if (order.kind === 'host.report') return null;
  if ('migrationId' in order) return `${hostId}/${order.kind}/${order.migrationId}`;
  if (order.kind === 'guest.start') return `${hostId}/${order.kind}/${order.guest.guestId}:${order.epoch}`;
  if ('guestId' in order && 'epoch' in order) return `${hostId}/${order.kind}/${order.guestId}:${order.epoch}`;
  if ('operationId' in order) return `${hostId}/${order.kind}/${order.operationId}`;
  return `${hostId}/${order.kind}`;
}
