import { isolationOf } from '@argosy/control/isolation-policy';
import type { JournalEntry } from '@argosy/control/host-types';
import { nothingToTell } from '@argosy/domain/disk-work';
import type { Host } from '@argosy/domain/entities';
import type { DiskOperation } from '@argosy/domain/storage';
import type { HostOrder } from '@argosy/domain/host-command';
import type { HostRun } from '@argosy/domain/host-report';
import type { Roll } from '@argosy/domain/roll';
import { VirtualClock } from './clock';
import { inventoryOf } from './inventory-plan';
import { ModelSite } from './model-machine';
import { ModelStore } from './model-store';
import { WantedOrders } from './wanted-orders';

const work = { kind: 'remove', folder: '/d/a', basePaths: [] } as const;
const isCalled = { operationId: 'o', work };

function aFleet() {
  const clock = new VirtualClock();
  const store = new ModelStore(clock);
  const inventory = inventoryOf({
    hosts: [{ name: 'h1', memoryMiB: 64 }],
    guests: [{ name: 'a', memoryMiB: 8, on: 'h1' }],
  });
  store.seed(inventory, []);
  const site = new ModelSite(clock);
  const journal = new Map<string, JournalEntry>();
  const traces = { journal, lastRun: null as HostRun | null };
  const wanted = new WantedOrders(site, store, { tracesOf: () => traces });
  const host: Host = store.rows.host.get('h1')!;
  return {
    store,
    site,
    traces,
    policy: isolationOf(store.rows.pool.get(host.poolId)!),
    isWanted: (order: HostOrder): boolean => wanted.has(order, host, 500),
    keep: (key: string, value: JournalEntry['value']): void => void journal.set(key, { key, value }),
    /** The record has it that work is to be done on this host. */
    ask: (): void => void store.rows.diskOperation.set('o', { id: 'o', hostId: 'h1', guestId: 'a' } as DiskOperation),
  };
}

const entryIn = (phase: 'working' | 'done') =>
  ({ kind: 'disk-work', ...isCalled, phase, result: nothingToTell, refusal: null }) as const;

test('work on a disk is wanted until its host has begun it, and while the record has it', () => {
  const { isWanted, ask, keep } = aFleet();
  const order = { kind: 'disk.work', ...isCalled } as const;
  expect(isWanted(order)).toBe(false);
  ask();
  expect(isWanted(order)).toBe(true);
  keep('disk-work/o', entryIn('working'));
  expect(isWanted(order)).toBe(false);
});

test('that it ends is wanted until it has ended', () => {
  const { isWanted, ask, keep } = aFleet();
  const order = { kind: 'disk.cancel', ...isCalled } as const;
  ask();
  keep('disk-work/o', entryIn('working'));
  expect(isWanted(order)).toBe(true);
  keep('disk-work/o', entryIn('done'));
  expect(isWanted(order)).toBe(false);
});

test('what the record has ended is to be forgotten, and what it has not is not', () => {
  const { isWanted, ask, keep, store } = aFleet();
  const order = { kind: 'disk.forget', operationId: 'o' } as const;
  keep('disk-work/o', entryIn('done'));
  expect(isWanted(order)).toBe(true);
  ask();
  expect(isWanted(order)).toBe(false);
  store.rows.diskOperation.clear();
  keep('disk-work/o', null);
  expect(isWanted(order)).toBe(false);
});

test("a host's answer to being cut off is wanted for as long as its pool wants that one and its own disk has another", () => {
  const { isWanted, keep, policy } = aFleet();
  expect(isWanted({ kind: 'host.isolation', policy })).toBe(true);
  keep('isolation', { kind: 'isolation', policy: { ...policy, leaseMs: policy.leaseMs + 1 } });
  expect(isWanted({ kind: 'host.isolation', policy })).toBe(true);
  keep('isolation', { kind: 'isolation', policy });
  expect(isWanted({ kind: 'host.isolation', policy })).toBe(false);
  const other = { ...policy, leaseMs: policy.leaseMs + 1 };
  expect(isWanted({ kind: 'host.isolation', policy: other })).toBe(false);
});

test('datastores are to be measured until each has been, after it was told', () => {
  const { isWanted, store, site } = aFleet();
  const own = [...store.rows.datastore.values()];
  const order = {
    kind: 'datastore.watch',
    datastores: own.map(({ id, path }) => ({ datastoreId: id, path })),
  } as const;
  for (const { path } of own) site.datastore.looks.set(`h1:${path}`, 400);
  expect(isWanted(order)).toBe(true);
  for (const { path } of own) site.datastore.looks.set(`h1:${path}`, 1_000);
  expect(isWanted(order)).toBe(false);
  expect(isWanted({ kind: 'datastore.watch', datastores: [] })).toBe(false);
});

test("a roll's program is wanted while the roll waits for it, and it has not been begun", () => {
  const { isWanted, store, traces } = aFleet();
  const order = { kind: 'host.run', runId: 'r-h1', command: 'update' } as const;
  const roll = { id: 'r', hosts: [{ hostId: 'h1', step: 'running-command' }] } as unknown as Roll;
  store.rows.roll.set('r', roll);
  expect(isWanted(order)).toBe(true);
  traces.lastRun = { runId: 'r-h1', status: null, output: '' };
  expect(isWanted(order)).toBe(false);
});
