// Power saving on real processes: hosts go off under falling load and come back under rising load, and no guest stops.
import { setTimeout as sleep } from 'node:timers/promises';
import { Fleet } from './lab';
import type { LabGuest } from './lab-guest';
import { waitFor } from './lab-processes';

let fleet: Fleet;
let guests: LabGuest[];
beforeAll(async () => {
  fleet = await Fleet.start({
    hosts: 3,
    controllers: 2,
    pool: {
      balance: { automation: 'full', intervalMs: 1000, coolDownMs: 1000 },
      power: { automation: 'off', offShare: 0.3, onShare: 0.4, lowForMs: 3000 },
    },
  });
  guests = await fleet.createGuests([{ name: 'db' }, { name: 'web' }, { name: 'app' }]);
  for (const guest of guests) await guest.say('tick 100');
}, 180_000);
afterAll(() => fleet?.stop(), 60_000);

const fleetTest = (name: string, work: () => Promise<void>): void =>
  test(name, () => work().catch((error: unknown) => Promise.reject(fleet.explained(error) as Error)), 240_000);

/** By each guest's own counter: it never began anew. */
async function boots(): Promise<number[]> {
  return Promise.all(guests.map(async (guest) => (await guest.stats()).boot));
}

async function inStandby(): Promise<string[]> {
  const { items } = await fleet.api.call('host.list');
  return items.filter(({ standby }) => standby === 'in').map(({ name }) => name);
}

fleetTest(
  'a host goes off when it is not needed though its controller dies meanwhile, and comes back when more is asked for',
  async () => {
    const before = await boots();
    await fleet.settings({ power: { automation: 'automatic' } });
    await waitFor('a host is on its way', async () => (await fleet.events({ code: 'standby-entering' })).length > 0);
    await (await fleet.leader()).kill();
    const [name] = await waitFor('a host is off', async () => {
      const names = await inStandby().catch(() => []);
      return names.length > 0 && names;
    });
    const host = fleet.host(name!);
    expect({ agent: host.agentPid(), vmms: host.vmms() }).toEqual({ agent: undefined, vmms: [] });
    for (const guest of guests) await guest.expectRunsOnce();
    expect(await boots()).toEqual(before);

    // Two hosts bear the loss of one of them; a single one would not.
    await sleep(8_000);
    expect(await inStandby()).toEqual([name]);

    // What guests ask of memory is the same however busy the machine is on which this runs.
    await fleet.createGuests([
      { name: 'crowd-1', memoryMiB: 400 },
      { name: 'crowd-2', memoryMiB: 400 },
    ]);
    await waitFor('the host is back', async () => host.agentPid() !== undefined && (await inStandby()).length === 0);
    await fleet.waitForHosts('online');
    expect((await fleet.events({ code: 'standby-leaving' })).map(({ message }) => message)).toEqual([
      expect.stringMatching(new RegExp(`^${name} is switched on: its pool is asked for \\d+ % of what is on`)),
    ]);
    expect(await boots()).toEqual(before);
    expect((await fleet.events({})).map(({ code }) => code)).not.toContain('alarm-raised.host-failed');
  },
);
