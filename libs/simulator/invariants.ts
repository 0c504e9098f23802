import { arrivalFault, machineFault } from './constraints';
import type { Means } from './downtime';
import { FleetInvariants } from './fleet-invariants';
import type { ModelInstance } from './model-instance';
import type { ModelSite } from './model-machine';
import type { ModelStore } from './model-store';
import type { HostTraces } from './wanted-orders';

interface Life {
  hostName: string;
  boot: number;
  heartbeats: number;
  steps: number;
}

/**
 * What must hold at every moment, asked of the machines and not of what anybody believes: no guest executes twice, and
 * none goes back in time. A guest that counts from the beginning has lost its memory: the record must own up to that.
 */
export class Invariants {
  readonly violations: string[] = [];
  readonly fleet: FleetInvariants;
  /** The data that a guest writes at each boot, by its name: its clones have it from there. */
  readonly dataSeeds = new Map<string, number>();
  private readonly lives = new Map<string, Life>();
  /** How often each guest has ended: every boot beyond the first needs one. */
  private readonly ends = new Map<string, number>();

  constructor(
    private readonly site: ModelSite,
    private readonly store: ModelStore,
    means: Means & HostTraces,
    private readonly onChange: (guestId: string, instance: ModelInstance) => void,
  ) {
    this.fleet = new FleetInvariants(site, store, means, (message) => this.fail(message));
  }

  /** It goes back in time because somebody asked for it. */
  forget(guestId: string): void {
    this.lives.delete(guestId);
  }

  /** A copy died with its memory, or somebody asked for its end. */
  hasEnded(guestId: string): void {
    this.ends.set(guestId, (this.ends.get(guestId) ?? 0) + 1);
  }

  check(): void {
    const executing = new Map<string, ModelInstance>();
    for (const instance of this.site.instances()) {
      if (!instance.executes()) continue;
      const other = executing.get(instance.id.guestId);
      if (!other) {
        executing.set(instance.id.guestId, instance);
        this.live(instance);
        continue;
      }
      const [one, two] = [other, instance].map(({ machine, id }) => `on ${machine.name} at epoch ${id.epoch}`);
      this.fail(`${instance.guest.name} runs twice: ${one} and ${two}`);
    }
    for (const disk of this.site.datastore.disks.values()) {
      const missing = this.site.datastore.missingBase(disk);
      if (missing !== undefined) this.fail(`${disk.path} has lost ${missing}, which it lies on`);
    }
    while (this.store.violations.length > 0) this.fail(`a write broke a constraint: ${this.store.violations.shift()}`);
  }

  private live(instance: ModelInstance): void {
    const memory = instance.memory!;
    const { guestId } = instance.id;
    const known = this.lives.get(guestId);
    const now: Life = {
      hostName: instance.machine.name,
      boot: memory.boot - instance.disk.inheritedBoots,
      heartbeats: memory.heartbeats,
      steps: memory.steps,
    };
    this.lives.set(guestId, now);
    if (known && known.boot === now.boot && (now.heartbeats < known.heartbeats || now.steps < known.steps)) {
      this.fail(
        `${instance.guest.name} went back in time on ${now.hostName}: from heartbeat ${known.heartbeats} to ${now.heartbeats} of boot ${now.boot}`,
      );
    }
    if (known && now.boot < known.boot)
      this.fail(`${instance.guest.name} runs with the memory of boot ${now.boot}, after boot ${known.boot}`);
    if (known?.hostName === now.hostName && known.boot === now.boot) return;
    const fault = known?.boot === now.boot ? machineFault(this.store.rows, known.hostName, now.hostName) : null;
    if (fault !== null) this.fail(`${instance.guest.name} goes on on ${now.hostName} ${fault}`);
    const ends = this.ends.get(guestId) ?? 0;
    if (now.boot - 1 > ends)
      this.fail(`${instance.guest.name} runs with boot ${now.boot}, and has ended ${ends} times`);
    if (this.site.clock.now > 0) this.arrived(guestId, instance);
    this.onChange(guestId, instance);
  }

  /** Where it runs from now on it has to be allowed, whatever may be said of where it was. */
  private arrived(guestId: string, { guest, machine }: ModelInstance): void {
    const here = this.site.machines.get(machine.name)!;
    const pool = this.store.rows.pool.get(this.store.rows.guest.get(guestId)?.poolId ?? '');
    const mostMiB = Math.floor(here.capacity.memoryMiB * (pool?.balance.memoryRatio ?? 1));
    if (here.memoryUsedMiB() > mostMiB)
      this.fail(`${machine.name} may promise ${mostMiB} MiB, and its guests have ${here.memoryUsedMiB()} MiB`);
    const running = [...here.instances.values()].filter((each) => each.executes()).map(({ id }) => id.guestId);
    const fault = arrivalFault(this.store.rows, guestId, machine.name, running);
    if (fault !== null) this.fail(`${guest.name} runs on ${machine.name}, ${fault}`);
  }

  /** Once everything has settled: what is wanted runs where the record says, or an alarm or the guest's state says why not. */
  checkSettled(): void {
    this.checkDisks();
    for (const guest of this.store.rows.guest.values()) {
      const copies = this.site.runningCopies(guest.id);
      const placements = this.store.placements.get(guest.id) ?? [];
      const boots = this.lives.get(guest.id)?.boot ?? 0;
      if (boots > placements.length)
        this.fail(`${guest.name} booted ${boots} times, and the record has ${placements.length} placements`);
      if (guest.desired !== 'running') {
        if (copies.length > 0 && guest.desired === 'stopped') this.fail(`${guest.name} runs and is wanted off`);
        continue;
      }
      const host = guest.hostId === null ? null : this.store.rows.host.get(guest.hostId);
      if (copies.length === 1 && guest.state === 'running') {
        if (copies[0]!.machine.name !== host?.name)
          this.fail(`${guest.name} runs on ${copies[0]!.machine.name}, and the record says ${host?.name ?? 'nowhere'}`);
      } else if (guest.state === 'running' || (copies.length === 0 && !this.fleet.isExplained(guest.id))) {
        this.fail(
          `${guest.name} is lost: ${copies.length} copies run, it is recorded as ${guest.state} (${guest.stateReason}), and no alarm says why`,
        );
      }
    }
  }

  /** Data that is not where it should be. */
  private checkDisks(): void {
    for (const { id, name, clonedFrom, state, diskMade } of this.store.rows.guest.values()) {
      const seed = this.dataSeeds.get(clonedFrom ?? name);
      const disk = this.site.datastore.disks.get(`/datastore/guests/${id}/disk.qcow2`);
      if (seed === undefined || !diskMade || state === 'cloning') continue;
      if (!disk) this.fail(`${name} is ${state} and has no disk`);
      else if (disk.dataSeed !== seed)
        this.fail(`the disk of ${name} has the data of ${disk.dataSeed}, and not of ${seed}`);
    }
  }

  private fail(message: string): void {
    const text = `${(this.site.clock.now / 1000).toFixed(3)} s: ${message}`;
    if (!this.violations.includes(text)) this.violations.push(text);
  }
}
