// What is done to a guest's disk and memory on a real fleet: nothing that it knew may differ afterwards.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { replayDiskChecksum } from '@argosy/domain/guest-console';
import type { Guest } from '@argosy/domain/entities';
import { Fleet, type LabGuest, signal, waitFor } from './lab';

const sectors = 512;

let fleet: Fleet;
let guest: LabGuest;
beforeAll(async () => {
  fleet = await Fleet.start({ hosts: 2, hostMemoryMiB: 512, pool: { balance: { automation: 'partial' } } });
  [guest] = (await fleet.createGuests([{ name: 'g', memoryMiB: 64 }])) as [LabGuest];
}, 180_000);
afterAll(() => fleet?.stop(), 60_000);

const inState = (state: Guest['state']) =>
  waitFor(`g is ${state}`, async () => (await guest.get()).state === state, { seen: () => guest.get() });
const power = async (verb: 'start' | 'stop' | 'suspend', state: Guest['state']) => {
  const body = verb === 'stop' ? { body: { force: true } } : {};
  await fleet.api.call(`guest.${verb}`, { params: { guest: 'g' }, ...body });
  await inState(state);
};
const fill = (seed: number) => guest.ask(`disk fill ${sectors} ${seed}`, 'diskFilled');
const expectDisk = async (seed: number) =>
  expect(await guest.ask(`disk sum ${sectors}`, 'diskSum')).toMatchObject({
    checksum: replayDiskChecksum({ sectors, seed }),
  });

test('a suspended guest frees its host, and goes on elsewhere with its memory', async () => {
  await fill(1);
  await guest.ask('fill 8 3', 'filled');
  const { checksum } = await guest.ask('sum', 'sum');
  const { boot } = await guest.ask('stats', 'stats');
  const before = (await guest.get()).hostId;
  await power('suspend', 'suspended');
  expect((await guest.get()).hostId).toBeNull();
  await fleet.api.call('host.enter-maintenance', { params: { host: before! } });
  await power('start', 'running');
  expect((await guest.get()).hostId).not.toBe(before);
  expect(await guest.ask('sum', 'sum')).toMatchObject({ checksum });
  expect(await guest.ask('stats', 'stats')).toMatchObject({ boot });
  await expectDisk(1);
  await fleet.api.call('host.exit-maintenance', { params: { host: before! } });
}, 120_000);

test('a snapshot is taken although agent and controller die in the middle, and the guest goes back to it', async () => {
  const { boot } = await guest.ask('stats', 'stats');
  const { id } = await fleet.api.call('snapshot.take', { params: { guest: 'g' }, body: { name: 's1' } });
  const host = await fleet.hostNamed((await guest.get()).hostId);
  signal(host.agentPid(), 'SIGKILL');
  await fleet.controllers[0]!.kill();
  await fleet.controllers[0]!.start();
  await waitFor('it is taken', async () => {
    const { items } = await fleet.api.call('snapshot.list', { params: { guest: 'g' } });
    return items.some((each) => each.id === id && each.state === 'ready');
  });
  expect(await guest.ask('stats', 'stats')).toMatchObject({ boot });
  await fill(2);
  await expectDisk(2);
  await power('stop', 'stopped');
  await fleet.api.call('snapshot.revert', { params: { guest: 'g', snapshot: 's1' } });
  await inState('suspended');
  await power('start', 'running');
  expect(await guest.ask('stats', 'stats')).toMatchObject({ boot });
  await expectDisk(1);
}, 180_000);

test('its files are deleted with it', async () => {
  const folder = join(fleet.datastore, 'guests', guest.id);
  expect(existsSync(folder)).toBe(true);
  await fleet.removeGuest(guest);
  await waitFor('they are gone', () => !existsSync(folder));
}, 60_000);
