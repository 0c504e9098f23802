// A guest's disk moves on a real fleet, with it to a host that does not reach where it was, or alone under it.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { KeptDisk } from './kept-disk';
import { Fleet } from './lab';
import type { LabGuest } from './lab-guest';
import { signal, waitFor } from './lab-processes';

let fleet: Fleet;
let guest: LabGuest;
let disk: KeptDisk;
beforeAll(async () => {
  fleet = await Fleet.start({ hosts: 2, hostMemoryMiB: 512, pool: { balance: { automation: 'partial' } } });
  await fleet.addOwnDatastores();
  [guest] = (await fleet.createGuests([{ name: 'g', memoryMiB: 64, datastore: 'local-h1' }])) as [LabGuest];
  disk = new KeptDisk(fleet, guest);
}, 180_000);
afterAll(() => fleet?.stop(), 60_000);

const folderOn = (datastore: string): string => join(fleet.folderOf(datastore), 'guests', guest.id);

async function where(): Promise<{ host: string; datastore: string }> {
  const { datastoreId } = await guest.get();
  const { items } = await fleet.api.call('datastore.list');
  const datastore = items.find(({ id }) => id === datastoreId)?.name ?? 'none';
  return { host: (await guest.host()).name, datastore };
}

/** Nothing is left of it, and in the new place lies the disk with its one name. */
async function expectOnlyOn(datastore: string, others: readonly string[]): Promise<void> {
  await waitFor('what it left is gone', () => others.every((other) => !existsSync(folderOn(other))));
  await waitFor('its disk has one name', () => readdirSync(folderOn(datastore)).join() === 'disk.qcow2', {
    seen: () => readdirSync(folderOn(datastore)),
  });
}

test('a guest moves with its disk to a host that does not reach the datastore that it was on', async () => {
  await disk.write();
  await guest.ask('fill 8 3', 'filled');
  const { checksum } = await guest.ask('sum', 'sum');
  const { boot } = await guest.stats();
  expect(await where()).toEqual({ host: 'h1', datastore: 'local-h1' });
  const { id } = await fleet.api.call('guest.migrate', {
    params: { guest: 'g' },
    body: { host: 'h2', datastore: 'local-h2' },
  });
  expect(await guest.waitForEnd(id)).toMatchObject({ step: 'done', failure: null });
  expect(await where()).toEqual({ host: 'h2', datastore: 'local-h2' });
  await guest.expectRunsOnce();
  expect(await guest.ask('sum', 'sum')).toMatchObject({ checksum });
  expect(await guest.stats()).toMatchObject({ boot });
  await disk.expectWhole();
  await expectOnlyOn('local-h2', ['local-h1']);
}, 60_000);

test('its disk moves alone under it, and after a crash it starts from there', async () => {
  await disk.write();
  const { boot } = await guest.stats();
  const { epoch } = await guest.get();
  const { id } = await fleet.api.call('guest.migrate', { params: { guest: 'g' }, body: { datastore: 'datastore' } });
  expect(await guest.waitForEnd(id)).toMatchObject({ step: 'done', failure: null });
  expect(await where()).toEqual({ host: 'h2', datastore: 'datastore' });
  expect(await guest.get()).toMatchObject({ epoch, state: 'running' });
  expect(await guest.stats()).toMatchObject({ boot });
  await disk.expectWhole();
  await disk.write();
  await expectOnlyOn('datastore', ['local-h1', 'local-h2']);
  signal(guest.vmms()[0]?.pid, 'SIGKILL');
  await waitFor('it is started again', async () => (await guest.get()).epoch > epoch);
  await guest.expectRunsOnce();
  await disk.expectWhole();
}, 60_000);

test('what cannot be is refused, and the disk of a stopped guest moves too', async () => {
  const refusal = (body: { host?: string; datastore?: string }): Promise<unknown> =>
    fleet.api.call('guest.migrate', { params: { guest: 'g' }, body }).catch((error: unknown) => error);
  expect(await refusal({ datastore: 'datastore' })).toMatchObject({ code: 'same-host' });
  const other = (await where()).host === 'h1' ? 'h2' : 'h1';
  expect(await refusal({ datastore: `local-${other}` })).toMatchObject({ code: 'datastore-not-reached' });
  const here = other === 'h1' ? 'h2' : 'h1';
  expect(await refusal({ host: other, datastore: `local-${here}` })).toMatchObject({ code: 'datastore-not-reached' });
  await disk.write();
  await disk.stop();
  const { id } = await fleet.api.call('guest.migrate', {
    params: { guest: 'g' },
    body: { datastore: `local-${other}` },
  });
  expect(await guest.waitForEnd(id)).toMatchObject({ step: 'done', failure: null });
  await disk.start();
  expect(await where()).toEqual({ host: other, datastore: `local-${other}` });
  await guest.waitUntilAlive();
  await disk.expectWhole();
  await expectOnlyOn(`local-${other}`, ['datastore']);
}, 60_000);
