import type { FleetStore } from '@argosy/control/ports/fleet-store';
import { FleetClock } from '@argosy/domain/fleet-clock';
import { FleetLoop } from './fleet-loop';

const inventory = {
  pools: [], hosts: [], fenceSecrets: [], guests: [], images: [], datastores: [], diskOperations: [], snapshots: [], rules: [], migrations: [], recommendations: [],
  drills: [], rolls: [], tasks: [], alarms: [],
}; // prettier-ignore

const unused = () => {
  throw new Error('nothing is to be done here');
};
const actuators = { hostCommand: unused, fence: unused, predict: unused, inject: unused } as never;

const said: string[] = [];
const loops: FleetLoop[] = [];
afterEach(async () => {
  for (const loop of loops.splice(0)) await loop.stop();
});

function loopOver(store: Partial<FleetStore>): FleetLoop {
  const whole = {
    load: async () => inventory,
    holdLease: async (holder: string, url: string) => ({ term: 1, holder, url, held: true, at: 0 }),
    releaseLease: async () => undefined,
    ...store,
  } as unknown as FleetStore;
  const loop = new FleetLoop({
    store: whole, actuators, holder: 'me', url: () => '', leaseMs: 5_000, clock: new FleetClock(() => 0),
    say: (message) => void said.push(message), recordPass: () => undefined,
  }); // prettier-ignore
  loops.push(loop);
  return loop;
}

test('what comes while a step is written is one transaction, but for what is too much for one', async () => {
  const sizes: number[] = [];
  let committed: () => void = () => undefined;
  const first = new Promise<void>((resolve) => (committed = resolve));
  const loop = loopOver({
    commit: async (_term, writes) => {
      sizes.push(writes.length);
      await first;
      return { outcome: 'committed' };
    },
  });
  await loop.start();
  const asked = Array.from({ length: 3_000 }, (_, index) =>
    loop.request('ada', {
      kind: 'datastore.create',
      datastore: { name: `store-${index}`, path: `/stores/${index}`, shared: true },
    }),
  );
  committed();
  const answers = await Promise.all(asked);
  expect(answers.filter(({ ok }) => ok)).toHaveLength(3_000);
  // A datastore is a row and a record: the first was written alone, the others waited behind it.
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(6_000);
  expect(sizes).toHaveLength(4);
  expect(Math.max(...sizes)).toBe(2_000);
});

test('an event that the brain fails at is not taken again', async () => {
  const loop = loopOver({ commit: async () => ({ outcome: 'committed' }) });
  await loop.start();
  loop.take({ kind: 'report', report: null as never });
  loop.take({ kind: 'own-heartbeat' });
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(await loop.request('ada', { kind: 'pool.create', name: 'two' })).toMatchObject({ ok: true });
  expect(said.filter((message) => message.includes('the control loop failed'))).toHaveLength(1);
});

test('a controller that ends answers what it has begun to write, and sends on who comes behind', async () => {
  let committed: () => void = () => undefined;
  const loop = loopOver({
    commit: () => new Promise((resolve) => (committed = () => resolve({ outcome: 'committed' }))),
  });
  await loop.start();
  const begun = loop.request('ada', { kind: 'pool.create', name: 'one' });
  const behind = loop.request('ada', { kind: 'pool.create', name: 'two' });
  const ended = loop.stop();
  const late = loop.request('ada', { kind: 'pool.create', name: 'three' });
  committed();
  await ended;
  expect(await begun).toMatchObject({ ok: true, value: { name: 'one' } });
  for (const answer of [behind, late])
    expect(await answer).toMatchObject({ ok: false, refusal: { code: 'not-leader', details: { leaderUrl: null } } });
});
