// A host whose management link is really cut, as its pool has it shut its guests down: in order, and then elsewhere. As root.
import { nameProcess } from '../../apps/lab/processes.mjs';
import type { VmmProcess } from './host';
import { Fleet } from './lab';
import type { LabGuest } from './lab-guest';
import { signal, waitFor } from './lab-processes';

/** Until then whoever hears the power button has shut down by himself; who does not has his plug pulled 30 s after it. */
const inOrderMs = 12_000;
const isolatedAfterMs = 3_000;
const graceMs = 30_000;
const cutMs = 58_000;
let fleet: Fleet;
let guests: LabGuest[];
beforeAll(async () => {
  fleet = await Fleet.start({
    hosts: 2,
    ownNetworks: true,
    pool: {
      balance: { automation: 'partial' },
      isolationResponse: 'shut-down',
      failure: { isolatedAfterMs, toleratedHostFailures: 0 },
    },
  });
  guests = await fleet.createGuests([{ name: 'db' }, { name: 'web' }]);
}, 180_000);
afterAll(() => fleet?.stop(), 60_000);

test('a cut host shuts its guests down, and they start elsewhere on its word while it is still cut', async () => {
  const host = await guests[0]!.host();
  for (const guest of guests) {
    await guest.say('tick 100');
    if ((await guest.host()) === host) continue;
    const { id } = await guest.migrate(host);
    expect((await guest.waitForEnd(id)).step).toBe('done');
  }
  const [since, before] = [fleet.now(), await Promise.all(guests.map((guest) => guest.get()))];
  const copies = guests.map((guest) => guest.vmmOn(host)!);
  // It knows what is wanted of it when it is cut off.
  await waitFor('it is told', () => {
    const told = host.journal().get('isolation');
    return told?.kind === 'isolation' && told.policy.response === 'shut-down';
  });
  await fleet.api.call('drill.run', {
    body: { drill: 'link-cut', host: host.name, impairment: { networks: ['management'], durationMs: cutMs } },
  });
  // One of them does not hear the power button.
  const [db, web] = guests as [LabGuest, LabGuest];
  const [inOrder, deaf] = copies as [VmmProcess, VmmProcess];
  signal(deaf.pid, 'SIGSTOP');
  const isGone = ({ pid }: VmmProcess): boolean => nameProcess(pid) === undefined;
  const runsAnew = async (guest: LabGuest): Promise<boolean> => {
    const { state, epoch } = await guest.get();
    return state === 'running' && epoch > before.find(({ id }) => id === guest.id)!.epoch;
  };
  const cutAt = performance.now();
  await waitFor('one is off', () => isGone(inOrder), { deadlineMs: isolatedAfterMs + inOrderMs });
  await waitFor('it runs elsewhere', () => runsAnew(db), { seen: () => db.get() });
  expect([isGone(deaf), await runsAnew(web)]).toEqual([false, false]);
  expect(performance.now() - cutAt).toBeLessThan(graceMs);
  await waitFor('the other is ended', () => isGone(deaf));
  await waitFor('it runs elsewhere as well', () => runsAnew(web), { seen: () => web.get() });
  const codes = (await fleet.events({ since })).map(({ code }) => code);
  expect(codes).not.toContain('fence-asked');
  expect(codes).not.toContain('watchdog-lease-ended');
  const row = await fleet.api.call('host.get', { params: { host: host.name } });
  expect(row.state).toBe('disconnected');
  for (const guest of guests) {
    expect(await guest.host()).not.toBe(host);
    await guest.expectRunsOnce();
    expect(guest.record.doubles).toEqual([]);
  }
  await fleet.waitForHosts('online');
  for (const guest of guests) await guest.expectRunsOnce();
}, 180_000);
