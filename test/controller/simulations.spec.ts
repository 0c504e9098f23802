import { openDatabase } from '@argosy/inventory/database';
import { SimulationStore } from '@argosy/inventory/simulation-store';
import { randomUUID } from 'node:crypto';
import { waitUntil } from '../../apps/lab/processes.mjs';
import { ensureBuilt } from '../fleet/build';
import { makeLab, startEdge, type Edge } from './edge';

// Simulations over the API: real threads, and a real database that keeps their reports.

let edge: Edge;

beforeAll(async () => {
  await ensureBuilt();
  edge = await startEdge();
  await makeLab(edge);
  await edge.call('guest.create', { body: { name: 'db', pool: 'lab', image: 'tiny', memoryMiB: 64 } });
}, 180_000);
afterAll(() => edge?.stop());

const fleet = { kind: 'fleet', hosts: 20, guests: 100, days: 1, policies: ['none', 'argosy'] };
const large = { kind: 'fleet', hosts: 2000, guests: 20_000, days: 7, policies: ['balance'] };
const get = (id: string) => edge.call('simulation.get', { params: { id } });

async function ended(id: string) {
  await waitUntil(async () => (await get(id)).state !== 'running', { deadlineMs: 30_000, intervalMs: 100 });
  return get(id);
}

test('a fleet run has a report with every figure for every policy, and the list is without it', async () => {
  const begun = await edge.call('simulation.start', { body: fleet });
  expect(begun).toMatchObject({ state: 'running', title: '20 hosts, 100 guests, a day: none, argosy' });
  const { state, progress, outcome, report } = await ended(begun.id);
  expect({ state, progress }).toEqual({ state: 'done', progress: 1 });
  expect(outcome).toMatch(/^none: [\d.]+ kWh, argosy: [\d.]+ kWh\.$/);
  if (report?.kind !== 'fleet') throw new Error('the report is of another kind');
  expect(report.policies.map(({ policy }) => policy)).toEqual(['none', 'argosy']);
  for (const { values, samples } of report.policies) {
    expect(values).toHaveLength(report.figures.length);
    expect(samples).toHaveLength(287);
  }
  const energy = report.policies.map(({ values }) => values[0]!);
  expect(energy[1]).toBeLessThan(energy[0]!);
  const { items } = await edge.call('simulation.list');
  expect(items.map(({ id }) => id)).toContain(begun.id);
  expect(items[0]).not.toHaveProperty('report');
});

test('a what-if begins with the fleet as it is, and changes nothing of it', async () => {
  const body = {
    kind: 'what-if',
    pool: 'lab',
    changes: [{ kind: 'host-added', host: 'h9', cpuMillicores: 4000, memoryMiB: 4096 }],
    forMs: 20_000,
  };
  const { id } = await edge.call('simulation.start', { body });
  const { state, outcome, report } = await ended(id);
  expect({ state, outcome }).toEqual({ state: 'done', outcome: 'Every guest stays where it is.' });
  if (report?.kind !== 'what-if') throw new Error('the report is of another kind');
  expect(report.after.map(({ host }) => host)).toEqual(['h1', 'h2', 'h9']);
  expect((await edge.call('host.list')).items).toHaveLength(2);
});

test('a what-if of the past begins with the fleet of then, and says what is not of then', async () => {
  const at = Date.now();
  await edge.call('guest.update', { params: { guest: 'db' }, body: { memoryMiB: 128 } });
  const body = { kind: 'what-if', pool: 'lab', changes: [{ kind: 'maintenance', host: 'h1' }], forMs: 1000, at };
  const { report } = await ended((await edge.call('simulation.start', { body })).id);
  if (report?.kind !== 'what-if') throw new Error('the report is of another kind');
  expect(report.notes).toEqual([
    'no loads were kept of that time: guests ask for nothing',
    'images and datastores are of now',
  ]);
  expect((await edge.call('moment.get', { query: `at=${at}` })).guests).toMatchObject([{ name: 'db', memoryMiB: 64 }]);
});

test('what cannot be simulated is refused or fails with a sentence', async () => {
  const start = (body: unknown) => edge.send('POST', '/api/v1/simulations', { body });
  expect((await start({ ...fleet, guests: 100_000, days: 7 })).body.message).toMatch(/^guests must be at most 200000/);
  expect((await start({ kind: 'what-if', pool: 'lab', changes: [] })).body.message).toBe(
    'changes must have at least one change',
  );
  expect((await start({ kind: 'what-if', pool: 'other', changes: [{ kind: 'host-lost', host: 'h1' }] })).status).toBe(
    404,
  );
  expect((await start({ kind: 'dream' })).body.message).toMatch(/kind/);
  const { id } = await edge.call('simulation.start', {
    body: { kind: 'what-if', pool: 'lab', changes: [{ kind: 'host-lost', host: 'h7' }] },
  });
  expect(await ended(id)).toMatchObject({ state: 'failed', outcome: 'There is no host h7.', report: null });
});

test('a third at once is refused; one that is cancelled makes room, and stays cancelled', async () => {
  const first = await edge.call('simulation.start', { body: large });
  const second = await edge.call('simulation.start', { body: large });
  const third = await edge.send('POST', '/api/v1/simulations', { body: fleet });
  expect(third).toMatchObject({ status: 429, body: { code: 'too-many-requests' } });
  const { state } = await edge.call('simulation.cancel', { params: { id: first.id } });
  expect(state).toBe('cancelled');
  const done = await ended((await edge.call('simulation.start', { body: fleet })).id);
  expect(done).toMatchObject({ state: 'done' });
  const late = await edge.send('POST', `/api/v1/simulations/${done.id}/cancel`);
  expect(late).toMatchObject({ status: 409, body: { code: 'already-ended' } });
  await edge.call('simulation.remove', { params: { id: second.id } });
  expect((await edge.send('GET', `/api/v1/simulations/${second.id}`)).body.code).toBe('unknown-simulation');
  expect(await get(first.id)).toMatchObject({ state: 'cancelled', report: null });
}, 60_000);

test('one whose controller ended is found failed, and says what to do', async () => {
  const database = openDatabase({ url: edge.postgres.url });
  const id = randomUUID();
  await new SimulationStore(database).add({
    id,
    request: { kind: 'fleet', hosts: 1, guests: 1, days: 1, seed: 1, policies: ['none'] },
    title: 'left over',
    state: 'running',
    progress: 0,
    outcome: '',
    requestedBy: 'ada',
    createdAt: Date.now(),
    endedAt: null,
  });
  await database.$disconnect();
  const { state, outcome } = await get(id);
  expect({ state, outcome }).toEqual({
    state: 'failed',
    outcome: expect.stringMatching(/another one leads.*Start it again/),
  });
});

test('a drill is predicted without being run; what the brain would refuse is refused', async () => {
  const { phases } = await edge.call('drill.predict', { body: { drill: 'host-loss', host: 'h1' } });
  const detected = phases.find(({ name }) => name === 'detect')?.predictedMs;
  expect(detected).toBeGreaterThan(1000);
  expect(detected).toBeLessThan(10_000);
  const refused = await edge.send('POST', '/api/v1/drills/prediction', { body: { drill: 'guest-crash', guest: 'db' } });
  expect(refused).toMatchObject({ status: 409, body: { code: 'guest-not-running' } });
  expect((await edge.call('drill.list')).items).toEqual([]);
  expect((await edge.call('host.get', { params: { host: 'h1' } })).state).toBe('online');
});
