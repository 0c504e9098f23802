import type { FleetWrite } from '@argosy/control/ports/fleet-store';
import { history, strike } from './migration-bench';
import { inventoryOf } from './inventory-plan';
import { World } from './world';

/**
 * The disk moves under a running guest, and whatever takes part dies at each step. Afterwards the guest runs once, from the disk
 * that it wrote to last, which the record names, and no other is left.
 */
const steps = ['begun', 'mirrored', 'named', 'pivoted', 'reported', 'committed', 'clearing'] as const;
type Step = (typeof steps)[number];

const victims = ['source agent', 'source VMM', 'controller', 'Redis', 'database', 'host'] as const;

function aWorld(): { world: World; written: () => number } {
  const world = new World({
    inventory: inventoryOf({
      hosts: ['h1', 'h2'].map((name) => ({ name, memoryMiB: 4096 })),
      datastores: [{ name: 'local-h1', on: 'h1' }],
      guests: [{ name: 'g', memoryMiB: 64, on: 'h1', diskMiB: 64, datastore: 'local-h1' }],
      settings: { balance: { automation: 'partial' } },
    }),
  });
  let version = 0;
  world.clock.every(7, () => {
    const copy = world.clock.now < 20_000 ? world.copyOf('g') : undefined;
    if (!copy) return;
    copy.consoleWrite('disk fill 16 5\n');
    version = copy.disk.dataVersion;
  });
  world.run(3000);
  return { world, written: () => version };
}

function atStep(world: World, step: Step, act: () => void): void {
  let done = false;
  const once = (): void => {
    if (done) return;
    done = true;
    world.note(`! now: ${step}`);
    act();
  };
  const { onWrite } = world.store;
  const onWritten = (matches: (write: FleetWrite) => boolean): void => {
    world.store.onWrite = (write) => {
      onWrite?.(write);
      if (matches(write)) once();
    };
  };
  const isMove = (write: FleetWrite): boolean =>
    write.kind === 'put' && write.entity === 'guest' && write.row.datastoreId === 'shared';
  switch (step) {
    case 'begun':
      return onWritten((write) => write.kind === 'put' && write.entity === 'diskOperation');
    case 'mirrored':
    case 'named':
    case 'pivoted':
      world.site.onRelocation = (seen) => seen === step && once();
      return;
    case 'reported':
      world.host('h1').onJournal = ({ value }) => value?.kind === 'disk-work' && value.phase === 'done' && once();
      return;
    case 'committed':
      world.store.beforeCommit = (transaction) => transaction.some(isMove) && once();
      return;
    case 'clearing':
      return onWritten(isMove);
  }
}

function killHost(world: World): void {
  world.host('h1').powerOff();
  world.clock.after(30_000, () => world.host('h1').powerOn());
}

test.each(steps.flatMap((step) => victims.map((victim) => [victim, step] as const)))(
  '%s killed at %s: the guest runs once, from the disk that it wrote to last',
  (victim, step) => {
    const { world, written } = aWorld();
    atStep(world, step, () => (victim === 'host' ? killHost(world) : strike(world, victim)));
    world.request('administrator', { kind: 'guest.migrate', guest: 'g', datastore: 'shared' });
    world.run(90_000);
    world.invariants.checkSettled();
    const copies = world.site.runningCopies('g');
    const { datastoreId } = world.guest('g');
    const { disks } = world.site.datastore;
    const where = datastoreId === 'shared' ? '/datastore/guests/g/disk.qcow2' : '/local-h1/guests/g/disk.qcow2';
    const facts = {
      violations: world.invariants.violations,
      copies: copies.length,
      diskIsTheLast: copies[0]?.disk.dataVersion === written(),
      isTheRecords: disks.get(where) === copies[0]?.disk,
      names: [...disks.keys()].filter((path) => path.includes('/guests/g/')),
      migrations: world.store.load()?.migrations.length,
      operations: world.store.load()?.diskOperations.length,
      struck: world.log.some(({ text }) => text === `! now: ${step}`),
    };
    const expected = {
      violations: [],
      copies: 1,
      diskIsTheLast: true,
      isTheRecords: true,
      names: [where],
      migrations: 0,
      operations: 0,
      struck: true,
    };
    if (JSON.stringify(facts) !== JSON.stringify(expected))
      throw new Error(`expected ${JSON.stringify(expected)}\n   found ${JSON.stringify(facts)}\n${history(world)}`);
  },
);

function moved(prepare: (world: World) => void = () => {}) {
  const { world, written } = aWorld();
  prepare(world);
  const boots = world.copyOf('g')!.memory!.boot;
  world.request('administrator', { kind: 'guest.migrate', guest: 'g', datastore: 'shared' });
  world.run(10_000);
  return { world, written, boots };
}

test('with no fault the guest runs on where it is, and only its disk is elsewhere', () => {
  const { world, boots } = moved();
  expect(world.guest('g')).toMatchObject({ datastoreId: 'shared', hostId: 'h1', epoch: 1, state: 'running' });
  expect(world.copyOf('g')!.memory!.boot).toBe(boots);
  const [migration] = [...world.store.rows.migration.values()];
  expect(migration).toMatchObject({ step: 'done', sourceDatastoreId: 'local-h1', targetDatastoreId: 'shared' });
});

test('a guest that crashes in the middle is started when it is known which disk is its own', () => {
  const { world } = moved((fresh) => atStep(fresh, 'mirrored', () => strike(fresh, 'source VMM')));
  expect(world.guest('g')).toMatchObject({ datastoreId: 'local-h1', state: 'running' });
  expect(world.store.records.filter(({ code }) => code === 'migration-failed')).toHaveLength(1);
});

test('the disk of a stopped guest moves too, and it starts from there on any host', () => {
  const { world, written } = aWorld();
  world.request('administrator', { kind: 'guest.power', guest: 'g', desired: 'stopped', force: true });
  world.run(2000);
  const version = written();
  world.request('administrator', { kind: 'guest.migrate', guest: 'g', datastore: 'shared' });
  world.run(3000);
  expect(world.guest('g')).toMatchObject({ datastoreId: 'shared', state: 'stopped' });
  world.host('h1').powerOff();
  world.run(10_000);
  world.request('administrator', { kind: 'guest.power', guest: 'g', desired: 'running' });
  world.run(5_000);
  if (!world.copyOf('g')) throw new Error(history(world));
  expect(world.copyOf('g')!.machine.name).toBe('h2');
  expect(world.copyOf('g')!.disk.dataVersion).toBeGreaterThanOrEqual(version);
});
