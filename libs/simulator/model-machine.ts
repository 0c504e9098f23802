import type { HostCapacity } from '@argosy/domain/entities';
import type { GuestSpecification } from '@argosy/domain/guest-specification';
import { accepted, refused } from '@argosy/domain/refusal';
import type { Result } from '@argosy/domain/refusal';
import type { VmmEvent, VmmInstance } from '@argosy/control/ports/vmm-driver';
import { divide } from '@argosy/scheduler/entitlement';
import type { VirtualClock } from './clock';
import { ModelDatastore } from './datastore';
import { ModelInstance } from './model-instance';
import { ModelNetwork } from './network';

/** How long the model's VMM takes: what QEMU's TCG took on a quiet machine. A calibration may replace any of them. */
export interface VmmTimes {
  readonly startMs: number;
  /** From running to the guest's first heartbeat. */
  readonly bootMs: number;
  readonly openIncomingMs: number;
  readonly callMs: number;
  readonly stopMs: number;
  readonly diskWorkMs: number;
}

export const usualVmmTimes: VmmTimes = {
  startMs: 60,
  bootMs: 60,
  openIncomingMs: 40,
  callMs: 1,
  stopMs: 4,
  diskWorkMs: 20,
};

/** What the machines of one site share: time, storage and links. */
export class ModelSite {
  readonly datastore = new ModelDatastore();
  readonly network = new ModelNetwork();
  readonly machines = new Map<string, ModelMachine>();
  readonly incoming = new Map<string, ModelInstance>();
  onHandOver: ((guestId: string) => void) | null = null;
  onDeath: ((instance: ModelInstance, how: 'stopped' | 'crashed', reason: string) => void) | null = null;
  /** Hears of each copy that begins with an empty memory. */
  onBoot: ((instance: ModelInstance) => void) | null = null;
  /** Hears that a disk, and so its guest, has gone back in time on purpose. */
  onRevert: ((diskPath: string) => void) | null = null;
  /** A fault's hook: how far the disk of a running guest has come on its way to another datastore. */
  onRelocation: ((step: 'mirrored' | 'named' | 'pivoted' | 'undone') => void) | null = null;
  private nextPort = 49152;

  constructor(
    readonly clock: VirtualClock,
    readonly times: VmmTimes = usualVmmTimes,
  ) {}

  addMachine(name: string, capacity: HostCapacity): ModelMachine {
    const machine = new ModelMachine(this, name, capacity);
    this.machines.set(name, machine);
    return machine;
  }

  /** Guests write all the time: where they find no room, their VMMs stop them, and again whenever they are resumed. */
  fill(full: boolean): void {
    this.datastore.full = full;
    if (full) for (const instance of [...this.instances()]) instance.stall();
  }

  listen(instance: ModelInstance): string {
    const uri = `model:${instance.machine.name}:${this.nextPort++}`;
    this.incoming.set(uri, instance);
    return uri;
  }

  *instances(): IterableIterator<ModelInstance> {
    for (const machine of this.machines.values()) yield* machine.instances.values();
  }

  /** Every copy of that guest which executes now. More than one is the failure that all of this is there to prevent. */
  runningCopies(guestId: string): ModelInstance[] {
    return [...this.instances()].filter((instance) => instance.id.guestId === guestId && instance.executes());
  }
}

export function instanceKey(id: VmmInstance): string {
  return `${id.guestId}:${id.epoch}`;
}

/** A host's hardware with the VMM processes on it. It outlives its agent; a power cut ends every process at once. */
export class ModelMachine {
  readonly instances = new Map<string, ModelInstance>();
  powered = true;
  /** Who hears of what happens here: the driver of the agent that lives now. */
  listener: ((event: VmmEvent) => void) | null = null;

  constructor(
    readonly site: ModelSite,
    readonly name: string,
    readonly capacity: HostCapacity,
  ) {}

  /** Opens a VMM process for a guest: with its disk locked to start it, without to receive it. */
  open(
    guest: GuestSpecification,
    epoch: number,
    purpose: 'start' | 'receive',
    copyPath: string | null = null,
  ): Result<ModelInstance> {
    const id = { guestId: guest.guestId, epoch };
    if (this.instances.has(instanceKey(id)))
      return refused('guest-exists', `${guest.name} at epoch ${epoch} is on ${this.name} already`);
    const { datastore } = this.site;
    const imagePath = guest.boot.backingDiskPath ?? guest.boot.kernelPath;
    const broken = imagePath === null ? undefined : datastore.brokenImages.get(imagePath);
    if (broken) return refused(broken, `the image ${imagePath} cannot be used on ${this.name}`);
    if (purpose === 'start' && guest.memoryPath !== null && !datastore.memories.has(guest.memoryPath))
      return refused('memory-missing', `the memory of ${guest.name} was used already`);
    if (!datastore.reaches(this.name, guest.diskPath))
      return refused('image-missing', `${guest.diskPath} is not on ${this.name}`);
    if (copyPath !== null && datastore.disks.has(guest.diskPath))
      return refused('in-use', `${guest.diskPath} lies where the disk of ${guest.name} is to go`);
    if (copyPath === null && guest.diskMade && !datastore.disks.has(guest.diskPath))
      return refused('disk-missing', `the disk ${guest.diskPath} of ${guest.name} is not there`);
    const disk = datastore.open(copyPath ?? guest.diskPath, guest.diskMiB);
    if (!disk.ok) return disk;
    const state = purpose === 'start' ? 'starting' : 'incoming';
    const instance = new ModelInstance(this, id, guest, disk.value, state, copyPath);
    if (purpose === 'start' || copyPath !== null) {
      const locked = datastore.lock(disk.value, instance);
      if (!locked.ok) return locked;
    }
    this.instances.set(instanceKey(id), instance);
    return accepted(instance);
  }

  memoryUsedMiB(): number {
    return [...this.instances.values()].reduce((sum, { guest }) => sum + guest.memoryMiB, 0);
  }

  find(id: VmmInstance): ModelInstance | undefined {
    return this.instances.get(instanceKey(id));
  }

  tell(event: VmmEvent): void {
    this.listener?.(event);
  }

  /** Whenever a demand, a limit or a guest comes or goes: what was used up to now is booked, then shared out anew. */
  shareOut(): void {
    const instances = [...this.instances.values()];
    for (const instance of instances) instance.bookTime();
    const running = instances.filter((instance) => instance.executes());
    const column = (of: (instance: ModelInstance) => number): Float64Array => Float64Array.from(running, of);
    const given = divide(this.capacity.cpuMillicores, {
      wanted: column((instance) => Math.min(instance.demandMillicores(), instance.cpuLimitMillicores ?? Infinity)),
      // A real host keeps shares and limits. Reservations are kept by never promising more of them than it has.
      reserved: column(() => 0),
      shares: column((instance) => instance.cpuShares),
    });
    running.forEach((instance, index) => (instance.allocatedMillicores = given[index]!));
  }

  powerOff(): void {
    this.powered = false;
    this.listener = null;
    for (const instance of [...this.instances.values()]) instance.die('crashed', `${this.name} lost its power`);
    this.instances.clear();
  }

  powerOn(): void {
    this.powered = true;
  }
}
