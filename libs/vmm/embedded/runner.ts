import { existsSync } from 'node:fs';
import type { DiskCopy, DiskWork, DiskWorkResult } from '@argosy/domain/disk-work';
import type { GuestSpecification } from '@argosy/domain/guest-specification';
import type { VmmCallName, VmmCalls, VmmEvent, VmmInstance, VmmSample } from '@argosy/control/ports/vmm-driver';
import { ensureDisk, makeCopy, relocateOutside, requireWanted, type RelocationOwner } from '../disk-files';
import { GuestLinks, type GuestLink } from '../guest-link';
import { requireKernel } from '../image-files';
import { refuse } from '../refused';
import { doDiskWork, doDiskWorkInside } from './disk-work';
import { copyDisk } from './disk/copy-disk';
import { DiskHold, withDisk } from './disk/disk-hold';
import { makeDisk } from './disk/guest-disk';
import { LayeredDisk } from './disk/layered-disk';
import { EmbeddedGuest, type GuestHost } from './guest';
import { ProcessorLoop } from './processor-loop';
import { Garbage } from './garbage';
import { MemoryStock } from './memory-stock';
import { ProcessorScheduler } from './processor-scheduler';
import { bootProgram, requireRunnable } from './programs';
import { relocateInside } from './relocate-disk';
import { uriOf } from './transfer/connection';
import { IncomingMigration } from './transfer/incoming';
import { loadMemory } from './transfer/memory-file';
import { OutgoingMigration } from './transfer/outgoing';

/** What an agent says of itself when it connects, and with a command. */
export interface AgentFacts {
  readonly listenAddress: string;
  readonly advertiseAddress: string;
  readonly guestLink: GuestLink;
}

/** Those that are about this host rather than its guests are the driver's own. */
type RunnerCallName = Exclude<VmmCallName, 'capabilities' | 'measureDatastore' | 'screen'>;
type Handlers = {
  readonly [Name in RunnerCallName]: (
    request: VmmCalls[Name]['request'],
    key: string | null,
  ) => Promise<VmmCalls[Name]['value']> | VmmCalls[Name]['value'];
};

interface Opening {
  readonly epoch: number;
  /** Its memory comes from elsewhere: its disk is there already. */
  readonly incoming: boolean;
  readonly disk: DiskCopy | null;
}

interface Work {
  readonly cancelling: AbortController;
  readonly ended: Promise<unknown>;
}

const keyOf = ({ guestId, epoch }: VmmInstance): string => `${guestId}:${epoch}`;

/** The guests of one process, and all that is asked of them. Whoever asks may go away and come again; the guests run on. */
export class Runner {
  tell: (event: VmmEvent) => void = () => undefined;
  facts: AgentFacts = {
    listenAddress: '127.0.0.1',
    advertiseAddress: '127.0.0.1',
    guestLink: { kind: 'none' },
  };
  private readonly guests = new Map<string, EmbeddedGuest>();
  /** Those whose disk is being opened. */
  private readonly openings = new Map<string, { isDoomed: boolean; readonly ended: Promise<unknown> }>();
  /** By the disk that is worked on. */
  private readonly works = new Map<string, Work>();
  private readonly copies = new Map<string, AbortController>();
  private readonly host: GuestHost;

  readonly handlers: Handlers = {
    start: ({ guest, epoch }) => this.start(guest, epoch),
    list: () => [...this.guests.values()].map(({ id, state }) => ({ instance: id, state })),
    stop: ({ instance, graceMs }) => this.stop(instance, graceMs),
    kill: ({ instance, reason }) => {
      this.find(instance).end('crashed', reason ?? 'its machine is gone');
      return null;
    },
    pause: ({ instance }) => this.inOrder(instance, async (vmm) => vmm.pause()),
    resume: ({ instance, typed }) => this.inOrder(instance, (vmm) => vmm.resume(typed)),
    prepareIncoming: ({ guest, epoch, disk }, key) =>
      this.open(guest, { epoch, incoming: true, disk }, async (vmm) => {
        await vmm.card.plugIn();
        const incoming = new IncomingMigration(vmm, disk !== null, (event) => this.tell(event));
        const port = await incoming.listen({ key, address: this.facts.listenAddress });
        const uri = uriOf(this.facts.advertiseAddress, port);
        return { uri, diskUri: disk ? uri : null };
      }),
    migrateOut: ({ instance, targetEpoch, uri, policy, disk }, key) =>
      this.inOrder(instance, async (vmm) => {
        if (vmm.state !== 'running' && vmm.state !== 'paused')
          throw refuse('guest-not-running', `${vmm.guest.name} cannot be copied from here: it is ${vmm.state}`);
        new OutgoingMigration(vmm, { policy, key, uri, targetEpoch, disk }, (event) => this.tell(event));
      }),
    cancelMigration: ({ instance }) => {
      const { transfer, state } = this.find(instance);
      if (transfer instanceof OutgoingMigration) return { cancelled: transfer.cancel() };
      return { cancelled: state === 'running' || state === 'paused' };
    },
    usage: () => this.usage(),
    limit: ({ instance, cpuShares, cpuLimitMillicores }) =>
      this.inOrder(instance, async (vmm) => vmm.limit(cpuShares, cpuLimitMillicores)),
    diskWork: ({ work }) => this.diskWork(work),
    cancelRelocation: ({ copyPath }) => {
      this.copies.get(copyPath)?.abort();
      return null;
    },
    consoleWrite: ({ instance, text }) => this.inOrder(instance, async (vmm) => vmm.type(text)),
    consoleTail: ({ instance, maximumBytes }) => ({ text: this.find(instance).console.tail(maximumBytes) }),
  };

  /** `root`: the driver's folder. `millicores`: what all guests may use together. */
  constructor({ root, millicores }: { readonly root: string; readonly millicores: number }) {
    const scheduler = new ProcessorScheduler<EmbeddedGuest>(millicores, performance.now());
    const loop = new ProcessorLoop(scheduler);
    const garbage = new Garbage(() => [...this.guests.values()].some(({ transfer }) => transfer !== null));
    const links = new GuestLinks(() => this.facts.guestLink);
    this.host = {
      root,
      scheduler,
      memories: new MemoryStock(() => garbage.collectSoon()),
      links,
      kick: () => loop.kick(),
      tell: (event) => this.tell(event),
      forget: (vmm) => this.forget(vmm),
    };
  }

  get isIdle(): boolean {
    return this.works.size === 0 && this.openings.size === 0 && ![...this.guests.values()].some((vmm) => vmm.isAlive);
  }

  /** Another agent asks from now on. What the one before had begun on disks it will ask for again. */
  async beginAnew(facts: AgentFacts): Promise<void> {
    this.facts = facts;
    for (const { transfer } of this.guests.values())
      if (transfer instanceof OutgoingMigration && transfer.isSendingDisk) transfer.cancel();
    const works = [...this.works.values()];
    for (const { cancelling } of works) cancelling.abort();
    await Promise.all([...works, ...this.openings.values()].map(({ ended }) => ended));
  }

  private find(id: VmmInstance): EmbeddedGuest {
    const vmm = this.guests.get(keyOf(id));
    if (!vmm) throw refuse('guest-not-here', `No VMM of guest ${id.guestId} with epoch ${id.epoch} is on this host.`);
    return vmm;
  }

  private inOrder(id: VmmInstance, call: (vmm: EmbeddedGuest) => Promise<void>): Promise<null> {
    const vmm = this.find(id);
    return vmm.inOrder(() => call(vmm)).then(() => null);
  }

  // ---- Beginning and end ----

  private start(guest: GuestSpecification, epoch: number): Promise<null> {
    const { memoryPath } = guest;
    if (memoryPath !== null && !existsSync(memoryPath))
      throw refuse('memory-missing', `${guest.name}: its memory was used already, or is gone from ${memoryPath}`);
    return this.open(guest, { epoch, incoming: memoryPath !== null, disk: null }, async (vmm) => {
      await vmm.hold.take(vmm.disk.image, vmm.imagePath);
      if (memoryPath === null) await requireKernel(guest);
      if (memoryPath === null) await bootProgram(vmm.machine, guest);
      else await loadMemory(vmm, memoryPath);
      if (memoryPath !== null) vmm.state = 'received';
      await vmm.ownDisk();
      await vmm.card.plugIn();
      vmm.state = 'running';
      // It does not know that it was elsewhere, and says nothing of it.
      if (memoryPath !== null) vmm.card.arrived();
      if (memoryPath !== null) vmm.card.announce();
      vmm.go();
      return null;
    });
  }

  private async open<Value>(
    guest: GuestSpecification,
    opening: Opening,
    begin: (vmm: EmbeddedGuest) => Promise<Value>,
  ): Promise<Value> {
    const key = keyOf({ guestId: guest.guestId, epoch: opening.epoch });
    requireRunnable(guest);
    this.claim(guest, opening.epoch);
    let settle: () => void = () => undefined;
    const own = { isDoomed: false, ended: new Promise<void>((resolve) => (settle = resolve)) };
    this.openings.set(key, own);
    let vmm: EmbeddedGuest | null = null;
    const requireAsked = () => {
      if (own.isDoomed) throw refuse('vmm-failed', `${guest.name} was stopped before it ran`);
    };
    try {
      vmm = await this.make(guest, opening);
      requireAsked();
      const value = await begin(vmm);
      requireAsked();
      this.guests.set(key, vmm);
      return value;
    } catch (error) {
      vmm?.discard();
      throw error;
    } finally {
      this.openings.delete(key);
      settle();
    }
  }

  /** A second start of the same instance is refused; what has ended of the guest is forgotten. */
  private claim({ guestId, name }: GuestSpecification, epoch: number): void {
    const key = keyOf({ guestId, epoch });
    const old = this.guests.get(key);
    if (this.openings.has(key) || old?.isAlive)
      throw refuse(
        'guest-exists',
        `${name} with epoch ${epoch} is on this host already; it is ${old?.state ?? 'starting'}`,
      );
    for (const vmm of this.guests.values()) if (vmm.id.guestId === guestId && !vmm.isAlive) this.forget(vmm);
  }

  private async make(guest: GuestSpecification, { epoch, incoming, disk }: Opening): Promise<EmbeddedGuest> {
    if (disk) await makeCopy(guest, disk, makeDisk);
    else await ensureDisk(guest, incoming, makeDisk);
    const imagePath = disk?.copyPath ?? guest.diskPath;
    const image = LayeredDisk.open(imagePath, { writable: true });
    try {
      const hold = await DiskHold.prepare(imagePath);
      if (disk) await hold.take(image, imagePath);
      return new EmbeddedGuest(this.host, { guest, epoch, image, imagePath, hold, isCopy: disk !== null });
    } catch (error) {
      image.close();
      throw error;
    }
  }

  private async stop(id: VmmInstance, graceMs: number): Promise<null> {
    const key = keyOf(id);
    const opening = this.openings.get(key);
    if (opening) {
      opening.isDoomed = true;
      await opening.ended;
    }
    const vmm = this.guests.get(key);
    if (!vmm) return null;
    if (graceMs > 0) await vmm.inOrder(() => vmm.stop(graceMs));
    else await vmm.stop(0);
    this.forget(vmm);
    return null;
  }

  private forget(vmm: EmbeddedGuest): void {
    if (this.guests.get(vmm.key) !== vmm) return;
    this.guests.delete(vmm.key);
    vmm.console.remove();
  }

  // ---- Disks ----

  private inside(work: DiskWork): EmbeddedGuest | undefined {
    if (!('epoch' in work) || work.epoch === null) return undefined;
    const vmm = this.guests.get(keyOf({ guestId: work.guestId, epoch: work.epoch }));
    return vmm?.isAlive ? vmm : undefined;
  }

  /** One after the other on the same disk, so that what is begun again finds what was cut short at its end. */
  private async diskWork(work: DiskWork): Promise<DiskWorkResult> {
    const key = 'clonePath' in work ? work.clonePath : 'diskPath' in work ? work.diskPath : work.kind;
    for (let before = this.works.get(key); before; before = this.works.get(key)) await before.ended;
    const cancelling = new AbortController();
    const result = this.doWork(work, cancelling);
    const ended = result.catch(() => undefined).then(() => this.works.delete(key));
    this.works.set(key, { cancelling, ended });
    return result;
  }

  private async doWork(work: DiskWork, cancelling: AbortController): Promise<DiskWorkResult> {
    const vmm = this.inside(work);
    const { signal } = cancelling;
    if (work.kind === 'relocate') {
      this.copies.set(work.copyPath, cancelling);
      const owner: RelocationOwner = {
        signal,
        progress: (progress) =>
          this.tell({ kind: 'relocation-progress', instance: vmm?.id ?? null, copyPath: work.copyPath, progress }),
      };
      const moving = vmm
        ? relocateInside(work, vmm, owner)
        : relocateOutside(work, owner, () => copyStopped(work, owner));
      return moving.finally(() => this.copies.delete(work.copyPath));
    }
    if (!vmm) return doDiskWork(work, signal);
    // A copy may take long and changes nothing of the guest: whatever else is asked of it does not wait.
    if (work.kind === 'clone') return doDiskWorkInside(work, vmm, signal);
    return vmm.inOrder(() => doDiskWorkInside(work, vmm, signal));
  }

  // ---- Usage ----

  private usage(): readonly VmmSample[] {
    const alive = [...this.guests.values()].filter((vmm) => vmm.isAlive);
    const memoryMiB = alive.reduce((sum, { dirty }) => sum + dirty.touchedBytes, 0) / 2 ** 20;
    const ownMiB = Math.max(0, process.memoryUsage.rss() / 2 ** 20 - memoryMiB);
    return alive.map((vmm) => vmm.sample(ownMiB / alive.length));
  }
}

async function copyStopped(work: Extract<DiskWork, { kind: 'relocate' }>, owner: RelocationOwner): Promise<void> {
  const { diskPath, copyPath, backingPath: imagePath, bandwidthMiBPerSecond } = work;
  const { signal } = owner;
  const progress = owner.progress.bind(owner);
  requireWanted(owner);
  await withDisk(diskPath, (disk) =>
    copyDisk(disk, copyPath, { snapshotId: null, imagePath, signal, bandwidthMiBPerSecond, progress }),
  );
}
