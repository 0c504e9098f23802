import { OldRecords, dayMs } from '../../apps/controller/src/old-records';
import { openDatabase } from '@argosy/inventory/database';
import type { PrismaClient } from '@argosy/inventory/generated/client';
import { RecordStore } from '@argosy/inventory/record-store';
import { TestServers } from './servers';

const servers = new TestServers();
let prisma: PrismaClient;
beforeAll(async () => {
  prisma = openDatabase({ url: (await servers.postgres()).url });
});
afterAll(async () => {
  await prisma.$disconnect();
  await servers.stop();
});
beforeEach(() =>
  prisma.$executeRawUnsafe(
    'TRUNCATE events, tasks, migrations, recommendations, balance_runs, alarms, placements, demand_samples RESTART IDENTITY',
  ),
);

const now = 1000 * dayMs;
const subject = { subjectKind: 'guest', subjectId: 'g1' };

async function addAt(at: number, name: string): Promise<void> {
  const event = { at, code: name, severity: 'information', ...subject, message: '', actor: 'argosy', details: {} };
  await prisma.event.create({ data: event });
  const task = { name, ...subject, requestedBy: 'argosy', createdAt: at };
  await prisma.task.create({ data: { ...task, id: `${name} ended`, state: 'succeeded', endedAt: at } });
  await prisma.task.create({ data: { ...task, id: `${name} open`, state: 'running' } });
  const hosts = { sourceHostId: 'h1', targetHostId: 'h2', epoch: 2 };
  const migration = { guestId: 'g1', ...hosts, reason: '', requestedBy: 'argosy', steps: [], createdAt: at };
  await prisma.migration.create({ data: { ...migration, id: `${name} ended`, step: 'done', endedAt: at } });
  await prisma.migration.create({ data: { ...migration, id: `${name} open`, step: 'copy' } });
  const move = {
    poolId: 'p1',
    guestId: 'g1',
    toHostId: 'h2',
    priority: 3,
    reason: '',
    gain: 1,
    cost: 0,
    projected: [],
  };
  for (const state of ['applied', 'open'])
    await prisma.recommendation.create({ data: { ...move, id: `${name} ${state}`, state, createdAt: at } });
  const balance = { imbalanceBefore: 0, imbalanceAfter: 0, recommendationCount: 0, explanation: '' };
  await prisma.balanceRun.create({ data: { ...balance, id: name, poolId: 'p1', at } });
  const alarm = { code: 'host-failed', ...subject, severity: 'error', message: '', raisedAt: at };
  await prisma.alarm.create({ data: { ...alarm, id: `${name} cleared`, clearedAt: at } });
  await prisma.alarm.create({ data: { ...alarm, id: `${name} open`, subjectId: name } });
  await prisma.demandSample.create({ data: { at, guests: [] } });
  await prisma.placement.create({
    data: { guestId: 'g1', hostId: 'h1', epoch: at / dayMs, from: at, to: at, reason: name },
  });
}

async function left(): Promise<Record<string, string[]>> {
  const ids = (rows: readonly { id: string }[]): string[] => rows.map(({ id }) => id).sort();
  return {
    events: (await prisma.event.findMany()).map(({ code }) => code),
    tasks: ids(await prisma.task.findMany()),
    migrations: ids(await prisma.migration.findMany()),
    recommendations: ids(await prisma.recommendation.findMany()),
    balanceRuns: ids(await prisma.balanceRun.findMany()),
    alarms: ids(await prisma.alarm.findMany()),
    demand: (await prisma.demandSample.findMany()).map(({ at }) => `${Number(at) / dayMs}`),
    placements: (await prisma.placement.findMany({ orderBy: { epoch: 'asc' } })).map(({ reason }) => reason),
  };
}

interface Asked {
  readonly most: number[];
}

function records(isLeading: (asked: Asked) => boolean, asked: Asked = { most: [] }): OldRecords {
  const store = new RecordStore(prisma);
  return new OldRecords({
    store: {
      removeBefore: (kind, before, most) => {
        asked.most.push(most);
        return store.removeBefore(kind, before, most);
      },
    },
    retentionDays: 90,
    now: () => now,
    isLeading: () => isLeading(asked),
    say: (message) => {
      throw new Error(message);
    },
    removedAtOnce: 2,
    pauseMs: 0,
  });
}

test('what is over goes after the days that it is kept; what is not over, and every placement, stays', async () => {
  await addAt(now - 91 * dayMs, 'old');
  await addAt(now - 89 * dayMs, 'new');
  const old = records(() => true);
  expect(await old.removeOld()).toBe(7);
  expect(await old.removeOld()).toBe(0);
  old.close();
  const ended = ['new ended', 'new open', 'old open'];
  expect(await left()).toEqual({
    events: ['new'],
    tasks: ended,
    migrations: ended,
    recommendations: ['new applied', 'new open', 'old open'],
    balanceRuns: ['new'],
    alarms: ['new cleared', 'new open', 'old open'],
    demand: ['911'],
    placements: ['old', 'new'],
  });
});

test('it is done a little at a time, the oldest first, and by nobody who does not lead', async () => {
  for (let age = 0; age < 5; age++) await addAt(now - (100 - age) * dayMs, `old ${age}`);
  const follower = records(() => false);
  expect(await follower.removeOld()).toBe(0);
  follower.close();
  // It loses its lead after the second statement.
  const asked: Asked = { most: [] };
  const deposed = records(({ most }) => most.length < 2, asked);
  expect(await deposed.removeOld()).toBe(4);
  deposed.close();
  expect(asked.most).toEqual([2, 2]);
  expect((await left())['events']).toEqual(['old 4']);
});
