import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { replayChecksum, replayDiskChecksum } from '@argosy/domain/guest-console';
import { BareGuest, migratableMemory, migrateBare } from './bare-guest';

jest.setTimeout(120000);

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const folder = mkdtempSync(join(tmpdir(), 'argosy-linux-'));
const guests: BareGuest[] = [];
let image: { kernel: string; initrd: string; append: string; memoryMiB: number };

beforeAll(() => {
  const builder = join(__dirname, '../../guests/linux/build.mjs');
  execFileSync(process.execPath, [builder, '--out', folder], { stdio: ['ignore', 'ignore', 'pipe'] });
  image = JSON.parse(readFileSync(join(folder, 'image.json'), 'utf8')) as typeof image;
});

afterEach(async () => {
  await Promise.all(guests.splice(0).map((guest) => guest.kill()));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function start(name: string, ...extra: string[]): Promise<BareGuest> {
  const megahertz = /cpu MHz\s*: ([\d.]+)/.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '2000';
  const append = image.append.replace('@hostKHz@', String(Math.round(Number(megahertz) * 1000)));
  const guest = await BareGuest.start(folder, name, [
    ...['-accel', 'tcg,tb-size=16', '-cpu', 'qemu64', '-M', 'pc-i440fx-7.2', '-m', migratableMemory(image.memoryMiB)],
    ...['-kernel', join(folder, image.kernel), '-initrd', join(folder, image.initrd), '-append', append],
    ...extra,
  ]);
  guests.push(guest);
  return guest;
}

function disk(name: string): string[] {
  const path = join(folder, `${name}.qcow2`);
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', path, '8M']);
  return ['-drive', `file=${path},if=virtio`];
}

const consecutive = (counts: number[]) => counts.map((_, index) => (counts[0] ?? 0) + index);

describe('the small Linux guest', () => {
  it('obeys the same commands as the tiny one', async () => {
    const guest = await start('one', ...disk('commands'));
    expect((await guest.next('ready', 0, 60000)).boot).toBe(1);
    expect((await guest.next('heartbeat', 0, 60000)).count).toBe(1);
    expect((await guest.ask('ping there', 'pong')).token).toBe('there');
    expect((await guest.ask('disk fill 1000 5', 'diskFilled')).sectors).toBe(1000);
    expect((await guest.ask('disk sum 1000', 'diskSum')).checksum).toBe(replayDiskChecksum({ sectors: 1000, seed: 5 }));
    guest.send('fill 8 7');
    await guest.next('filled', 0, 60000);
    expect((await guest.ask('sum', 'sum')).checksum).toBe(replayChecksum({ areaMiB: 8, seed: 7, steps: 0 }));
    expect((await guest.ask('load 1001', 'error')).expected).toBe('load <permille 0..1000>');
    expect(guest.heartbeats).toEqual(consecutive(guest.heartbeats));
  });

  it('turns off by the power button', async () => {
    const guest = await start('one', ...disk('button'));
    await guest.next('heartbeat', 0, 60000);
    await sleep(3000);
    await guest.qmp('system_powerdown');
    expect((await guest.event('SHUTDOWN')).data).toMatchObject({ guest: true });
  });

  it('moves under load, and loses neither a count nor a page', async () => {
    const drive = disk('move');
    let guest = await start('host0', ...drive);
    guest.send('tick 10');
    guest.send('load 200');
    guest.send('dirty 20 32 9');
    await guest.next('filled', 0, 60000);
    let last = 0;
    for (let move = 1; move <= 3; move++) {
      const target = await start(`host${move}`, ...drive, '-S', '-incoming', 'defer');
      await migrateBare(guest, target, join(folder, `migration${move}`));
      const counts = guest.heartbeats;
      expect(counts[0]).toBe(last + 1);
      expect(counts).toEqual(consecutive(counts));
      last = counts.at(-1) ?? 0;
      guest = target;
      const { steps, checksum } = await guest.ask('sum', 'sum');
      expect(checksum).toBe(replayChecksum({ areaMiB: 32, seed: 9, steps }));
    }
    expect(guest.heartbeats[0]).toBe(last + 1);
  });
});
