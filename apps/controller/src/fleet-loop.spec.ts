import type { FleetStore } from '@argosy/control/ports/fleet-store';
import { FleetClock } from '@argosy/domain/fleet-clock';
import { FleetLoop } from './fleet-loop';

const inventory = {
  pools: [], hosts: [], fenceSecrets: [], guests: [], images: [], datastores: [], diskOperations: [], snapshots: [], rules: [], migrations: [], recommendations: [],
  drills: [], rolls: [], tasks: [], alarms: [],
}; // prettier-ignore

test('a controller that ends answers what it has begun to write, and sends on who comes behind', async () => {
  let committed: () => void = () => undefined;
  const store = {
    load: async () => inventory,
    commit: () => new Promise((resolve) => (committed = () => resolve({ outcome: 'committed' }))),
    holdLease: async (holder: string, url: string) => ({ term: 1, holder, url, held: true, at: 0 }),
    releaseLease: async () => undefined,
  } as unknown as FleetStore;
  const unused = () => {
    throw new Error('nothing is to be done here');
  };
  const actuators = { hostCommand: unused, fence: unused, predict: unused, inject: unused } as never;
  const loop = new FleetLoop({
    store, actuators, holder: 'me', url: () => '', leaseMs: 5_000, clock: new FleetClock(() => 0), say: () => undefined, recordPass: () => undefined,
  }); // prettier-ignore
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
