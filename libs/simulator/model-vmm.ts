import type { DriverCapabilities } from '@argosy/domain/entities';
import { mebibyte } from '@argosy/domain/units';
import { accepted, refused } from '@argosy/domain/refusal';
import type { Result } from '@argosy/domain/refusal';
import type { VmmCommand, VmmDriver, VmmEvent, VmmInstance, VmmValue } from '@argosy/control/ports/vmm-driver';
import type { ModelInstance, RelocateWork } from './model-instance';
import type { ModelMachine } from './model-machine';
import { doModelDiskWork } from './model-disk-work';
import { instanceKey } from './model-machine';
import { beginModelRelocation, cancelModelRelocation, endModelRelocation, resumeRelocation } from './model-relocation';
import { Transfer } from './transfer';

type Answer = (result: Result<unknown>) => void;
type Named<Call extends VmmCommand['call']> = Extract<VmmCommand, { call: Call }>;

/** Longer than any guest takes to do what its power button says. */
const powerOffMs = 30;

/**
 * The VMM driver of one agent process on a model machine. What the agent asked and the machine has begun goes on when
 * the agent dies; only the answers are lost, as they are with a real VMM process.
 */
export class ModelVmm implements VmmDriver {
  readonly name = 'model';
  private listener: ((event: VmmEvent) => void) | null = null;
  private attached = true;
  /** Copies of disks that are on their way, and of those that are not wanted any more. */
  private readonly relocating = new Set<string>();
  private readonly cancelled = new Set<string>();
  /** The next call about an instance waits until the one before took effect. */
  private readonly lanes = new Map<string, (() => void)[]>();

  constructor(private readonly machine: ModelMachine) {
    for (const instance of machine.instances.values()) {
      instance.passage?.agentReturned(instance);
      resumeRelocation(instance);
    }
    machine.listener = (event) => this.later(() => this.listener?.(event), 0);
  }

  listen(listener: (event: VmmEvent) => void): void {
    this.listener = listener;
  }

  detach(): void {
    this.attached = false;
    this.lanes.clear();
  }

  execute<Command extends VmmCommand>(command: Command, done: (result: Result<VmmValue<Command>>) => void): void {
    const answer: Answer = (result) => this.later(() => done(result as Result<VmmValue<Command>>), 0);
    if (!this.machine.powered || !this.attached) return;
    const instance = instanceOf(command);
    if (!instance) return this.later(() => this.perform(command, answer), this.machine.site.times.callMs);
    const lane = this.lanes.get(instanceKey(instance));
    const begin = (): void => this.perform(command, answer, () => this.nextInLane(instanceKey(instance)));
    if (lane) {
      lane.push(begin);
    } else {
      this.lanes.set(instanceKey(instance), []);
      begin();
    }
  }

  private nextInLane(key: string): void {
    const next = this.lanes.get(key)?.shift();
    if (next) next();
    else this.lanes.delete(key);
  }

  /** Unless the agent's process has ended or the power has gone by then. */
  private later(run: () => void, delayMs: number): void {
    const { powered } = this.machine;
    this.machine.site.clock.after(delayMs, () => {
      if (this.attached && powered === this.machine.powered) run();
    });
  }

  private perform(command: VmmCommand, answer: Answer, next: () => void = () => {}): void {
    const effect = (result: Result<unknown>): void => {
      answer(result);
      next();
    };
    const { callMs } = this.machine.site.times;
    switch (command.call) {
      case 'start':
        return this.start(command, effect);
      case 'prepareIncoming':
        return this.prepareIncoming(command, effect);
      case 'stop':
        return this.stop(command, answer, next);
      case 'capabilities':
        return answer(accepted(modelCapabilities));
      case 'list':
        return answer(
          accepted(
            [...this.machine.instances.values()].map((instance) => ({ instance: instance.id, state: instance.state })),
          ),
        );
      case 'usage':
        return answer(accepted([...this.machine.instances.values()].map((instance) => instance.sample())));
      case 'measureDatastore': {
        const { totalMiB, freeMiB, unreachable, measure, looks } = this.machine.site.datastore;
        looks.set(`${this.machine.name}:${command.path}`, this.machine.site.clock.now);
        if (measure) return answer(measure(command.path));
        if (unreachable.has(this.machine.name))
          return answer(refused('datastore-not-reached', `${command.path} does not answer`));
        return answer(accepted({ totalBytes: totalMiB * mebibyte, freeBytes: freeMiB * mebibyte }));
      }
      case 'diskWork': {
        const { work } = command;
        if (work.kind === 'relocate') return this.relocate(work, answer);
        if (work.kind === 'remove' && this.machine.site.datastore.isReal(work.folder))
          return answer(
            refused('datastore-not-reached', `${work.folder} holds real files, which a simulated host does not touch`),
          );
        return this.later(() => answer(doModelDiskWork(this.machine, work)), this.machine.site.times.diskWorkMs);
      }
      case 'cancelRelocation':
        if (this.relocating.has(command.copyPath)) this.cancelled.add(command.copyPath);
        cancelModelRelocation(this.machine, command.copyPath);
        return answer(accepted(null));
      default:
        return this.later(() => effect(this.about(command)), callMs);
    }
  }

  private relocate(work: RelocateWork, answer: Answer): void {
    this.relocating.add(work.copyPath);
    const begun = beginModelRelocation(this.machine, work);
    this.later(() => {
      const how = { isAttended: () => this.attached, isCancelled: () => this.cancelled.has(work.copyPath) };
      const ended = begun.ok ? endModelRelocation(this.machine, work, how) : begun;
      for (const known of [this.relocating, this.cancelled]) known.delete(work.copyPath);
      if (ended) answer(ended);
    }, this.machine.site.times.diskWorkMs);
  }

  private start(command: Named<'start'>, effect: Answer): void {
    const opened = this.machine.open(command.guest, command.epoch, 'start');
    if (!opened.ok) return this.later(() => effect(opened), this.machine.site.times.callMs);
    // The process is started stopped and then told to run: an agent that dies in between leaves it at that.
    this.later(() => {
      if (!opened.value.alive())
        return effect(refused('vmm-failed', `the VMM of ${command.guest.name} died while it started`));
      effect(opened.value.resume());
    }, this.machine.site.times.startMs);
  }

  private prepareIncoming(command: Named<'prepareIncoming'>, effect: Answer): void {
    const copyPath = command.disk?.copyPath ?? null;
    const opened = this.machine.open(command.guest, command.epoch, 'receive', copyPath);
    this.later(() => {
      if (!opened.ok) return effect(opened);
      if (!opened.value.alive())
        return effect(refused('vmm-failed', `the VMM of ${command.guest.name} died while it opened`));
      const uri = this.machine.site.listen(opened.value);
      effect(accepted({ uri, diskUri: copyPath === null ? null : `${uri}/disk` }));
    }, this.machine.site.times.openIncomingMs);
  }

  private stop(command: Named<'stop'>, answer: Answer, next: () => void): void {
    const instance = this.machine.find(command.instance);
    this.later(next, this.machine.site.times.callMs);
    if (!instance) return answer(accepted(null));
    instance.whenDead(() => answer(accepted(null)));
    // What stands still is not asked; what runs and hears nothing has all of its grace.
    const isAsked = command.graceMs > 0 && (instance.state === 'running' || instance.state === 'sending');
    const listens = isAsked && instance.executes();
    const graceMs = isAsked ? command.graceMs : 0;
    const patienceMs = listens ? Math.min(graceMs, powerOffMs) : graceMs;
    const delayMs = Math.max(patienceMs, this.machine.site.times.stopMs);
    const end = (): void => {
      // Post-copy: the target still pulls pages out of this process.
      if (instance.passage?.pulling() && instance.state === 'sent')
        return void this.machine.site.clock.after(delayMs, end);
      instance.die('stopped', listens ? 'the guest powered off' : 'destroyed by order');
    };
    this.machine.site.clock.after(delayMs, end);
  }

  private about(
    command: Extract<VmmCommand, { instance: VmmInstance }> & Exclude<VmmCommand, { call: 'stop' }>,
  ): Result<unknown> {
    const instance = this.machine.find(command.instance);
    if (!instance) return refused('guest-not-here', `${instanceKey(command.instance)} is not on ${this.machine.name}`);
    switch (command.call) {
      case 'kill':
        instance.die('crashed', command.reason ?? 'killed by a drill');
        return accepted(null);
      case 'pause':
        return this.pause(instance);
      case 'resume':
        return this.resume(instance, command.typed);
      case 'migrateOut':
        return this.migrateOut(instance, command);
      case 'cancelMigration': {
        const cancelled = instance.passage ? instance.passage.cancel() : false;
        if (cancelled === null) return refused('vmm-timeout', `${instance.guest.name}: its VMM does not answer`);
        return accepted({ cancelled });
      }
      case 'limit':
        instance.cpuShares = command.cpuShares;
        instance.cpuLimitMillicores = command.cpuLimitMillicores;
        this.machine.shareOut();
        return accepted(null);
      case 'consoleWrite':
        if (instance.state === 'sent')
          return refused(
            'guest-busy',
            `${instance.guest.name} is being taken elsewhere at this moment; try again at once.`,
          );
        instance.consoleWrite(command.text);
        return accepted(null);
      case 'consoleTail':
        return accepted({ text: instance.consoleText.slice(-command.maximumBytes) });
      case 'screen':
        return refused(
          'no-screen',
          `${instance.guest.name} is on a simulated host, and simulated guests have no screen.`,
        );
    }
  }

  private pause(instance: ModelInstance): Result<null> {
    if (instance.executes()) {
      instance.stopRunning(instance.state === 'sending' ? 'sending' : 'paused');
      this.machine.tell({ kind: 'paused', instance: instance.id, reason: 'by order' });
    }
    return accepted(null);
  }

  private resume(instance: ModelInstance, typed = ''): Result<null> {
    const wasRunning = instance.executes();
    if (typed !== '') instance.consoleWrite(typed);
    const result = instance.resume();
    if (result.ok && !wasRunning) this.machine.tell({ kind: 'resumed', instance: instance.id });
    return result;
  }

  private migrateOut(instance: ModelInstance, command: Named<'migrateOut'>): Result<null> {
    if (!instance.memory || (instance.state !== 'running' && instance.state !== 'paused')) {
      return refused('guest-not-running', `${instance.guest.name} is ${instance.state} and cannot be sent`);
    }
    const target = this.machine.site.incoming.get(command.uri);
    if (!target?.alive() || target.state !== 'incoming' || target.passage)
      return refused('target-lost', `nobody listens at ${command.uri}`);
    new Transfer(instance, target, { policy: command.policy, withDisk: command.disk !== null }, this.machine.site);
    return accepted(null);
  }
}

function instanceOf(command: VmmCommand): VmmInstance | null {
  if ('instance' in command) return command.instance;
  return 'guest' in command ? { guestId: command.guest.guestId, epoch: command.epoch } : null;
}

export const modelCapabilities: DriverCapabilities = {
  driver: 'model',
  version: '1',
  accelerator: 'model',
  acceleratorReason: 'a simulated machine needs none',
  machineType: 'model',
  cpuModel: 'model',
  guestArchitectures: ['x86_64'],
  liveMigration: true,
  postCopy: true,
  facts: [{ name: 'needs an operating system', value: 'no', reason: 'it exists in the simulator only' }],
};
