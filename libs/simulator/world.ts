import { diskPathOf, type GuestSources, specificationOf } from '@argosy/control/guest-specification';
import { isolationOf } from '@argosy/control/isolation-policy';
import type { DrillFault, FleetEffect, FleetEvent } from '@argosy/control/fleet-types';
import type { Inventory } from '@argosy/control/ports/fleet-store';
import type { FleetRecord, Guest, Host, SubjectKind } from '@argosy/domain/entities';
import type { LinkImpairment } from '@argosy/domain/drill';
import type { FleetRequest } from '@argosy/domain/fleet-request';
import type { PeerAnswer, PeerRequest } from '@argosy/domain/peer-message';
import { accepted, refused } from '@argosy/domain/refusal';
import type { Result } from '@argosy/domain/refusal';
import type { Instant } from '@argosy/domain/units';
import { Circumstances } from './circumstances';
import { VirtualClock } from './clock';
import { Invariants } from './invariants';
import { MessageBus } from './message-bus';
import { ModelController } from './model-controller';
import { ModelHost, usualHostTimes } from './model-host';
import type { HostTimes } from './model-host';
import type { ModelInstance } from './model-instance';
import { ModelSite, usualVmmTimes } from './model-machine';
import { modelCapabilities } from './model-vmm';
import type { ModelMachine, VmmTimes } from './model-machine';
import { type Backup, ModelStore } from './model-store';

export interface Calibration {
  readonly vmm?: Partial<VmmTimes>;
  readonly host?: Partial<HostTimes>;
}

export interface WorldOptions {
  readonly inventory: Inventory;
  readonly controllers?: number;
  readonly calibration?: Calibration;
  /** Hosts say their figures so often, and otherwise only what is news; without it, everything each second. */
  readonly figuresEveryMs?: number;
  /** When in each second a host's agent reports, ms; without it, all at once. */
  readonly phases?: ReadonlyMap<string, number>;
  /** false: the invariants are not asked, for a run whose answer is wanted soon. */
  readonly checked?: boolean;
}

export interface LogLine {
  readonly at: Instant;
  readonly text: string;
}

const linkMs = 1;
const servingBeats = 3;
const apiMs = 2;
const passMs = 1000;

/**
 * A whole fleet on one virtual clock: the brains unchanged, and around them models of what the real adapters do. The
 * guests that the inventory says are running run from the beginning.
 */
export class World {
  readonly clock = new VirtualClock();
  readonly site: ModelSite;
  readonly store: ModelStore;
  readonly bus: MessageBus;
  readonly hosts = new Map<string, ModelHost>();
  readonly controllers: ModelController[] = [];
  readonly invariants: Invariants;
  readonly log: LogLine[] = [];
  onNote: ((line: LogLine) => void) | null = null;
  onDeath: ((instance: ModelInstance, how: 'stopped' | 'crashed', reason: string) => void) | null = null;
  private readonly checked: boolean;
  private readonly telling: Pick<WorldOptions, 'figuresEveryMs'>;
  private lastBackup: Backup | null = null;
  private nextId = 1;

  constructor(options: WorldOptions) {
    this.checked = options.checked ?? true;
    this.telling = options.figuresEveryMs === undefined ? {} : { figuresEveryMs: options.figuresEveryMs };
    const { calibration = {}, inventory } = options;
    this.site = new ModelSite(this.clock, { ...usualVmmTimes, ...calibration.vmm });
    this.store = new ModelStore(this.clock);
    this.bus = new MessageBus(this.clock);
    const circumstances = new Circumstances(this);
    this.invariants = new Invariants(this.site, this.store, circumstances, (guestId, instance) =>
      this.noteRun(guestId, instance),
    );
    this.site.onDeath = (instance, how, reason) => this.sawDeath(instance, how, reason);
    this.site.onRevert = (diskPath) => this.invariants.forget(diskPath.split('/').at(-2) ?? '');
    this.store.seed(inventory, openPlacements(inventory.guests));
    this.store.onWrite = (write) => {
      if (write.kind === 'record') this.noteRecord(write.record);
      this.invariants.fleet.sawWrite(write);
    };
    if (this.checked) this.bus.onJob = (command) => this.invariants.fleet.orders.sent(command);
    if (this.checked) this.clock.every(passMs, () => this.invariants.fleet.pass(circumstances.isCalm()));
    const times = { ...usualHostTimes, ...calibration.host };
    for (const { path, hostId } of inventory.datastores) {
      const owner = inventory.hosts.find(({ id }) => id === hostId);
      if (owner) this.site.datastore.owners.set(path, owner.name);
    }
    const sources = inventoryMaps(inventory);
    for (const guest of inventory.guests)
      if (guest.diskMade) this.site.datastore.open(diskPathOf(sources, guest), guest.diskMiB);
    for (const host of inventory.hosts) this.addHost(host, inventory, times, options.phases?.get(host.name) ?? 0);
    for (let index = 1; index <= (options.controllers ?? 2); index++) this.addController(`controller${index}`);
  }

  /** Of each copy that begins with an empty memory, those of the beginning too. */
  whenBooted(work: (instance: ModelInstance) => void): void {
    this.site.onBoot = work;
    for (const instance of this.site.instances()) if (instance.memory?.heartbeats === 0) work(instance);
  }

  /** Runs until that moment, with the invariants asked after each event. */
  runUntil(instant: Instant): void {
    while (this.clock.step(instant)) if (this.checked) this.invariants.check();
    this.clock.runUntil(instant);
  }

  run(ms: number): void {
    this.runUntil(this.clock.now + ms);
  }

  /** Runs until that holds; false when it does not within the limit. */
  runWhile(holds: () => boolean, limitMs: number): boolean {
    const until = this.clock.now + limitMs;
    while (holds()) {
      if (!this.clock.step(until)) return false;
      if (this.checked) this.invariants.check();
    }
    return true;
  }

  /** Asks the leader's API, as an administrator or an agent does. */
  request(actor: string, request: FleetRequest, reply: (result: Result<unknown>) => void = () => {}): void {
    this.sawRequest(request);
    this.clock.after(apiMs, () => {
      const leader = this.leader();
      if (leader) leader.request(actor, request, reply);
      else this.clock.after(apiMs, () => reply(refused('not-leader', 'no controller leads at the moment')));
    });
  }

  leader(): ModelController | undefined {
    return this.controllers.find((controller) => controller.leads());
  }

  addController(name: string, clockAheadMs = 0): ModelController {
    const { clock, bus, store } = this;
    const controller = new ModelController(
      name,
      {
        clock,
        bus,
        store,
        newId: () => `id${this.nextId++}`,
        datastore: () => this.site.datastore,
        actOn: (effect, answer) => this.actOn(effect, answer),
      },
      clockAheadMs,
    );
    this.controllers.push(controller);
    controller.start();
    return controller;
  }

  host(name: string): ModelHost {
    const host = this.hosts.get(name);
    if (!host) throw new Error(`there is no host ${name}`);
    return host;
  }

  guest(name: string): Guest {
    for (const guest of this.store.rows.guest.values()) if (guest.name === name) return guest;
    throw new Error(`there is no guest ${name}`);
  }

  /** The copy of that guest that executes, if one does. */
  copyOf(guestName: string): ModelInstance | undefined {
    return this.site.runningCopies(this.guest(guestName).id)[0];
  }

  /** The copy of that guest that waits for its memory or its grant, if one does. */
  waitingCopyOf(guestName: string): ModelInstance | undefined {
    const { id } = this.guest(guestName);
    return [...this.site.instances()].find((instance) => instance.id.guestId === id && instance.state === 'incoming');
  }

  /** Every fault is over, and what was off is on. */
  mend(): void {
    const { bus, store, site } = this;
    bus.loseBy(null);
    bus.setUp(true);
    store.away = false;
    site.fill(false);
    if (this.controllers.every(({ mode }) => mode === 'dead'))
      this.addController(`controller${this.controllers.length + 1}`);
    for (const controller of this.controllers) {
      controller.cutOff = controller.datastoreCut = false;
      if (controller.paused) controller.resume();
    }
    for (const host of this.hosts.values()) {
      host.cut('none');
      host.datastoreCut = false;
      host.fenceFaults.clear();
      host.health = null;
      host.powerOn();
      host.watchdog.start();
      for (const other of this.hosts.keys()) site.network.heal(host.name, other);
    }
  }

  backUp(): void {
    this.lastBackup = this.store.backup();
  }

  /** As it is done: the controllers are stopped, the database is what it was, and a controller is started. */
  restore(): void {
    if (!this.lastBackup) return;
    for (const controller of this.controllers) if (controller.mode !== 'dead') controller.crash();
    this.store.restore(this.lastBackup);
    this.addController(`controller${this.controllers.length + 1}`);
  }

  /** To a server whose clock is that much ahead: every connection is new, and the lease is asked for at once. */
  failDatabaseOver(aheadMs: number): void {
    this.store.aheadMs += aheadMs;
    this.leader()?.renew();
  }

  note(text: string): void {
    const line = { at: this.clock.now, text };
    this.log.push(line);
    this.onNote?.(line);
  }

  inject(fault: DrillFault): Result<null> {
    if (fault.kind === 'guest-crash') {
      const copy = this.site.runningCopies(fault.guestId ?? '')[0];
      if (!copy) return refused('guest-not-running', `guest ${fault.guestId} does not run`);
      copy.die('crashed', 'a drill killed it');
      return accepted(null);
    }
    const name = this.store.rows.host.get(fault.hostId ?? '')?.name;
    const host = name === undefined ? undefined : this.hosts.get(name);
    if (!host) return refused('unknown-host', `there is no host ${fault.hostId}`);
    if (fault.impairment) this.impair(host, fault.impairment);
    else if (fault.kind === 'host-loss') host.powerOff();
    else host.killAgent();
    return accepted(null);
  }

  /** A delay or some loss is nothing that any decision hangs on, so a link that is only slow is as it was. */
  private impair(host: ModelHost, { networks, durationMs, lossShare }: LinkImpairment): void {
    if (lossShare < 1 || !networks.includes('management')) return;
    const others = [...this.hosts.keys()].filter((name) => name !== host.name);
    host.cut('both');
    for (const other of others) this.site.network.cut(host.name, other);
    this.clock.after(durationMs, () => {
      host.cut('none');
      for (const other of others) this.site.network.heal(host.name, other);
    });
  }

  hostName(hostId: string | null): string {
    return hostId === null ? 'no host' : (this.store.rows.host.get(hostId)?.name ?? hostId);
  }

  private addHost(row: Host, inventory: Inventory, times: HostTimes, phaseMs: number): void {
    const machine = this.site.addMachine(row.name, row.capacity);
    const registration = {
      hostName: row.name,
      poolName: inventory.pools.find((pool) => pool.id === row.poolId)?.name ?? row.poolId,
      peerAddress: row.peerAddress,
      queue: row.queue,
      capacity: row.capacity,
      capabilities: row.capabilities ?? noCapabilities,
      fenceDevice: null,
    };
    const { clock, bus } = this;
    const host = new ModelHost(
      machine,
      registration,
      {
        clock,
        bus,
        ...this.telling,
        request: (actor, request, reply) => this.request(actor, request, reply),
        controllerAnswers: () => this.controllers.some(({ mode, paused }) => mode !== 'dead' && !paused),
        askPeer: (from, address, request, deadlineMs, done) => this.askPeer(from, address, request, deadlineMs, done),
      },
      times,
      phaseMs,
    );
    this.hosts.set(row.name, host);
    const here = inventory.guests.filter((guest) => guest.hostId === row.id);
    if (row.state === 'fenced' || row.state === 'failed' || row.state === 'offline') {
      machine.powered = false;
      return;
    }
    for (const guest of here) this.beginGuest(machine, host, guest, inventory);
    const guests = here.map(({ id, epoch }) => ({ guestId: id, epoch }));
    const pool = inventory.pools.find(({ id }) => id === row.poolId)!;
    const assignments = { hostId: row.id, incarnation: row.incarnation, term: 0, isolation: isolationOf(pool), at: 0 };
    host.beginRunning({ ...assignments, guests, migrations: [] });
  }

  private beginGuest(machine: ModelMachine, host: ModelHost, row: Guest, inventory: Inventory): void {
    const guest = specificationOf(inventoryMaps(inventory), row);
    const opened = machine.open(guest, row.epoch, 'start');
    if (!opened.ok) throw new Error(opened.refusal.message);
    opened.value.resume();
    if (row.desired === 'paused') opened.value.stopRunning('paused');
    const state = row.desired === 'paused' ? 'paused' : 'running';
    const key = `guest/${row.id}:${row.epoch}`;
    host.journal.set(key, {
      key,
      value: { kind: 'guest', guestId: row.id, epoch: row.epoch, guest, state, refusal: null },
    });
  }

  private sawRequest(request: FleetRequest): void {
    // A suspended guest whose host is lost before that is known starts from its disk.
    const isEnd = request.kind === 'guest.power' && (request.desired === 'stopped' || request.desired === 'suspended');
    if (!isEnd && request.kind !== 'guest.restart') return;
    for (const guest of this.store.rows.guest.values())
      if (request.guest === guest.name || request.guest === guest.id) this.invariants.hasEnded(guest.id);
  }

  /** A host that is cut off stops its guests by itself, a start under a disk's lock may have been in vain, and a guest that hangs is reset. */
  private sawDeath(instance: ModelInstance, how: 'stopped' | 'crashed', reason: string): void {
    this.onDeath?.(instance, how, reason);
    const { failure } = [...this.store.rows.pool.values()][0]!;
    const known = this.hosts.get(instance.machine.name)?.journal.get('isolation')?.value;
    const isCutOff = known?.kind === 'isolation' && known.policy.response !== 'keep-running';
    const byItself = isCutOff || failure.lockIsProof || failure.guestMonitoringMs > 0;
    if (instance.memory !== null && (how === 'crashed' || byItself)) this.invariants.hasEnded(instance.id.guestId);
  }

  private actOn(
    effect: Extract<FleetEffect, { kind: 'fence' | 'predict' | 'inject' | 'probe' }>,
    answer: (event: FleetEvent) => void,
  ): void {
    switch (effect.kind) {
      case 'fence': {
        const { hostId, incarnation, device, action } = effect;
        return this.host(effect.hostName).fence(effect, (result) =>
          answer({ kind: 'fence-result', action, hostId, incarnation, device: device.name, result }),
        );
      }
      case 'probe': {
        const { guestId, epoch } = effect;
        const copy = this.site.runningCopies(guestId)[0];
        // What the guest serves is up some time after its machine.
        const serves = (copy?.memory?.heartbeats ?? 0) >= servingBeats;
        return void this.clock.after(1, () => answer({ kind: 'probe-result', guestId, epoch, serves }));
      }
      case 'predict':
        // A simulation inside of a simulation would predict itself.
        return void this.clock.after(1, () =>
          answer({ kind: 'prediction', drillId: effect.drillId, result: accepted({ phases: {}, outages: [] }) }),
        );
      case 'inject': {
        const at = this.clock.now;
        const result = this.inject(effect.fault);
        this.note(`! drill ${effect.fault.kind}`);
        return void this.clock.after(1, () => answer({ kind: 'injected', drillId: effect.drillId, at, result }));
      }
    }
  }

  private askPeer(
    from: string,
    address: string,
    request: PeerRequest,
    deadlineMs: number,
    done: (answer: PeerAnswer | null) => void,
  ): void {
    let over = false;
    const end = (answer: PeerAnswer | null): void => {
      if (over) return;
      over = true;
      done(answer);
    };
    this.clock.after(deadlineMs, () => end(null));
    const peer = [...this.hosts.values()].find((host) => host.registration.peerAddress === address);
    const { network } = this.site;
    this.clock.after(linkMs, () => {
      if (!peer || !network.carries(from, peer.name) || !peer.machine.powered) return;
      if (!peer.agent) return end(null);
      peer.agent.hearPeer(request, (answer) =>
        this.clock.after(linkMs, () => network.carries(peer.name, from) && end(answer)),
      );
    });
  }

  private noteRun(guestId: string, instance: ModelInstance): void {
    const name = this.store.rows.guest.get(guestId)?.name ?? instance.guest.name;
    const { boot, heartbeats } = instance.memory!;
    this.note(
      `= ${name} runs on ${instance.machine.name} (epoch ${instance.id.epoch}, boot ${boot}, heartbeat ${heartbeats})`,
    );
  }

  private noteRecord(record: FleetRecord): void {
    this.note(
      `${record.subjectKind} ${this.nameOf(record.subjectKind, record.subjectId)} ${record.code}: ${record.message}`,
    );
  }

  private nameOf(kind: SubjectKind, id: string): string {
    if (kind === 'migration') {
      const guestId = this.store.rows.migration.get(id)?.guestId;
      return guestId === undefined ? id : this.nameOf('guest', guestId);
    }
    if (
      kind === 'pool' ||
      kind === 'host' ||
      kind === 'guest' ||
      kind === 'image' ||
      kind === 'datastore' ||
      kind === 'rule'
    )
      return this.store.rows[kind].get(id)?.name ?? id;
    return id;
  }
}

const noCapabilities = { ...modelCapabilities, facts: [] };

function openPlacements(
  guests: readonly Guest[],
): { guestId: string; hostId: string; epoch: number; from: number; to: null; reason: string; endReason: null }[] {
  return guests.flatMap((guest) =>
    guest.hostId === null
      ? []
      : [
          {
            guestId: guest.id,
            hostId: guest.hostId,
            epoch: guest.epoch,
            from: 0,
            to: null,
            reason: 'it was there when the simulation began',
            endReason: null,
          },
        ],
  );
}

function inventoryMaps({ pools, images, datastores }: Inventory): GuestSources {
  const byId = <Row extends { readonly id: string }>(rows: readonly Row[]): Map<string, Row> =>
    new Map(rows.map((row) => [row.id, row]));
  return { pools: byId(pools), images: byId(images), datastores: byId(datastores) };
}
