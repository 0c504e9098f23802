import { describeVmmDriver } from '@argosy/vmm/conformance';
import type { BenchHost, TestBench } from '@argosy/vmm/conformance';
import type { MigrationPolicy } from '@argosy/domain/policies';
import type { GuestSpecification } from '@argosy/domain/guest-specification';
import { demandMillicores } from '@argosy/domain/processor-demand';
import type { Result } from '@argosy/domain/refusal';
import type { VmmCommand, VmmEvent, VmmValue } from '@argosy/control/ports/vmm-driver';
import { VirtualClock } from './clock';
import type { ModelMachine } from './model-machine';
import { ModelSite } from './model-machine';
import { ModelVmm } from './model-vmm';

const guest: GuestSpecification = {
  guestId: 'g1',
  name: 'web',
  vcpus: 1,
  memoryMiB: 128,
  architecture: 'x86_64',
  cpuShares: 1000,
  cpuLimitMillicores: null,
  display: 'none',
  boot: {
    format: 'kernel',
    firmware: 'none',
    kernelPath: 'tiny.elf',
    initrdPath: null,
    kernelArguments: null,
    backingDiskPath: null,
    datastorePath: '/',
  },
  diskPath: 'disks/g1',
  diskMade: false,
  diskMiB: 8,
  memoryPath: null,
  cloudInit: null,
  network: { macAddress: '02:41:0a:00:00:02', address: '10.0.0.2', prefixLength: 8, gateway: null },
};
const policy: MigrationPolicy = {
  autoConverge: false,
  postCopy: false,
  encrypted: true,
  bandwidthMiBPerSecond: 128,
  downtimeLimitMs: 10,
  copyDeadlineMs: 30000,
  concurrentPerHost: 2,
};

class Bench {
  readonly clock = new VirtualClock();
  readonly site = new ModelSite(this.clock);
  readonly events: VmmEvent[] = [];

  host(name: string): { machine: ModelMachine; vmm: ModelVmm } {
    const machine = this.site.addMachine(name, { cpuMillicores: 500, memoryMiB: 4096 });
    return { machine, vmm: this.agent(machine) };
  }

  agent(machine: ModelMachine): ModelVmm {
    const vmm = new ModelVmm(machine);
    vmm.listen((event) => this.events.push(event));
    return vmm;
  }

  call<Command extends VmmCommand>(vmm: ModelVmm, command: Command): Result<VmmValue<Command>> {
    let answer: Result<VmmValue<Command>> | null = null;
    vmm.execute(command, (result) => (answer = result));
    while (!answer && this.clock.step());
    return answer!;
  }

  run(ms: number): void {
    this.clock.runUntil(this.clock.now + ms);
  }

  beats(epoch: number): number[] {
    return this.events.flatMap((event) =>
      event.kind === 'heartbeat' && event.instance.epoch === epoch ? [event.count] : [],
    );
  }
}

/** The suite that real drivers pass, on the virtual clock: waiting is moving the clock on. */
function conformanceBench(): TestBench {
  const bench = new Bench();
  const machines = {
    h1: bench.site.addMachine('h1', { cpuMillicores: 1000, memoryMiB: 4096 }),
    h2: bench.site.addMachine('h2', { cpuMillicores: 1000, memoryMiB: 4096 }),
  };
  const drivers = { h1: new ModelVmm(machines.h1), h2: new ModelVmm(machines.h2) };
  let guests = 0;
  const instance = (host: BenchHost, id: { guestId: string; epoch: number }) => {
    const found = machines[host].find(id);
    if (!found) throw new Error(`${id.guestId} is not on ${host}`);
    return found;
  };
  return {
    driver: (host) => drivers[host],
    restartAgent: (host) => {
      drivers[host].detach();
      return (drivers[host] = new ModelVmm(machines[host]));
    },
    killVmm: (host, id) => instance(host, id).die('crashed', 'killed'),
    freezeVmm: (host, id) => instance(host, id).freeze(),
    guest: (wishes) => {
      const guestId = `guest${++guests}`;
      return {
        ...guest,
        guestId,
        name: guestId,
        memoryMiB: 32,
        diskPath: `/datastore/guests/${guestId}/disk.qcow2`,
        ...wishes,
      };
    },
    now: () => bench.clock.now,
    wait: async (durationMs) => bench.run(durationMs),
    dispose: async () => {},
  };
}

describeVmmDriver('model', async () => conformanceBench());

const at = (epoch: number): { guestId: string; epoch: number } => ({ guestId: 'g1', epoch });

function underway(dirty = ''): { bench: Bench; one: ReturnType<Bench['host']>; two: ReturnType<Bench['host']> } {
  const bench = new Bench();
  const one = bench.host('h1');
  const two = bench.host('h2');
  bench.call(one.vmm, { call: 'start', guest, epoch: 1 });
  bench.call(one.vmm, { call: 'consoleWrite', instance: at(1), text: `fill 64 7\n${dirty}` });
  bench.run(1000);
  const incoming = bench.call(two.vmm, { call: 'prepareIncoming', guest, epoch: 2, policy, disk: null });
  if (!incoming.ok) throw new Error(incoming.refusal.message);
  bench.call(one.vmm, {
    call: 'migrateOut',
    instance: at(1),
    targetEpoch: 2,
    uri: incoming.value.uri,
    policy,
    disk: null,
  });
  return { bench, one, two };
}

test('a guest that starts counts heartbeats, and a second copy is refused by the lock of its disk', () => {
  const bench = new Bench();
  const one = bench.host('h1');
  const two = bench.host('h2');
  expect(bench.call(one.vmm, { call: 'start', guest, epoch: 1 }).ok).toBe(true);
  bench.run(1000);
  expect(bench.beats(1)).toEqual([1, 2, 3, 4]);
  expect(bench.call(two.vmm, { call: 'start', guest, epoch: 2 })).toMatchObject({
    ok: false,
    refusal: { code: 'image-locked' },
  });
});

test('a crash frees the lock, and the next start counts from the beginning with one boot more', () => {
  const bench = new Bench();
  const { machine, vmm } = bench.host('h1');
  bench.call(vmm, { call: 'start', guest, epoch: 1 });
  bench.run(1000);
  machine.find(at(1))!.die('crashed', 'killed');
  bench.call(vmm, { call: 'start', guest, epoch: 2 });
  bench.run(300);
  expect(bench.beats(2)).toEqual([1]);
  expect(machine.find(at(2))!.memory).toMatchObject({ boot: 2 });
});

test('a migration carries the memory: the counter goes on after the grant, and the source may not run again', () => {
  const { bench, one, two } = underway('dirty 20 64 7');
  bench.run(3000);
  expect(two.machine.find(at(2))!.state).toBe('received');
  expect(bench.call(one.vmm, { call: 'resume', instance: at(1) })).toMatchObject({
    ok: false,
    refusal: { code: 'image-locked' },
  });
  bench.call(two.vmm, { call: 'resume', instance: at(2) });
  bench.run(1000);
  const last = bench.beats(1).at(-1)!;
  expect(bench.beats(2)[0]).toBe(last + 1);
  expect(two.machine.find(at(2))!.memory).toMatchObject({ boot: 1, areaMiB: 64 });
});

test('a guest that dirties faster than the link carries does not converge, and is cancelled without harm', () => {
  const { bench, one, two } = underway('dirty 300 64 8');
  bench.run(10000);
  expect(one.machine.find(at(1))!.state).toBe('sending');
  expect(
    bench.events.some((event) => event.kind === 'migration-progress' && event.progress.expectedEndMs === null),
  ).toBe(true);
  expect(bench.call(one.vmm, { call: 'cancelMigration', instance: at(1) })).toEqual({
    ok: true,
    value: { cancelled: true },
  });
  expect(one.machine.find(at(1))!.state).toBe('running');
  expect(two.machine.instances.size).toBe(0);
});

test.each([
  ['auto-converge', { ...policy, autoConverge: true }],
  ['post-copy', { ...policy, postCopy: true }],
])('%s brings the same guest over', (_name, helped) => {
  const bench = new Bench();
  const one = bench.host('h1');
  const two = bench.host('h2');
  bench.call(one.vmm, { call: 'start', guest, epoch: 1 });
  bench.call(one.vmm, { call: 'consoleWrite', instance: at(1), text: 'dirty 300 64 8' });
  const incoming = bench.call(two.vmm, { call: 'prepareIncoming', guest, epoch: 2, policy: helped, disk: null });
  bench.call(one.vmm, {
    call: 'migrateOut',
    targetEpoch: 2,
    instance: at(1),
    uri: incoming.ok ? incoming.value.uri : '',
    policy: helped,
    disk: null,
  });
  bench.run(20000);
  expect(two.machine.find(at(2))!.state).toBe('received');
});

test('the death of the target lets the source run on; the death of the source mid-copy ends the target', () => {
  const first = underway();
  first.bench.run(100);
  first.two.machine.find(at(2))!.die('crashed', 'killed');
  first.bench.run(50);
  expect(first.bench.events).toContainEqual(expect.objectContaining({ kind: 'migration-failed', instance: at(1) }));
  expect(first.bench.site.runningCopies('g1')).toHaveLength(1);

  const second = underway();
  second.bench.run(100);
  second.one.machine.find(at(1))!.die('crashed', 'killed');
  expect(second.two.machine.instances.size).toBe(0);
});

test('the death of the source after completion leaves the target received', () => {
  const { bench, one, two } = underway();
  bench.run(2000);
  one.machine.find(at(1))!.die('crashed', 'killed');
  bench.run(100);
  expect(two.machine.find(at(2))!.state).toBe('received');
});

test('guests on a full host show by use and wait what they would have had alone', () => {
  const bench = new Bench();
  const { vmm } = bench.host('h1');
  for (const name of ['a', 'b']) {
    bench.call(vmm, { call: 'start', guest: { ...guest, guestId: name, diskPath: name }, epoch: 1 });
    bench.call(vmm, { call: 'consoleWrite', instance: { guestId: name, epoch: 1 }, text: 'load 400' });
  }
  const usage = (): { used: number; waited: number } => {
    const samples = bench.call(vmm, { call: 'usage' });
    if (!samples.ok) throw new Error('refused');
    return { used: samples.value[0]!.cpuTimeMs, waited: samples.value[0]!.cpuWaitMs };
  };
  const before = usage();
  bench.run(1000);
  const after = usage();
  expect(after.used - before.used).toBeCloseTo(250, -1);
  const use = { usedMs: after.used - before.used, waitedMs: after.waited - before.waited, elapsedMs: 1000, vcpus: 1 };
  expect(demandMillicores(use)).toBeCloseTo(404, -1);
});

test('an agent that dies while it starts a guest leaves a VMM that does not run, and the next one can run it', () => {
  const bench = new Bench();
  const { machine, vmm } = bench.host('h1');
  vmm.execute({ call: 'start', guest, epoch: 1 }, () => {});
  bench.run(10);
  vmm.detach();
  bench.run(500);
  expect(machine.find(at(1))!.state).toBe('starting');
  const next = bench.agent(machine);
  expect(bench.call(next, { call: 'list' })).toEqual({ ok: true, value: [{ instance: at(1), state: 'starting' }] });
  bench.call(next, { call: 'resume', instance: at(1) });
  expect(bench.site.runningCopies('g1')).toHaveLength(1);
});
