import { replayChecksum, replayDiskChecksum } from '@argosy/domain/guest-console';
import type { ModelDisk } from './datastore';

/**
 * The measuring guest of guests/, as its memory: this object is what a migration carries and what a crash loses. The
 * counters move with the time that the guest really ran, so a test can tell a memory that came along whole (they go on)
 * from a new start (they begin again and `boot` is one more).
 */
export interface GuestMemory {
  heartbeats: number;
  work: number;
  /** Writes to the area so far, each of a page: the version of the memory's content. */
  steps: number;
  dirtiedKiB: number;
  readonly boot: number;
  tickMs: number;
  loadPermille: number;
  dirtyMBps: number;
  areaMiB: number;
  seed: number;
  /** While the processors stand still: how much of the tick was left. */
  beatLeftMs: number;
}

/** What a command changes outside of the memory. */
export interface GuestMachine {
  readonly disk: ModelDisk;
  readonly memoryMiB: number;
  say(line: string): void;
  powerOff(): void;
  panic(): void;
}

const defaultTickMs = 250;
const idleMillicores = 4;
/** Writing pages costs time too: about this much of a processor for each MB/s. */
const millicoresPerDirtyMBps = 0.5;
const workUnitsPerCpuMs = 50;
/** What a guest that filled nothing has touched: its program, its VMM's tables. */
const bareTouchedMiB = 16;

export function bootMemory(disk: ModelDisk): GuestMemory {
  disk.bootCount++;
  return {
    heartbeats: 0,
    work: 0,
    steps: 0,
    dirtiedKiB: 0,
    boot: disk.bootCount,
    tickMs: defaultTickMs,
    loadPermille: 0,
    dirtyMBps: 0,
    areaMiB: 0,
    seed: 0,
    beatLeftMs: 0,
  };
}

export function demandOf(memory: GuestMemory, vcpus: number): number {
  return Math.min(vcpus * 1000, idleMillicores + memory.loadPermille + memory.dirtyMBps * millicoresPerDirtyMBps);
}

/** Time passed in which the guest ran with that much of the processors. */
export function passTime(memory: GuestMemory, elapsedMs: number, millicores: number, demandMillicores: number): void {
  const speed = demandMillicores > 0 ? millicores / demandMillicores : 1;
  memory.work += (memory.loadPermille / 1000) * speed * elapsedMs * workUnitsPerCpuMs;
  if (memory.areaMiB === 0) return;
  memory.dirtiedKiB += (memory.dirtyMBps * 1000 * elapsedMs * speed) / 1024;
  memory.steps = Math.floor(memory.dirtiedKiB / 4);
}

export function dirtyBytesPerMs(memory: GuestMemory): number {
  return memory.areaMiB > 0 ? memory.dirtyMBps * 1000 : 0;
}

export function touchedMiB(memory: GuestMemory, memoryMiB: number): number {
  return Math.min(memoryMiB, bareTouchedMiB + memory.areaMiB);
}

type Command = {
  readonly arguments: number;
  readonly usage: string;
  readonly run: (memory: GuestMemory, machine: GuestMachine, numbers: number[]) => boolean;
};

function fill(memory: GuestMemory, areaMiB: number, seed: number): void {
  Object.assign(memory, { areaMiB, seed, steps: 0, dirtiedKiB: 0 });
}

function fits(machine: GuestMachine, areaMiB: number): boolean {
  return areaMiB >= 1 && areaMiB <= machine.memoryMiB - bareTouchedMiB / 2;
}

const commands: Readonly<Record<string, Command>> = {
  tick: {
    arguments: 1,
    usage: 'tick <ms 0..60000>',
    run: (memory, _machine, [ms]) => ms! <= 60000 && ((memory.tickMs = ms!), true),
  },
  load: {
    arguments: 1,
    usage: 'load <permille 0..1000>',
    run: (memory, _machine, [permille]) => permille! <= 1000 && ((memory.loadPermille = permille!), true),
  },
  dirty: {
    arguments: 3,
    usage: 'dirty <MBps 0..10000> <areaMiB> <seed>',
    run: (memory, machine, [rate, area, seed]) => {
      if (rate! > 10000 || !fits(machine, area!)) return false;
      const refill = rate! > 0 && (memory.areaMiB !== area || memory.seed !== seed);
      if (refill) {
        fill(memory, area!, seed!);
        machine.say(`filled ${area} ${seed}`);
      }
      memory.dirtyMBps = rate!;
      return true;
    },
  },
  fill: {
    arguments: 2,
    usage: 'fill <areaMiB> <seed>',
    run: (memory, machine, [area, seed]) => {
      if (!fits(machine, area!)) return false;
      fill(memory, area!, seed!);
      machine.say(`filled ${area} ${seed}`);
      return true;
    },
  },
  sum: {
    arguments: 0,
    usage: 'fill or dirty before sum',
    run: (memory, machine) => {
      if (memory.areaMiB === 0) return false;
      machine.say(`sum ${memory.steps} ${replayChecksum(memory)}`);
      return true;
    },
  },
  work: {
    arguments: 0,
    usage: 'work',
    run: (memory, machine) => (machine.say(`work ${Math.floor(memory.work)}`), true),
  },
  stats: { arguments: 0, usage: 'stats', run: (memory, machine) => (machine.say(statistics(memory)), true) },
  'disk fill': {
    arguments: 2,
    usage: 'disk fill <sectors> <seed>',
    run: (_memory, machine, [sectors, seed]) => {
      if (sectors! < 1 || sectors! > machine.disk.sizeMiB * 2048) return false;
      Object.assign(machine.disk, { dataVersion: machine.disk.dataVersion + 1, dataSectors: sectors, dataSeed: seed });
      machine.say(`disk filled ${sectors}`);
      return true;
    },
  },
  'disk sum': {
    arguments: 1,
    usage: 'disk sum <sectors>',
    run: (_memory, machine, [sectors]) => {
      if (sectors! < 1 || sectors! > machine.disk.sizeMiB * 2048) return false;
      machine.say(
        `disk sum ${replayDiskChecksum({ sectors: Math.min(sectors!, machine.disk.dataSectors), seed: machine.disk.dataSeed })}`,
      );
      return true;
    },
  },
  off: { arguments: 0, usage: 'off', run: (_memory, machine) => (machine.powerOff(), true) },
  panic: { arguments: 0, usage: 'panic', run: (_memory, machine) => (machine.panic(), true) },
};

function statistics(memory: GuestMemory): string {
  return `stats count=${memory.heartbeats} work=${Math.floor(memory.work)} steps=${memory.steps} dirtied=${Math.floor(memory.dirtiedKiB)} boot=${memory.boot} tick=${memory.tickMs} load=${memory.loadPermille} rate=${memory.dirtyMBps} area=${memory.areaMiB} seed=${memory.seed}`;
}

/** Does what a line on the guest's console asks, as the real measuring guest does. */
export function obeyConsole(memory: GuestMemory, machine: GuestMachine, line: string): void {
  const words = line.trim().split(/ +/);
  if (words[0] === '') return;
  if (words[0] === 'ping' && words.length > 1) return machine.say(`pong ${words.slice(1).join(' ')}`);
  const name = words[0] === 'disk' ? words.splice(0, 2).join(' ') : words.shift()!;
  const command = commands[name];
  if (!command)
    return machine.say('error tick, load, dirty, fill, sum, ping, work, stats, disk fill, disk sum, off or panic');
  const wellFormed = words.length === command.arguments && words.every((word) => /^\d{1,10}$/.test(word));
  if (!wellFormed || !command.run(memory, machine, words.map(Number))) machine.say(`error ${command.usage}`);
}
