import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { Fleet } from '../fleet/lab';
import { waitFor } from '../fleet/lab-processes';
import { Browser, violationsOf } from './browser';

// A guest's screen in a real browser: what a real QEMU draws, from its firmware's first line on.

let fleet: Fleet;
let browser: Browser;
let page: Page;
const tokenOf = () => readFileSync(join(fleet.controllers[0]!.folder, 'token'), 'utf8').trim();
const address = (path: string) => `${fleet.controllers[0]!.url}${path}`;

/** A boot sector that draws each key: next: mov ah,0; int 16h; mov ah,0eh; mov bx,7; int 10h; jmp next. */
function typewriter(): Buffer {
  const disk = Buffer.alloc(1024 * 1024);
  Buffer.from('b400cd16b40ebb0700cd10ebf3', 'hex').copy(disk);
  disk.writeUInt16LE(0xaa55, 510);
  return disk;
}

beforeAll(async () => {
  [fleet, browser] = await Promise.all([Fleet.start({ hosts: 2 }), Browser.start()]);
  const diskPath = join(fleet.datastore, 'images/typewriter.raw');
  writeFileSync(diskPath, typewriter());
  await fleet.api.call('image.create', { body: { name: 'typewriter', format: 'raw', firmware: 'bios', diskPath } });
  const typewriterGuest = { pool: 'pool', image: 'typewriter', memoryMiB: 32, start: true } as const;
  await fleet.api.call('guest.create', { body: { ...typewriterGuest, name: 'pc', display: 'standard' } });
  await fleet.createGuests([{ name: 'serial' }]);
  page = await browser.open(address(`/#token=${tokenOf()}`));
  await page.getByText('2 of 2').first().waitFor();
}, 120_000);

afterAll(async () => {
  await browser?.stop();
  await fleet?.stop();
});

const frame = () => page.locator('.screen-frame');

/** How many pixels of what is seen are not black. */
const lit = (): Promise<number> =>
  page.evaluate(() => {
    const canvas = document.querySelector<HTMLCanvasElement>('.screen-live canvas');
    if (!canvas || canvas.width === 0) return 0;
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let at = 0; at < data.length; at += 4) if (data[at]! + data[at + 1]! + data[at + 2]! > 0) count += 1;
    return count;
  });

async function typeUntilDrawn(text: string): Promise<void> {
  const before = await lit();
  await page.keyboard.type(text, { delay: 40 });
  await waitFor(`${text} is drawn`, async () => (await lit()) > before, { deadlineMs: 20_000, seen: lit });
}

test('the screen is drawn, and what is typed on it, before and after a live migration, on one open page', async () => {
  await page.goto(address('/guests/pc/screen'));
  await page.locator('.screen-frame[data-live="true"]').waitFor();
  await waitFor('the firmware has drawn', async () => (await lit()) > 100);
  await frame().click();
  await typeUntilDrawn('before');
  const { hostId } = await fleet.api.call('guest.get', { params: { guest: 'pc' } });
  const hosts = (await fleet.api.call('host.list')).items;
  const target = hosts.find(({ id }) => id !== hostId)!;
  const drawn = await lit();
  // The least that anybody who looks sees meanwhile, frame by frame.
  await page.evaluate(() => {
    const seen = ((window as unknown as { seen: number[] }).seen = [] as number[]);
    const look = () => {
      const canvases = [...document.querySelectorAll<HTMLCanvasElement>('.screen-live canvas')];
      seen.push(Math.max(0, ...canvases.map(({ width }) => width)));
      requestAnimationFrame(look);
    };
    look();
  });
  await fleet.api.call('guest.migrate', { params: { guest: 'pc' }, body: { host: target.id } });
  await page.getByText(`now on ${target.name}`).waitFor();
  await page.locator('.screen-frame[data-live="true"]').waitFor();
  expect(await page.evaluate(() => Math.min(...(window as unknown as { seen: number[] }).seen))).toBeGreaterThan(0);
  await waitFor('the picture is whole on the target', async () => (await lit()) >= drawn * 0.9, { seen: lit });
  // The keyboard is the screen's still: nobody has to click again.
  await typeUntilDrawn('after');
  expect(await violationsOf(page)).toEqual([]);
}, 120_000);

test('keys leave the screen by one chord, so that nobody without a pointer is kept there', async () => {
  await frame().click();
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('CANVAS');
  await page.keyboard.press('Shift+Escape');
  expect(await page.evaluate(() => document.activeElement?.textContent)).toContain('Ctrl+Alt+Del');
});

test('the VMM’s socket is its agent’s alone', () => {
  const sockets = fleet.hosts.flatMap(({ stateFolder }) => {
    const folder = join(stateFolder, 'vmm');
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => /(^|\/)screen$/.test(name))
      .map((name) => statSync(join(folder, name)).mode & 0o777);
  });
  expect(sockets).toEqual([0o600]);
});

test('a guest without a screen says so, and how it would get one', async () => {
  await page.goto(address('/guests/serial/screen'));
  await page.getByRole('heading', { name: 'serial has no screen' }).waitFor();
  await page.getByRole('link', { name: 'Settings of serial' }).click();
  await page.getByLabel('Display').waitFor();
  const asked = fleet.api.call('guest.screen', { params: { guest: 'serial' } });
  await expect(asked).rejects.toMatchObject({ code: 'no-screen' });
  expect(await violationsOf(page)).toEqual([]);
});

test('whoever may not use consoles gets no screen, and an address of one is good once', async () => {
  await fleet.api.call('user.create', { body: { name: 'vera', role: 'viewer' } });
  const { secret } = await fleet.api.call('token.create', { body: { user: 'vera' } });
  const other = await browser.open(address(`/guests/pc#token=${secret}`));
  await other.getByRole('heading', { name: 'pc' }).waitFor();
  expect(await other.getByRole('tab', { name: 'Screen' }).count()).toBe(0);
  await other.close();
  const { path } = await fleet.api.call('guest.screen', { params: { guest: 'pc' } });
  /** What RFB's server says first, or that the socket was not opened. */
  const greeting = (url: string) =>
    page.evaluate(
      (socketUrl) =>
        new Promise<string>((resolve) => {
          const socket = new WebSocket(new URL(socketUrl, location.href.replace(/^http/, 'ws')), ['binary']);
          socket.binaryType = 'arraybuffer';
          socket.onmessage = ({ data }) => {
            socket.close();
            resolve(String.fromCharCode(...new Uint8Array(data as ArrayBuffer)).trim());
          };
          socket.onerror = () => resolve('refused');
        }),
      url,
    );
  expect(await greeting(path)).toBe('RFB 003.008');
  expect(await greeting(path)).toBe('refused');
  expect(await greeting('/api/v1/screens/nonsense')).toBe('refused');
});

test('a screen ends when its guest is shut off, and the page says what there is to do', async () => {
  await page.goto(address('/guests/pc/screen'));
  await page.locator('.screen-frame[data-live="true"]').waitFor();
  await fleet.api.call('guest.stop', { params: { guest: 'pc' }, body: { force: true } });
  await page.getByRole('heading', { name: 'pc is stopped' }).waitFor();
  expect(browser.complaints.filter((text) => !text.includes('WebSocket connection to'))).toEqual([]);
});
