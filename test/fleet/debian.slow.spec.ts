// An ordinary operating system, which knows nothing of Argosy but a program on its serial line: it boots by its own boot
// loader, moves live under load, and comes back from its disk when its host is lost.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GuestObservation } from '@argosy/domain/host-report';
import { Fleet } from './lab';
import type { LabGuest } from './lab-guest';
import { waitFor } from './lab-processes';

const minuteMs = 60_000;
const builtDisk = process.env['ARGOSY_TEST_DEBIAN_DISK'];
const memory = { areaMiB: 32, seed: 9 };

function whyNot(): string | undefined {
  if (builtDisk) return undefined;
  if (process.getuid?.() !== 0) return 'building the disk needs root';
  if (spawnSync('mmdebstrap', ['--version']).error) return 'mmdebstrap is not here; apt-get install mmdebstrap';
  return undefined;
}

const reason = whyNot();
const describeHere = reason ? describe.skip : describe;

describeHere(`an unmodified Debian disk${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let fleet: Fleet;
  let guest: LabGuest;

  async function beat(): Promise<GuestObservation['heartbeat']> {
    const { id, epoch } = await fleet.api.call('guest.get', { params: { guest: 'debian' } });
    const { items } = await fleet.api.call('usage.list');
    const copies = items.flatMap(({ guests }) => guests).filter((copy) => copy.guestId === id && copy.epoch === epoch);
    return copies[0]?.heartbeat ?? null;
  }

  async function booted(): Promise<void> {
    await waitFor('Debian beats', beat, { deadlineMs: 8 * minuteMs, intervalMs: 500 });
  }

  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'argosy-debian-'));
    const base = builtDisk ?? join(folder, 'debian.qcow2');
    const builder = join(__dirname, '../../guests/debian/build.mjs');
    if (!builtDisk) execFileSync(process.execPath, [builder, '--out', base], { stdio: ['ignore', 'ignore', 'pipe'] });
    fleet = await Fleet.start({
      hosts: 2,
      hostMemoryMiB: 1024,
      hostMillicores: 1000,
      pool: { balance: { automation: 'partial' } },
    });
    const diskPath = join(fleet.datastore, 'images/debian.qcow2');
    copyFileSync(base, diskPath);
    rmSync(folder, { recursive: true });
    await fleet.api.call('image.create', {
      body: {
        name: 'debian',
        format: 'qcow2',
        firmware: 'bios',
        diskPath,
        datastore: 'datastore',
        minimumMemoryMiB: 256,
      },
    });
    await fleet.api.call('guest.create', {
      body: { name: 'debian', pool: 'pool', image: 'debian', memoryMiB: 256, diskMiB: 2048, start: true },
    });
    await booted();
    guest = await fleet.openGuest('debian');
  }, 20 * minuteMs);
  afterAll(() => fleet?.stop(), minuteMs);

  test(
    'migrates under load without losing a count or a page',
    async () => {
      await guest.ask(`fill ${memory.areaMiB} ${memory.seed}`, 'filled');
      await guest.say(`dirty 10 ${memory.areaMiB} ${memory.seed}`);
      await guest.say('load 300');
      const before = await guest.host();
      const target = fleet.hosts.find((host) => host !== before)!;
      const { id } = await guest.migrate(target);
      expect(await guest.waitForEnd(id, 2 * minuteMs)).toMatchObject({ step: 'done' });
      await guest.expectRunsOnce();
      await guest.expectMemory(memory);
      await guest.say('load 0');
      await guest.say(`dirty 0 ${memory.areaMiB} ${memory.seed}`);
    },
    5 * minuteMs,
  );

  test(
    'is back on the other host when its own loses its power, from its own disk',
    async () => {
      const { boot } = await guest.stats();
      const lost = await guest.host();
      await lost.power('off');
      await waitFor(
        'Debian is placed elsewhere',
        async () => (await guest.get()).hostId !== null && (await guest.host()) !== lost,
        {
          deadlineMs: minuteMs,
        },
      );
      await booted();
      await guest.expectRunsOnce(2 * minuteMs);
      expect((await guest.stats()).boot).toBe(boot + 1);
    },
    12 * minuteMs,
  );
});
