import { existsSync, mkdirSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { accepted } from '@argosy/domain/refusal';
import type { DiskCopy, DiskWork, DiskWorkResult } from '@argosy/domain/disk-work';
import type { Result } from '@argosy/domain/refusal';
import type { MigrationPolicy } from '@argosy/domain/policies';
import type { GuestSpecification } from '@argosy/domain/guest-specification';
import type { Instant } from '@argosy/domain/units';
import type {
  VmmCallName,
  VmmCalls,
  VmmCommand,
  VmmDriver,
  VmmEvent,
  VmmInstance,
  VmmValue,
} from '@argosy/control/ports/vmm-driver';
import { chooseAccelerator } from './accelerator';
import { qemuCapabilities } from './capabilities';
import { qemuArguments } from './command-line';
import { measureDatastore } from '../file-work';
import { byWhoHasTheDisk, doDiskWork, doDiskWorkInside } from './disk-work';
import { ensureDisk, ensureFolder, keepPrivate, makeCopy, requireDisk } from '../disk-files';
import { requireKernel } from '../image-files';
import { keepScreenPrivate, screenSocket } from './screen';
import { ensureFirmware, makeDisk } from './guest-disk';
import { QemuInstance } from './instance';
import type { InstanceHost } from './instance';
import { GuestLinks } from '../guest-link';
import type { GuestLink } from '../guest-link';
import { InstanceFolder } from './instance-folder';
import { qemuProgram } from './machine';
import { bootId } from '../process-table';
import { processorLimits } from './processor-limits';
import { relocateOutside, type RelocationOwner } from '../disk-files';
import { copyStopped, relocateInside } from './relocate-disk';
import { refuse } from '../refused';
import { refusalOf } from './qemu-refusal';
import { ensureSeed } from './seed-image';

export interface QemuDriverOptions {
  /** Ours alone: a folder for each instance, which a later driver on it finds again. */
  readonly folder: string;
  /** Where migrations come in. */
  readonly listenAddress: string;
  /** Where other hosts reach them: the same, unless this host listens on all of its addresses. */
  readonly advertiseAddress: string;
  /** A control group with the cpu controller, below which each guest gets its own; null: limits work by signals. */
  readonly cgroup: string | null;
  /** What guests are plugged into. */
  readonly guestLink: GuestLink;
  /** Instead of the host's qemu-system-x86_64. */
  readonly binary?: string;
  readonly clock: { now(): Instant };
  /** Known to both hosts of a migration and to nobody else, as hexadecimal digits; null: not known now. */
  readonly migrationKey: (guestId: string, targetEpoch: number) => string | null;
}

/** The guest sees the same processor everywhere, so that it can move between any two hosts. */
const cpuModels: Readonly<Record<string, string>> = { x86_64: 'qemu64', aarch64: 'cortex-a53' };

export function qemuDriver(options: QemuDriverOptions): VmmDriver {
  return new QemuDriver(options);
}

interface Opening {
  readonly epoch: number;
  readonly incoming: boolean;
  readonly disk: DiskCopy | null;
}

type Handlers = {
  readonly [Name in VmmCallName]: (request: VmmCalls[Name]['request']) => Promise<VmmCalls[Name]['value']>;
};

class QemuDriver implements VmmDriver {
  readonly name = 'qemu';
  private readonly instances = new Map<string, QemuInstance>();
  /** Disks on their way to another datastore, by their copies. */
  private readonly relocations = new Map<string, AbortController>();
  private readonly host: InstanceHost;
  private readonly root: string;
  private listener: (event: VmmEvent) => void = () => undefined;
  private isDetached = false;
  private adoption: Promise<void> | null = null;

  private readonly handlers: Handlers = {
    capabilities: () => qemuCapabilities(this.options, this.host.limits),
    start: ({ guest, epoch }) => this.start(guest, epoch),
    list: async () => [...this.instances.values()].map(({ id, state }) => ({ instance: id, state })),
    stop: ({ instance, graceMs }) => this.stop(instance, graceMs),
    kill: async ({ instance, reason }) => this.find(instance).kill(reason),
    pause: ({ instance }) => this.inOrder(instance, (vmm) => vmm.pause()),
    resume: ({ instance, typed }) => this.inOrder(instance, (vmm) => vmm.resume(typed)),
    prepareIncoming: async ({ guest, epoch, policy, disk }) => {
      const { listenAddress, advertiseAddress } = this.options;
      const key = this.keyOf(policy, guest.guestId, epoch);
      return this.open(guest, { epoch, incoming: true, disk }, (vmm) =>
        vmm.listenForMigration({ policy, key, listenAddress, advertiseAddress }),
      );
    },
    migrateOut: ({ instance, targetEpoch, uri, policy, disk }) =>
      this.inOrder(instance, async (vmm) => {
        const key = this.keyOf(policy, instance.guestId, targetEpoch);
        return vmm.migrateOut({ policy, key, uri, disk });
      }),
    cancelMigration: async ({ instance }) => ({ cancelled: await this.find(instance).cancelMigration() }),
    usage: async () => [...this.instances.values()].flatMap((vmm) => vmm.sample() ?? []),
    limit: ({ instance, cpuShares, cpuLimitMillicores }) =>
      this.inOrder(instance, async (vmm) => vmm.limit(cpuShares, cpuLimitMillicores)),
    measureDatastore: ({ path }) => measureDatastore(path),
    diskWork: ({ work }) => this.diskWork(work),
    cancelRelocation: async ({ copyPath }) => {
      this.relocations.get(copyPath)?.abort();
      return null;
    },
    consoleWrite: ({ instance, text }) => this.inOrder(instance, async (vmm) => vmm.consoleWrite(text)),
    consoleTail: async ({ instance, maximumBytes }) => ({
      text: this.find(instance).folder.console.tail(maximumBytes),
    }),
    screen: async ({ instance }) => ({ socketPath: screenSocket(this.find(instance)) }),
  };

  constructor(private readonly options: QemuDriverOptions) {
    mkdirSync(options.folder, { recursive: true, mode: 0o700 });
    this.root = realpathSync(options.folder);
    this.host = {
      limits: processorLimits(options.cgroup),
      links: new GuestLinks(() => options.guestLink),
      now: () => options.clock.now(),
      tell: (event) => {
        if (!this.isDetached) this.listener(event);
      },
    };
  }

  execute<Command extends VmmCommand>(command: Command, done: (result: Result<VmmValue<Command>>) => void): void {
    const handler = this.handlers[command.call] as (request: Command) => Promise<VmmValue<Command>>;
    this.adopted()
      .then(() => handler(command))
      .then(
        (value) => done(accepted(value)),
        (error: unknown) => done({ ok: false, refusal: refusalOf(error, this.subjectOf(command)) }),
      );
  }

  listen(listener: (event: VmmEvent) => void): void {
    this.listener = listener;
  }

  /** null: in plain, as the pool's policy has it. */
  private keyOf(policy: MigrationPolicy, guestId: string, targetEpoch: number): string | null {
    if (!policy.encrypted) return null;
    const key = this.options.migrationKey(guestId, targetEpoch);
    if (key === null)
      throw refuse(
        'vmm-unsupported',
        'this host does not know the key of an encrypted migration yet: its agent has not joined',
      );
    return key;
  }

  detach(): void {
    this.isDetached = true;
    this.host.limits.detach();
    this.host.links.detach();
    for (const instance of this.instances.values()) instance.detach();
  }

  private subjectOf(command: VmmCommand): string {
    if ('guest' in command) return command.guest.name;
    return 'instance' in command ? command.instance.guestId : this.name;
  }

  /** Before anything else: the instances of an earlier agent on this folder. */
  private adopted(): Promise<void> {
    this.adoption ??= this.adopt();
    return this.adoption;
  }

  private async adopt(): Promise<void> {
    const found = InstanceFolder.all(this.root).map(
      ({ folder, record }) => new QemuInstance(this.host, folder, record),
    );
    for (const instance of found) this.instances.set(instance.key, instance);
    await Promise.all(found.map((instance) => instance.adopt()));
  }

  private find(id: VmmInstance): QemuInstance {
    const instance = this.instances.get(`${id.guestId}:${id.epoch}`);
    if (!instance)
      throw refuse('guest-not-here', `No VMM of guest ${id.guestId} with epoch ${id.epoch} is on this host.`);
    return instance;
  }

  /** After the calls before on the same instance, whatever became of them. */
  private inOrder(id: VmmInstance, call: (instance: QemuInstance) => Promise<void>): Promise<null> {
    const instance = this.find(id);
    return instance.inOrder(() => call(instance)).then(() => null);
  }

  private start(guest: GuestSpecification, epoch: number): Promise<null> {
    const { memoryPath } = guest;
    if (memoryPath === null)
      return this.open(guest, { epoch, incoming: false, disk: null }, (vmm) => vmm.run()).then(() => null);
    if (!existsSync(memoryPath))
      return Promise.reject(
        refuse('memory-missing', `${guest.name}: its memory was used already, or is gone from ${memoryPath}`),
      );
    return this.open(guest, { epoch, incoming: true, disk: null }, (vmm) => vmm.restore(memoryPath)).then(() => null);
  }

  private diskWork(work: DiskWork): Promise<DiskWorkResult> {
    if (work.kind === 'relocate') return this.relocate(work);
    const instance = 'epoch' in work ? this.ofWork(work) : undefined;
    return byWhoHasTheDisk(instance, {
      // A copy may take long and changes nothing of the guest: whatever else is asked of it does not wait.
      inside: (vmm) =>
        work.kind === 'clone' ? doDiskWorkInside(work, vmm) : vmm.inOrder(() => doDiskWorkInside(work, vmm)),
      outside: () => doDiskWork(work),
    });
  }

  private ofWork({ guestId, epoch }: { readonly guestId: string; readonly epoch: number | null }) {
    return epoch === null ? undefined : this.instances.get(`${guestId}:${epoch}`);
  }

  private async relocate(work: Extract<DiskWork, { kind: 'relocate' }>): Promise<DiskWorkResult> {
    const { copyPath } = work;
    const instance = this.ofWork(work);
    const cancelling = new AbortController();
    const owner: RelocationOwner = {
      signal: cancelling.signal,
      progress: (progress) =>
        this.host.tell({ kind: 'relocation-progress', instance: instance?.id ?? null, copyPath, progress }),
    };
    this.relocations.set(copyPath, cancelling);
    try {
      return await byWhoHasTheDisk(instance, {
        inside: (vmm) => relocateInside(work, vmm, owner),
        outside: () => relocateOutside(work, owner, () => copyStopped(work, owner)),
      });
    } finally {
      this.relocations.delete(copyPath);
    }
  }

  private async open<Value>(
    guest: GuestSpecification,
    opening: Opening,
    begin: (instance: QemuInstance) => Promise<Value>,
  ): Promise<Value> {
    const instance = this.claim(guest, opening);
    const opened = this.launch(instance, opening).then(() => begin(instance));
    instance.lane = opened.catch(() => undefined);
    try {
      const value = await opened;
      instance.opened();
      return value;
    } catch (error) {
      const refusal = refusalOf(error, guest.name, instance.folder.log());
      this.instances.delete(instance.key);
      await instance.discard();
      throw refuse(refusal.code, refusal.message, refusal.details);
    }
  }

  /** Its place in the table, before anything is awaited: a second start of the same instance is refused. */
  private claim(guest: GuestSpecification, { epoch, incoming, disk }: Opening): QemuInstance {
    for (const [key, old] of this.instances) {
      if (old.guest.guestId !== guest.guestId) continue;
      if (old.isAlive() && old.id.epoch === epoch)
        throw refuse('guest-exists', `${guest.name} with epoch ${epoch} is on this host already; it is ${old.state}`);
      if (!old.isAlive()) this.forget(key, old);
    }
    const { cpuShares, cpuLimitMillicores } = guest;
    const record = {
      guest,
      epoch,
      bootId: bootId(),
      process: null,
      incoming,
      copyPath: disk?.copyPath ?? null,
      sendsDisk: false,
      relocating: null,
      saving: null,
      ended: null,
      cpuShares,
      cpuLimitMillicores,
    };
    const instance = new QemuInstance(
      this.host,
      new InstanceFolder(this.root, { guestId: guest.guestId, epoch }),
      record,
    );
    this.instances.set(instance.key, instance);
    return instance;
  }

  private async launch(instance: QemuInstance, { incoming, disk }: Opening): Promise<void> {
    const { guest } = instance;
    // One after the other, the disk last: what is refused has begun nothing that would go on after the refusal.
    const program = await qemuProgram(
      guest.architecture,
      guest.architecture === 'x86_64' ? this.options.binary : undefined,
    );
    // Before anything is written, and before anything of its image is said to be missing, where a datastore may be.
    if (guest.diskMade && !disk) await requireDisk(guest).then(() => keepPrivate(dirname(guest.diskPath)));
    await requireKernel(guest);
    if (disk) await makeCopy(guest, disk, makeDisk);
    else if (!guest.diskMade && !incoming) await ensureFolder(guest);
    const firmware = await ensureFirmware(guest);
    const seedPath = await ensureSeed(guest);
    if (!disk) await ensureDisk(guest, incoming, makeDisk);
    const { accelerator } = await chooseAccelerator(program);
    const cpuModel = cpuModels[guest.architecture] ?? 'max';
    const machine = { machineType: program.machineType, accelerator, cpuModel, quickRom: program.quickRom };
    const plug = this.host.links.plug(instance.id);
    const diskPath = disk?.copyPath ?? guest.diskPath;
    await instance.open(
      program.binary,
      qemuArguments({ guest, machine, incoming, firmware, seedPath, plug, diskPath }),
    );
    await keepScreenPrivate(instance);
  }

  /** Destroying does not wait for calls under way; asking does. */
  private async stop(id: VmmInstance, graceMs: number): Promise<null> {
    const instance = this.instances.get(`${id.guestId}:${id.epoch}`);
    if (!instance) return null;
    if (graceMs > 0) await this.inOrder(id, (vmm) => vmm.stop(graceMs));
    else await instance.stop(0);
    // A start that was under way finds itself stopped, and clears up after itself.
    if (instance.state === 'starting') await instance.lane;
    this.forget(instance.key, instance);
    return null;
  }

  private forget(key: string, instance: QemuInstance): void {
    if (this.instances.get(key) !== instance) return;
    this.instances.delete(key);
    instance.folder.remove();
  }
}
