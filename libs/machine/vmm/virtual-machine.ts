import { machineMode, slots, userMode } from '../control-registers';
import type { Devices } from '../devices';
import { Machine, type Stop } from '../machine';
import { memoryStart, pageGuards, pageShift, type Memory } from '../memory';
import { causes } from '../traps';
import { serveHypercall } from './hypercalls';
import { isCritical, patchWord, Patcher } from './patcher';

/**
 * direct: the processor below runs its instructions in user mode, whatever its own mode is, and what traps is dispatched.
 * hybrid: so only in its user mode; in its machine mode every instruction is interpreted.
 * paravirtual: as direct, and a call from its machine mode is for the VMM (`hypercalls.ts`).
 * patching: as direct, and what would not trap and has to is replaced before it is run (`patcher.ts`).
 */
export type MonitorKind = 'direct' | 'hybrid' | 'paravirtual' | 'patching';

/** How its instructions were run: their sum is all that it tried. */
export interface Shares {
  /** By the machine below, without the VMM. */
  direct: number;
  /** Trapped, and done by an interpreter routine. */
  emulated: number;
  /** Trapped, and given to the machine's own trap handler, or to who controls it. */
  reflected: number;
  /** Interpreted because the monitor is a hybrid one. */
  interpreted: number;
}

export interface VirtualMachineParts {
  readonly host: Machine;
  readonly memory: Memory;
  readonly devices: Devices;
  readonly kind: MonitorKind;
}

/** At most; of a shorter one a page too many may be looked at, which changes nothing. */
const accessBytes = 4;

function guardOf(cause: number): number | undefined {
  if (cause === causes.fetchGuard) return pageGuards.fetch;
  if (cause === causes.loadGuard) return pageGuards.load;
  return cause === causes.storeGuard ? pageGuards.store : undefined;
}

/** A machine that a VMM makes of the one below it: the same in everything but time and the size of its memory. */
export class VirtualMachine extends Machine {
  readonly shares: Shares = { direct: 0, emulated: 0, reflected: 0, interpreted: 0 };
  private readonly host: Machine;
  private readonly kind: MonitorKind;
  private readonly patcher: Patcher | undefined;

  constructor({ host, memory, devices, kind }: VirtualMachineParts) {
    super(host.variant, memory, devices);
    this.host = host;
    this.kind = kind;
    if (kind === 'patching') this.patcher = new Patcher(memory, isCritical(host.variant));
  }

  /** By its own VMM, or one below that. */
  get isPatched(): boolean {
    return this.patcher !== undefined || (this.host instanceof VirtualMachine && this.host.isPatched);
  }

  /** Nothing of its VMM's is in its memory or on it, nor of those of the machines that were made of it. */
  release(): void {
    this.patcher?.release();
    const { storage, offset, size, level } = this.memory;
    for (let page = offset >>> pageShift; page < (offset + size) >>> pageShift; page++) storage.unguard(page, level);
  }

  protected proceed(instructions: number): Stop | undefined {
    if (this.kind !== 'hybrid' || this.isInUserMode) return this.runDirectly(instructions);
    const before = this.time;
    const stop = this.runEngine(instructions);
    this.shares.interpreted += this.time - before;
    return stop;
  }

  private runDirectly(instructions: number): Stop | undefined {
    const { host } = this;
    this.enter();
    const before = host.time;
    const stop = host.run(instructions);
    const tried = host.time - before;
    this.registers.set(host.registers);
    this.control[slots.pc] = host.control[slots.pc]!;
    this.time += tried;
    this.shares.direct += tried;
    if (stop === 'limit') return undefined;
    if (stop !== 'trap') throw new Error(`A machine in user mode went ${stop} without a trap.`);
    this.shares.direct--;
    return this.dispatch(host.trap.cause, host.trap.value);
  }

  /** The machine below gets this one's registers and place, in user mode, within this one's memory. */
  private enter(): void {
    const { host, control, memory } = this;
    const base = control[slots.base]! >>> 0;
    const room = Math.max(0, memory.size - base);
    host.registers.set(this.registers);
    host.control[slots.pc] = control[slots.pc]!;
    host.control[slots.mode] = userMode;
    host.control[slots.base] = room === 0 ? 0 : memory.offset - host.memory.offset + base;
    host.control[slots.bound] = Math.min(control[slots.bound]! >>> 0, room);
  }

  /** Every trap comes here. What this machine's processor would have done without a trap is done for it. */
  private dispatch(cause: number, value: number): Stop | undefined {
    const isInMachineMode = this.control[slots.mode] === machineMode;
    const guard = guardOf(cause);
    if (guard !== undefined) return this.passGuard(guard, cause, value);
    const replaced = value === patchWord ? this.patcher?.originalAt(this.offsetOf(this.control[slots.pc]!)) : undefined;
    if (cause === causes.illegalInstruction && replaced !== undefined) {
      this.shares.emulated++;
      return this.executeSystem(replaced);
    }
    if (cause === causes.illegalInstruction && isInMachineMode) {
      this.shares.emulated++;
      return this.executeSystem(value);
    }
    if (cause === causes.userCall && isInMachineMode && this.kind === 'paravirtual') {
      this.shares.emulated++;
      serveHypercall(this);
      return undefined;
    }
    this.shares.reflected++;
    return this.raise(cause === causes.userCall && isInMachineMode ? causes.machineCall : cause, value);
  }

  /** Where in its memory an address is that its relocation register lets through. */
  private offsetOf(address: number): number {
    return ((address ^ memoryStart) >>> 0) + (this.control[slots.base]! >>> 0);
  }

  /**
   * A guard of this machine's VMM is not seen by the machine: what it stopped has not been tried yet. Any other is of a VMM in
   * this machine, which controls it.
   */
  private passGuard(guard: number, cause: number, address: number): Stop | undefined {
    const { patcher } = this;
    const offset = this.offsetOf(address);
    if (patcher?.hasGuarded(offset, accessBytes, guard) !== true) {
      this.shares.reflected++;
      return this.raise(cause, address);
    }
    this.time--;
    if (guard !== pageGuards.fetch) return patcher.open(offset, accessBytes, () => this.runDirectly(1));
    patcher.scan(offset >>> pageShift);
    return undefined;
  }
}
