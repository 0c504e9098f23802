import type { Guest } from '@argosy/domain/entities';
import type { FleetRequest } from '@argosy/domain/fleet-request';
import type { RefusalCode } from '@argosy/domain/refusal';
import type { ModelDisk } from './datastore';
import { inventoryOf } from './inventory-plan';
import { World } from './world';

const kinds = ['copy of a running guest', 'copy of a stopped guest', 'linked clone', 'clone of a template'] as const;
type Kind = (typeof kinds)[number];

function aWorld(): World {
  const world = new World({
    inventory: inventoryOf({
      hosts: [
        { name: 'h1', memoryMiB: 1024 },
        { name: 'h2', memoryMiB: 1024 },
      ],
      guests: [
        { name: 'a', memoryMiB: 64, on: 'h1' },
        { name: 'never-run', memoryMiB: 64 },
      ],
      datastores: [
        { name: 'local-h1', on: 'h1' },
        { name: 'local-h2', on: 'h2' },
      ],
    }),
  });
  world.run(3_000);
  world.copyOf('a')?.consoleWrite('disk fill 8 5\n');
  return world;
}

/** `done`, or the code of the refusal. */
function ask(world: World, request: FleetRequest): 'done' | RefusalCode {
  let answer: 'done' | RefusalCode | null = null;
  world.request('administrator', request, (result) => (answer = result.ok ? 'done' : result.refusal.code));
  world.runWhile(() => answer === null, 10_000);
  return answer!;
}

const power = (guest: string, desired: Guest['desired']): FleetRequest => ({ kind: 'guest.power', guest, desired });
const find = (world: World, name: string) => [...world.store.rows.guest.values()].find((each) => each.name === name);
const diskOf = (world: World, { id }: Guest): ModelDisk | undefined =>
  world.site.datastore.disks.get(`/datastore/guests/${id}/disk.qcow2`);
const clone = (guest: string, name: string, linked: boolean): FleetRequest => ({
  kind: 'guest.clone',
  guest,
  clone: { name, linked },
});

function prepared(kind: Kind): World {
  const world = aWorld();
  if (kind === 'copy of a running guest') return world;
  ask(world, power('a', 'stopped'));
  world.run(3_000);
  if (kind === 'clone of a template') ask(world, { kind: 'guest.template', guest: 'a', isTemplate: true });
  return world;
}

const isLinked = (kind: Kind) => kind === 'linked clone' || kind === 'clone of a template';

describe.each(kinds)('a %s', (kind) => {
  test('has the data of then, an address and a MAC of its own, and goes its own way', () => {
    const world = prepared(kind);
    expect(
      ask(world, { kind: 'guest.clone', guest: 'a', clone: { name: 'b', start: true, linked: isLinked(kind) } }),
    ).toBe('done');
    world.run(5_000);
    const [a, b] = [world.guest('a'), world.guest('b')];
    expect(b).toMatchObject({ state: 'running', clonedFrom: 'a', memoryMiB: 64 });
    expect([a.id, a.address, a.macAddress]).not.toEqual(expect.arrayContaining([b.id, b.address, b.macAddress]));
    expect(diskOf(world, b)).toMatchObject({ dataSectors: 8, dataSeed: 5 });
    world.copyOf('b')?.consoleWrite('disk fill 8 6\n');
    world.run(100);
    expect(diskOf(world, b)).toMatchObject({ dataSeed: 6 });
    expect(diskOf(world, a)).toMatchObject({ dataSeed: 5 });
    expect(world.invariants.violations).toEqual([]);
  });

  const victims = ['agent', 'controller', 'host'] as const;
  test.each(victims)('is whole or not there, with nothing left over, whenever its %s dies', (victim) => {
    const outcomes = new Set<string>();
    for (let killMs = 0; killMs <= 60; killMs += 4) {
      const world = prepared(kind);
      const boots = diskOf(world, world.guest('a'))!.bootCount;
      world.request('administrator', clone('a', 'b', isLinked(kind)));
      world.run(killMs);
      if (victim === 'controller') world.leader()?.crash();
      // The host that works on the files of stopped guests is the first.
      else if (victim === 'agent') world.host('h1').killAgent();
      else world.host('h1').powerOff();
      world.run(60_000);
      const b = find(world, 'b');
      outcomes.add(b?.state ?? 'none');
      if (b) expect(diskOf(world, b)).toMatchObject({ dataSeed: 5, bootCount: boots });
      const disks = [...world.site.datastore.disks.keys()].filter((path) => path.includes('/guests/'));
      expect(disks).toHaveLength(b ? 2 : 1);
      expect(world.store.rows.diskOperation.size).toBe(0);
      expect(world.invariants.violations).toEqual([]);
      if (kind === 'clone of a template') continue;
      if (kind !== 'copy of a running guest') expect(ask(world, power('a', 'running'))).toBe('done');
      world.run(5_000);
      expect(world.copyOf('a')).toBeDefined();
    }
    expect([...outcomes].filter((each) => each !== 'none' && each !== 'stopped')).toEqual([]);
    expect(outcomes).toContain('stopped');
  });
});

test('the disk that linked guests share goes with the last of them, and not before', () => {
  const world = prepared('linked clone');
  for (const name of ['b', 'c']) expect(ask(world, clone('a', name, true))).toBe('done');
  world.run(3_000);
  const bases = () => [...world.site.datastore.disks.keys()].filter((path) => path.includes('/bases/'));
  expect(ask(world, { kind: 'guest.remove', guest: 'b', keepDisk: true })).toBe('in-use');
  // It has not run in between: they share one.
  expect(bases()).toHaveLength(1);
  for (const name of ['a', 'b', 'c']) {
    expect(bases()).toHaveLength(1);
    expect(ask(world, { kind: 'guest.remove', guest: name })).toBe('done');
    world.run(3_000);
  }
  expect([...world.site.datastore.disks.keys()]).toEqual([]);
  expect(world.invariants.violations).toEqual([]);
});

test('a template neither starts nor moves nor changes, and stays while guests share its disk', () => {
  const world = prepared('clone of a template');
  expect(ask(world, power('a', 'running'))).toBe('is-template');
  expect(ask(world, { kind: 'guest.migrate', guest: 'a' })).toBe('is-template');
  expect(ask(world, { kind: 'snapshot.take', guest: 'a', name: 's' })).toBe('is-template');
  const create = (name: string, full: boolean): FleetRequest => ({
    kind: 'guest.create',
    guest: { name, pool: 'main', template: 'a', full },
  });
  for (const [name, full] of [
    ['linked', false],
    ['full', true],
  ] as const)
    expect(ask(world, create(name, full))).toBe('done');
  world.run(3_000);
  expect([world.guest('linked').basePaths.length, world.guest('full').basePaths.length]).toEqual([1, 0]);
  expect(ask(world, { kind: 'guest.remove', guest: 'a' })).toBe('in-use');
  expect(ask(world, { kind: 'guest.template', guest: 'a', isTemplate: false })).toBe('in-use');
  expect(ask(world, { kind: 'guest.remove', guest: 'linked' })).toBe('done');
  world.run(3_000);
  expect(diskOf(world, world.guest('a'))).toBeDefined();
  expect(ask(world, { kind: 'guest.template', guest: 'a', isTemplate: false })).toBe('done');
  expect(ask(world, power('a', 'running'))).toBe('done');
});

test('a template counts for no capacity', () => {
  const world = prepared('clone of a template');
  expect(ask(world, { kind: 'guest.update', guest: 'a', settings: { memoryMiB: 1024 } })).toBe('done');
  for (const [index, name] of ['b', 'c'].entries())
    expect(
      ask(world, {
        kind: 'guest.create',
        guest: { name, pool: 'main', template: 'a', memoryMiB: 400 + index, start: true },
      }),
    ).toBe('done');
  world.run(5_000);
  expect(['b', 'c'].map((name) => world.guest(name).state)).toEqual(['running', 'running']);
});

test('a clone that does not fit on its datastore is not made, and says why', () => {
  const world = prepared('copy of a running guest');
  world.site.datastore.freeMiB = 4;
  expect(ask(world, clone('a', 'b', false))).toBe('done');
  world.run(5_000);
  expect(find(world, 'b')).toBeUndefined();
  expect(world.log.filter(({ text }) => text.includes('clone-failed'))).toHaveLength(1);
  expect(world.guest('a').state).toBe('running');
});

test.each<[string, Kind, FleetRequest, RefusalCode]>([
  ['of a guest that never ran', 'linked clone', clone('never-run', 'b', false), 'image-missing'],
  ['linked to a running guest', 'copy of a running guest', clone('a', 'b', true), 'guest-not-stopped'],
  ['of a name that is taken', 'linked clone', clone('a', 'never-run', false), 'name-taken'],
  [
    'linked on another datastore',
    'linked clone',
    { kind: 'guest.clone', guest: 'a', clone: { name: 'b', linked: true, datastore: 'local-h1' } },
    'invalid-request',
  ],
  [
    'to a datastore that its host does not reach',
    'copy of a running guest',
    { kind: 'guest.clone', guest: 'a', clone: { name: 'b', datastore: 'local-h2' } },
    'datastore-not-reached',
  ],
  [
    'that no host could start',
    'linked clone',
    { kind: 'guest.clone', guest: 'a', clone: { name: 'b', memoryMiB: 1025 } },
    'memory-exceeds-every-host',
  ],
  [
    'of a snapshot that is not there',
    'linked clone',
    { kind: 'guest.clone', guest: 'a', clone: { name: 'b', snapshot: 's' } },
    'unknown-snapshot',
  ],
])('a clone %s is refused, and leaves nothing', (_what, kind, request, code) => {
  const world = prepared(kind);
  expect(ask(world, request)).toBe(code);
  world.run(1_000);
  expect(find(world, 'b')).toBeUndefined();
  expect(world.guest('a').basePaths).toEqual([]);
  expect(world.store.rows.diskOperation.size).toBe(0);
});

test('while its disk is copied a guest is not moved, removed or cloned once more', () => {
  const world = prepared('copy of a running guest');
  expect(ask(world, clone('a', 'b', false))).toBe('done');
  expect(ask(world, { kind: 'guest.migrate', guest: 'a' })).toBe('guest-busy');
  expect(ask(world, clone('a', 'c', false))).toBe('guest-busy');
  expect(ask(world, { kind: 'guest.remove', guest: 'b' })).toBe('guest-busy');
  world.run(3_000);
  expect(world.guest('b').state).toBe('stopped');
});

test('while a host works on its disk a stopped guest is not started', () => {
  const world = prepared('copy of a stopped guest');
  expect(ask(world, clone('a', 'b', false))).toBe('done');
  expect(ask(world, power('a', 'running'))).toBe('guest-busy');
  world.run(3_000);
  expect(ask(world, power('a', 'running'))).toBe('done');
});
