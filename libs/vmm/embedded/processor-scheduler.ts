import { Heap } from './heap';

/** Processor time that comes at a rate, and is kept for a moment when it is not used. */
class Allowance {
  private leftMs: number;
  private filledAt: number;

  constructor(
    public millicores: number,
    now: number,
  ) {
    this.leftMs = this.mostMs;
    this.filledAt = now;
  }

  private get mostMs(): number {
    return (this.millicores / 1000) * keptMs;
  }

  /** When it has some: now, or later. */
  hasSomeAt(now: number): number {
    this.leftMs = Math.min(this.mostMs, this.leftMs + ((now - this.filledAt) * this.millicores) / 1000);
    this.filledAt = now;
    return this.leftMs > 0 ? now : now + ((leastMs - this.leftMs) * 1000) / this.millicores;
  }

  use(usedMs: number): void {
    this.leftMs -= usedMs;
  }
}

/** What was not used is good for so long, so that a guest that wakes up after a while is not held up at once, by a limit or by others. */
const keptMs = 20;
const leastMs = 1;

export interface Share {
  readonly cpuShares: number;
  readonly cpuLimitMillicores: number | null;
}

/** asleep: until something or its timer wakes it. waiting: it would run. running: its slice is under way. off: it is not to run. */
type Phase = 'off' | 'asleep' | 'waiting' | 'running';

export class ScheduledTask {
  phase: Phase = 'off';
  usedMs = 0;
  private waited = 0;
  private waitsSince = 0;
  /** Its use by its shares: who has the least runs next. */
  virtualMs = 0;
  shares = 1;
  allowance: Allowance | null = null;
  /** Counts its entries in the heaps: an older one is void. */
  entry = 0;

  /** It would have run and did not, for others or for a limit. */
  waitedMs(now: number): number {
    return this.waited + (this.phase === 'waiting' ? now - this.waitsSince : 0);
  }

  enter(phase: Phase, now: number): void {
    if (this.phase === 'waiting') this.waited += now - this.waitsSince;
    if (phase === 'waiting') this.waitsSince = now;
    this.phase = phase;
    this.entry++;
  }
}

interface Entry<Task> {
  readonly task: Task;
  readonly entry: number;
}

/**
 * Whose turn it is on one processor: the one that has used least by its shares, of those that have something to do and are not
 * at their limit. Who sleeps costs nothing: it lies in a heap until its time has come. Pure: time is passed in, in milliseconds.
 */
export class ProcessorScheduler<Task extends ScheduledTask> {
  private readonly ready = new Heap<Entry<Task>>();
  private readonly timers = new Heap<Entry<Task>>();
  private readonly whole: Allowance;
  private virtualNow = 0;

  /** `millicores`: of all together. */
  constructor(millicores: number, now: number) {
    this.whole = new Allowance(millicores, now);
  }

  setShare(task: Task, { cpuShares, cpuLimitMillicores }: Share, now: number): void {
    task.shares = Math.max(1, cpuShares);
    task.allowance = cpuLimitMillicores === null ? null : new Allowance(cpuLimitMillicores, now);
  }

  /** It has something to do from now on. */
  wake(task: Task, now: number): void {
    if (task.phase === 'waiting' || task.phase === 'running') return;
    this.queue(task, now);
  }

  private queue(task: Task, now: number): void {
    task.enter('waiting', now);
    // Who slept goes before those that did not, and for no longer: it has no claim to all that it did not use meanwhile.
    task.virtualMs = Math.max(task.virtualMs, this.virtualNow - (keptMs * 1000) / task.shares);
    const mayRunAt = task.allowance?.hasSomeAt(now) ?? now;
    const entry = { task, entry: task.entry };
    if (mayRunAt > now) this.timers.push(mayRunAt, entry);
    else this.ready.push(task.virtualMs, entry);
  }

  /** Infinity: until it is woken. */
  sleep(task: Task, until: number, now: number): void {
    task.enter('asleep', now);
    if (until < Infinity) this.timers.push(until, { task, entry: task.entry });
  }

  /** Not to be run before it is woken again, and no timer does that. */
  stop(task: Task, now: number): void {
    task.enter('off', now);
  }

  /** Whose turn it is. */
  next(now: number): Task | undefined {
    this.wakeDue(now);
    if (this.whole.hasSomeAt(now) > now) return undefined;
    for (let found = this.ready.pop(); found; found = this.ready.pop()) {
      const { task, entry } = found;
      if (task.entry !== entry) continue;
      this.virtualNow = Math.max(this.virtualNow, task.virtualMs);
      task.enter('running', now);
      return task;
    }
    return undefined;
  }

  private wakeDue(now: number): void {
    while (this.timers.firstKey <= now) {
      const { task, entry } = this.timers.pop()!;
      if (task.entry === entry) this.queue(task, now);
    }
  }

  /** What its slice took. Who called `next` then says what comes: `again`, `sleep` or `stop`. */
  account(task: Task, usedMs: number): void {
    task.usedMs += usedMs;
    task.virtualMs += (usedMs * 1000) / task.shares;
    task.allowance?.use(usedMs);
    this.whole.use(usedMs);
  }

  again(task: Task, now: number): void {
    this.queue(task, now);
  }

  /** When `next` may have something to say: now, later, or Infinity. */
  nextAt(now: number): number {
    const timer = this.timers.firstKey;
    return this.ready.size === 0 ? timer : Math.min(timer, this.whole.hasSomeAt(now));
  }

  /** When one that sleeps would run if it were asked for on time: Infinity where others are before it, or all have used up what there is. */
  sleeperAt(now: number): number {
    return this.ready.size > 0 || this.whole.hasSomeAt(now) > now ? Infinity : this.timers.firstKey;
  }
}
