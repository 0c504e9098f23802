import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { replayChecksum, replayDiskChecksum } from '@argosy/domain/guest-console';
import { BareGuest, migratableMemory, migrateBare } from './bare-guest';

const kernel = join(__dirname, '../../guests/tiny/tiny.elf');
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

let folder: string;
let guests: BareGuest[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'argosy-tiny-'));
  guests = [];
});

afterEach(async () => {
  await Promise.all(guests.map((guest) => guest.kill()));
  rmSync(folder, { recursive: true, force: true });
});

async function start(name: string, ...extra: string[]): Promise<BareGuest> {
  const machine = ['-accel', 'tcg,tb-size=8', '-cpu', 'qemu64', '-M', 'pc-i440fx-7.2', '-m', migratableMemory(32), '-kernel', kernel];
  const guest = await BareGuest.start(folder, name, [...machine, ...extra]);
  guests.push(guest);
  return guest;
}

function disk(): string[] {
  const path = join(folder, 'disk.qcow2');
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', path, '4M']);
  return ['-drive', `file=${path},if=ide`];
}

/** The counts from the first to the last, each exactly once. */
const consecutive = (counts: number[]) => counts.map((_, index) => (counts[0] ?? 0) + index);

describe('the tiny guest', () => {
  it('boots without a disk and says so', async () => {
    const guest = await start('one');
    expect(await guest.next('ready')).toEqual({ kind: 'ready', memoryKiB: 32768, boot: 0 });
    expect((await guest.next('heartbeat')).count).toBe(1);
    expect(await guest.ask('disk sum 1', 'error')).toEqual({ kind: 'error', expected: 'disk sum <sectors 1..0>' });
  });

  it('runs with the small firmware too', async () => {
    const guest = await start('one', '-bios', 'qboot.rom', ...disk());
    expect(await guest.next('ready')).toEqual({ kind: 'ready', memoryKiB: 32768, boot: 1 });
    guest.send('off');
    expect((await guest.event('SHUTDOWN')).data).toMatchObject({ guest: true, reason: 'guest-shutdown' });
  });

  it('counts its heartbeats without a gap, at any period', async () => {
    const guest = await start('one');
    await guest.next('heartbeat');
    guest.send('tick 1');
    // However little time the machine has for it.
    while (guest.heartbeats.length <= 50) await sleep(10);
    guest.send('tick 0');
    await guest.ask('ping quiet', 'pong');
    const { heartbeats } = guest;
    expect(heartbeats.length).toBeGreaterThan(50);
    expect(heartbeats).toEqual(consecutive(heartbeats));
    await sleep(100);
    expect(guest.heartbeats).toHaveLength(heartbeats.length);
  });

  it('makes no burst of the ticks that a pause cost', async () => {
    const guest = await start('one');
    guest.send('tick 10');
    await guest.ask('ping go', 'pong');
    await guest.qmp('stop');
    await sleep(500);
    const [before, beganAt] = [guest.heartbeats.length, performance.now()];
    await guest.qmp('cont');
    await sleep(100);
    const due = (performance.now() - beganAt) / 10;
    expect(guest.heartbeats.length - before).toBeLessThan(due + 10);
  });

  it('works by the share of its own clock that it was told', async () => {
    const guest = await start('one');
    await guest.next('heartbeat');
    expect((await guest.ask('work', 'work')).work).toBe(0);
    guest.send('load 200');
    await sleep(400);
    expect((await guest.ask('stats', 'stats')).loadPermille).toBe(200);
    guest.send('load 0');
    const { work } = await guest.ask('work', 'work');
    expect(work).toBeGreaterThan(0);
    expect((await guest.ask('work', 'work')).work).toBe(work);
  });

  it('answers a checksum of its memory that the host can replay, while it dirties it', async () => {
    const guest = await start('one');
    guest.send('dirty 50 8 77');
    expect(await guest.next('filled')).toEqual({ kind: 'filled', areaMiB: 8, seed: 77 });
    for (let round = 0; round < 3; round++) {
      await sleep(100);
      const { steps, checksum } = await guest.ask('sum', 'sum');
      expect(steps).toBeGreaterThan(round);
      expect(checksum).toBe(replayChecksum({ areaMiB: 8, seed: 77, steps }));
    }
    guest.send('fill 4 1');
    expect(await guest.next('filled', guest.lines.length)).toEqual({ kind: 'filled', areaMiB: 4, seed: 1 });
    guest.send('dirty 0 4 1');
    const { steps, checksum } = await guest.ask('sum', 'sum');
    expect(checksum).toBe(replayChecksum({ areaMiB: 4, seed: 1, steps }));
  });

  it('keeps disk content and the boot counter over a kill', async () => {
    const drive = disk();
    const first = await start('first', ...drive);
    expect((await first.next('ready')).boot).toBe(1);
    expect((await first.ask('disk fill 100 5', 'diskFilled')).sectors).toBe(100);
    await first.kill();
    const second = await start('second', ...drive);
    expect((await second.next('ready')).boot).toBe(2);
    expect((await second.ask('disk sum 100', 'diskSum')).checksum).toBe(replayDiskChecksum({ sectors: 100, seed: 5 }));
  });

  it('never writes a disk that is someone else’s', async () => {
    const drive = disk();
    const path = join(folder, 'disk.qcow2');
    execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write -q -P 0x55 0 512', path]);
    const guest = await start('one', ...drive);
    expect((await guest.next('ready')).boot).toBe(0);
    await guest.kill();
    expect(execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'read -P 0x55 0 512', path]).toString()).toContain('512/512');
  });

  it('says what it expected of a malformed command', async () => {
    const guest = await start('one');
    const expected = async (command: string) => (await guest.ask(command, 'error')).expected;
    expect(await expected('tick')).toBe('tick <ms 0..60000>');
    expect(await expected('tick 60001')).toBe('tick <ms 0..60000>');
    expect(await expected('load -1')).toBe('load <permille 0..1000>');
    expect(await expected('fill 1 4294967296')).toMatch(/^fill <areaMiB 1\.\.\d+> <seed>$/);
    expect(await expected('fill 512 1')).toMatch(/^fill/);
    expect(await expected('sum')).toBe('fill or dirty before sum');
    expect(await expected('nonsense')).toMatch(/^tick, load, dirty/);
    expect(await expected(`tick ${'1'.repeat(300)}`)).toMatch(/^tick, load, dirty/);
  });

  it('turns off by the power button, and ends by a panic', async () => {
    const first = await start('first');
    await first.next('heartbeat');
    first.send('tick 0');
    await first.qmp('system_powerdown');
    expect((await first.event('SHUTDOWN')).data).toMatchObject({ reason: 'guest-shutdown' });
    const second = await start('second', '-device', 'pvpanic');
    await second.next('heartbeat');
    second.send('panic');
    await second.event('GUEST_PANICKED');
  });

  it('moves while it dirties memory, and loses neither a count nor a page', async () => {
    const drive = disk();
    let guest = await start('host0', ...drive);
    guest.send('dirty 50 16 9');
    await guest.next('filled');
    guest.send('tick 1');
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
      expect(checksum).toBe(replayChecksum({ areaMiB: 16, seed: 9, steps }));
    }
    expect(guest.heartbeats[0]).toBe(last + 1);
    expect((await guest.ask('disk fill 10 3', 'diskFilled')).sectors).toBe(10);
  });

  it('uses hardly any processor when idle', async () => {
    const guest = await start('one');
    await guest.next('heartbeat');
    const ticks = () => {
      const fields = readFileSync(`/proc/${guest.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      return Number(fields[11]) + Number(fields[12]);
    };
    await sleep(300);
    const before = ticks();
    await sleep(2000);
    // A clock tick is 10 ms: three of them in two seconds are 1.5 %, which leaves room for a busy machine.
    expect(ticks() - before).toBeLessThanOrEqual(3);
  });
});
