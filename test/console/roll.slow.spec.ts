// Rolling maintenance as an administrator sees it: the rounds first, then each host's step, and a button that stops it.
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { Fleet } from '../fleet/lab';
import { Browser, violationsOf } from './browser';

const programs = mkdtempSync(join(tmpdir(), 'argosy-roll-'));
let fleet: Fleet;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  mkdirSync(programs, { recursive: true });
  writeFileSync(join(programs, 'look'), '#!/bin/sh\nsleep 2\necho looked at "$1"\n');
  chmodSync(join(programs, 'look'), 0o755);
  [fleet, browser] = await Promise.all([
    Fleet.start({ hosts: 3, hostEnvironment: () => ({ ARGOSY_ROLL_PROGRAMS: programs }) }),
    Browser.start(),
  ]);
  await fleet.createGuests([{ name: 'web' }, { name: 'db' }]);
  const { url, folder } = fleet.controllers[0]!;
  const token = readFileSync(join(folder, 'token'), 'utf8').trim();
  page = await browser.open(`${url}/pools/pool/maintenance#token=${token}`);
}, 120_000);

afterAll(async () => {
  await browser?.stop();
  await fleet?.stop();
  rmSync(programs, { recursive: true, force: true });
});

const button = (name: string) => page.getByRole('button', { name, exact: true });
const inDialog = (name: string) => page.getByRole('dialog').getByRole('button', { name, exact: true });
const latest = async () => (await fleet.api.call('pool.roll-list', { params: { pool: 'pool' } })).items[0];

async function begin(): Promise<void> {
  await button('Roll the pool').click();
  await page.getByLabel('Command').fill('look twice');
  await inDialog('Show the rounds').click();
  await page.getByRole('region', { name: 'Which hosts go when' }).waitFor();
}

test('the rounds are shown before anything is begun, and a refused command is said in the dialog', async () => {
  await page.getByText('pool was never rolled').waitFor();
  await begin();
  const rows = page.getByRole('region', { name: 'Which hosts go when' }).locator('tbody tr');
  expect((await rows.allInnerTexts()).join(' ')).toMatch(/h1/);
  expect(await latest()).toBeUndefined();
  await page.getByLabel('Command').fill('; reboot');
  await inDialog('Show the rounds').click();
  await page.getByRole('dialog').getByText('must be the name of a program').waitFor();
  expect(await violationsOf(page)).toEqual([]);
  await inDialog('Cancel').click();
}, 60_000);

test('a roll that is stopped finishes the hosts that are begun, and begins no others', async () => {
  await begin();
  await inDialog('Empty 3 hosts in turn').click();
  await page.getByRole('heading', { name: 'The roll under way' }).waitFor();
  await button('Stop after the hosts that are begun').click();
  await page.getByRole('dialog').getByText('will not be begun').waitFor();
  await inDialog('Stop it').click();
  await page.getByText('stopped', { exact: true }).waitFor({ timeout: 60_000 });
  const steps = (await latest())!.hosts.map(({ step }) => step);
  expect(new Set(steps)).toEqual(new Set(['done', 'waiting']));
  expect(await page.getByText('looked at twice').count()).toBe(steps.filter((step) => step === 'done').length);
}, 120_000);

test('a roll is watched to its end, and the one before it is kept', async () => {
  await begin();
  await inDialog('Empty 3 hosts in turn').click();
  await page.getByText('3 of 3').waitFor({ timeout: 120_000 });
  await page.getByText('finished', { exact: true }).waitFor();
  expect(await page.getByRole('region', { name: 'Earlier rolls' }).locator('tbody tr').count()).toBe(1);
  expect(await violationsOf(page)).toEqual([]);
  expect(browser.complaints).toEqual([]);
}, 180_000);
