// No fence device and no watchdog's lease: the lock of a guest's disk, which its QEMU holds for as long as it lives, is the only proof.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LabHost } from './host';
import { KeptDisk } from './kept-disk';
import { Fleet } from './lab';
import type { LabGuest } from './lab-guest';
import { signal, waitFor } from './lab-processes';

let fleet: Fleet;
let guest: LabGuest;
let disk: KeptDisk;
let latest = 0;
beforeAll(async () => {
  fleet = await Fleet.start({
    hosts: 3,
    hostMemoryMiB: 1024,
    hostEnvironment: () => ({ ARGOSY_FENCE_DEVICE: '' }),
    pool: {
      balance: { automation: 'partial' },
      isolationResponse: 'keep-running',
      migration: { bandwidthMiBPerSecond: 4, copyDeadlineMs: 60_000 },
      failure: { lockIsProof: true, hostFailures: 0 },
    },
  });
}, 180_000);
afterAll(() => fleet?.stop(), 60_000);
beforeEach(async () => {
  await fleet.waitForHosts('online');
  [guest] = (await fleet.createGuests([{ name: `g${++latest}`, memoryMiB: 64 }])) as [LabGuest];
  disk = new KeptDisk(fleet, guest);
  await disk.write();
}, 60_000);
afterEach(() => fleet.removeGuest(guest), 60_000);

const fleetTest = (name: string, work: () => Promise<void>): void =>
  test(name, () => work().catch((error: unknown) => Promise.reject(fleet.explained(error) as Error)), 180_000);

const codes = async (since: number): Promise<string[]> =>
  (await fleet.events({ since, subject: guest.id, subjectKind: 'guest' })).map(({ code }) => code);
const diskPath = (): string => join(fleet.datastore, 'guests', guest.id, 'disk.qcow2');
/** By the same lock that QEMU asks for. */
const isLocked = (): boolean => spawnSync('qemu-img', ['info', diskPath()]).status !== 0;

/** It takes no order and says nothing on either channel; what runs there runs on. Value: lets it speak again. */
function silence(host: LabHost): () => void {
  const agent = host.agentPid();
  signal(agent, 'SIGSTOP');
  const heartbeat = join(fleet.datastore, 'heartbeats', host.name);
  for (;;)
    try {
      rmSync(heartbeat, { force: true });
      mkdirSync(heartbeat);
      break;
    } catch {
      // Written again in between.
    }
  return () => {
    rmdirSync(heartbeat);
    signal(agent, 'SIGCONT');
  };
}

fleetTest('the guests of a host that died come back when another QEMU has got the lock, and it keeps it', async () => {
  const host = await guest.host();
  const since = fleet.now();
  expect(isLocked()).toBe(true);
  await host.power('off');
  await waitFor('it is taken over', async () => (await codes(since)).includes('guest-taken-over'), {
    seen: () => codes(since),
  });
  await guest.expectRunsOnce();
  expect((await guest.host()).name).not.toBe(host.name);
  await disk.expectWhole();
  // It is the only VMM that there is, and so the one that has it.
  expect(guest.vmms()).toHaveLength(1);
  expect(isLocked()).toBe(true);
  const placements = await guest.placements();
  expect(placements.at(-1)).toMatchObject({ to: null, reason: expect.stringContaining("disk's lock") as string });
  await host.power('on');
  await fleet.waitForHosts('online');
  await guest.expectRunsOnce();
  await disk.expectWhole();
});

fleetTest('a host that is silent and lives keeps its guest: its lock is held, until its QEMU has died', async () => {
  const host = await guest.host();
  const since = fleet.now();
  const [own] = guest.vmms();
  const speak = silence(host);
  try {
    await waitFor('another is tried', async () => (await codes(since)).includes('take-over-tried'), {
      seen: () => codes(since),
    });
    await waitFor('what it waits for is said', async () => {
      const { items } = await fleet.api.call('alarm.list');
      return items.some(({ message }) => message.includes(`may still run on ${host.name}`));
    });
    expect(guest.runningCopies()).toMatchObject([{ pid: own!.pid }]);
    expect(await codes(since)).not.toContain('guest-taken-over');
    signal(own!.pid, 'SIGKILL');
    await waitFor('it is taken over', async () => (await codes(since)).includes('guest-taken-over'), {
      seen: () => codes(since),
    });
    await guest.expectRunsOnce();
    await disk.expectWhole();
  } finally {
    speak();
  }
  await fleet.waitForHosts('online');
  await guest.expectRunsOnce();
  await disk.expectWhole();
});

fleetTest('in mid-migration a lock that is free is no proof: the guest waits for its host', async () => {
  const source = await guest.host();
  const [target] = fleet.hosts.filter((host) => host !== source);
  await guest.ask('fill 48 3', 'filled');
  const { id } = await guest.migrate(target!);
  await waitFor('the memory is copied', async () => {
    const { progress } = await fleet.api.call('migration.get', { params: { id } });
    return (progress?.transferredBytes ?? 0) > 0;
  });
  const since = fleet.now();
  await source.power('off');
  await waitFor('the host is given up', async () => {
    const events = await fleet.events({ since, subjectKind: 'host' });
    return events.some(({ code }) => code === 'alarm-raised.host-failed');
  });
  await waitFor('the lock is free', () => !isLocked());
  // Several times as long as a try of the lock takes, and the pause between two of them.
  await sleep(15_000);
  expect(isLocked()).toBe(false);
  expect(guest.runningCopies()).toEqual([]);
  const seen = await codes(since);
  for (const code of ['take-over-tried', 'guest-taken-over', 'guest-placed']) expect(seen).not.toContain(code);
  await source.power('on');
  await fleet.waitForHosts('online');
  await guest.expectRunsOnce();
  await disk.expectWhole();
});
