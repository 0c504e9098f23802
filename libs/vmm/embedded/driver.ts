import { mkdirSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { accepted, refused } from '@argosy/domain/refusal';
import type { Result } from '@argosy/domain/refusal';
import type { Instant } from '@argosy/domain/units';
import type {
  VmmCommand,
  VmmDriver,
  VmmEvent,
  VmmInstance,
  VmmSample,
  VmmState,
  VmmValue,
} from '@argosy/control/ports/vmm-driver';
import type { GuestLink } from '../guest-link';
import { measureDatastore } from '../file-work';
import { Refused, refuse } from '../refused';
import { embeddedCapabilities } from './capabilities';
import { RunnerSlot } from './runner-slot';

export interface EmbeddedDriverOptions {
  /** Ours alone: a folder for each process that runs guests, in which a later driver finds it again. */
  readonly folder: string;
  /** Where migrations come in, and where other hosts reach them. */
  readonly listenAddress: string;
  readonly advertiseAddress: string;
  /** What the guests may use together. For each whole processor there is a process. */
  readonly cpuMillicores: number;
  /** What the guests' network cards are plugged into. */
  readonly guestLink: GuestLink;
  readonly clock: { now(): Instant };
  /** Known to both hosts of a migration and to nobody else, as hexadecimal digits; null: not known now. */
  readonly migrationKey: (guestId: string, targetEpoch: number) => string | null;
  /** The compiled program of those processes; left out: the one beside this file. */
  readonly program?: string;
}

type Listed = readonly { readonly instance: VmmInstance; readonly state: VmmState }[];

const mostProcesses = 64;
const lookForSilenceEveryMs = 250;
/** A process that has said nothing for so long does nothing any more, and nor do its guests. */
const deadAfterSilentMs = 4_000;
const noScreen =
  'The embedded VMM has no screen to show: its guests speak on their serial console alone. A guest on a host with QEMU has one.';
const usageWithinMs = 2_000;
/** Work on disks is begun anew by the next process; what keeps killing it is given up. */
const mostAttempts = 3;

export function embeddedDriver(options: EmbeddedDriverOptions): VmmDriver {
  return new EmbeddedDriver(options);
}

/** Speaks with the processes that run the guests of this host, and starts them: they outlive it, and the next one finds them. */
class EmbeddedDriver implements VmmDriver {
  readonly name = 'embedded';
  private readonly slots: RunnerSlot[];
  private readonly root: string;
  private listener: (event: VmmEvent) => void = () => undefined;
  private isDetached = false;
  private adoption: Promise<void> | null = null;

  constructor(private readonly options: EmbeddedDriverOptions) {
    mkdirSync(options.folder, { recursive: true, mode: 0o700 });
    const root = (this.root = realpathSync(options.folder));
    const { cpuMillicores, listenAddress, advertiseAddress, guestLink } = options;
    const count = Math.min(mostProcesses, Math.max(1, Math.floor(cpuMillicores / 1000)));
    // Of an agent that had more processors, those that are left are ours as well.
    const found = readdirSync(root).flatMap((name) => /^runner-(\d+)$/.exec(name)?.[1] ?? []);
    const numbers = new Set([...Array.from({ length: count }, (_, index) => index), ...found.map(Number)]);
    const program = options.program ?? join(__dirname, 'main.js');
    this.slots = [...numbers]
      .sort((one, other) => one - other)
      .map((number) => {
        const folder = join(root, `runner-${number}`);
        const facts = { listenAddress, advertiseAddress, guestLink };
        const place = { folder, program, millicores: Math.floor(cpuMillicores / count), facts };
        return new RunnerSlot(place, { mayStart: number < count, tell: (event) => this.tell(event) });
      });
  }

  execute<Command extends VmmCommand>(command: Command, done: (result: Result<VmmValue<Command>>) => void): void {
    this.adopted()
      .then(() => this.perform(command))
      .then(
        (result) => done(result as Result<VmmValue<Command>>),
        (error: unknown) => done({ ok: false, refusal: refusalOf(error) }),
      );
  }

  listen(listener: (event: VmmEvent) => void): void {
    this.listener = listener;
  }

  detach(): void {
    this.isDetached = true;
    for (const slot of this.slots) slot.close();
  }

  /** Its time is that of this computer's clock. */
  private tell(event: VmmEvent): void {
    if (this.isDetached) return;
    if (event.kind !== 'heartbeat') return this.listener(event);
    this.listener({ ...event, at: this.options.clock.now() - Math.max(0, Date.now() - event.at) });
  }

  /** Before anything else: the guests of an earlier agent on this folder. */
  private adopted(): Promise<void> {
    this.adoption ??= Promise.all(this.slots.map((slot) => slot.adopt()))
      .then(() => this.clear())
      .catch((error: unknown) => {
        this.adoption = null;
        throw error;
      });
    return this.adoption;
  }

  /** What processes have left that ended while no agent was there. */
  private clear(): void {
    const known = new Set(this.slots.flatMap(({ folders }) => folders));
    for (const name of readdirSync(this.root))
      if (/\.\d+$/.test(name) && !known.has(name)) rmSync(join(this.root, name), { recursive: true, force: true });
  }

  private async perform(command: VmmCommand): Promise<Result<unknown>> {
    switch (command.call) {
      case 'capabilities':
        return accepted(embeddedCapabilities(this.slots.length));
      case 'measureDatastore':
        return accepted(await measureDatastore(command.path));
      case 'list':
        return this.list();
      case 'usage':
        return this.usage();
      case 'start':
      case 'prepareIncoming':
        return this.open(command);
      case 'stop':
        return this.stop(command);
      case 'diskWork':
        return this.diskWork(command);
      case 'cancelRelocation':
        await Promise.all(this.slots.map((slot) => slot.ifThere(command)));
        return accepted(null);
      case 'screen':
        return refused('no-screen', noScreen);
      default:
        return this.toItsOwn(command);
    }
  }

  private slotOf(instance: VmmInstance): RunnerSlot | undefined {
    return this.slots.find((slot) => slot.knows(instance));
  }

  private async toItsOwn(command: Extract<VmmCommand, { instance: VmmInstance }>): Promise<Result<unknown>> {
    const { guestId, epoch } = command.instance;
    const slot = this.slotOf(command.instance);
    if (!slot) return refused('guest-not-here', `No VMM of guest ${guestId} with epoch ${epoch} is on this host.`);
    return slot.ask(command, this.keyOf(command));
  }

  /** null: in plain, as the pool's policy has it, or of no migration. */
  private keyOf(command: VmmCommand): string | null {
    if (command.call !== 'migrateOut' && command.call !== 'prepareIncoming') return null;
    if (!command.policy.encrypted) return null;
    const [guestId, epoch] =
      command.call === 'migrateOut'
        ? [command.instance.guestId, command.targetEpoch]
        : [command.guest.guestId, command.epoch];
    const key = this.options.migrationKey(guestId, epoch);
    if (key === null)
      throw refuse(
        'vmm-unsupported',
        'this host does not know the key of an encrypted migration yet: its agent has not joined',
      );
    return key;
  }

  /** Where fewest guests are. */
  private async open(command: Extract<VmmCommand, { call: 'start' | 'prepareIncoming' }>): Promise<Result<unknown>> {
    const instance = { guestId: command.guest.guestId, epoch: command.epoch };
    const key = this.keyOf(command);
    const known = this.slotOf(instance);
    const free = this.slots.filter(({ mayStart }) => mayStart);
    const slot = known ?? free.reduce((best, each) => (each.guests < best.guests ? each : best));
    for (const each of this.slots) each.forgetEnded(command.guest.guestId);
    return slot.open(instance, command, key);
  }

  /** Destroying succeeds whatever happens; what does nothing any more is killed with all that is in it. */
  private async stop(command: Extract<VmmCommand, { call: 'stop' }>): Promise<Result<unknown>> {
    const slot = this.slotOf(command.instance);
    if (!slot) return accepted(null);
    const begun = performance.now();
    let isAnswered = false;
    const answered = slot.ask(command, null).finally(() => (isAnswered = true));
    while (!isAnswered) {
      await Promise.race([answered.catch(() => undefined), sleep(lookForSilenceEveryMs)]);
      const isOver = performance.now() - begun >= command.graceMs;
      if (!isAnswered && isOver && slot.silentMs >= deadAfterSilentMs) await slot.kill();
    }
    const result = await answered;
    if (result.ok) slot.forget(command.instance);
    return result;
  }

  private async diskWork(command: Extract<VmmCommand, { call: 'diskWork' }>): Promise<Result<unknown>> {
    const { work } = command;
    const id = 'epoch' in work && work.epoch !== null ? { guestId: work.guestId, epoch: work.epoch } : null;
    for (let attempt = 1; ; attempt++) {
      const slot = (id && this.slotOf(id)) ?? this.slots[0]!;
      const result = await slot.askAnybody(command);
      if (result !== 'gone') return result;
      if (attempt === mostAttempts || this.isDetached)
        return refused('vmm-failed', 'the process that worked on the disk has ended; see its log');
    }
  }

  private async list(): Promise<Result<Listed>> {
    const lists = await Promise.all(this.slots.map((slot) => slot.list()));
    return accepted(lists.flat());
  }

  private async usage(): Promise<Result<readonly VmmSample[]>> {
    const samples = await Promise.all(this.slots.map((slot) => slot.usage(usageWithinMs)));
    return accepted(samples.flat());
  }
}

function refusalOf(error: unknown) {
  if (error instanceof Refused) return error.refusal;
  return refused('vmm-failed', `the embedded VMM failed: ${(error as Error).message}`).refusal;
}
