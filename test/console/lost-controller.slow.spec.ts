import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { Fleet } from '../fleet/lab';
import { type LabController, waitFor } from '../fleet/lab-processes';
import { Browser } from './browser';

// Two controllers, of which one leads: the console of the one that is lost, and the way to the other.

let fleet: Fleet;
let browser: Browser;
let page: Page;
let lost: LabController;

beforeAll(async () => {
  [fleet, browser] = await Promise.all([Fleet.start({ hosts: 1, controllers: 2 }), Browser.start()]);
  await fleet.createGuests([{ name: 'web' }]);
  lost = await fleet.leader();
  const token = readFileSync(join(fleet.controllers[0]!.folder, 'token'), 'utf8').trim();
  page = await browser.open(`${lost.url}/guests#token=${token}`);
  await page.getByText('Live', { exact: true }).waitFor();
}, 180_000);

afterAll(async () => {
  await browser?.stop();
  await fleet?.stop();
}, 60_000);

const connectionIsLost = () => page.getByText('The connection to the controller is lost');
const inTheTable = (name: string) => page.getByRole('table').getByRole('link', { name, exact: true });

test('the console of a controller that is lost says so, keeps what it showed, and leads to the one that leads now', async () => {
  await lost.kill();
  await connectionIsLost().waitFor();
  await inTheTable('web').waitFor();
  const leader = await waitFor('the other controller leads', async () => {
    const now = await fleet.leader();
    return now.url === lost.url ? null : now;
  });
  await waitFor('the guest is renamed by the other', () =>
    fleet.api.call('guest.update', { params: { guest: 'web' }, body: { name: 'renamed' } }).catch(() => null),
  );
  // It comes back, and does not lead: it says who does.
  await lost.start();
  const way = page.getByRole('link', { name: `Open ${leader.url}` });
  await way.waitFor({ timeout: 60_000 });
  await way.click();
  await inTheTable('renamed').waitFor({ timeout: 60_000 });
  await page.getByText('Live', { exact: true }).waitFor();
  expect(page.url()).toBe(`${leader.url}/guests`);
}, 180_000);

test('there it goes on: what the leader does is shown as it happens', async () => {
  await fleet.api.call('guest.update', { params: { guest: 'renamed' }, body: { name: 'renamed-again' } });
  await inTheTable('renamed-again').waitFor();
  expect(await connectionIsLost().count()).toBe(0);
  expect(browser.complaints).toEqual([]);
}, 60_000);
