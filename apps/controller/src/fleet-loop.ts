import { randomBytes } from 'node:crypto';
import { createFleet, stepFleet } from '@argosy/control/fleet';
import { inventoryNow } from '@argosy/control/fleet-inventory';
import type { Fleet, FleetEffect, FleetEvent, FleetStep } from '@argosy/control/fleet-types';
import type { FleetStore, FleetWrite, Inventory, Lease } from '@argosy/control/ports/fleet-store';
import type { FleetClock } from '@argosy/domain/fleet-clock';
import type { FleetRequest } from '@argosy/domain/fleet-request';
import type { HostReport } from '@argosy/domain/host-report';
import { refused, type Result } from '@argosy/domain/refusal';
import type { Instant } from '@argosy/domain/units';

/** What the brain's effects mean here. Each ends in an event, or is asked for again by the brain. */
export interface Actuators {
  hostCommand(effect: Extract<FleetEffect, { kind: 'host-command' }>): void;
  forgetQueue(queue: string): void;
  keepQueues(queues: readonly string[]): void;
  fence(effect: Extract<FleetEffect, { kind: 'fence' }>, done: (result: Result<null>) => void): void;
  probe(effect: Extract<FleetEffect, { kind: 'probe' }>, done: (serves: boolean) => void): void;
  predict(
    effect: Extract<FleetEffect, { kind: 'predict' }>,
    inventory: Inventory,
    done: (event: FleetEvent) => void,
  ): void;
  inject(effect: Extract<FleetEffect, { kind: 'inject' }>, done: (event: FleetEvent) => void): void;
}

export interface LoopParts {
  readonly store: FleetStore;
  readonly actuators: Actuators;
  readonly holder: string;
  readonly url: () => string;
  readonly leaseMs: number;
  /** The leader hears nobody, and this controller does. */
  readonly isCutOff: (leader: string) => boolean;
  readonly clock: FleetClock;
  readonly say: (message: string) => void;
  readonly recordPass: (durationMs: number) => void;
}

interface Arrival {
  readonly event: FleetEvent;
  readonly at: Instant;
  readonly jumpedMs: number;
}

/** What was decided and is not written yet: one transaction. */
class Decided {
  readonly writes: FleetWrite[] = [];
  readonly effects: FleetEffect[] = [];
  events = 0;
  decidingMs = 0;
}

const tickMs = 200;
const reloadRetryMs = 500;
const requestDeadlineMs = 15_000;
/** How long the end of the process waits for the step that is being written. */
const lastStepMs = 3_000;
/** Events that come together are one transaction up to here: what is larger takes longer than anybody should wait. */
const mostWritesTogether = 2_000;

/**
 * The fleet's brain in this process. Events are taken in the order and at the time of their arrival, so that a tick
 * never judges a host silent whose report waits behind it. While one transaction is written, what comes is decided already, and is
 * the next one. Effects are carried out only when their writes are committed, in the order in which they were decided. If the
 * store refuses or is away, what was decided since is dropped, and everything is loaded anew.
 */
export class FleetLoop {
  readonly fleet: Fleet = createFleet({
    newId: () => randomBytes(9).toString('base64url').replace(/[-_]/g, 'x'),
    deadlineIn: (ms) => {
      const until = performance.now() + ms;
      return () => performance.now() > until;
    },
  });
  private readonly events: Arrival[] = [];
  private next = new Decided();
  /** Resolves when what is being written is written, or is not; null: nothing is. */
  private writing: Promise<void> | null = null;
  private isDeciding = false;
  /** How many wait to load the inventory, or do: nothing is decided meanwhile. */
  private loads = 0;
  private loading: Promise<void> = Promise.resolve();
  private readonly waiting = new Map<string, (result: Result<unknown>) => void>();
  private readonly committedListeners = new Set<(writes: readonly FleetWrite[], at: Instant) => void>();
  private readonly reloadedListeners = new Set<() => void>();
  private readonly reportListeners = new Set<(report: HostReport) => void>();
  private leader: string | null = null;
  private term = 0;
  private takingOver: number | null = null;
  private leaseUntil = 0;
  private stopped = false;
  private stale = false;
  private storeSilent = false;
  private nextRequest = 1;
  private tickPending = false;
  private readonly timers: NodeJS.Timeout[] = [];

  constructor(private readonly parts: LoopParts) {}

  get leading(): boolean {
    return this.fleet.leading && !this.stale;
  }

  /** Where the leader's API is, as far as is known; null: nobody leads. */
  leaderUrl(): string | null {
    return this.leader;
  }

  async start(): Promise<void> {
    await this.holdLease();
    this.timers.push(setInterval(() => void this.holdLease(), this.parts.leaseMs / 4));
    this.timers.push(setInterval(() => this.tick(), tickMs));
  }

  /**
   * Gives the lease back, so that another controller need not wait for its end. A step that is being written is answered
   * as it ends; whoever waits behind it is sent on.
   */
  async stop(): Promise<void> {
    this.stopped = true;
    for (const timer of this.timers) clearInterval(timer);
    const led = this.fleet.leading;
    await Promise.race([this.writing, new Promise((resolve) => setTimeout(resolve, lastStepMs).unref())]);
    this.fleet.leading = false;
    this.leader = null;
    this.failWaiting();
    if (led) await this.parts.store.releaseLease(this.parts.holder);
  }

  take(event: FleetEvent): void {
    if (this.stopped) return;
    const { clock } = this.parts;
    this.events.push({ event, at: clock.now(), jumpedMs: clock.jumpedMs });
    this.advance();
  }

  takeReport(report: HostReport): void {
    for (const listener of this.reportListeners) listener(report);
    this.take({ kind: 'report', report });
  }

  request(actor: string, request: FleetRequest): Promise<Result<unknown>> {
    if (!this.fleet.leading || this.stale || this.stopped) return Promise.resolve(this.notNow());
    const requestId = `request-${this.nextRequest++}`;
    return new Promise((resolve) => {
      const deadline = setTimeout(
        () =>
          this.reply(
            requestId,
            refused(
              'deadline-passed',
              'The fleet did not answer in time; what was asked may still be done. Look before you ask again.',
            ),
          ),
        requestDeadlineMs,
      );
      this.waiting.set(requestId, (result) => {
        clearTimeout(deadline);
        resolve(result);
      });
      this.take({ kind: 'request', requestId, actor, request });
    });
  }

  onCommitted(listener: (writes: readonly FleetWrite[], at: Instant) => void): () => void {
    this.committedListeners.add(listener);
    return () => this.committedListeners.delete(listener);
  }

  /** After a reload: what was written in between, if anything, was not told. */
  onReloaded(listener: () => void): () => void {
    this.reloadedListeners.add(listener);
    return () => this.reloadedListeners.delete(listener);
  }

  onReport(listener: (report: HostReport) => void): () => void {
    this.reportListeners.add(listener);
    return () => this.reportListeners.delete(listener);
  }

  private notNow(): Result<never> {
    if (this.storeSilent)
      return refused(
        'store-unavailable',
        'The database cannot be reached; nothing is changed until it is back. Guests run on.',
      );
    if (this.stopped) return refused('not-leader', 'This controller is ending; ask another.', { leaderUrl: null });
    if (this.stale && this.fleet.leading)
      return refused('store-unavailable', 'The inventory is being read anew from the database; try again in a second.');
    return refused(
      'not-leader',
      this.leader
        ? `Another controller leads: ${this.leader}.`
        : 'No controller leads just now; try again in a few seconds.',
      { leaderUrl: this.leader },
    );
  }

  private tick(): void {
    // One tick waits at most: after a stall, time has passed once.
    if (this.tickPending || !this.fleet.leading) return;
    this.tickPending = true;
    this.take({ kind: 'tick' });
  }

  private async holdLease(): Promise<void> {
    if (this.stopped) return;
    const { clock } = this.parts;
    const askedAt = clock.ask();
    try {
      const lease = await this.parts.store.holdLease(this.parts.holder, this.parts.url(), this.parts.leaseMs);
      this.storeHeard();
      clock.hear(askedAt, lease.at);
      if (this.stopped) return;
      this.leader = lease.url;
      if (!lease.held) {
        this.follow(`a controller at ${lease.url} leads`);
        return await this.seizeIfCutOff(lease);
      }
      this.leaseUntil = askedAt + this.parts.leaseMs;
      // A new term, or the first: whatever was known of before is of another reign.
      if (lease.term !== this.term || !this.fleet.leading) await this.takeOver(lease.term);
    } catch (error) {
      this.storeLost(error);
      if (clock.ask() > this.leaseUntil) this.follow('the lease could not be renewed');
    }
  }

  private async seizeIfCutOff(lease: Lease): Promise<void> {
    const { store, holder, url, isCutOff, say } = this.parts;
    if (!isCutOff(lease.holder) || !(await store.seizeLease(lease, holder, url()))) return;
    say(`the leader at ${lease.url} is cut off from Redis, and this controller is not: it leads instead`);
    await this.holdLease();
  }

  /** The next look at the lease finds a new term, and takes over under it. */
  private async raiseTerm(above: number): Promise<void> {
    try {
      await this.parts.store.raiseTerm(this.parts.holder, above);
    } catch (error) {
      this.storeLost(error);
    }
    await this.holdLease();
  }

  private follow(reason: string): void {
    if (this.fleet.leading) this.parts.say(`no longer leading: ${reason}`);
    this.fleet.leading = false;
    this.failWaiting();
  }

  private async takeOver(term: number): Promise<void> {
    if (this.takingOver === term) return;
    this.takingOver = term;
    try {
      await this.load((inventory) => {
        this.drop();
        this.term = term;
        this.stale = false;
        const { effects } = this.loaded({ kind: 'took-over', term, inventory });
        for (const effect of effects) this.carryOut(effect);
        this.parts.say(`leading, term ${term}: ${inventory.hosts.length} hosts, ${inventory.guests.length} guests`);
      });
    } finally {
      this.takingOver = null;
    }
  }

  private loaded(event: Extract<FleetEvent, { kind: 'took-over' | 'reloaded' }>): FleetStep {
    const { clock } = this.parts;
    return stepFleet(this.fleet, event, clock.now(), clock.jumpedMs);
  }

  /** One after the other, and never while something is written that the loaded inventory would miss. */
  private async load(use: (inventory: Inventory) => void): Promise<void> {
    this.loads++;
    const turn = this.loading.then(async () => {
      await this.writing;
      use(await this.parts.store.load());
    });
    this.loading = turn.catch(() => undefined);
    try {
      await turn;
    } finally {
      this.loads--;
      this.advance();
    }
  }

  /** Decides what has come, and writes what was decided. */
  private advance(): void {
    if (this.isDeciding || this.loads > 0) return;
    this.isDeciding = true;
    while (!this.stopped && !this.stale) {
      this.decide();
      if (this.writing !== null || this.next.events === 0) break;
      this.writeNext();
    }
    this.isDeciding = false;
    if (this.stale && this.events.length > 0 && !this.stopped) void this.reload();
  }

  /** What waits, as far as its writes go into one transaction. The rest keeps its place. */
  private decide(): void {
    const { next, events } = this;
    const begun = performance.now();
    let taken = 0;
    try {
      while (taken < events.length && next.writes.length < mostWritesTogether) {
        const { event, at, jumpedMs } = events[taken++]!;
        if (event.kind === 'tick') this.tickPending = false;
        const step = stepFleet(this.fleet, event, at, jumpedMs);
        next.writes.push(...step.writes);
        next.effects.push(...step.effects);
      }
      next.events += taken;
    } catch (error) {
      // A bug of ours: nothing of the transaction is written, and the state it left is thrown away.
      this.parts.say(
        `the control loop failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
      this.spoil();
    } finally {
      events.splice(0, taken);
      next.decidingMs += performance.now() - begun;
    }
  }

  private writeNext(): void {
    const decided = this.next;
    this.next = new Decided();
    if (decided.writes.length === 0) return this.finish(decided, 0);
    const begun = performance.now();
    this.writing = this.commit(decided.writes).then((isCommitted) => {
      if (isCommitted) this.finish(decided, performance.now() - begun);
      // Only now: what the effects bring about at once is written behind them.
      this.writing = null;
      this.advance();
    });
  }

  private finish({ effects, decidingMs }: Decided, writingMs: number): void {
    for (const effect of effects) this.carryOut(effect);
    this.parts.recordPass(decidingMs + writingMs);
  }

  private async commit(writes: readonly FleetWrite[]): Promise<boolean> {
    try {
      const answer = await this.parts.store.commit(this.term, writes);
      this.storeHeard();
      if (answer.outcome === 'committed') {
        const at = this.parts.clock.now();
        for (const listener of this.committedListeners) listener(writes, at);
        return true;
      }
      this.parts.say(`the database refused a step, and the inventory is loaded anew: ${answer.message}`);
    } catch (error) {
      this.storeLost(error);
    }
    this.spoil();
    return false;
  }

  /** What the brain holds is not what the database holds: it is loaded before anything else is decided. */
  private spoil(): void {
    this.stale = true;
    this.next = new Decided();
    this.failWaiting();
  }

  /** What was decided on a state that another takes the place of. */
  private drop(): void {
    const { effects } = this.next;
    this.next = new Decided();
    for (const effect of effects) if (effect.kind === 'reply') this.reply(effect.requestId, this.notNow());
  }

  private failWaiting(): void {
    for (const requestId of [...this.waiting.keys()]) this.reply(requestId, this.notNow());
  }

  private async reload(): Promise<void> {
    this.loads++;
    try {
      await this.load((inventory) => {
        this.storeHeard();
        this.stale = false;
        if (!this.fleet.leading) return;
        this.loaded({ kind: 'reloaded', term: this.term, inventory });
        for (const listener of this.reloadedListeners) listener();
      });
    } catch (error) {
      this.storeLost(error);
      // What came meanwhile is out of date; hosts report again each second.
      this.events.length = 0;
      this.tickPending = false;
      await new Promise((resolve) => setTimeout(resolve, reloadRetryMs));
    } finally {
      this.loads--;
      this.advance();
    }
  }

  private storeLost(error: unknown): void {
    if (!this.storeSilent)
      this.parts.say(`the database cannot be reached: ${error instanceof Error ? error.message : String(error)}`);
    this.storeSilent = true;
  }

  private storeHeard(): void {
    if (this.storeSilent) this.parts.say('the database is back');
    this.storeSilent = false;
  }

  private reply(requestId: string, result: Result<unknown>): void {
    const resolve = this.waiting.get(requestId);
    this.waiting.delete(requestId);
    resolve?.(result);
  }

  private carryOut(effect: FleetEffect): void {
    const { actuators } = this.parts;
    switch (effect.kind) {
      case 'host-command':
        return actuators.hostCommand(effect);
      case 'forget-queue':
        return actuators.forgetQueue(effect.queue);
      case 'keep-queues':
        return actuators.keepQueues(effect.queues);
      case 'fence':
        return actuators.fence(effect, (result) =>
          this.take({
            kind: 'fence-result',
            action: effect.action,
            hostId: effect.hostId,
            incarnation: effect.incarnation,
            device: effect.device.name,
            result,
          }),
        );
      case 'probe':
        return actuators.probe(effect, (serves) =>
          this.take({ kind: 'probe-result', guestId: effect.guestId, epoch: effect.epoch, serves }),
        );
      case 'raise-term':
        return void this.raiseTerm(effect.above);
      case 'predict':
        return actuators.predict(effect, inventoryNow(this.fleet), (event) => this.take(event));
      case 'inject':
        return actuators.inject(effect, (event) => this.take(event));
      case 'reply':
        return this.reply(effect.requestId, effect.result);
    }
  }
}
