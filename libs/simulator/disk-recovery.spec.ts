import type { DiskRecovery } from '@argosy/domain/fleet-request';
import type { Result } from '@argosy/domain/refusal';
import type { FleetWrite } from '@argosy/control/ports/fleet-store';
import { inventoryOf } from './inventory-plan';
import { aMigration, atStep, begin, history } from './migration-bench';
import { World } from './world';

/**
 * A guest was to move with its disk from h1's own datastore to h2's, and h2 was lost at the hand-over: nobody can tell where the
 * guest wrote last. An administrator lets it go on from what it left.
 */
const target = '/local-h2/guests/g/disk.qcow2';
const source = '/local-h1/guests/g/disk.qcow2';

type Lost = 'switch-over: released' | 'switch-over: granted';

/** `granted`: the guest ran at h2 for a moment, and nobody was told. */
function aWaitingGuest(lost: Lost): World {
  const world = aMigration('with-disk');
  atStep(world, lost, () => {
    world.site.network.cut('h1', 'h2');
    if (lost === 'switch-over: released') return world.host('h2').powerOff();
    world.host('h2').cut('both');
    world.clock.after(300, () => {
      world.host('h2').powerOff();
      world.host('h2').cut('none');
    });
  });
  begin(world, 'with-disk');
  world.run(20_000);
  return world;
}

function recover(world: World, planOnly = false): Result<DiskRecovery> {
  const answers: Result<unknown>[] = [];
  world.request('administrator', { kind: 'guest.recover', guest: 'g', from: 'source', planOnly }, (answer) =>
    answers.push(answer),
  );
  for (let waitedMs = 0; answers.length === 0 && waitedMs < 1000; waitedMs += 10) world.run(10);
  return answers[0] as Result<DiskRecovery>;
}

const alarms = (world: World): string[] =>
  [...world.store.rows.alarm.values()].flatMap((each) =>
    each.clearedAt === null && each.subjectId === 'g' ? [each.message] : [],
  );

function expectRunsFromSource(world: World): void {
  const copies = world.site.runningCopies('g');
  const facts = {
    violations: world.invariants.violations,
    hosts: copies.map(({ machine }) => machine.name),
    disks: copies.map(({ guest }) => guest.diskPath),
    state: world.guest('g').state,
    datastoreId: world.guest('g').datastoreId,
    alarms: alarms(world),
  };
  const expected = {
    violations: [],
    hosts: ['h1'],
    disks: [source],
    state: 'running',
    datastoreId: 'local-h1',
    alarms: [],
  };
  if (JSON.stringify(facts) !== JSON.stringify(expected))
    throw new Error(`expected ${JSON.stringify(expected)}\n   found ${JSON.stringify(facts)}\n${history(world)}`);
}

test('it waits, and the alarm says for what and what may be done', () => {
  const world = aWaitingGuest('switch-over: released');
  expect(world.guest('g').state).toBe('recovering');
  expect(alarms(world)).toEqual([expect.stringMatching(/Bring back h2; .*argosy guest recover g --from-source/)]);
});

test('what it would cost is said before anything is done', () => {
  const world = aWaitingGuest('switch-over: released');
  const plan = recover(world, true);
  expect(plan).toMatchObject({ ok: true, value: { datastoreId: 'local-h1', abandonedDatastoreId: 'local-h2' } });
  if (plan.ok) expect(plan.value.loses).toMatch(/all that it wrote there is lost, .* of its work at most/);
  world.run(10_000);
  expect(world.guest('g').state).toBe('recovering');
});

test.each(['switch-over: released', 'switch-over: granted'] as const)(
  'lost at %s, it goes on from the source',
  (lost) => {
    const world = aWaitingGuest(lost);
    expect(recover(world)).toMatchObject({ ok: true });
    world.run(10_000);
    expectRunsFromSource(world);
    expect(world.store.records.filter(({ code }) => code === 'disk-abandoned')).toMatchObject([
      { actor: 'administrator', severity: 'warning', subjectId: 'g' },
    ]);
  },
);

test('a host that was given the guest keeps its disk when it returns, and does not run it', () => {
  const world = aWaitingGuest('switch-over: granted');
  recover(world);
  world.run(5_000);
  const before = world.site.datastore.disks.get(target);
  world.site.network.heal('h1', 'h2');
  world.host('h2').powerOn();
  world.run(30_000);
  expectRunsFromSource(world);
  expect(before).toBeDefined();
  expect(world.site.datastore.disks.get(target)).toBe(before);
});

test('a host that was not given it is cleared when it returns', () => {
  const world = aWaitingGuest('switch-over: released');
  recover(world);
  world.site.network.heal('h1', 'h2');
  world.host('h2').powerOn();
  world.run(30_000);
  expectRunsFromSource(world);
  expect([...world.site.datastore.disks.keys()].filter((path) => path.startsWith('/local-h2'))).toEqual([]);
});

test('without proof that the other copy is dead it is refused, and with the host back it is not needed', () => {
  const world = aMigration('with-disk');
  world.host('h2').fenceFaults.set(null, 'refuses');
  atStep(world, 'switch-over: released', () => world.host('h2').powerOff());
  begin(world, 'with-disk');
  world.run(8_000);
  expect(recover(world)).toMatchObject({ ok: false, refusal: { code: 'not-confirmed' } });
  world.host('h2').powerOn();
  world.run(30_000);
  expect(recover(world)).toMatchObject({ ok: false, refusal: { code: 'already-ended' } });
  expect(world.site.runningCopies('g')).toHaveLength(1);
  expect(world.invariants.violations).toEqual([]);
});

test('a host that came back without its disks and fell silent again is no proof, and one that is heard is', () => {
  const world = aWaitingGuest('switch-over: granted');
  world.site.datastore.unreachable.add('h2');
  world.site.network.heal('h1', 'h2');
  world.host('h2').powerOn();
  world.run(15_000);
  expect(recover(world, true)).toMatchObject({ ok: true });
  world.host('h2').fenceFaults.set(null, 'refuses');
  world.host('h2').cut('both');
  world.run(10_000);
  expect(recover(world)).toMatchObject({
    ok: false,
    refusal: { code: 'not-confirmed', message: expect.stringContaining('argosy host fence h2') as string },
  });
  expect(world.guest('g').state).toBe('recovering');
  world.host('h2').cut('none');
  world.run(10_000);
  expect(recover(world)).toMatchObject({ ok: true });
  world.run(10_000);
  expectRunsFromSource(world);
});

test('a host that is back and reaches its disks looks for itself, and nobody needs to decide', () => {
  const world = aWaitingGuest('switch-over: released');
  world.host('h2').powerOn();
  const answers: string[] = [];
  for (let waitedMs = 0; waitedMs < 15_000; waitedMs += 100) {
    world.run(100);
    const plan = recover(world, true);
    answers.push(plan.ok ? 'may' : plan.refusal.code);
  }
  expect(answers.at(0)).toBe('may');
  expect(answers.at(-1)).toBe('already-ended');
  expectRunsFromSource(world);
});

test('a guest that waits for nothing is refused', () => {
  expect(recover(aMigration('with-disk'))).toMatchObject({ ok: false, refusal: { code: 'already-ended' } });
});

test('a disk that moved alone to a place that was lost with its host is given up in the same way', () => {
  const world = aMoveAlone();
  world.site.onRelocation = (seen) => seen === 'pivoted' && world.host('h1').powerOff();
  world.request('administrator', { kind: 'guest.migrate', guest: 'g', datastore: 'local-h1' });
  world.run(20_000);
  expect(alarms(world)).toEqual([expect.stringContaining('argosy guest recover g --from-source')]);
  const moved = world.site.datastore.disks.get('/local-h1/guests/g/disk.qcow2');
  expect(recover(world)).toMatchObject({
    ok: true,
    value: { datastoreId: 'shared', abandonedDatastoreId: 'local-h1' },
  });
  world.run(5_000);
  world.host('h1').powerOn();
  world.run(20_000);
  expect(world.site.runningCopies('g').map(({ machine, guest }) => [machine.name, guest.diskPath])).toEqual([
    ['h2', '/datastore/guests/g/disk.qcow2'],
  ]);
  expect(world.guest('g')).toMatchObject({ state: 'running', datastoreId: 'shared' });
  expect(world.site.datastore.disks.get('/local-h1/guests/g/disk.qcow2')).toBe(moved);
  expect(world.invariants.violations).toEqual([]);
});

/** Its disk was to move alone, from the shared datastore to h1's own. */
function aMoveAlone(): World {
  const world = new World({
    inventory: inventoryOf({
      hosts: ['h1', 'h2'].map((name) => ({ name, memoryMiB: 4096 })),
      datastores: [{ name: 'local-h1', on: 'h1' }],
      guests: [{ name: 'g', memoryMiB: 64, on: 'h1', diskMiB: 64 }],
    }),
  });
  world.run(3_000);
  return world;
}

describe.each(['named', 'pivoted'] as const)(
  'a disk that moved alone is %s, and its host returns without the datastore',
  (step) => {
    test('its guest waits, and with the datastore mounted it runs from there', () => {
      const world = aMoveAlone();
      world.site.onRelocation = (seen) => seen === step && world.host('h1').powerOff();
      world.request('administrator', { kind: 'guest.migrate', guest: 'g', datastore: 'local-h1' });
      world.run(10_000);
      world.site.datastore.unmounted.add('/local-h1');
      world.host('h1').powerOn();
      world.run(20_000);
      expect(world.site.runningCopies('g')).toEqual([]);
      expect(alarms(world)).toEqual([expect.stringContaining('argosy guest recover g --from-source')]);
      world.site.datastore.unmounted.clear();
      world.run(20_000);
      expect(world.site.runningCopies('g').map(({ machine, guest }) => [machine.name, guest.diskPath])).toEqual([
        ['h1', '/local-h1/guests/g/disk.qcow2'],
      ]);
      expect(world.guest('g')).toMatchObject({ state: 'running', datastoreId: 'local-h1' });
      expect(alarms(world)).toEqual([]);
      expect(world.invariants.violations).toEqual([]);
    });
  },
);

test('a disk that was still being copied has not moved, whether or not its host has mounted where it was going', () => {
  const world = aMoveAlone();
  world.site.onRelocation = (seen) => seen === 'mirrored' && world.host('h1').powerOff();
  world.request('administrator', { kind: 'guest.migrate', guest: 'g', datastore: 'local-h1' });
  world.run(10_000);
  world.site.datastore.unmounted.add('/local-h1');
  world.host('h1').powerOn();
  world.run(20_000);
  expect(world.guest('g')).toMatchObject({ state: 'running', datastoreId: 'shared' });
  expect(world.site.runningCopies('g')).toHaveLength(1);
  expect(world.invariants.violations).toEqual([]);
});

const kills: Record<string, (world: World) => void> = {
  'the controller': (world) => world.leader()!.crash(),
  'the agent of h1': (world) => world.host('h1').killAgent(),
  'the database': (world) => {
    world.store.away = true;
    world.clock.after(10_000, () => (world.store.away = false));
  },
  Redis: (world) => {
    world.bus.setUp(false);
    world.clock.after(10_000, () => world.bus.setUp(true));
  },
  'the host h1': (world) => {
    world.host('h1').powerOff();
    world.clock.after(10_000, () => world.host('h1').powerOn());
  },
  'the answer of the commit': (world) => void (world.store.lostAnswers = 1),
};
const moments: Record<string, (write: FleetWrite) => boolean> = {
  'the decision is written': (write) => write.kind === 'record' && write.record.code === 'disk-abandoned',
  'it is placed': (write) => write.kind === 'put' && write.entity === 'guest' && write.row.state === 'starting',
  'it runs': (write) => write.kind === 'put' && write.entity === 'guest' && write.row.state === 'running',
};

describe.each(Object.keys(moments))('when %s', (moment) => {
  test.each(Object.keys(kills).flatMap((victim) => [[victim, false] as const, [victim, true] as const]))(
    '%s dies (h2 back: %s): it runs once, from the source',
    (victim, isBack) => {
      const world = aWaitingGuest('switch-over: granted');
      let done = false;
      const { onWrite } = world.store;
      world.store.onWrite = (write) => {
        onWrite?.(write);
        if (done || !moments[moment]!(write)) return;
        done = true;
        kills[victim]!(world);
        world.site.network.heal('h1', 'h2');
        if (isBack) world.host('h2').powerOn();
      };
      recover(world);
      world.run(20_000);
      // The answer, or the decision with it, may have been lost with the controller: asked again, it is as good.
      if (world.guest('g').state === 'recovering') recover(world);
      world.run(40_000);
      expect(done).toBe(true);
      expectRunsFromSource(world);
    },
  );
});
