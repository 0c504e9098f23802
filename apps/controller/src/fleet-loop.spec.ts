import type { CommitOutcome, FleetStore } from '@argosy/control/ports/fleet-store';
import { FleetClock } from '@argosy/domain/fleet-clock';
import { FleetLoop } from './fleet-loop';

const inventory = {
  pools: [], hosts: [], fenceSecrets: [], guests: [], images: [], datastores: [], diskOperations: [], snapshots: [], rules: [], migrations: [], recommendations: [],
  drills: [], rolls: [], tasks: [], alarms: [],
}; // prettier-ignore

const unused = () => {
  throw new Error('nothing is to be done here');
};
const actuators = {
  keepQueues: () => undefined,
  hostCommand: unused,
  fence: unused,
  predict: unused,
  inject: unused,
} as never;

const said: string[] = [];
const loops: FleetLoop[] = [];
afterEach(async () => {
  for (const loop of loops.splice(0)) await loop.stop();
});

function loopOver(
  store: Partial<FleetStore>,
  leaseMs = 5_000,
  isCutOff: (leader: string) => boolean = () => false,
): FleetLoop {
  const whole = {
    load: async () => inventory,
    holdLease: async (holder: string, url: string) => ({ term: 1, holder, url, held: true, at: 0 }),
    releaseLease: async () => undefined,
    ...store,
  } as unknown as FleetStore;
  const loop = new FleetLoop({
    store: whole, actuators, holder: 'me', url: () => '', leaseMs, isCutOff, clock: new FleetClock(() => 0),
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

/** Commits that end when and as they are told, in their order. */
function heldCommits() {
  const waiting: ((outcome: CommitOutcome) => void)[] = [];
  const sizes: number[] = [];
  const commit = (_term: number, writes: readonly unknown[]) => {
    sizes.push(writes.length);
    return new Promise<CommitOutcome>((resolve) => waiting.push(resolve));
  };
  const end = async (outcome: CommitOutcome = { outcome: 'committed' }) => {
    waiting.shift()!(outcome);
    await new Promise((resolve) => setTimeout(resolve, 5));
  };
  return { commit, sizes, end };
}

test('what is decided while another step is written is answered after it, also where it writes nothing', async () => {
  const { commit, end } = heldCommits();
  const loop = loopOver({ commit });
  await loop.start();
  const order: string[] = [];
  const ask = (name: string) =>
    void loop.request('ada', { kind: 'pool.create', name }).then(({ ok }) => order.push(`${name} ${ok}`));
  for (const name of ['one', 'one', 'two']) ask(name);
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(order).toEqual([]);
  await end();
  expect(order).toEqual(['one true']);
  await end();
  expect(order).toEqual(['one true', 'one false', 'two true']);
});

test('what was decided while a step was written is never written if that one is refused', async () => {
  const { commit, sizes, end } = heldCommits();
  const loop = loopOver({ commit });
  await loop.start();
  const asked = ['one', 'two'].map((name) => loop.request('ada', { kind: 'pool.create', name }));
  await end({ outcome: 'conflict', message: 'as was to be tried' });
  for (const answer of asked) expect(await answer).toMatchObject({ ok: false, refusal: { code: 'store-unavailable' } });
  loop.take({ kind: 'tick' });
  await new Promise((resolve) => setTimeout(resolve, 5));
  const again = loop.request('ada', { kind: 'pool.create', name: 'two' });
  await end();
  expect(await again).toMatchObject({ ok: true, value: { name: 'two' } });
  expect(sizes).toHaveLength(2);
});

test('what was decided under a term that has ended is not written under the next, and its asker is told', async () => {
  const { commit, sizes, end } = heldCommits();
  let term = 1;
  const holdLease = async (holder: string, url: string) => ({ term, holder, url, held: true, at: 0 });
  const loop = loopOver({ commit, holdLease }, 80);
  await loop.start();
  const begun = loop.request('ada', { kind: 'pool.create', name: 'one' });
  const decided = loop.request('ada', { kind: 'pool.create', name: 'two' });
  term = 2;
  await new Promise((resolve) => setTimeout(resolve, 100));
  await end();
  expect(await begun).toMatchObject({ ok: true });
  expect(await decided).toMatchObject({ ok: false });
  expect(said).toContain('leading, term 2: 0 hosts, 0 guests');
  expect(sizes).toHaveLength(1);
});

test('the brain is told of a jump of the clock with the first event after it', async () => {
  let at = 0;
  const loop = loopOver({ holdLease: async (holder, url) => ({ term: 1, holder, url, held: true, at }) }, 80);
  await loop.start();
  at = 60_000;
  await new Promise((resolve) => setTimeout(resolve, 60));
  loop.take({ kind: 'own-heartbeat' });
  expect(loop.fleet).toMatchObject({ jumpedMs: 60_000, channelHeardAt: 60_000 });
});

test('a leader that is cut off loses its lease to one that is not, and keeps it otherwise', async () => {
  let leader = { term: 4, holder: 'other', url: 'http://other' };
  let isCut = false;
  const store: Partial<FleetStore> = {
    holdLease: async (holder) => ({ ...leader, held: leader.holder === holder, at: 0 }),
    seizeLease: async (from, holder, url) => {
      expect(from).toMatchObject({ holder: 'other', term: 4 });
      leader = { term: 5, holder, url };
      return true;
    },
  };
  const loop = loopOver(store, 80, (holder) => isCut && holder === 'other');
  await loop.start();
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(loop.leading).toBe(false);
  isCut = true;
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(loop.leading).toBe(true);
  expect(said).toContain('leading, term 5: 0 hosts, 0 guests');
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
