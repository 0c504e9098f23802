import { createFleet, stepFleet } from '@argosy/control/fleet';
import type { Fleet, FleetEffect, FleetEvent, FleetStep } from '@argosy/control/fleet-types';
import type { Told } from '@argosy/control/telling';
import type { Inventory } from '@argosy/control/ports/fleet-store';
import { FleetClock } from '@argosy/domain/fleet-clock';
import type { FleetRequest } from '@argosy/domain/fleet-request';
import type { Result } from '@argosy/domain/refusal';
import type { VirtualClock } from './clock';
import type { ModelDatastore } from './datastore';
import type { MessageBus } from './message-bus';
import type { ModelStore } from './model-store';

export interface ControllerSurroundings {
  readonly clock: VirtualClock;
  readonly bus: MessageBus;
  readonly store: ModelStore;
  readonly newId: () => string;
  datastore(): ModelDatastore;
  /** fence, predict and inject: what reaches out of the control loop. Each answers by an event, perhaps. */
  actOn(
    effect: Extract<FleetEffect, { kind: 'fence' | 'predict' | 'inject' | 'probe' }>,
    answer: (event: FleetEvent) => void,
  ): void;
}

const tickMs = 250;
const leaseMs = 5000;
const renewMs = 1500;
const ownHeartbeatMs = 500;
const datastorePollMs = 500;
const reloadRetryMs = 250;
const commitMs = 3;

/**
 * One controller process: the fleet brain with the loop around it. Each step's writes are committed before its effects are
 * carried out; what comes meanwhile is decided already, and is the next transaction. When the store refuses or is away, the brain
 * starts again from what the store holds.
 */
export class ModelController {
  /** standby: another leads. reloading: it leads, and waits for the store. */
  mode: 'standby' | 'reloading' | 'leading' | 'dead' = 'standby';
  fleet: Fleet;
  /** A process that is stopped: it handles nothing, and goes on later as though no time had passed. */
  paused = false;
  private term = 0;
  private readonly events: FleetEvent[] = [];
  private committing = false;
  /** Decided while another step is committed. */
  private decided: FleetStep[] = [];
  private readonly replies = new Map<string, (result: Result<unknown>) => void>();
  /** A fault: neither Redis nor the datastore is reached from here; the database is. */
  cutOff = false;
  /** A fault: the datastore alone is not reached from here. */
  datastoreCut = false;
  private readonly seenHeartbeats = new Map<string, number>();
  private readonly seenLeases = new Map<string, number>();
  private readonly clock: FleetClock;
  private nextRequest = 1;
  private readonly hear = (told: Told): void => {
    if (!this.cutOff) this.take(told.kind === 'report' ? told : { kind: 'heartbeats', heartbeats: [told.heartbeat] });
  };

  constructor(
    readonly name: string,
    private readonly around: ControllerSurroundings,
    clockAheadMs = 0,
  ) {
    this.clock = new FleetClock(() => around.clock.now + clockAheadMs);
    this.fleet = createFleet({ newId: around.newId });
  }

  start(): void {
    const { clock, bus } = this.around;
    bus.subscribe(this.hear);
    this.every(renewMs, () => this.renew());
    this.every(tickMs, () => this.tick());
    this.every(ownHeartbeatMs, () => this.ownHeartbeat());
    this.every(datastorePollMs, () => this.pollDatastore());
    clock.after(0, () => this.renew());
  }

  crash(): void {
    this.mode = 'dead';
    this.forget();
    this.around.bus.unsubscribe(this.hear);
  }

  pause(): void {
    this.paused = true;
  }

  /** What waited is handled first, and only then the timers find out that the lease is lost. */
  resume(): void {
    this.paused = false;
    this.pump();
  }

  leads(): boolean {
    return this.mode === 'leading' && !this.paused;
  }

  request(actor: string, request: FleetRequest, reply: (result: Result<unknown>) => void): void {
    const requestId = `${this.name}-${this.nextRequest++}`;
    this.replies.set(requestId, reply);
    this.take({ kind: 'request', requestId, actor, request });
  }

  renew(): void {
    const askedAt = this.clock.ask();
    const lease = this.around.store.holdLease(this.name, `model:${this.name}`, leaseMs);
    if (!lease) return;
    this.clock.hear(askedAt, lease.at);
    if (!lease.held) {
      this.mode = 'standby';
      this.forget();
      return;
    }
    if (this.mode !== 'standby' && lease.term === this.term) return;
    this.term = lease.term;
    this.seenLeases.clear();
    this.mode = 'reloading';
    this.decided = [];
    this.load('took-over');
  }

  private every(intervalMs: number, run: () => void): void {
    const timer = this.around.clock.every(intervalMs, () => {
      if (this.mode === 'dead') timer.cancel();
      else if (!this.paused) run();
    });
  }

  private load(kind: 'took-over' | 'reloaded'): void {
    if (this.mode !== 'reloading') return;
    const inventory = this.around.store.load();
    if (!inventory) return void this.around.clock.after(reloadRetryMs, () => this.load(kind));
    this.mode = 'leading';
    this.events.unshift(this.loaded(kind, inventory));
    this.pump();
  }

  private loaded(kind: 'took-over' | 'reloaded', inventory: Inventory): FleetEvent {
    return { kind, term: this.term, inventory };
  }

  private tick(): void {
    if (!this.events.some((event) => event.kind === 'tick')) this.take({ kind: 'tick' });
  }

  private ownHeartbeat(): void {
    const { bus, clock } = this.around;
    if (bus.isUp() && !this.cutOff) clock.after(2, () => bus.isUp() && this.take({ kind: 'own-heartbeat' }));
  }

  private pollDatastore(): void {
    if (this.cutOff || this.datastoreCut) return;
    const datastore = this.around.datastore();
    this.take({ kind: 'own-datastore-heartbeat' });
    for (const [hostName, at] of datastore.heartbeats) {
      if (this.seenHeartbeats.get(hostName) === at) continue;
      this.seenHeartbeats.set(hostName, at);
      this.about(hostName, (hostId) => ({ kind: 'datastore-heartbeat', hostId }));
    }
    for (const [hostName, { sequence, renewedAt, ...lease }] of datastore.leases) {
      const before = this.seenLeases.get(hostName);
      if (before === sequence) continue;
      this.seenLeases.set(hostName, sequence);
      const renewed = before !== undefined;
      const beatAt = datastore.heartbeats.get(hostName);
      const heartbeatAfterMs = beatAt === undefined ? null : beatAt - renewedAt;
      this.about(hostName, (hostId) => ({ kind: 'watchdog-lease', hostId, ...lease, renewed, heartbeatAfterMs }));
    }
    for (const [hostName, ended] of datastore.ended)
      this.about(hostName, (hostId) => ({ kind: 'isolation', hostId, ended }));
  }

  private about(hostName: string, event: (hostId: string) => FleetEvent): void {
    const host = [...this.fleet.hosts.values()].find((each) => each.name === hostName);
    if (host) this.take(event(host.id));
  }

  private take(event: FleetEvent): void {
    if (this.mode !== 'leading') return;
    this.events.push(event);
    this.pump();
  }

  private pump(): void {
    while (this.leads()) {
      const event = this.events.shift();
      if (!event) return;
      this.decided.push(stepFleet(this.fleet, event, this.clock.now(), this.clock.jumpedMs));
      if (!this.committing) this.commit();
    }
  }

  private commit(): void {
    const steps = this.decided.splice(0);
    const writes = steps.flatMap((step) => step.writes);
    if (writes.length === 0) return this.carryOutAll(steps);
    const { term } = this;
    this.committing = true;
    this.around.clock.after(commitMs, () => {
      const outcome = this.mode === 'dead' ? null : this.around.store.commit(term, writes);
      this.afterPause(() => {
        if (this.mode === 'leading' && outcome?.outcome === 'committed') this.carryOutAll(steps);
        this.committing = false;
        if (this.mode === 'leading' && outcome?.outcome !== 'committed') this.reload();
        this.pump();
        if (!this.committing && this.decided.length > 0) this.commit();
      });
    });
  }

  private carryOutAll(steps: readonly FleetStep[]): void {
    for (const { effects } of steps) this.carryOut(effects);
  }

  private afterPause(run: () => void): void {
    if (this.paused) this.around.clock.after(10, () => this.afterPause(run));
    else run();
  }

  /** What this leader believed is void; what came meanwhile will come again, or be asked for again. */
  private reload(): void {
    this.mode = 'reloading';
    this.forget();
    this.load('reloaded');
  }

  /** What came, and what was decided of it and is not written. */
  private forget(): void {
    this.events.length = 0;
    this.decided = [];
  }

  private carryOut(effects: readonly FleetEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'host-command') this.around.bus.enqueue(effect.queue, effect.command);
      else if (effect.kind === 'forget-queue') this.around.bus.forget(effect.queue);
      else if (effect.kind === 'keep-queues') this.around.bus.keep(effect.queues);
      else if (effect.kind === 'reply') this.reply(effect.requestId, effect.result);
      else if (effect.kind === 'raise-term') {
        this.around.store.raiseTerm(this.name, effect.above);
        this.renew();
      } else this.around.actOn(effect, (event) => this.take(event));
    }
  }

  private reply(requestId: string, result: Result<unknown>): void {
    const reply = this.replies.get(requestId);
    this.replies.delete(requestId);
    if (reply) this.around.clock.after(2, () => reply(result));
  }
}
