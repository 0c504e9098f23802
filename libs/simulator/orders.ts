import type { Guest, Host } from '@argosy/domain/entities';
import { areSameLimits } from '@argosy/domain/guest-specification';
import type { HostCommand, HostOrder, OrderOf } from '@argosy/domain/host-command';
import { type MigrationStep, migrationTransitions } from '@argosy/domain/lifecycle';
import type { Instant } from '@argosy/domain/units';
import type { Means } from './downtime';
import type { ModelInstance } from './model-instance';
import type { ModelSite } from './model-machine';
import type { ModelStore } from './model-store';

/** That it is missing is seen in reports, of which several may be lost or late, and a host that is silent meanwhile is not asked. */
const marginMs = 25_000;
/** In a fleet that nothing ails it is not sent more often than this without its effect. */
const mostAttempts = 8;

interface Sent {
  readonly command: HostCommand;
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
  private isCalm = false;
  private askedAt: Instant = 0;

  constructor(
    private readonly site: ModelSite,
    private readonly store: ModelStore,
    private readonly means: Means,
    private readonly fail: (message: string) => void,
  ) {}

  /** A job for a host's agent, whatever becomes of it on its way. */
  sent(command: HostCommand): void {
    const key = keyOf(command);
    if (key === null) return;
    const attempts = (this.pending.get(key)?.attempts ?? 0) + (this.isCalm ? 1 : 0);
    const validMs = Math.max(0, command.notAfter - this.site.clock.now);
    this.pending.set(key, { command, validMs, waitedMs: 0, attempts, leader: this.means.leader() });
  }

  pass(isCalm: boolean): void {
    const { now } = this.site.clock;
    const sinceMs = now - this.askedAt;
    this.askedAt = now;
    this.isCalm = isCalm;
    const leader = this.means.leader();
    for (const [key, sent] of this.pending) {
      const host = this.store.rows.host.get(sent.command.hostId);
      if (!host || !this.isWanted(sent.command.order, host)) {
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
      this.fail(`${sent.command.order.kind} of ${this.subjectOf(sent.command.order)} for ${host.name} ${fault}`);
    }
  }

  private subjectOf(order: HostOrder): string {
    if ('operationId' in order) return 'a disk';
    const guestId = 'guestId' in order ? order.guestId : 'guest' in order ? order.guest.guestId : '';
    return this.store.rows.guest.get(guestId)?.name ?? guestId;
  }

  /** By the record it is to be done, and by the machines it is not done. */
  private isWanted(order: HostOrder, host: Host): boolean {
    switch (order.kind) {
      case 'guest.start':
        return this.startIsWanted(order.guest.guestId, order.epoch, host);
      case 'guest.stop':
        return this.stopIsWanted(order.guestId, order.epoch, host);
      case 'guest.pause':
      case 'guest.resume':
        return this.isOtherwise(order, host);
      case 'guest.limit':
        return this.limitIsWanted(order, host);
      case 'migration.prepare':
        return this.stepOf(order.migrationId) === 'open-target';
      case 'migration.cancel':
        return this.stepOf(order.migrationId) === 'cancelling';
      case 'migration.release':
        return this.isLeftBehind(order.migrationId, order.guestId, host);
      default:
        return false;
    }
  }

  private startIsWanted(guestId: string, epoch: number, host: Host): boolean {
    const guest = this.store.rows.guest.get(guestId);
    const isMeant = guest?.state === 'starting' && guest.hostId === host.id && guest.epoch === epoch;
    return isMeant && guest.desired !== 'stopped' && !this.isThere(guestId, epoch, host);
  }

  /** It is there, and not because the record has it there or a migration is about it. */
  private stopIsWanted(guestId: string, epoch: number, host: Host): boolean {
    const guest = this.store.rows.guest.get(guestId);
    if (guest?.hostId === host.id && guest.epoch === epoch && guest.state !== 'stopping') return false;
    for (const { step, ...move } of this.store.rows.migration.values())
      if (move.guestId === guestId && migrationTransitions[step].length > 0) return false;
    return this.isThere(guestId, epoch, host);
  }

  private isOtherwise(order: OrderOf<'guest.pause' | 'guest.resume'>, host: Host): boolean {
    const { kind, guestId, epoch } = order;
    const guest = this.store.rows.guest.get(guestId);
    const wished: Guest['desired'] = kind === 'guest.pause' ? 'paused' : 'running';
    if (guest?.hostId !== host.id || guest.epoch !== epoch || guest.desired !== wished) return false;
    if (guest.state !== 'running' && guest.state !== 'paused') return false;
    const copy = this.copyOf(guestId, epoch, host);
    return copy !== undefined && copy.state === (wished === 'paused' ? 'running' : 'paused');
  }

  private limitIsWanted(order: OrderOf<'guest.limit'>, host: Host): boolean {
    const { guestId, epoch } = order;
    const guest = this.store.rows.guest.get(guestId);
    if (guest?.hostId !== host.id || guest.epoch !== epoch || !areSameLimits(guest, order)) return false;
    if (guest.state !== 'running' && guest.state !== 'paused') return false;
    const copy = this.copyOf(guestId, epoch, host);
    return copy !== undefined && !areSameLimits(copy, order);
  }

  private stepOf(migrationId: string): MigrationStep | undefined {
    return this.store.rows.migration.get(migrationId)?.step;
  }

  /** What a guest that has moved away left, or one that never came, is still there. */
  private isLeftBehind(migrationId: string, guestId: string, host: Host): boolean {
    const migration = this.store.rows.migration.get(migrationId);
    if (!migration || (migration.step !== 'release' && migrationTransitions[migration.step].length > 0)) return false;
    const epoch = this.store.rows.guest.get(guestId)?.epoch ?? Infinity;
    for (const { id } of this.site.machines.get(host.name)?.instances.values() ?? [])
      if (id.guestId === guestId && id.epoch <= migration.epoch && id.epoch < epoch) return true;
    return false;
  }

  private isThere(guestId: string, epoch: number, host: Host): boolean {
    return this.copyOf(guestId, epoch, host) !== undefined;
  }

  private copyOf(guestId: string, epoch: number, host: Host): ModelInstance | undefined {
    for (const instance of this.site.machines.get(host.name)?.instances.values() ?? [])
      if (instance.id.guestId === guestId && instance.id.epoch === epoch) return instance;
    return undefined;
  }
}

function faultOf({ waitedMs, validMs, attempts }: Sent): string | null {
  if (waitedMs > validMs + marginMs)
    return `had no answer for ${Math.round(waitedMs / 1000)} s, and was not sent again`;
  return attempts > mostAttempts ? `was sent ${attempts} times, and nothing comes of it` : null;
}

/** What it is for: sent again it has the same. null: nothing that is waited for. */
function keyOf({ hostId, order }: HostCommand): string | null {
  if ('migrationId' in order) return `${hostId}/${order.kind}/${order.migrationId}`;
  if (order.kind === 'guest.start') return `${hostId}/${order.kind}/${order.guest.guestId}:${order.epoch}`;
  if ('guestId' in order && 'epoch' in order) return `${hostId}/${order.kind}/${order.guestId}:${order.epoch}`;
  return null;
}
