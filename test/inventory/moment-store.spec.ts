// What was, kept by a real PostgreSQL itself: whoever changes a row, in whatever statement.
import { DemandHistory } from '../../apps/controller/src/demand-history';
import type { Guest, Host, Pool, Rule } from '@argosy/domain/entities';
import type { EntityKind, EntityRows, FleetWrite } from '@argosy/control/ports/fleet-store';
import { openDatabase } from '@argosy/inventory/database';
import type { PrismaClient } from '@argosy/inventory/generated/client';
import { MomentStore } from '@argosy/inventory/moment-store';
import { PrismaFleetStore } from '@argosy/inventory/prisma-fleet-store';
import { inventoryOf } from '@argosy/simulator/inventory-plan';
import { TestServers } from './servers';

const servers = new TestServers();
let prisma: PrismaClient;
let store: PrismaFleetStore;
let moments: MomentStore;
let term: number;

beforeAll(async () => {
  prisma = openDatabase({ url: (await servers.postgres()).url });
  store = new PrismaFleetStore(prisma);
  moments = new MomentStore(prisma);
  term = (await store.holdLease('first', 'http://first', 600_000)).term;
});
afterAll(async () => {
  await prisma.$disconnect();
  await servers.stop();
});
beforeEach(async () => {
  await prisma.$executeRawUnsafe('TRUNCATE guests, hosts, pools, rules, demand_samples');
  await prisma.$executeRawUnsafe(`DELETE FROM row_versions WHERE kind <> 'begun'`);
});

const inventory = inventoryOf({
  hosts: [{ name: 'h1', memoryMiB: 1024 }],
  guests: [{ name: 'web', memoryMiB: 64, on: 'h1' }],
  rules: [{ name: 'apart', kind: 'apart', guests: ['web'], hosts: [] }],
});
const [pool, host, guest, rule] = [
  inventory.pools[0]!,
  inventory.hosts[0]!,
  inventory.guests[0]!,
  inventory.rules[0]!,
] satisfies [Pool, Host, Guest, Rule];

function put<Kind extends EntityKind>(entity: Kind, row: EntityRows[Kind]): FleetWrite {
  return { kind: 'put', entity, row } as FleetWrite;
}

async function commit(...writes: FleetWrite[]): Promise<void> {
  expect(await store.commit(term, writes)).toEqual({ outcome: 'committed' });
}

/** The database's time, when it is past by a little. */
async function instant(): Promise<number> {
  const rows = await prisma.$queryRaw<{ at: number }[]>`
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS "at", pg_sleep(0.01)::text`;
  return Math.ceil(rows[0]!.at);
}

const all = [put('pool', pool), put('host', host), put('guest', guest), put('rule', rule)];

test('a moment has the sizes, rules, hosts and settings of then, and what was removed since', async () => {
  await commit(...all);
  const first = await instant();
  await commit(
    put('guest', { ...guest, memoryMiB: 128 }),
    put('host', { ...host, capacity: { cpuMillicores: 4000, memoryMiB: 2048 } }),
    put('pool', { ...pool, balance: { ...pool.balance, threshold: 5 } }),
    put('rule', { ...rule, guestIds: [] }),
  );
  const second = await instant();
  await commit({ kind: 'remove', entity: 'guest', id: guest.id }, { kind: 'remove', entity: 'rule', id: rule.id });
  const third = await instant();

  const { cloudInit: _, ...shown } = guest;
  const was = await moments.moment(first);
  expect(was).toMatchObject({ pools: [pool], hosts: [host], guests: [shown], rules: [rule] });
  expect(was.keptSince).toBeLessThan(first);
  const then = await moments.moment(second);
  expect([then.guests[0]!.memoryMiB, then.hosts[0]!.capacity.memoryMiB, then.pools[0]!.balance.threshold]).toEqual([
    128, 2048, 5,
  ]);
  expect(then.rules[0]!.guestIds).toEqual([]);
  const now = await moments.moment(third);
  expect([now.guests, now.rules, now.hosts.length]).toEqual([[], [], 1]);
});

test('what was made later was not there yet', async () => {
  await commit(put('pool', pool), put('host', { ...host, createdAt: 5_000 }));
  expect((await moments.moment(4_999)).hosts).toEqual([]);
  expect((await moments.moment(5_000)).hosts).toHaveLength(1);
});

test('what changes all the time is no version, and user data are in none', async () => {
  await commit(...all, put('guest', { ...guest, cloudInit: 'password: secret' }));
  for (let epoch = 2; epoch < 6; epoch++)
    await commit(put('guest', { ...guest, epoch, state: 'migrating' }), put('host', { ...host, incarnation: epoch }));
  expect(await prisma.rowVersion.count({ where: { kind: { not: 'begun' } } })).toBe(0);
  await commit({ kind: 'remove', entity: 'guest', id: guest.id });
  expect(JSON.stringify(await prisma.rowVersion.findMany({ where: { kind: 'guest' } }), bigint)).not.toMatch(
    /password|cloudInit/,
  );
  expect(JSON.stringify(await moments.moment(Date.now()))).not.toMatch(/password/);
});

function bigint(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value;
}

test('the loads of a moment are the last that were kept, by whoever leads, and none where that is too long ago', async () => {
  let [now, isLeading] = [1_000_000, true];
  const demand = new Map([
    ['web', { cpuMillicores: 480.4, dirtyBytesPerSecond: 1e6, at: 0 }],
    ['gone', { cpuMillicores: 9, dirtyBytesPerSecond: 0, at: 0 }],
  ]);
  const history = new DemandHistory({
    store: moments,
    fleet: () => ({ demand, guests: new Map([['web', guest]]) }),
    now: () => now,
    isLeading: () => isLeading,
    say: (message) => {
      throw new Error(message);
    },
  });
  await history.sample();
  demand.set('web', { cpuMillicores: 20, dirtyBytesPerSecond: 0, at: 0 });
  now += 300_000;
  await history.sample();
  isLeading = false;
  now += 300_000;
  await history.sample();
  history.close();
  const loadsAt = async (at: number) => (await moments.moment(at)).demand;
  expect(await loadsAt(1_299_999)).toEqual({
    at: 1_000_000,
    guests: [{ guestId: 'web', cpuMillicores: 480, dirtyBytesPerSecond: 1_000_000 }],
  });
  expect(await loadsAt(1_700_000)).toMatchObject({ at: 1_300_000, guests: [{ cpuMillicores: 20 }] });
  expect(await loadsAt(999_999)).toBeNull();
  expect(await loadsAt(1_300_000 + 900_001)).toBeNull();
});
