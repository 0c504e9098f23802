import { inventoryOf } from './inventory-plan';
import { World } from './world';

/** Hosts whose reports are rare: what is told between them is that they live. */
function aWorld(): World {
  return new World({
    figuresEveryMs: 60_000,
    inventory: inventoryOf({
      hosts: ['h1', 'h2', 'h3'].map((name) => ({ name, memoryMiB: 4096 })),
      guests: ['a', 'b', 'c', 'd'].map((name) => ({ name, memoryMiB: 128, on: 'h1' })),
      settings: { balance: { automation: 'manual' } },
    }),
  });
}

const codes = (world: World, code: string): string[] =>
  world.log.filter(({ text }) => text.includes(` ${code}: `)).map(({ text }) => text);

test('hosts that say only that they live are left alone, and their guests as well', () => {
  const world = aWorld();
  let [reports, heartbeats] = [0, 0];
  world.bus.subscribe(({ kind }) => (kind === 'report' ? reports++ : heartbeats++));
  world.run(120_000);
  expect(world.log.filter(({ text }) => /suspect|failed|crashed/.test(text))).toEqual([]);
  expect(reports).toBeLessThan(25);
  expect(heartbeats).toBeGreaterThan(330);
  expect(world.invariants.violations).toEqual([]);
});

test('one of them falls silent by itself, is fenced, and its guests run elsewhere', () => {
  const world = aWorld();
  world.run(20_000);
  world.host('h1').powerOff();
  world.run(20_000);
  expect(codes(world, 'host-suspect')).toHaveLength(1);
  expect(codes(world, 'guest-recovered')).toHaveLength(4);
  expect(world.copyOf('a')?.machine.name).not.toBe('h1');
  expect(world.invariants.violations).toEqual([]);
});

test('what becomes of a guest is told at once, though no report was due', () => {
  const world = aWorld();
  world.run(20_000);
  world.copyOf('a')?.die('crashed', 'it was killed');
  world.run(1_000);
  expect(codes(world, 'guest-crashed')).toHaveLength(1);
  expect(world.copyOf('a')?.memory?.boot).toBe(2);
});

test('a report that was lost is asked for, and until then the host is not taken for dead', () => {
  const world = aWorld();
  world.run(20_000);
  const { publish } = world.bus;
  let lost = 0;
  world.bus.publish = function (told): void {
    if (told.kind === 'report' && told.report.hostId === 'h1' && lost < 3) lost++;
    else publish.call(this, told);
  };
  world.copyOf('a')?.die('crashed', 'it was killed');
  world.run(15_000);
  expect(lost).toBe(3);
  expect(codes(world, 'guest-crashed')).toHaveLength(1);
  expect(codes(world, 'host-suspect')).toEqual([]);
  expect(world.copyOf('a')?.memory?.boot).toBe(2);
});

test('a controller that takes over asks each host for its report, and loses no guest', () => {
  const world = aWorld();
  world.run(20_000);
  world.leader()!.crash();
  world.host('h1').killAgent();
  world.run(30_000);
  const views = [...world.leader()!.fleet.views.values()];
  expect(views.filter(({ report }) => report !== null)).toHaveLength(3);
  expect(world.copyOf('a')?.memory?.boot).toBe(1);
  expect(world.invariants.violations).toEqual([]);
});

test('a heartbeat that another says again keeps no dead host alive', () => {
  const world = aWorld();
  world.run(20_000);
  let last: Parameters<typeof world.bus.publish>[0] | null = null;
  world.bus.subscribe((told) => {
    if (told.kind === 'heartbeat' && told.heartbeat.hostId === 'h1') last = told;
  });
  world.run(2_000);
  world.host('h1').powerOff();
  for (let second = 0; second < 15; second++) {
    world.bus.publish(last!);
    world.run(1_000);
  }
  expect(codes(world, 'guest-recovered')).toHaveLength(4);
});
