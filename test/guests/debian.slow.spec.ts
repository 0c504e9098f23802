import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { replayChecksum } from '@argosy/domain/guest-console';
import { BareGuest, migratableMemory, migrateBare } from './bare-guest';

const minuteMs = 60000;
jest.setTimeout(20 * minuteMs);

/** A disk that was built before, to save its minutes; without it the test builds one. */
const builtDisk = process.env['ARGOSY_TEST_DEBIAN_DISK'];

function whyNot(): string | undefined {
  if (builtDisk) return undefined;
  if (process.getuid?.() !== 0) return 'building the disk needs root';
  if (spawnSync('mmdebstrap', ['--version']).error) return 'mmdebstrap is not here; apt-get install mmdebstrap';
  return undefined;
}

const folder = mkdtempSync(join(tmpdir(), 'argosy-debian-test-'));
const guests: BareGuest[] = [];
const drive = ['-drive', `file=${join(folder, 'disk.qcow2')},if=virtio`];

async function start(name: string, ...extra: string[]): Promise<BareGuest> {
  const guest = await BareGuest.start(folder, name, [
    ...['-accel', 'tcg,tb-size=64', '-cpu', 'qemu64', '-M', 'pc-i440fx-7.2', '-m', migratableMemory(256)],
    ...drive,
    ...extra,
  ]);
  guests.push(guest);
  return guest;
}

const reason = whyNot();
const describeHere = reason ? describe.skip : describe;

describeHere(`an ordinary Debian disk${reason ? ` (skipped: ${reason})` : ''}`, () => {
  beforeAll(() => {
    const base = builtDisk ?? join(folder, 'base.qcow2');
    const builder = join(__dirname, '../../guests/debian/build.mjs');
    if (!builtDisk) execFileSync(process.execPath, [builder, '--out', base], { stdio: ['ignore', 'ignore', 'pipe'] });
    const overlay = ['create', '-q', '-f', 'qcow2', '-b', base, '-F', 'qcow2', join(folder, 'disk.qcow2')];
    execFileSync('qemu-img', overlay);
  });

  afterEach(async () => {
    await Promise.all(guests.splice(0).map((guest) => guest.kill()));
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('boots by its own boot loader, and moves under load without losing a count or a page', async () => {
    const source = await start('source');
    const { boot } = await source.next('ready', 0, 6 * minuteMs);
    expect(boot).toBeGreaterThan(0);
    source.send('dirty 20 32 9');
    await source.next('filled');
    const target = await start('target', '-S', '-incoming', 'defer');
    await migrateBare(source, target, join(folder, 'migration'));
    const { steps, checksum } = await target.ask('sum', 'sum');
    expect(checksum).toBe(replayChecksum({ areaMiB: 32, seed: 9, steps }));
    const counts = [...source.heartbeats, ...target.heartbeats];
    expect(counts).toEqual(counts.map((_, index) => index + 1));
    expect(target.heartbeats.length).toBeGreaterThan(0);
  });

  it('starts again from its disk after a kill, and turns off by the power button', async () => {
    const guest = await start('again');
    expect((await guest.next('ready', 0, 6 * minuteMs)).boot).toBeGreaterThan(1);
    await new Promise((resolve) => setTimeout(resolve, minuteMs / 2));
    await guest.qmp('system_powerdown');
    const isShutdown = () => guest.events.find(({ event }) => event === 'SHUTDOWN');
    expect((await guest.until('SHUTDOWN', isShutdown, minuteMs)).data).toMatchObject({ guest: true });
  });
});
