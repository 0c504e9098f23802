import { randomUUID } from 'node:crypto';
import type { AuditEvent } from '@argosy/domain/access';
import type { Instant } from '@argosy/domain/units';
import type { AuditStore, NewAuditEvent } from '@argosy/inventory/audit-store';
import { isDatabaseAway } from './http/failures';
import { RateLimiter } from './http/limits';
import { cleaningMs, dayMs, removeInBatches } from './old-records';

export interface AuditLimits {
  /** How many events wait for a database that is away; what comes then is dropped. */
  readonly waiting: number;
  readonly batch: number;
  readonly writeDelayMs: number;
  readonly retryDelayMs: number;
  /** Of one address or user: calls that were not let in. */
  readonly deniedPerSecond: number;
  readonly deniedBurst: number;
  /** Of all strangers together, who may have many addresses. */
  readonly strangersPerSecond: number;
  readonly strangersBurst: number;
  /** Of events that are too old, in one statement. */
  readonly removedAtOnce: number;
  /** How often it is said that events were dropped. */
  readonly sayDroppedMs: number;
}

export const defaultAuditLimits: AuditLimits = {
  waiting: 10_000,
  batch: 500,
  writeDelayMs: 100,
  retryDelayMs: 1000,
  deniedPerSecond: 0.2,
  deniedBurst: 50,
  strangersPerSecond: 1,
  strangersBurst: 300,
  removedAtOnce: 2000,
  sayDroppedMs: 60_000,
};

/** `flood`: too many that were not let in; `full`: the database is away too long; `unwritable`: it refuses them. */
export const dropReasons = ['flood', 'full', 'unwritable'] as const;
export type DropReason = (typeof dropReasons)[number];

export interface AuditPorts {
  readonly store: Pick<AuditStore, 'add' | 'removeBefore'>;
  readonly retentionDays: number;
  readonly now: () => Instant;
  readonly say: (message: string) => void;
  readonly countDropped: (reason: DropReason, count: number) => void;
  readonly limits?: Partial<AuditLimits>;
}

/** A call that somebody made; `source` is the user or else the address that is held to the limits. */
export interface AuditedCall {
  readonly event: Omit<AuditEvent, 'at' | 'dropped'>;
  /** Whether the caller was known and let in: of those, none is left out while there is room. */
  readonly isAdmitted: boolean;
  readonly isStranger: boolean;
  readonly source: string;
}

/** A batch that a database which is there refuses so often will never be taken. */
const mostRefusals = 5;

/**
 * What goes into the record of who did what. Nobody waits for it: events are kept here, so many at most, until the
 * database has them, each once and in order.
 */
export class AuditTrail {
  private readonly limits: AuditLimits;
  private readonly denied: RateLimiter;
  private readonly strangers: RateLimiter;
  private readonly waiting: NewAuditEvent[] = [];
  private readonly cleaning: NodeJS.Timeout;
  private timer: NodeJS.Timeout | null = null;
  private writing: Promise<boolean> | null = null;
  private refusals = 0;
  private dropped = 0;
  private saidDroppedAt = -Infinity;
  private isClosed = false;

  constructor(private readonly ports: AuditPorts) {
    const limits = { ...defaultAuditLimits, ...ports.limits };
    this.limits = limits;
    const clock = () => performance.now();
    this.denied = new RateLimiter(limits.deniedPerSecond, limits.deniedBurst, clock);
    this.strangers = new RateLimiter(limits.strangersPerSecond, limits.strangersBurst, clock);
    this.cleaning = setInterval(() => void this.removeOld(), cleaningMs).unref();
  }

  take({ event, isAdmitted, isStranger, source }: AuditedCall): void {
    const isFlood = !isAdmitted && (this.denied.take(source) > 0 || (isStranger && this.strangers.take('all') > 0));
    if (isFlood) this.drop('flood', 1);
    else if (this.waiting.length >= this.limits.waiting) this.drop('full', 1);
    else this.waiting.push({ ...event, callId: randomUUID(), at: this.ports.now(), dropped: 0 });
    this.writeIn(this.limits.writeDelayMs);
  }

  /** Tries to write what waits now, so that who reads the record next finds what they did before. Never throws. */
  async settle(): Promise<void> {
    if (this.writing) await this.writing;
    while (this.waiting.length > 0 && (await this.write()));
  }

  /** Removes what is older than the retention, a little at a time. Value: how many. */
  async removeOld(): Promise<number> {
    const before = this.ports.now() - this.ports.retentionDays * dayMs;
    try {
      return await removeInBatches({
        remove: (most) => this.ports.store.removeBefore(before, most),
        atOnce: this.limits.removedAtOnce,
        goesOn: () => !this.isClosed,
      });
    } catch (error) {
      this.ports.say(`old audit events are not removed yet, and will be tried again: ${String(error)}`);
      return 0;
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    clearInterval(this.cleaning);
    if (this.timer) clearTimeout(this.timer);
    this.saidDroppedAt = -Infinity;
    this.sayDropped();
    await this.settle();
    if (this.waiting.length > 0) this.ports.say(`${this.waiting.length} audit events were not written: no database`);
  }

  private writeIn(delayMs: number): void {
    if (this.timer || this.isClosed) return;
    this.timer = setTimeout(() => {
      this.timer = null;
      void this.writeAll();
    }, delayMs).unref();
  }

  private async writeAll(): Promise<void> {
    this.sayDropped();
    const isWritten = this.waiting.length === 0 || (await this.write());
    if (this.waiting.length > 0) this.writeIn(isWritten ? 0 : this.limits.retryDelayMs);
    else if (this.dropped > 0) this.writeIn(this.limits.sayDroppedMs);
  }

  /** One batch, and one at a time. Value: whether to go on at once. */
  private write(): Promise<boolean> {
    this.writing ??= this.writeBatch().finally(() => (this.writing = null));
    return this.writing;
  }

  private async writeBatch(): Promise<boolean> {
    const batch = this.waiting.slice(0, this.limits.batch);
    try {
      await this.ports.store.add(batch);
    } catch (error) {
      this.refusals = isDatabaseAway(error) ? 0 : this.refusals + 1;
      if (this.refusals < mostRefusals) return false;
      this.ports.say(`${batch.length} audit events cannot be written: ${String(error)}`);
      this.drop('unwritable', batch.length);
    }
    this.refusals = 0;
    this.waiting.splice(0, batch.length);
    return true;
  }

  private drop(reason: DropReason, count: number): void {
    this.dropped += count;
    this.ports.countDropped(reason, count);
  }

  /** In the record itself, above its bound: there is one such event for a whole minute. */
  private sayDropped(): void {
    const now = performance.now();
    if (this.dropped === 0 || now - this.saidDroppedAt < this.limits.sayDroppedMs) return;
    this.saidDroppedAt = now;
    this.ports.say(`${this.dropped} calls are left out of the audit trail: too many that were denied, or no database`);
    const nobody = { actor: null, tokenId: null, address: null, method: null, subject: null, status: null, code: null };
    const what = { route: 'audit', outcome: 'dropped', dropped: this.dropped } as const;
    this.waiting.push({ ...nobody, ...what, callId: randomUUID(), at: this.ports.now() });
    this.dropped = 0;
  }
}
