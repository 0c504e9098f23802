// The host that a guest was moving to with its disk is lost in the instant of the hand-over, for good as far as anybody knows.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type ApiRefusal } from './api-client';
import { KeptDisk } from './kept-disk';
import { Fleet } from './lab';
import type { LabGuest } from './lab-guest';
import { signal, waitFor } from './lab-processes';

let fleet: Fleet;
let guest: LabGuest;
let disk: KeptDisk;
beforeAll(async () => {
  fleet = await Fleet.start({
    hosts: 2,
    hostMemoryMiB: 512,
    pool: { balance: { automation: 'partial' }, failure: { hostFailures: 0 } },
  });
  await fleet.addOwnDatastores();
}, 180_000);
afterAll(() => fleet?.stop(), 60_000);

const folderOn = (host: string): string => join(fleet.folderOf(`local-${host}`), 'guests', guest.id);
const recover = (planOnly: boolean) =>
  fleet.api.call('guest.recover', { params: { guest: guest.id }, body: { from: 'source', planOnly } });
const refusalOf = (answer: Promise<unknown>): Promise<string> =>
  answer.then(
    () => 'accepted',
    (error: unknown) => (error as ApiRefusal).code,
  );

/** h2 has taken the whole guest, is asked to run it, and is lost before it answers. */
async function loseTarget(): Promise<void> {
  const [h1, h2] = [fleet.host('h1'), fleet.host('h2')];
  const body = { host: 'h2', datastore: 'local-h2' };
  await fleet.api.call('guest.migrate', { params: { guest: guest.id }, body });
  const phase = (wanted: string) => () => h1.migrationOf(guest.id)?.phase === wanted;
  await waitFor('the copy begins', phase('copying'), { intervalMs: 3 });
  signal(h2.agentPid(), 'SIGSTOP');
  await waitFor('the source releases it', phase('released'), { intervalMs: 3 });
  await h2.power('off');
}

test('the guest waits with an alarm, and goes on from the disk that it left when an administrator says so', async () => {
  [guest] = (await fleet.createGuests([{ name: 'g', memoryMiB: 64, datastore: 'local-h1' }])) as [LabGuest];
  disk = new KeptDisk(fleet, guest);
  await disk.write();
  await loseTarget();
  expect(await refusalOf(recover(true))).toMatch(/not-confirmed|guest-busy/);
  await waitFor('the alarm says what may be done', async () => {
    const { items } = await fleet.api.call('alarm.list');
    return items.some(({ message }) => message.includes('argosy guest recover g --from-source'));
  });
  expect((await guest.get()).state).toBe('recovering');
  await waitFor('its copy on h1 is ended', async () => (await refusalOf(recover(true))) !== 'guest-busy');
  expect((await recover(true)).loses).toContain('it goes on from its disk on local-h1');
  expect((await guest.get()).state).toBe('recovering');
  await recover(false);
  await guest.expectRunsOnce();
  await disk.expectWhole();
  expect(await refusalOf(recover(false))).toBe('already-ended');
  await fleet.host('h2').power('on');
  await fleet.waitForHosts('online');
  await waitFor('what had come to the other is gone', () => !existsSync(folderOn('h2')));
  await guest.expectRunsOnce();
  await disk.expectWhole();
  expect(readdirSync(folderOn('h1'))).toEqual(['disk.qcow2']);
  await fleet.removeGuest(guest);
}, 180_000);
