import { BareMachine } from '@argosy/machine/bare-machine';
import { interruptBits, slots } from '@argosy/machine/control-registers';
import { Console, PowerButton, type Disk, type NetworkPort } from '@argosy/machine/devices';
import { memoryStart, pageBytes, pageGuards, pageShift } from '@argosy/machine/memory';
import type { MakeMemory, SharedMemory } from '@argosy/machine/shared-memory';
import { causes } from '@argosy/machine/traps';
import { variants } from '@argosy/machine/variants';

/**
 * The units of a guest's time, of which each instruction takes one, are so small that no engine overtakes the clock: two to that
 * power of them are a microsecond, which is 16 thousand million instructions a second.
 */
const newTimeScale = 14;
/** Of machines that older releases saved, which did not say it. */
const oldTimeScale = 10;
/** Half of what a number counts exactly, which is after some three days. */
const mostTime = 2 ** 52;
/** Between two looks at the clock: some 50 to 100 microseconds. */
const burstInstructions = 4096;
/** Translating costs as much as some ten thousand instructions, for each guest by itself: what an idle one does is not worth it. */
const hotVisits = 20_000;
/** A heartbeat, with what the kernel does for it, is not so long: an idle guest never gets to what is translated. */
const interpretedAfterRest = 2500;
const guardCauses: readonly number[] = [causes.fetchGuard, causes.loadGuard, causes.storeGuard];
const everyGuard = pageGuards.fetch | pageGuards.load | pageGuards.store;

/** A part of its memory has not come over yet, and is needed now: thrown through a device's transfer, which is begun again later. */
class PagesMissing extends Error {
  constructor(readonly pages: readonly number[]) {
    super('pages of memory are missing');
  }
}

/** What ends a slice. idle: until `at`, on the host's clock. missing: pages that a post-copy has not brought yet. */
export type SliceEnd =
  | { readonly kind: 'used' }
  | { readonly kind: 'idle'; readonly at: number }
  | { readonly kind: 'off'; readonly code: number }
  | { readonly kind: 'missing'; readonly pages: readonly number[] }
  | { readonly kind: 'failed'; readonly error: Error };

export interface MachineState {
  readonly registers: readonly number[];
  readonly control: readonly number[];
  readonly time: number;
  /** What `time` has above it, in units of 2³²; left out by older releases: 0. */
  readonly timeHigh?: number;
  /** log2 of the units of its time in a microsecond, which its program has read and goes by. */
  readonly timeScale?: number;
  readonly typed: readonly number[];
  readonly isButtonPressed: boolean;
}

interface MachineParts {
  readonly memoryBytes: number;
  readonly disk: Disk;
  readonly network: NetworkPort;
  readonly makeMemory: MakeMemory;
}

/** The console's input, as it can be taken along. */
class GuestConsole extends Console {
  typed: number[] = [];
  /** How many of them were read. */
  private at = 0;

  override type(bytes: Iterable<number>): void {
    for (const byte of bytes) this.typed.push(byte & 255);
  }

  override get hasInput(): boolean {
    return this.at < this.typed.length;
  }

  override read(): number {
    const byte = this.typed[this.at] ?? -1;
    if (byte >= 0 && ++this.at === this.typed.length) {
      this.typed = [];
      this.at = 0;
    }
    return byte;
  }

  get unread(): number[] {
    return this.typed.slice(this.at);
  }
}

/** A guard is the VMM's own, and no trap of the guest's. */
class HostedMachine extends BareMachine {
  protected override raise(cause: number, value: number): 'trap' | undefined {
    if (!guardCauses.includes(cause)) return super.raise(cause, value);
    this.trap.cause = cause;
    this.trap.value = value;
    return 'trap';
  }
}

/**
 * A machine that is given real time in slices. Its clock goes on while it waits for its turn and while it is idle, and stands
 * still while it is stopped. It is never ahead of the host's, for an instruction takes it less time than the host.
 */
export class GuestMachine {
  readonly memoryBytes: number;
  private readonly machine: HostedMachine;
  private readonly clock = { timeScale: newTimeScale };
  private readonly console: GuestConsole;
  private readonly button = new PowerButton();
  private output: number[] = [];
  /** The machine's time at a moment of the host's clock. */
  private base = { time: 0, ms: 0 };
  private missing: Set<number> | null = null;

  constructor({ memoryBytes, disk, network, makeMemory }: MachineParts) {
    this.memoryBytes = memoryBytes;
    this.console = new GuestConsole((byte) => this.output.push(byte));
    const devices = Object.assign(this.clock, { console: this.console, disk, network, power: this.button });
    const engine = { hotVisits, interpretedAfterRest, makeMemory };
    this.machine = new HostedMachine(variants.virtualizable, memoryBytes, devices, engine);
  }

  get memory() {
    return this.machine.memory;
  }

  /** What `makeMemory` made: it is the caller's again when this machine runs no more. */
  get madeMemory(): SharedMemory {
    return this.machine.memory.storage.shared!.memory;
  }

  boot(entry: number): void {
    this.machine.reset(entry);
  }

  /** From now on its clock goes. */
  startClock(nowMs: number): void {
    this.base = { time: this.machine.time, ms: nowMs };
  }

  /** Whether it would do something if it had the processor. */
  type(text: string): void {
    this.console.type(Buffer.from(text));
  }

  pressButton(): void {
    this.button.press();
  }

  takeOutput(): Buffer | null {
    if (this.output.length === 0) return null;
    const bytes = Buffer.from(this.output);
    this.output = [];
    return bytes;
  }

  private get unitsPerMs(): number {
    return 1000 * 2 ** this.clock.timeScale;
  }

  private timeAt(nowMs: number): number {
    return this.base.time + Math.floor((nowMs - this.base.ms) * this.unitsPerMs);
  }

  /** Runs until it has nothing to do, or `endMs`. */
  run(endMs: number): SliceEnd {
    const { machine } = this;
    try {
      for (let now = performance.now(); now < endMs; now = performance.now()) {
        machine.time = Math.max(machine.time, this.timeAt(now));
        if (machine.time > mostTime) this.carryTime(now);
        const stop = machine.run(burstInstructions);
        if (stop === 'off') return { kind: 'off', code: machine.offCode };
        if (stop === 'trap') return { kind: 'missing', pages: this.pagesOfTrap() };
        if (stop === 'idle') return this.rest();
      }
      return { kind: 'used' };
    } catch (error) {
      // A transfer that could not be done: the instruction has not happened, and is done again.
      if (error instanceof PagesMissing) return { kind: 'missing', pages: error.pages };
      return { kind: 'failed', error: error as Error };
    }
  }

  private carryTime(now: number): void {
    this.base = { time: this.timeAt(now) - this.machine.carryTime(), ms: now };
  }

  private rest(): SliceEnd {
    this.machine.translator!.rested();
    return { kind: 'idle', at: this.wakesAt() };
  }

  private wakesAt(): number {
    const { control, timeCompare } = this.machine;
    if ((control[slots.interruptEnable]! & interruptBits.timer) === 0) return Infinity;
    return this.base.ms + (timeCompare - this.base.time) / this.unitsPerMs;
  }

  private pagesOfTrap(): number[] {
    const { control, trap } = this.machine;
    const offset = ((trap.value ^ memoryStart) >>> 0) + (control[slots.base]! >>> 0);
    return [...new Set([offset >>> pageShift, Math.min(offset + 3, this.memoryBytes - 1) >>> pageShift])];
  }

  // ---- Its state, to be taken elsewhere ----

  save(): MachineState {
    const { registers, control, time } = this.machine.saveProcessor();
    return {
      registers: [...registers],
      control: [...control],
      time,
      timeHigh: this.machine.timeHigh,
      timeScale: this.clock.timeScale,
      typed: this.console.unread,
      isButtonPressed: this.button.isPressed,
    };
  }

  load(state: MachineState): void {
    const { registers, control, time } = state;
    this.machine.loadProcessor({ registers: Int32Array.from(registers), control: Int32Array.from(control), time });
    this.machine.timeHigh = state.timeHigh ?? 0;
    this.clock.timeScale = state.timeScale ?? oldTimeScale;
    this.console.type(state.typed);
    if (state.isButtonPressed) this.button.press();
  }

  // ---- Memory that comes after the guest ----

  /** These are fetched when they are needed, or come by themselves. */
  await(pages: readonly number[]): void {
    const { memory } = this.machine;
    const missing = new Set(pages);
    this.missing = missing;
    for (const page of pages) memory.storage.guard(page, everyGuard);
    memory.beforeAccess = (offset, length) => {
      const wanted: number[] = [];
      for (let page = offset >>> pageShift; page << pageShift < offset + length; page++)
        if (missing.has(page)) wanted.push(page);
      if (wanted.length > 0) throw new PagesMissing(wanted);
    };
  }

  isMissing(page: number): boolean {
    return this.missing?.has(page) === true;
  }

  get missingPages(): number {
    return this.missing?.size ?? 0;
  }

  /** Content of null: zeros. A page that is not awaited any more was written to meanwhile, or came already. */
  pageCame(page: number, content: Uint8Array | null): void {
    if (this.missing !== null && !this.missing.delete(page)) return;
    const { memory } = this.machine;
    memory.storage.guard(page, 0);
    const place = page * pageBytes;
    if (content) memory.bytes.set(content, place);
    else memory.bytes.fill(0, place, place + pageBytes);
    memory.written(place, pageBytes);
    if (this.missing?.size === 0) {
      this.missing = null;
      memory.beforeAccess = undefined;
    }
  }
}
