import type { Told } from '@argosy/control/telling';
import type { HostCommand } from '@argosy/domain/host-command';
import type { VirtualClock } from './clock';
import type { Random } from './random';

/** What may become of a job on its way; twice: its worker stalled, and it comes again. */
export type Delivery = 'once' | 'twice' | 'lost' | { readonly lateMs: number } | { readonly againAfterMs: number };

const busMs = 2;
/** A job whose worker stalled is delivered again after this; the first worker may still be at it. */
const stalledAgainMs = 6000;

/**
 * Redis: a queue for each agent process, which keeps its jobs while no worker is there, and the channel of reports, which
 * keeps nothing.
 */
export class MessageBus {
  private up = true;
  private readonly waiting = new Map<string, HostCommand[]>();
  private readonly workers = new Map<string, (command: HostCommand) => void>();
  private readonly listeners = new Set<(told: Told) => void>();
  /** Counts the losses of everything in Redis: what was under way before one does not arrive after it. */
  private generation = 0;
  /** Decides the fate of each job; a test or a fault sets it. */
  fate: (command: HostCommand) => Delivery = () => 'once';
  /** Hears of each job that is to be carried, whatever becomes of it. */
  onJob: ((command: HostCommand) => void) | null = null;
  private chance: Random | null = null;

  constructor(private readonly clock: VirtualClock) {}

  isUp(): boolean {
    return this.up;
  }

  setUp(up: boolean): void {
    this.up = up;
    if (up) for (const queue of this.workers.keys()) this.drain(queue);
  }

  /** A fault: from now on messages are lost, late or doubled as chance has it; null: no more. */
  loseBy(chance: Random | null): void {
    this.chance = chance;
  }

  isLossy(): boolean {
    return this.chance !== null;
  }

  empty(): void {
    this.waiting.clear();
    this.generation++;
  }

  forget(queue: string): void {
    this.waiting.delete(queue);
  }

  keep(queues: readonly string[]): void {
    for (const queue of this.waiting.keys()) if (!queues.includes(queue)) this.forget(queue);
  }

  enqueue(queue: string, command: HostCommand): void {
    this.onJob?.(command);
    if (!this.up) return;
    const fate = this.chance === null ? this.fate(command) : jobFate(this.chance);
    if (fate === 'lost') return;
    const lateMs = typeof fate === 'object' && 'lateMs' in fate ? fate.lateMs : busMs;
    this.deliver(queue, command, lateMs);
    if (fate === 'twice') this.deliver(queue, command, stalledAgainMs);
    if (typeof fate === 'object' && 'againAfterMs' in fate) this.deliver(queue, command, fate.againAfterMs);
  }

  work(queue: string, worker: (command: HostCommand) => void): void {
    this.workers.set(queue, worker);
    this.drain(queue);
  }

  stopWork(queue: string): void {
    this.workers.delete(queue);
  }

  publish(told: Told): void {
    if (!this.up) return;
    const delaysMs = this.chance === null ? [busMs] : reportDelays(this.chance);
    for (const listener of this.listeners)
      for (const delayMs of delaysMs)
        this.clock.after(delayMs, () => this.up && this.listeners.has(listener) && listener(told));
  }

  subscribe(listener: (told: Told) => void): void {
    this.listeners.add(listener);
  }

  unsubscribe(listener: (told: Told) => void): void {
    this.listeners.delete(listener);
  }

  private deliver(queue: string, command: HostCommand, delayMs: number): void {
    const { generation } = this;
    this.clock.after(delayMs, () => {
      if (generation !== this.generation) return;
      const worker = this.workers.get(queue);
      if (worker && this.up) return worker(command);
      const waiting = this.waiting.get(queue);
      if (waiting) waiting.push(command);
      else this.waiting.set(queue, [command]);
    });
  }

  private drain(queue: string): void {
    const waiting = this.waiting.get(queue) ?? [];
    this.waiting.delete(queue);
    for (const command of waiting) this.deliver(queue, command, busMs);
  }
}

function jobFate(chance: Random): Delivery {
  switch (chance.below(10)) {
    case 0:
      return 'twice';
    case 1:
      return 'lost';
    case 2:
      return { lateMs: chance.below(8000) };
    case 3:
      return { againAfterMs: chance.below(8000) };
    default:
      return 'once';
  }
}

/** When each of its copies arrives: none, late, or one behind the other. */
function reportDelays(chance: Random): readonly number[] {
  switch (chance.below(12)) {
    case 0:
      return [];
    case 1:
      return [chance.below(1500)];
    case 2:
      return [busMs, chance.below(3000)];
    default:
      return [busMs];
  }
}
