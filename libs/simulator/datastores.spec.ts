import { datastoresForGuest } from '@argosy/control/outlook';
import { inventoryOf } from './inventory-plan';
import { World } from './world';

function aWorld(): World {
  return new World({
    inventory: inventoryOf({
      hosts: [
        { name: 'h1', memoryMiB: 1024 },
        { name: 'h2', memoryMiB: 1024 },
      ],
      guests: [
        { name: 'a', memoryMiB: 64, on: 'h1' },
        { name: 'b', memoryMiB: 64 },
      ],
    }),
  });
}

const alarms = (world: World): string[] =>
  [...world.store.rows.alarm.values()].filter((each) => each.clearedAt === null).map((each) => each.code);

test('a datastore is measured, and warns before it is full until there is room again', () => {
  const world = aWorld();
  Object.assign(world.site.datastore, { totalMiB: 1000, freeMiB: 400 });
  world.run(15_000);
  expect(world.store.rows.datastore.get('shared')?.use).toMatchObject({ totalBytes: 1000 * 2 ** 20 });
  expect(alarms(world)).toEqual([]);
  world.site.datastore.freeMiB = 149;
  world.run(20_000);
  expect(alarms(world)).toEqual(['datastore-filling']);
  expect(world.store.rows.datastore.get('shared')?.use?.growthBytesPerSecond).toBeGreaterThan(1e6);
  world.site.datastore.freeMiB = 151;
  world.run(20_000);
  expect(alarms(world)).toEqual([]);
});

test('a datastore at rest is written no more', () => {
  const world = aWorld();
  world.run(60_000);
  let writes = 0;
  world.store.onWrite = () => writes++;
  world.run(60_000);
  expect(writes).toBe(0);
});

test('a datastore that holds a guest or an image is not removed', () => {
  const world = aWorld();
  world.run(5_000);
  let code = '';
  world.request('administrator', { kind: 'datastore.remove', datastore: 'shared' }, (result) => {
    code = result.ok ? 'removed' : result.refusal.code;
  });
  world.run(100);
  expect(code).toBe('in-use');
});

const disk = '/datastore/guests/a/disk.qcow2';

test('a guest that has run is not started on an empty disk where its own is missing, and starts when that is back', () => {
  const world = aWorld();
  const power = (guest: string, desired: 'running' | 'stopped'): void =>
    world.request('administrator', { kind: 'guest.power', guest, desired });
  world.run(2_000);
  power('b', 'running');
  world.run(5_000);
  power('b', 'stopped');
  world.run(40_000);
  const path = '/datastore/guests/b/disk.qcow2';
  const { disks } = world.site.datastore;
  const kept = disks.get(path);
  expect(kept).toBeDefined();
  disks.delete(path);
  power('b', 'running');
  world.run(5_000);
  expect(disks.has(path)).toBe(false);
  const row = [...world.store.rows.guest.values()].find(({ name }) => name === 'b');
  expect(row?.stateReason).toMatch(/disk .* is not there/);
  disks.set(path, kept!);
  world.run(60_000);
  expect(world.copyOf('b')?.state).toBe('running');
});

test.each([
  [undefined, false],
  [true, true],
])('a removed guest has its disk deleted, unless it is to be kept (keepDisk %s)', (keepDisk, stays) => {
  const world = aWorld();
  world.run(3_000);
  world.request('administrator', { kind: 'guest.power', guest: 'a', desired: 'stopped' });
  world.run(2_000);
  world.request('administrator', { kind: 'guest.remove', guest: 'a', ...(keepDisk ? { keepDisk } : {}) });
  world.run(5_000);
  expect(world.site.datastore.disks.has(disk)).toBe(stays);
  expect(world.store.rows.diskOperation.size).toBe(0);
});

test('a disk that a VMM holds is not deleted, and the record says where it stays', () => {
  const world = aWorld();
  world.run(3_000);
  world.request('administrator', { kind: 'guest.power', guest: 'a', desired: 'stopped' });
  world.run(2_000);
  world.site.datastore.disks.get(disk)!.holder = {};
  world.request('administrator', { kind: 'guest.remove', guest: 'a' });
  world.run(5_000);
  expect(world.site.datastore.disks.has(disk)).toBe(true);
  expect(world.store.records.at(-1)).toMatchObject({ code: 'disk-not-removed', severity: 'warning' });
});

test('a host whose guests have their disks on its own datastore says that they cannot leave, and what to do', () => {
  const world = new World({
    inventory: inventoryOf({
      hosts: ['h1', 'h2'].map((name) => ({ name, memoryMiB: 1024 })),
      datastores: [{ name: 'local-h1', on: 'h1' }],
      guests: [{ name: 'a', memoryMiB: 64, on: 'h1', datastore: 'local-h1' }],
    }),
  });
  world.run(3_000);
  world.request('administrator', { kind: 'host.maintenance', host: 'h1', enter: true });
  world.run(5_000);
  const alarm = [...world.store.rows.alarm.values()].find(({ code }) => code === 'evacuation-stuck');
  expect(alarm?.message).toContain('it needs datastore local-h1, which only h1 reaches');
  expect(alarm?.message).toContain('guest migrate NAME --datastore');
  world.request('administrator', { kind: 'guest.migrate', guest: 'a', datastore: 'shared' });
  world.run(10_000);
  expect(world.guest('a')).toMatchObject({ datastoreId: 'shared', hostId: 'h2' });
  expect(world.store.rows.host.get('h1')?.maintenance).toBe('in');
});

test.each([
  [{ datastore: 'shared' }, 'same-host', 'is on shared already'],
  [{ datastore: 'local-h2' }, 'datastore-not-reached', 'name a host that does'],
  [{ host: 'h2', datastore: 'local-h1' }, 'datastore-not-reached', 'which only h1 reaches'],
  [{ datastore: 'local-h1' }, 'disk-full', 'left'],
])('a disk that cannot go there is refused: %j', (where, code, says) => {
  const world = new World({
    inventory: inventoryOf({
      hosts: ['h1', 'h2'].map((name) => ({ name, memoryMiB: 1024 })),
      datastores: [
        { name: 'local-h1', on: 'h1' },
        { name: 'local-h2', on: 'h2' },
      ],
      guests: [{ name: 'a', memoryMiB: 64, on: 'h1', diskMiB: 64 }],
    }),
  });
  world.copyOf('a')?.consoleWrite('disk fill 100 1\n');
  if (code === 'disk-full') world.site.datastore.freeMiB = 0;
  world.run(12_000);
  const answers: unknown[] = [];
  world.request('administrator', { kind: 'guest.migrate', guest: 'a', ...where }, (result) => answers.push(result));
  world.run(100);
  expect(answers).toMatchObject([{ ok: false, refusal: { code, message: expect.stringContaining(says) as string } }]);
});

test('where a disk could be moved, and why not elsewhere, is said as the move itself would be answered', () => {
  const world = new World({
    inventory: inventoryOf({
      hosts: ['h1', 'h2'].map((name) => ({ name, memoryMiB: 1024 })),
      datastores: [
        { name: 'local-h1', on: 'h1' },
        { name: 'local-h2', on: 'h2' },
      ],
      guests: [
        { name: 'a', memoryMiB: 64, on: 'h1' },
        { name: 'b', memoryMiB: 64, on: 'h1' },
      ],
    }),
  });
  world.run(3_000);
  const { fleet } = world.leader()!;
  const said = () => datastoresForGuest(fleet, fleet.guests.get('a')!);
  expect(said()).toMatchObject([
    { datastoreName: 'shared', isCurrent: true, refusal: null },
    { datastoreName: 'local-h1', isCurrent: false, refusal: null },
    { datastoreName: 'local-h2', isCurrent: false, refusal: { code: 'datastore-not-reached' } },
  ]);
  for (const { datastoreId, isCurrent, refusal } of said()) {
    if (isCurrent || refusal === null) continue;
    let answer: unknown;
    world.request('administrator', { kind: 'guest.migrate', guest: 'a', datastore: datastoreId }, (result) => {
      answer = result;
    });
    world.run(100);
    expect(answer).toMatchObject({ ok: false, refusal });
  }
  world.request('administrator', { kind: 'guest.migrate', guest: 'a', datastore: 'local-h1' });
  const codes = () => said().map(({ refusal }) => refusal?.code);
  for (let ms = 0; ms < 200 && !codes().includes('guest-busy'); ms++) world.run(1);
  expect(codes()).toEqual([undefined, 'guest-busy', 'guest-busy']);
});
