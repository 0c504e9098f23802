import type { FleetWrite } from '@argosy/control/ports/fleet-store';
import { history, strike } from './migration-bench';
import { inventoryOf } from './inventory-plan';
import type { VmmTimes } from './model-machine';
import { World } from './world';

/**
 * The disk moves under a running guest, and whatever takes part dies at each step. Afterwards the guest runs once, from the disk
 * that it wrote to last, which the record names, and no other is left.
 */
const steps = ['begun', 'mirrored', 'named', 'pivoted', 'reported', 'committed', 'clearing'] as const;
/** Where somebody cancels it: asked of the controller, undone by the VMM, told by the host, recorded. */
const cancelSteps = ['cancel-asked', 'undone', 'cancel-reported', 'cancel-recorded'] as const;
type Step = (typeof steps)[number] | (typeof cancelSteps)[number];

/** A host is back after half a minute. */
const runMs = 50_000;
const victims = ['source agent', 'source VMM', 'controller', 'Redis', 'database', 'host'] as const;

function aWorld(vmm: Partial<VmmTimes> = {}): { world: World; written: () => number } {
  const world = new World({
    calibration: { vmm },
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
    case 'undone':
      return onRelocation(world, (seen) => seen === step && once());
    case 'cancel-asked':
      return onWritten(isMigration('cancelling'));
    case 'cancel-reported':
      world.host('h1').onJournal = ({ value }) => value?.kind === 'disk-work' && value.phase === 'failed' && once();
      return;
    case 'cancel-recorded':
      return onWritten(isMigration('cancelled'));
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

const isMigration =
  (step: string) =>
  (write: FleetWrite): boolean =>
    write.kind === 'put' && write.entity === 'migration' && write.row.step === step;

function onRelocation(world: World, hear: (seen: string) => void): void {
  const { onRelocation: before } = world.site;
  world.site.onRelocation = (seen) => {
    before?.(seen);
    hear(seen);
  };
}

/** As soon as that has happened an administrator cancels it. */
function cancelAt(world: World, step: 'begun' | 'mirrored' | 'named' | 'pivoted'): void {
  const cancel = (): void => {
    const [migration] = [...world.store.rows.migration.values()];
    world.request('administrator', { kind: 'migration.cancel', migration: migration!.id });
  };
  if (step === 'begun') return atStep(world, 'begun', () => world.clock.after(0, cancel));
  let done = false;
  onRelocation(world, (seen) => {
    if (seen !== step || done) return;
    done = true;
    cancel();
  });
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
    expectOneDisk(world, { written, step });
  },
);

test.each(
  (['begun', 'mirrored', 'named', 'pivoted'] as const).flatMap((step) =>
    victims.map((victim) => [victim, step] as const),
  ),
)('cancelled when %s is killed at %s: the guest runs once, from the disk that it wrote to last', (victim, step) => {
  const { world, written } = aWorld();
  cancelAt(world, step);
  atStep(world, step, () => (victim === 'host' ? killHost(world) : strike(world, victim)));
  expectOneDisk(world, { written, step });
});

test.each(cancelSteps.flatMap((step) => victims.map((victim) => [victim, step] as const)))(
  'cancelled, and %s killed at %s: the guest runs once, from the disk that it wrote to last',
  (victim, step) => {
    const { world, written } = aWorld();
    cancelAt(world, 'mirrored');
    atStep(world, step, () => (victim === 'host' ? killHost(world) : strike(world, victim)));
    expectOneDisk(world, { written, step });
  },
);

const nuisances: Record<string, (world: World) => void> = {
  'no fault': () => undefined,
  'every job delivered twice, the second time after it stalled': (world) => {
    world.bus.fate = () => 'twice';
  },
  'the answer to a commit lost': (world) => {
    world.store.lostAnswers = 1;
  },
};

describe.each(Object.keys(nuisances))('cancelled with %s', (name) => {
  test.each([
    ['begun', 'cancelled', 'local-h1'],
    ['mirrored', 'cancelled', 'local-h1'],
    ['named', 'done', 'shared'],
    ['pivoted', 'done', 'shared'],
  ] as const)('when it is %s: %s, and the disk is on %s', (at, outcome, datastoreId) => {
    const { world, written } = aWorld();
    cancelAt(world, at);
    nuisances[name]!(world);
    const boots = world.copyOf('g')!.memory!.boot;
    expectOneDisk(world, { written });
    expect(world.copyOf('g')!.memory!.boot).toBe(boots);
    expect(world.guest('g').datastoreId).toBe(datastoreId);
    expect([...world.store.rows.migration.values()].map(({ step }) => step)).toEqual([outcome]);
    const [task] = [...world.store.rows.task.values()].filter((each) => each.name === 'guest.migrate');
    expect(task).toMatchObject({ state: outcome === 'done' ? 'succeeded' : 'cancelled' });
  });
});

test('how far it has come is in its record and in its task', () => {
  const { world } = aWorld({ diskWorkMs: 5_000 });
  world.request('administrator', { kind: 'guest.migrate', guest: 'g', datastore: 'shared' });
  world.run(3_000);
  const [migration] = [...world.store.rows.migration.values()];
  expect(migration).toMatchObject({
    step: 'copy',
    progress: { totalBytes: 64 * 2 ** 20, remainingBytes: 32 * 2 ** 20 },
  });
  expect([...world.store.rows.task.values()]).toMatchObject([{ name: 'guest.migrate', progressShare: 0.5 }]);
});

interface Expected {
  readonly written: () => number;
  /** At which something was to die. */
  readonly step?: Step;
}

function expectOneDisk(world: World, { written, step }: Expected): void {
  world.request('administrator', { kind: 'guest.migrate', guest: 'g', datastore: 'shared' });
  world.run(runMs);
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
    struck: step === undefined || world.log.some(({ text }) => text === `! now: ${step}`),
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
}

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
