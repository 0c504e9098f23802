import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page, Response } from 'playwright-core';
import { Fleet } from '../fleet/lab';
import type { LabGuest } from '../fleet/lab-guest';
import { waitFor } from '../fleet/lab-processes';
import { Browser, violationsOf } from './browser';

// What takes longer, or breaks something: each in the browser as an administrator would see it.

let fleet: Fleet;
let browser: Browser;
let page: Page;
let web: LabGuest;

beforeAll(async () => {
  [fleet, browser] = await Promise.all([
    Fleet.start({ hosts: 2, pool: { balance: { automation: 'partial' } } }),
    Browser.start(),
  ]);
  [web] = (await fleet.createGuests([{ name: 'web' }, { name: 'db' }])) as [LabGuest, LabGuest];
  page = await browser.open(`${fleet.controllers[0]!.url}/#token=${tokenOf()}`);
  await page.getByText('2 of 2').first().waitFor();
}, 120_000);

afterAll(async () => {
  await browser?.stop();
  await fleet?.stop();
});

const tokenOf = () => readFileSync(join(fleet.controllers[0]!.folder, 'token'), 'utf8').trim();
const button = (name: string | RegExp) => page.getByRole('button', { name, exact: true });
const open = async (path: string) => {
  await page.goto(`${fleet.controllers[0]!.url}${path}`);
};
/** The answers to `stats` that have stood in the terminal, each known by its count: heartbeats push them out of sight. */
const answers = new Set<string>();
const nextAnswer = async (when: string): Promise<void> => {
  const before = answers.size;
  const look = async () => {
    const text = await page.locator('.xterm-rows').innerText();
    for (const [, count = ''] of text.matchAll(/stats\scount=(\d+)/g)) answers.add(count);
    return answers.size > before;
  };
  await waitFor(`an answer to what was typed ${when} the migration`, look, {
    seen: () => page.locator('.xterm-rows').innerText(),
  });
};

/** A dialog that was closed gives the focus back to where it was, a moment later. */
const focusTerminal = async (): Promise<void> => {
  const terminal = page.locator('.xterm-helper-textarea');
  await waitFor('the terminal has the focus', async () => {
    await page.locator('.console-frame').click();
    await sleep(300);
    return terminal.evaluate((element) => element === document.activeElement);
  });
};

const typeLine = async (line: string): Promise<void> => {
  await focusTerminal();
  await page.keyboard.type(`${line}\n`);
};

test('the token leaves the address at once, and a viewer is offered nothing that would be refused', async () => {
  expect(page.url()).not.toContain('token');
  await fleet.api.call('user.create', { body: { name: 'vera', role: 'viewer' } });
  const { secret } = await fleet.api.call('token.create', { body: { user: 'vera' } });
  const other = await browser.open(`${fleet.controllers[0]!.url}/guests/web#token=${secret}`);
  await other.getByRole('heading', { name: 'web' }).waitFor();
  await other.locator('.page-title').getByText('running').waitFor();
  expect(await other.locator('.page-actions button').count()).toBe(0);
  expect(await other.getByRole('tab', { name: 'Console' }).count()).toBe(0);
  await other.close();
});

test('a line typed before, during and after a live migration arrives, with the console open', async () => {
  await open('/guests/web/console');
  await page.locator('.xterm-rows').getByText('hb').first().waitFor();
  await typeLine('stats');
  await nextAnswer('before');
  const before = await fleet.api.call('guest.get', { params: { guest: 'web' } });
  await button('Migrate').click();
  const target = before.hostId === (await fleet.api.call('host.get', { params: { host: 'h1' } })).id ? 'h2' : 'h1';
  await page.getByRole('radio', { name: target, exact: true }).check();
  await page.getByRole('dialog').getByRole('button', { name: 'Migrate' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await typeLine('stats');
  await nextAnswer('during');
  await page.getByText(`now on ${target}`).waitFor();
  await typeLine('stats');
  await nextAnswer('after');
  await open('/guests/web/placements');
  await page.getByRole('cell', { name: target }).first().waitFor();
  expect(await violationsOf(page)).toEqual([]);
}, 90_000);

test('lines typed without a pause while the guest moves are each heard once and in order, at the hand-over as well', async () => {
  await open('/guests/web/console');
  await page.locator('.xterm-rows').getByText('hb').first().waitFor();
  await focusTerminal();
  const typed: string[] = [];
  const typeNext = async () => {
    typed.push(`line-${typed.length}`);
    await page.keyboard.type(`ping ${typed.at(-1)}\n`);
  };
  const heard = () => web.record.lines().flatMap((line) => (line.kind === 'pong' ? [line.token] : []));
  for (let move = 0; move < 3; move++) {
    const { hostId } = await web.get();
    const target = (await fleet.api.call('host.list')).items.find(({ id }) => id !== hostId)!;
    await fleet.api.call('guest.migrate', { params: { guest: 'web' }, body: { host: target.id } });
    let now = await web.get();
    for (; now.hostId !== target.id || now.state !== 'running'; now = await web.get()) await typeNext();
    for (let more = 0; more < 5; more++) await typeNext();
  }
  await waitFor('the last line is answered', () => heard().includes(typed.at(-1)!), { seen: () => heard().slice(-3) });
  expect(heard()).toEqual(typed);
}, 120_000);

test('recommendations are found, shown with their reason, and applied', async () => {
  const hosts = (await fleet.api.call('host.list')).items;
  const [here] = hosts;
  for (const guest of ['web', 'db']) {
    const { hostId } = await fleet.api.call('guest.get', { params: { guest } });
    if (hostId !== here!.id) {
      await fleet.api.call('guest.migrate', { params: { guest }, body: { host: here!.id } });
      await waitFor(`${guest} is on ${here!.name}`, async () => {
        const now = await fleet.api.call('guest.get', { params: { guest } });
        return now.hostId === here!.id && now.state === 'running';
      });
    }
    await fleet.api.call('guest.console-write', { params: { guest }, body: { text: 'load 600\n' } });
  }
  await fleet.settings({ balance: { coolDownMs: 0, threshold: 5 } });
  await open('/pools/pool/balance');
  await waitFor(
    'a recommendation',
    async () => {
      await button('Look now').click();
      return (await button(/^Apply all/).count()) > 0;
    },
    { intervalMs: 2000 },
  );
  // The load still rises: what was found may be withdrawn for a graver reason, and applying it is then refused.
  await waitFor(
    'somebody has moved',
    async () => {
      const { items } = await fleet.api.call('guest.list');
      if (items.some(({ hostId }) => hostId !== here!.id)) return true;
      if ((await button(/^Apply all/).count()) > 0) await button(/^Apply all/).click();
      return false;
    },
    { intervalMs: 2000, seen: () => page.locator('body').innerText() },
  );
  await page.getByText('applied').first().waitFor();
}, 120_000);

test('a lost controller is said, and when it is back the console goes on by itself', async () => {
  await open('/guests');
  await page.getByText('Live').waitFor();
  const [controller] = fleet.controllers;
  await controller!.kill();
  await page.getByText('The connection to the controller is lost').waitFor();
  await controller!.start();
  await page.getByText('The connection to the controller is lost').waitFor({ state: 'detached', timeout: 60_000 });
  await fleet.waitForHosts('online');
  await fleet.api.call('guest.update', { params: { guest: 'db' }, body: { name: 'db-renamed' } });
  await page.getByRole('table').getByRole('link', { name: 'db-renamed' }).waitFor();
}, 120_000);

test('what if a host were lost: asked, watched to its report, and set beside another', async () => {
  const simulate = async (host: string) => {
    await open('/simulations');
    await button('Ask what if').click();
    await page.getByRole('group', { name: 'If these hosts lost their power' }).getByLabel(host).check();
    await button('Simulate').click();
    await page.getByRole('heading', { name: `pool: ${host} lost` }).waitFor();
    await page.locator('.page-title').getByText('done').waitFor();
  };
  await simulate('h1');
  await simulate('h2');
  await page.getByLabel('Compare with').selectOption({ index: 1 });
  await page.getByRole('columnheader', { name: 'pool: h1 lost' }).waitFor();
  expect(page.url()).toContain('?with=');
  const { state } = await fleet.api.call('host.get', { params: { host: 'h2' } });
  expect(state).toBe('online');
  expect(await violationsOf(page)).toEqual([]);
}, 60_000);

test('a disk of this computer is uploaded, whole, and is an image', async () => {
  const disk = join(fleet.folder, 'Small Disk.qcow2');
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', disk, '64M']);
  execFileSync('qemu-io', ['-c', 'write -q -P 5 0 20M', disk]);
  await open('/images');
  await button('Upload a disk').click();
  await page.getByLabel('File').setInputFiles(disk);
  await button('Upload').click();
  await page.getByRole('cell', { name: 'small-disk', exact: true }).waitFor();
  const { diskPath } = await fleet.api.call('image.get', { params: { id: 'small-disk' } });
  expect(readFileSync(diskPath!).equals(readFileSync(disk))).toBe(true);
}, 60_000);

test('a disk is moved to another datastore under a running guest, and where it could not go is said', async () => {
  const path = join(fleet.folder, 'second');
  mkdirSync(path);
  await fleet.api.call('datastore.create', { body: { name: 'second', path, shared: true } });
  await fleet.api.call('datastore.create', { body: { name: 'nowhere', path: '/nowhere', shared: true } });
  const { id } = (await fleet.api.call('datastore.list')).items.find(({ name }) => name === 'second')!;
  await waitFor('it is measured', async () => (await fleet.api.call('datastore.get', { params: { id } })).use !== null);
  await open('/guests/web/disks');
  await button('Move the disk').click();
  const dialog = page.getByRole('dialog');
  expect(await dialog.getByRole('radio', { name: 'nowhere' }).isDisabled()).toBe(true);
  await dialog.getByText('does not reach nowhere').waitFor();
  expect(await violationsOf(page)).toEqual([]);
  await dialog.getByRole('radio', { name: 'second' }).check();
  await dialog.getByRole('button', { name: 'Move the disk' }).click();
  await page.getByText(`second (${path})`).waitFor();
  expect(await web.get()).toMatchObject({ datastoreId: id, state: 'running' });
}, 60_000);

test('a chart has its past after a reload, and the pool’s hosts are drawn beside each other over time', async () => {
  await waitFor(
    'a point is kept',
    async () => (await fleet.api.call('usage.history', { query: { guest: 'web' } })).usedMillicores.some(Boolean),
    { deadlineMs: 50_000, intervalMs: 1000 },
  );
  await open('/guests');
  const isPast = (response: Response) => response.url().includes('/usage/history');
  // The page is loaded anew: all that it has of before is what it is told.
  const [past] = await Promise.all([page.waitForResponse(isPast), open('/guests/web')]);
  expect(((await past.json()) as { at: number[] }).at.length).toBeGreaterThan(0);
  await page.locator('.uplot canvas').waitFor();
  await page.getByText('Use against entitlement').waitFor();
  await open('/pools/pool/load');
  await page
    .getByRole('img', { name: /^Processors used by each host of pool/ })
    .locator('canvas')
    .first()
    .waitFor();
  expect(await violationsOf(page)).toEqual([]);
}, 90_000);

test('a drill is predicted before it is begun, and nothing is broken by asking', async () => {
  await open('/drills/new?kind=host-loss');
  await button('Predict it').click();
  await page.getByText(/should be away/).waitFor();
  expect((await fleet.api.call('drill.list')).items).toEqual([]);
}, 60_000);

test('a drill runs to its report, and the report has what the API says', async () => {
  await open('/drills/new?kind=host-loss');
  await page.getByLabel('Noticed within (s)').fill('60');
  await page.getByLabel(/^Yes: do this to/).check();
  await button('Run the drill').click();
  await page.getByRole('heading', { name: /^Lose a host: h/ }).waitFor();
  await page.locator('.page-title').getByText('finished').waitFor({ timeout: 150_000 });
  const [drill] = (await fleet.api.call('drill.list')).items;
  for (const { guestName } of drill!.outages) await page.getByRole('link', { name: guestName }).first().waitFor();
  await page
    .getByText(drill!.verdict === 'met' ? 'Every objective was met.' : 'Not every objective was met.')
    .waitFor();
  expect(await violationsOf(page)).toEqual([]);
  expect(browser.complaints).toEqual([]);
}, 240_000);
