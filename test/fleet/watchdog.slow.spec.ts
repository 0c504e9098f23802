// A host that nothing reaches, on real processes: its guests end by its own doing, and start elsewhere only after that.
import { mkdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { powerRequest } from '../../apps/lab/chassis.mjs';
import { nameProcess } from '../../apps/lab/processes.mjs';
import type { LabHost, VmmProcess } from './host';
import { Fleet } from './lab';
import type { LabGuest } from './lab-guest';
import { signal, waitFor } from './lab-processes';

const leaseMs = 8_000;
let fleet: Fleet;
let guest: LabGuest;
beforeAll(async () => {
  fleet = await Fleet.start({
    hosts: 2,
    pool: {
      balance: { automation: 'partial' },
      isolationResponse: 'power-off',
      failure: { watchdogLeaseMs: leaseMs, isolatedAfterMs: 3_000, toleratedHostFailures: 0 },
    },
  });
  [guest] = (await fleet.createGuests([{ name: 'db' }])) as [LabGuest];
}, 180_000);
afterAll(() => fleet?.stop(), 60_000);

const fleetTest = (name: string, work: () => Promise<void>): void =>
  test(name, () => work().catch((error: unknown) => Promise.reject(fleet.explained(error) as Error)), 120_000);

interface Lease {
  readonly armed: boolean;
  readonly leaseMs: number;
  readonly incarnation: number;
  readonly sequence: string;
}

function leaseOf(host: LabHost): Lease | undefined {
  try {
    return JSON.parse(readFileSync(join(fleet.datastore, 'leases', host.name), 'utf8')) as Lease;
  } catch {
    return undefined;
  }
}

async function expectRenewed(host: LabHost): Promise<void> {
  const before = leaseOf(host)?.sequence;
  await waitFor(`${host.name} renews its lease`, () => leaseOf(host)?.sequence !== before, { deadlineMs: 4_000 });
}

const codes = async (since: number): Promise<string[]> => (await fleet.events({ since })).map(({ code }) => code);

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Also where its parent stands still and does not hear of its end. */
const isGone = (vmm: VmmProcess | undefined): boolean => nameProcess(vmm?.pid ?? 0) === undefined;

/** A folder stands where the host wants to write a file: from here on its storage takes nothing from it. */
function blocked(...paths: readonly string[]): () => void {
  for (const path of paths)
    for (;;)
      try {
        rmSync(path, { force: true });
        mkdirSync(path);
        break;
      } catch {
        // Written again in between.
      }
  return () => paths.forEach((path) => rmdirSync(path));
}

const leaseFile = (host: LabHost): string => join(fleet.datastore, 'leases', `${host.name}.new`);
const heartbeatFile = (host: LabHost): string => join(fleet.datastore, 'heartbeats', host.name);

fleetTest('a host knows what to do when it is cut off, and its watchdog renews an armed lease', async () => {
  const host = await guest.host();
  await waitFor('its lease is armed', () => leaseOf(host)?.armed, { deadlineMs: 10_000 });
  expect(leaseOf(host)).toMatchObject({ leaseMs, incarnation: 1 });
  await expectRenewed(host);
});

fleetTest('a watchdog that is killed is there again, and no guest notices', async () => {
  const host = await guest.host();
  const before = host.watchdogPid();
  signal(before, 'SIGKILL');
  await waitFor('another watches', () => ![undefined, before].includes(host.watchdogPid()));
  await expectRenewed(host);
  await guest.expectRunsOnce();
  expect((await guest.get()).epoch).toBe(1);
});

fleetTest('a watchdog that stands still is stood in for by the agent, which begins anew', async () => {
  const [host, since, [vmm]] = [await guest.host(), fleet.now(), guest.vmms()];
  const watchdog = host.watchdogPid();
  const restore = blocked(leaseFile(host));
  signal(watchdog, 'SIGSTOP');
  await waitFor('the alarm', async () => (await codes(since)).includes('alarm-raised.watchdog-silent'));
  await waitFor('the agent ends the guest', () => isGone(vmm), { deadlineMs: leaseMs + 4_000 });
  restore();
  signal(watchdog, 'SIGCONT');
  await waitFor('the agent is back', async () => (await codes(since)).includes('host-returned'));
  await guest.expectRunsOnce();
  await waitFor('the alarm is over', async () => (await codes(since)).includes('alarm-cleared.watchdog-silent'));
});

fleetTest(
  'pulled from under agent and storage, guests are ended by the watchdog, and only then started elsewhere',
  async () => {
    const [host, since, [vmm], { epoch }] = [await guest.host(), fleet.now(), guest.vmms(), await guest.get()];
    await expectRenewed(host);
    // Its management controller is gone too: whatever is asked of it, it says nothing.
    const status = await powerRequest(host.socket, { op: 'status' });
    const powerPid = Number('pid' in status ? status['pid'] : undefined);
    const agent = host.agentPid();
    signal(powerPid, 'SIGSTOP');
    signal(agent, 'SIGSTOP');
    const restore = blocked(leaseFile(host), heartbeatFile(host));
    try {
      const endedAt = await waitFor('the watchdog ends the guest', () => isGone(vmm) && Date.now(), {
        deadlineMs: leaseMs + 4_000,
        intervalMs: 20,
      });
      expect((await guest.get()).epoch).toBe(epoch);
      await waitFor('it runs elsewhere', async () => (await guest.get()).epoch > epoch);
      const proof = await waitFor('the proof is recorded', async () =>
        (await fleet.events({ since })).find(({ code }) => code === 'watchdog-lease-ended'),
      );
      expect(proof.at).toBeGreaterThan(endedAt);
      expect(await codes(since)).not.toContain('host-fenced');
      await guest.expectRunsOnce();
      expect((await guest.host()).name).not.toBe(host.name);
    } finally {
      restore();
      signal(powerPid, 'SIGCONT');
    }
    // What it was asked then, it does now, to a host that has nothing to lose.
    await host.power('off');
    await host.power('on');
    await fleet.waitForHosts('online');
    await guest.expectRunsOnce();
  },
);

fleetTest(
  'the lease of a watchdog that died before its host is no proof: the guest lives, and is not started again',
  async () => {
    const [host, since, [vmm], { epoch }] = [await guest.host(), fleet.now(), guest.vmms(), await guest.get()];
    await expectRenewed(host);
    const status = await powerRequest(host.socket, { op: 'status' });
    const powerPid = Number('pid' in status ? status['pid'] : undefined);
    const [agent, watchdog] = [host.agentPid(), host.watchdogPid()];
    signal(powerPid, 'SIGSTOP');
    signal(watchdog, 'SIGSTOP');
    let restore = (): void => undefined;
    try {
      await waitFor('the alarm', async () => (await codes(since)).includes('alarm-raised.watchdog-silent'));
      // Before the agent stands in for the watchdog: now nobody is left who would end the guest.
      signal(agent, 'SIGSTOP');
      restore = blocked(leaseFile(host), heartbeatFile(host));
      await waitFor('the host has failed', async () => (await codes(since)).includes('alarm-raised.host-failed'));
      await delay(leaseMs + 6_000);
      expect(isGone(vmm)).toBe(false);
      expect((await guest.get()).epoch).toBe(epoch);
      expect(await codes(since)).not.toContain('watchdog-lease-ended');
      expect(guest.vmms().map(({ pid }) => pid)).toEqual([vmm?.pid]);
    } finally {
      restore();
      for (const pid of [watchdog, agent, powerPid]) signal(pid, 'SIGCONT');
    }
    await host.power('off');
    await host.power('on');
    await fleet.waitForHosts('online');
    await guest.expectRunsOnce();
  },
);

fleetTest(
  'a host that reaches neither Redis nor a controller stops its guests, and says so on the datastore',
  async () => {
    const [host, [vmm], { epoch }] = [await guest.host(), guest.vmms(), await guest.get()];
    const [controller] = fleet.controllers;
    await controller!.kill();
    await fleet.redis.kill();
    await waitFor('it stops its guest', () => isGone(vmm), { deadlineMs: 15_000 });
    const said = `{"guestId":"${guest.id}","epoch":${epoch}}`;
    await waitFor('it says so', () => textOf(join(fleet.datastore, 'isolated', host.name)).includes(said));
    await fleet.redis.start();
    await controller!.start();
    await fleet.waitForHosts('online');
    await waitFor('it is started anew', async () => (await guest.get()).epoch > epoch);
    await guest.expectRunsOnce();
    await guest.expectPlacementsWhole();
  },
);
