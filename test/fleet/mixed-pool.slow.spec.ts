// A pool whose hosts run different VMMs: each guest keeps to those that run it, wherever it is placed, moved or started again.
import { join } from 'node:path';
import { runInProcess, type Ran } from '../cli/in-process';
import { Fleet } from './lab';
import type { LabGuest } from './lab-guest';
import { waitFor } from './lab-processes';

let fleet: Fleet;
let embedded: LabGuest[];
let onQemu: LabGuest;

beforeAll(async () => {
  fleet = await Fleet.start({
    hosts: 3,
    vmm: (host) => (host === 'h1' ? 'qemu' : 'embedded'),
    pool: { balance: { automation: 'full' }, failure: { hostFailures: 0 } },
  });
  embedded = await fleet.createGuests(['m1', 'm2', 'm3', 'm4'].map((name) => ({ name, image: 'machine' })));
  [onQemu] = (await fleet.createGuests([{ name: 'q1', image: 'tiny' }])) as [LabGuest];
  for (const guest of [...embedded, onQemu]) await guest.say('tick 100');
}, 180_000);
afterAll(() => fleet?.stop(), 60_000);

const fleetTest = (name: string, work: () => Promise<void>): void =>
  test(name, () => work().catch((error: unknown) => Promise.reject(fleet.explained(error) as Error)), 180_000);

function argosy(...args: string[]): Promise<Ran> {
  const [controller] = fleet.controllers;
  const environment = { ARGOSY_URL: controller!.url };
  return runInProcess([...args, '--token-file', join(controller!.folder, 'token')], { environment });
}

const placesOf = (guests: readonly LabGuest[]): Promise<string[]> =>
  Promise.all(
    guests.map(async (guest) => {
      const { hostId } = await guest.get();
      return hostId === null ? 'nowhere' : (await fleet.hostNamed(hostId)).name;
    }),
  );

fleetTest('guests start where their image is run, though the emptiest host may be another', async () => {
  expect(await onQemu.host()).toMatchObject({ name: 'h1' });
  const places = await placesOf(embedded);
  expect(places).not.toContain('h1');
  expect(new Set(places)).toEqual(new Set(['h2', 'h3']));
});

fleetTest('what can move where is said by host, check and reason', async () => {
  const hosts = async (guest: string) => (await fleet.api.call('guest.hosts', { params: { guest }, query: {} })).items;
  expect((await hosts('m1')).find(({ hostName }) => hostName === 'h1')?.rejection).toMatchObject({
    check: 'compatibility',
    code: 'incompatible-host',
    reason: expect.stringMatching(/^its processor is argosy32, and .*x86_64.* is run here$/),
  });
  for (const { hostName, rejection } of await hosts('q1'))
    if (hostName !== 'h1')
      expect(rejection).toMatchObject({
        check: 'compatibility',
        reason: 'its processor is x86_64, and argosy32 is run here',
      });
});

fleetTest('a move to a host of the other kind is refused on the command line, with what to ask instead', async () => {
  const refused = await argosy('guest', 'migrate', 'm1', '--to', 'h1');
  expect(refused).toMatchObject({
    status: 1,
    err: expect.stringMatching(
      /h1 does not take m1: .*its processor is argosy32.*\[incompatible-host\]\n.*"argosy guest hosts <guest>"/s,
    ),
  });
  // One of its kind is there and has no other to go to.
  const nowhere = await argosy('guest', 'migrate', 'q1');
  expect(nowhere.status).toBe(1);
  expect(nowhere.err).toMatch(/No other host takes q1: .*its processor is x86_64, and argosy32 is run here/);
});

fleetTest('a guest moves between hosts of its kind, also where nobody says to which', async () => {
  const [guest] = embedded as [LabGuest];
  const before = await guest.host();
  const other = before.name === 'h2' ? 'h3' : 'h2';
  const moved = await argosy('guest', 'migrate', 'm1', '--wait');
  expect(moved).toMatchObject({ status: 0 });
  expect((await guest.host()).name).toBe(other);
  await guest.expectRunsOnce();
  expect((await guest.stats()).boot).toBe(1);
});

fleetTest('a host that is to be emptied is emptied to those of its kind', async () => {
  await fleet.api.call('host.enter-maintenance', { params: { host: 'h3' } });
  await waitFor('it is empty', async () => {
    const { items } = await fleet.api.call('host.list');
    return items.some(({ name, maintenance }) => name === 'h3' && maintenance === 'in');
  });
  expect(await placesOf(embedded)).toEqual(['h2', 'h2', 'h2', 'h2']);
  await fleet.api.call('host.exit-maintenance', { params: { host: 'h3' } });
  await fleet.waitForHosts('online');
});

fleetTest('the guests of a lost host are started on one of its kind alone', async () => {
  const lost = await embedded[1]!.host();
  const other = fleet.host(lost.name === 'h2' ? 'h3' : 'h2');
  await lost.power('off');
  await waitFor(
    'its guests run on the other one',
    async () => (await placesOf(embedded)).every((name) => name === other.name),
    {
      deadlineMs: 90_000,
      seen: () => placesOf(embedded),
    },
  );
  for (const guest of embedded) await guest.expectRunsOnce(60_000);
  expect(await placesOf([onQemu])).toEqual(['h1']);
  expect(await onQemu.stats()).toMatchObject({ boot: 1 });
  await lost.power('on');
  await fleet.waitForHosts('online');
});

fleetTest('and where none of its kind is left a guest waits, and the reason is told', async () => {
  const lost = fleet.host('h1');
  const since = fleet.now();
  await lost.power('off');
  await waitFor('it is told that its guest has nowhere to go', async () => {
    const { items } = await fleet.api.call('alarm.list', { query: {} });
    return items.some(({ message }) => /q1 .*its processor is x86_64, and argosy32 is run here/.test(message));
  });
  expect(await placesOf([onQemu])).toEqual(['nowhere']);
  expect((await fleet.events({ subjectKind: 'host', code: 'host-fenced', since })).length).toBeGreaterThan(0);
  await lost.power('on');
  await fleet.waitForHosts('online');
  await onQemu.expectRunsOnce(90_000);
  expect(await placesOf([onQemu])).toEqual(['h1']);
});
