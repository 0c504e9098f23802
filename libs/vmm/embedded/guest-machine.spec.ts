import { assemble } from '@argosy/machine/assembler';
import { freshMemory } from '@argosy/machine/shared-memory';
import { Cable, MemoryDisk } from '@argosy/machine/devices';
import { GuestMachine } from './guest-machine';

const memoryBytes = 65536;
const dataAt = 0x2000;

function machineOf(text: string): GuestMachine {
  const [network] = Cable.between(new Uint8Array(6), new Uint8Array(6));
  const disk = new MemoryDisk(new Uint8Array(512));
  const machine = new GuestMachine({ memoryBytes, disk, network, makeMemory: freshMemory });
  machine.memory.write(0, assemble(text).bytes);
  machine.boot(0x80000000 | 0);
  return machine;
}

/** It has run for so long, in units of its time. */
function aged(machine: GuestMachine, time: number): GuestMachine {
  machine.load({ ...machine.save(), time });
  machine.startClock(performance.now());
  return machine;
}

const word = (machine: GuestMachine, index: number): bigint => BigInt(machine.memory.word(dataAt + 4 * index) >>> 0);
const seen = (machine: GuestMachine, index: number): bigint => (word(machine, index + 1) << 32n) | word(machine, index);
const run = (machine: GuestMachine, ms: number) => machine.run(performance.now() + ms);

/** Its time, twice, one instruction after the other; then a timer, and its time when that has come. */
const looksAtItsTime = `
    li   s0, ${0x80000000 + dataAt}
    csrr t0, mcycle
    csrr t1, mcycle
    csrr t2, mcycleh
    sw   t0, 0(s0)
    sw   t2, 4(s0)
    sw   t1, 8(s0)
    sw   t2, 12(s0)
    la   t3, woken
    csrw mtvec, t3
    li   t3, 100000
    add  t4, t1, t3
    sltu t5, t4, t1
    add  t2, t2, t5
    csrw mtimecmp, t4
    csrw mtimecmph, t2
    li   t3, 0x80
    csrw mie, t3
    csrrsi zero, mstatus, 8
  wait:
    wfi
    j    wait
  woken:
    csrr t1, mcycleh
    csrr t0, mcycle
    sw   t0, 16(s0)
    sw   t1, 20(s0)
    li   t0, 1
    csrw mpower, t0`;

// Until what a number counts exactly a hundred days pass; 2⁵² is half of it, 2⁵³ all, and 2⁶⁰ many years.
test.each([0, 2 ** 52 - 40_000, 2 ** 53 - 2000, 2 ** 53 - 4, 2 ** 60])(
  'the time of a guest that has run for %d units is exact, its timer comes when it should, and it goes on from there elsewhere',
  (start) => {
    const machine = aged(machineOf(looksAtItsTime), start);
    const idle = run(machine, 1000);
    expect(idle.kind).toBe('idle');
    const [first, second] = [seen(machine, 0), seen(machine, 2)];
    expect(first >= BigInt(start)).toBe(true);
    expect(second - first).toBe(1n);
    // In 100,000 units, less what has passed: some microseconds.
    const sleepMs = idle.kind === 'idle' ? idle.at - performance.now() : NaN;
    expect(Math.abs(sleepMs)).toBeLessThan(100);
    const taken = machine.save();
    const target = machineOf(looksAtItsTime);
    target.memory.write(0, machine.memory.bytes.slice());
    target.load(taken);
    target.startClock(performance.now() - 1);
    expect(run(target, 1000)).toEqual({ kind: 'off', code: 0 });
    const woken = seen(target, 4);
    expect(woken - second).toBeGreaterThanOrEqual(100_000n);
    expect(woken - second).toBeLessThan(16_384_000n * 1000n);
  },
);

const clockAt = (machine: GuestMachine): bigint => seen(machine, 0);

/** A hundred million instructions and more, then its time. */
const burnsAndLooks = `
    li   s0, ${0x80000000 + dataAt}
    li   t0, 50000000
  burn:
    addi t0, t0, -1
    bnez t0, burn
    csrr t1, mcycleh
    csrr t2, mcycle
    csrr t3, mtimescale
    sw   t2, 0(s0)
    sw   t1, 4(s0)
    sw   t3, 8(s0)
    li   t0, 1
    csrw mpower, t0`;

test('the clock of a guest that computes as fast as it can is never ahead of its host’s', () => {
  const machine = machineOf(burnsAndLooks);
  const begun = performance.now();
  machine.startClock(begun);
  expect(run(machine, 60_000)).toEqual({ kind: 'off', code: 0 });
  const unitsPerMs = 1000 * 2 ** Number(word(machine, 2));
  expect(Number(clockAt(machine)) / unitsPerMs).toBeLessThanOrEqual(performance.now() - begun);
});

test('a guest that an older release saved goes on by the units of time that it has read there', () => {
  const { timeScale, ...older } = machineOf(looksAtItsTime).save();
  expect(timeScale).toBeGreaterThan(10);
  const machine = machineOf(looksAtItsTime);
  machine.load(older);
  const begun = performance.now();
  machine.startClock(begun);
  const idle = run(machine, 1000);
  // Its timer is 100,000 units after it looks, and 1,024 of them are a microsecond.
  expect(idle.kind === 'idle' ? idle.at - begun : NaN).toBeGreaterThanOrEqual(100_000 / 1_024_000);
  expect(machine.save().timeScale).toBe(10);
});
