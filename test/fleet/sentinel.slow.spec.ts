// Two controllers and their hosts with Redis as a company would run it: by TLS, a master and its replica under Sentinel.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brokenCounts } from './console-record';
import { Fleet } from './lab';
import type { LabGuest } from './lab-guest';
import { waitFor } from './lab-processes';
import { RedisPair } from './redis-pair';

const folder = mkdtempSync(join(tmpdir(), 'argosy-redis-pair-'));
let pair: RedisPair;
let fleet: Fleet;
let guest: LabGuest;
beforeAll(async () => {
  pair = await RedisPair.start(folder);
  fleet = await Fleet.start({
    hosts: 2,
    controllers: 2,
    redisUrl: pair.url,
    environment: { NODE_EXTRA_CA_CERTS: pair.certificate.certificate },
    pool: { balance: { automation: 'partial' } },
  });
  [guest] = (await fleet.createGuests([{ name: 'db' }])) as [LabGuest];
}, 180_000);
afterAll(async () => {
  await fleet?.stop();
  pair?.stop();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

const move = async (): Promise<void> => {
  const here = await guest.host();
  const { id } = await guest.migrate(fleet.hosts.find((host) => host !== here)!);
  expect((await guest.waitForEnd(id)).step).toBe('done');
};

test('a master that dies is followed by its replica: nobody is fenced, no guest is harmed, and orders are taken again', async () => {
  await guest.say('tick 100');
  await move();
  const since = fleet.now();
  const [before] = guest.vmms();
  pair.killFirst();
  const killedAt = performance.now();
  await fleet.waitForHosts('online');
  await waitFor(
    'an order is carried out',
    () =>
      move().then(
        () => true,
        () => false,
      ),
    { intervalMs: 500 },
  );
  console.log(
    `orders were taken again ${((performance.now() - killedAt) / 1000).toFixed(1)} s after the master's death`,
  );
  await guest.expectRunsOnce();
  expect(guest.vmms()[0]).not.toEqual(before);
  expect(guest.record.lives().map(brokenCounts)).toEqual(['']);
  const harm = /^(host-failed|host-fenced|fence-asked|guest-lost|guest-crashed)$/;
  expect((await fleet.events({ since })).filter(({ code }) => harm.test(code))).toEqual([]);
  await fleet.waitForHosts('online');
}, 120_000);
