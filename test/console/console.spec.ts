import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { Fleet } from '../fleet/lab';
import { Browser, violationsOf } from './browser';

// The console in a real browser, against a real controller, agents and QEMU.

let fleet: Fleet;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  [fleet, browser] = await Promise.all([Fleet.start({ hosts: 2 }), Browser.start()]);
  page = await browser.open(fleet.controllers[0]!.url);
}, 90_000);

afterAll(async () => {
  await browser?.stop();
  await fleet?.stop();
});

const tokenOf = () => readFileSync(join(fleet.controllers[0]!.folder, 'token'), 'utf8').trim();
const button = (name: string) => page.getByRole('button', { name, exact: true });

test('a wrong token is refused with the server’s words, and the right one shows the fleet', async () => {
  await page.getByLabel('Token').fill('nonsense');
  await button('Sign in').click();
  await page.getByText('This token is unknown').waitFor();
  await page.getByLabel('Token').fill(tokenOf());
  await button('Sign in').click();
  await page.getByText('2 of 2').waitFor();
  expect(await violationsOf(page)).toEqual([]);
});

test('a pool is defined, and a guest is created, started and seen to run', async () => {
  await page.getByRole('link', { name: 'Pools' }).click();
  await button('Create a pool').click();
  await page.getByLabel('Name').fill('Not A Name');
  await button('Create').click();
  await page.getByText('must be 1 to 63 lower-case letters').waitFor();
  await page.getByLabel('Name').fill('second');
  await button('Create').click();
  await page.getByRole('heading', { name: 'second' }).waitFor();

  await page.goto(`${fleet.controllers[0]!.url}/guests`);
  await button('Create a guest').click();
  await page.getByLabel('Name').fill('web');
  await page.getByLabel('Pool', { exact: true }).selectOption({ label: 'pool' });
  await page.getByLabel('Memory (MiB)').fill('32');
  await button('Create and start').click();
  await page.getByRole('heading', { name: 'web' }).waitFor();
  await page.locator('.page-title').getByText('running').waitFor();
  await page.getByText(/\d+ beats?, the last/).waitFor();
  expect(await violationsOf(page)).toEqual([]);
});

test('everything has its own address, and the search finds it', async () => {
  const address = page.url();
  await page.reload();
  await page.getByRole('heading', { name: 'web' }).waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('h2');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'h2' }).waitFor();
  await page.goBack();
  expect(page.url()).toBe(address);
  expect(browser.complaints).toEqual([]);
});
