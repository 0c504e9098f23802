// Guest monitoring on real processes: a VMM that hangs and a guest that is mute are reset, and nobody else is.
import { setTimeout as sleep } from 'node:timers/promises';
import { brokenCounts } from './console-record';
import { Fleet } from './lab';
import type { LabGuest } from './lab-guest';
import { signal, waitFor } from './lab-processes';

const windowMs = 5_000;

let fleet: Fleet;
let hung: LabGuest, mute: LabGuest, paused: LabGuest, moving: LabGuest;
beforeAll(async () => {
  const pool = { balance: { automation: 'partial' }, failure: { guestMonitoringMs: windowMs } } as const;
  fleet = await Fleet.start({ hosts: 2, hostMemoryMiB: 512, pool });
  const guests = await fleet.createGuests(['hung', 'mute', 'paused', 'moving'].map((name) => ({ name })));
  [hung, mute, paused, moving] = guests as [LabGuest, LabGuest, LabGuest, LabGuest];
}, 180_000);
afterAll(() => fleet?.stop(), 60_000);

const codesOf = async ({ id }: LabGuest, since: number): Promise<string[]> =>
  (await fleet.events({ subject: id, since })).map(({ code }) => code);

test('a VMM that hangs and a guest that has become mute are reset in place; those with a reason to be silent are not', async () => {
  const since = fleet.now();
  const boots = await Promise.all([hung, mute].map(async (guest) => (await guest.stats()).boot));
  await fleet.api.call('guest.pause', { params: { guest: 'paused' } });
  const [vmm] = hung.vmms();
  signal(vmm?.pid, 'SIGSTOP');
  await mute.say('tick 0');
  // Its agent hears nothing for longer than the window: nobody can know, and nobody is judged.
  const other = fleet.hosts.find((host) => host !== vmm!.host)!;
  const agent = other.agentPid();
  signal(agent, 'SIGSTOP');
  await sleep(windowMs + 2_000);
  signal(agent, 'SIGCONT');
  await fleet.waitForHosts('online');
  const { id } = await moving.migrate(fleet.hosts.find((host) => host !== moving.vmms()[0]!.host)!);
  await moving.waitForEnd(id);
  for (const guest of [hung, mute]) {
    await waitFor(`${guest.name} is reset`, async () => (await codesOf(guest, since)).includes('guest-reset'), {
      seen: () => fleet.events({ since }),
    });
    await waitFor(`${guest.name} is back`, async () => (await codesOf(guest, since)).includes('guest-recovered'));
    await guest.expectRunsOnce();
  }
  expect(hung.vmms().map(({ pid }) => pid)).not.toContain(vmm!.pid);
  expect(await Promise.all([hung, mute].map(async (guest) => (await guest.stats()).boot))).toEqual(
    boots.map((boot) => boot + 1),
  );
  await fleet.api.call('guest.resume', { params: { guest: 'paused' } });
  await sleep(1_000);
  for (const guest of [paused, moving]) {
    await guest.expectRunsOnce();
    expect((await codesOf(guest, since)).filter((code) => /reset|crashed/.test(code))).toEqual([]);
    expect(guest.record.lives().map(brokenCounts)).toEqual(['']);
  }
}, 120_000);
