import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Watchdog } from './watchdog';
import { leaseMarginMs, ordersFile, writeJson } from './watchdog-files';

let root: string;
let watchdog: Watchdog;
let guest: ChildProcess;
const stateFolder = (): string => join(root, 'state');
const leaseFile = (): string => join(root, 'datastore', 'leases', 'h1');
const device = (): string => join(root, 'device');

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'argosy-watchdog-'));
  mkdirSync(join(root, 'datastore', 'leases'), { recursive: true });
  const folder = join(stateFolder(), 'vmm', 'g.1');
  mkdirSync(folder, { recursive: true });
  writeFileSync(device(), '');
  guest = spawn('sleep', ['60'], { cwd: folder, stdio: 'ignore' });
  watchdog = open();
});
afterEach(async () => {
  if (guest.exitCode === null && guest.signalCode === null) {
    guest.kill('SIGKILL');
    await once(guest, 'exit');
  }
  watchdog.stop();
  // A renewal may be under way.
  await sleep(100);
  rmSync(root, { recursive: true, maxRetries: 5 });
});

function open(): Watchdog {
  const datastoreFolder = join(root, 'datastore');
  return new Watchdog({ hostName: 'h1', stateFolder: stateFolder(), datastoreFolder, device: device(), say: () => {} });
}

/** A folder stands where it wants to write: what it renews reaches nobody. */
function block(): void {
  for (;;)
    try {
      rmSync(`${leaseFile()}.new`, { force: true });
      return mkdirSync(`${leaseFile()}.new`);
    } catch {
      // Written again in between.
    }
}
const unblock = (): void => rmdirSync(`${leaseFile()}.new`);

/** Long enough to renew, short enough to wait for. */
const leaseMs = leaseMarginMs + 1_200;
const order = (armed: boolean, forMs = leaseMs): void =>
  writeJson(ordersFile(stateFolder()), { armed, leaseMs: forMs, incarnation: 4 });

async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + 5_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error('it did not come to that within 5 s');
    await sleep(10);
  }
}

const lives = (): boolean => guest.exitCode === null && guest.signalCode === null;

test('while the lease is renewed no guest is touched, and the kernel watchdog is fed', async () => {
  order(true, 60_000);
  watchdog.start();
  await until(() => existsSync(leaseFile()));
  const first = JSON.parse(readFileSync(leaseFile(), 'utf8')) as { sequence: string };
  expect(first).toMatchObject({ armed: true, leaseMs: 60_000, incarnation: 4 });
  await until(() => !readFileSync(leaseFile(), 'utf8').includes(first.sequence));
  expect(lives()).toBe(true);
  expect(readFileSync(device(), 'utf8').length).toBeGreaterThan(1);
});

test('where it cannot be renewed, the guests end before it does', async () => {
  order(true);
  watchdog.start();
  await until(() => existsSync(leaseFile()));
  const begun = performance.now();
  block();
  await until(() => !lives());
  expect(performance.now() - begun).toBeLessThan(leaseMs);
  unblock();
});

test('its next process keeps the deadline of the one that died', async () => {
  order(true);
  watchdog.start();
  await until(() => existsSync(leaseFile()));
  await sleep(100);
  block();
  const next = open();
  next.start();
  await until(() => !lives());
  next.stop();
  unblock();
});

test('an order that arms it counts from when its renewal begins, though that fails: a controller may have seen it', async () => {
  block();
  order(true);
  watchdog.start();
  await until(() => !lives());
  unblock();
});

test('unarmed it ends nobody, whatever becomes of the lease, and lets the kernel watchdog go in order', async () => {
  order(true);
  watchdog.start();
  await until(() => existsSync(leaseFile()));
  order(false);
  await until(() => readFileSync(device(), 'utf8').endsWith('V'));
  block();
  await sleep(leaseMs - leaseMarginMs + 300);
  expect(lives()).toBe(true);
  unblock();
});
