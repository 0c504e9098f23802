import { BareMachine } from './bare-machine';
import { slots } from './control-registers';
import { Cable, Console } from './devices';
import { runThroughIdleness } from './machine';
import { memoryStart } from './memory';
import { processorDifferences } from './processor-state';
import { bench, load } from './testing';
import { causes } from './traps';
import { variants } from './variants';
import { Monitor } from './vmm/monitor';

const text = (bytes: readonly number[]) => String.fromCharCode(...bytes);

test('a control register that is not there traps, and the handler finds what and where', () => {
  const { machine } = bench();
  const { labels } = load(machine, `
      la t0, handler
      csrw mtvec, t0
  there:
      csrrwi zero, 0x180, 0
      wfi
  handler:
      csrr a0, mcause
      csrr a1, mepc
      csrr a2, mtval
      wfi`); // prettier-ignore
  expect(machine.run(100)).toBe('idle');
  const [cause, place, value] = machine.registers.subarray(10, 13);
  expect([cause, place, value! >>> 0]).toEqual([causes.illegalInstruction, labels.get('there'), 0x18005073]);
});

test('a trap keeps mode, interrupt enable and relocation, and mret brings them back', () => {
  const { machine } = bench();
  const { labels } = load(machine, `
      la   t0, handler
      csrw mtvec, t0
      li   t0, 0x4000
      csrw mpbase, t0
      li   t0, 0x1000
      csrw mpbound, t0
      li   t0, 0x80
      csrw mstatus, t0
      li   t0, 0x80000008
      csrw mepc, t0
      mret
  handler:
      csrr a0, mpbase
      csrr a1, mpbound
      csrr a2, mbase
      csrr a3, mstatus
      csrr a4, mcause
      csrr a5, mepc
      wfi`); // prettier-ignore
  machine.memory.write(0x4008, new Uint8Array(Int32Array.of(0x73).buffer));
  expect(machine.run(100)).toBe('idle');
  expect(Array.from(machine.registers.subarray(10, 16))).toEqual([
    0x4000,
    0x1000,
    0,
    0x80,
    causes.userCall,
    0x80000008 | 0,
  ]);
  expect(labels.size).toBe(1);
});

test('the timer interrupts at its instruction, waiting or not, and not before it is enabled', () => {
  const run = (body: string) => {
    const { machine } = bench();
    load(machine, `
      la   t0, handler
      csrw mtvec, t0
      csrw mtimecmph, zero
      li   t0, 100
      csrw mtimecmp, t0
      li   t0, 0x80
      csrw mie, t0
      ${body}
    handler:
      csrr a0, mcycle
      csrr a1, mcause
      li   t0, 1
      csrw mpower, t0`); // prettier-ignore
    expect(runThroughIdleness(machine, 1000)).toBe('off');
    return [machine.registers[10], machine.registers[11]];
  };
  expect(run('csrrsi zero, mstatus, 8\n loop: j loop')).toEqual([101, causes.timerInterrupt]);
  expect(run('csrrsi zero, mstatus, 8\n wfi\n loop: j loop')).toEqual([101, causes.timerInterrupt]);
  // Not enabled: wfi ends all the same, and the next instruction is run.
  expect(run('wfi')).toEqual([101, 0]);
});

test('a machine that waits is woken by what is typed, and reads it', () => {
  const { machine, console, output } = bench();
  load(machine, `
      li   t0, 0x800
      csrw mie, t0
      wfi
      csrr a0, mconsole
      csrw mconsole, a0
      csrr a1, mconsole
      wfi`); // prettier-ignore
  expect(machine.run(100)).toBe('idle');
  expect(machine.run(100)).toBe('idle');
  console.type([65]);
  expect(machine.run(100)).toBe('idle');
  expect(text(output)).toBe('A');
  expect(machine.registers[11]).toBe(-1);
});

test('sectors are read and written, and a transfer beyond the memory or the disk fails and does nothing', () => {
  const { machine, disk } = bench();
  disk.bytes.fill(7, 512, 1024);
  load(machine, `
      li   t0, 0x80002000
      csrw mdiskaddress, t0
      csrrwi zero, mdisksector, 1
      csrrwi zero, mdiskcommand, 1
      csrr a0, mdiskcommand
      csrrwi zero, mdisksector, 3
      csrrwi zero, mdiskcommand, 2
      csrrwi zero, mdisksector, 4
      csrrwi zero, mdiskcommand, 2
      csrr a1, mdiskcommand
      li   t0, 0x8000ff00
      csrw mdiskaddress, t0
      csrrwi zero, mdisksector, 1
      csrrwi zero, mdiskcommand, 1
      csrr a2, mdiskcommand
      csrr a3, mdisksectors
      wfi`); // prettier-ignore
  expect(machine.run(100)).toBe('idle');
  expect(Array.from(machine.registers.subarray(10, 14))).toEqual([0, 1, 1, 4]);
  expect(Array.from(disk.bytes.subarray(1536, 2048)).every((byte) => byte === 7)).toBe(true);
  expect(machine.memory.word(0xff00)).toBe(0);
});

test('a frame goes over the cable, interrupts whoever gets it, and is cut to the room that is there', () => {
  const [near, far] = Cable.between(Uint8Array.of(2, 0, 0, 0, 0, 1), Uint8Array.of(2, 0, 0, 0, 0, 2));
  const { machine } = bench({ network: near });
  load(machine, `
      csrr a4, mnetmac
      li   t0, 0x800
      csrw mie, t0
      wfi
      csrr a0, mnetwaiting
      li   t0, 0x80002000
      csrw mnetaddress, t0
      csrrwi zero, mnetlength, 4
      csrrwi zero, mnetcommand, 2
      csrrwi zero, mnetcommand, 1
      csrr a1, mnetcommand
      csrrwi zero, mnetcommand, 2
      csrr a2, mnetcommand
      wfi`); // prettier-ignore
  expect(machine.run(100)).toBe('idle');
  far.send(Uint8Array.of(1, 2, 3, 4, 5, 6));
  expect(machine.run(100)).toBe('idle');
  expect(Array.from(machine.registers.subarray(10, 15))).toEqual([6, 0, 1, 0, 2]);
  expect(machine.memory.word(0x2004)).toBe(0);
  expect(far.receive()).toEqual(Uint8Array.of(1, 2, 3, 4));
});

test('user mode reaches no control register of the virtualizable variant, and some of the IA-32-like one', () => {
  const inUserMode = (variant: keyof typeof variants, line: string) => {
    const { machine } = bench({ variant: variants[variant] });
    machine.supervisor = 'outside';
    load(machine, line);
    machine.control[slots.mode] = 0;
    machine.control[slots.trapVector] = 0x1230;
    machine.control[slots.status] = 0x8;
    const stop = machine.run(1);
    return stop === 'trap' ? 'trap' : [machine.registers[10], machine.control[slots.status]];
  };
  expect(inUserMode('virtualizable', 'csrr a0, mtvec')).toBe('trap');
  expect(inUserMode('unprivileged-reads', 'csrr a0, mtvec')).toEqual([0x1230, 8]);
  expect(inUserMode('unprivileged-reads', 'csrrw a0, mstatus, zero')).toEqual([8, 8]);
  expect(inUserMode('unprivileged-reads', 'csrw mtvec, a0')).toBe('trap');
  expect(inUserMode('hybrid', 'jrum ra')).toEqual([0, 8]);
  expect(inUserMode('virtualizable', 'jrum ra')).toBe('trap');
});

test('a processor that was saved and loaded goes on as if nothing had been', () => {
  const one = bench();
  const other = bench();
  load(one.machine, 'loop: addi a0, a0, 3\n xor a1, a1, a0\n csrw mscratch, a1\n j loop');
  one.machine.run(101);
  other.machine.memory.write(0, one.machine.memory.bytes);
  other.machine.loadProcessor(one.machine.saveProcessor());
  one.machine.run(1000);
  other.machine.run(1000);
  expect(processorDifferences(one.machine.saveProcessor(), other.machine.saveProcessor())).toEqual([]);
  other.machine.run(1);
  expect(processorDifferences(one.machine.saveProcessor(), other.machine.saveProcessor())).toContain(
    'time: 1101 and 1102',
  );
});

test('what is switched off stays so, and a reset begins anew with the memory as it is', () => {
  const { machine } = bench();
  load(machine, 'csrr t1, mscratch\n lw a0, 100(t0)\n li t0, 0x00050001\n csrw mpower, t0');
  machine.registers[5] = memoryStart | 0;
  expect(machine.run(100)).toBe('off');
  expect(machine.offCode).toBe(5);
  expect(machine.run(100)).toBe('off');
  load(machine, 'csrrwi zero, mpower, 2');
  machine.control[slots.pc] = memoryStart | 0;
  machine.control[slots.scratch] = 9;
  expect(machine.run(1)).toBe('limit');
  expect([machine.control[slots.pc], machine.control[slots.scratch]]).toEqual([memoryStart | 0, 0]);
});

test('a press of the power button wakes a machine that waits, and is read once', () => {
  const { machine, power } = bench();
  load(machine, `
      li   t0, 0x800
      csrw mie, t0
      wfi
      csrr a0, mip
      csrr a1, mpower
      csrr a2, mpower
      csrr a3, mip
      wfi`); // prettier-ignore
  expect(machine.run(100)).toBe('idle');
  expect(machine.run(100)).toBe('idle');
  power.press();
  expect(machine.run(100)).toBe('idle');
  expect(Array.from(machine.registers.subarray(10, 14))).toEqual([0x800, 1, 0, 0]);
});

test('a machine tells the scale of its time, and its machines have the same', () => {
  const devices = { console: new Console(() => {}), timeScale: 10 };
  const host = new BareMachine(variants.virtualizable, 65536, devices);
  const made = new Monitor(host).create({ memoryBytes: 32768, console: devices.console });
  if (!made.ok) throw new Error(made.refusal.message);
  const guest = made.value;
  load(guest, 'csrr a0, mtimescale\n wfi');
  expect(guest.run(100)).toBe('idle');
  expect(guest.registers[10]).toBe(10);
});
