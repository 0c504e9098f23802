// Work on hosts, on real processes: in rounds, before they fail, and with more than one way to cut their power.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RouteResponse } from '@argosy/contracts/routes';
import { postgresFolder } from '../../apps/lab/postgres.mjs';
import { nameProcess } from '../../apps/lab/processes.mjs';
import { Fleet } from './lab';
import type { LabGuest } from './lab-guest';
import { waitFor } from './lab-processes';

let fleet: Fleet;
let guests: LabGuest[];
let programs = '';
beforeAll(async () => {
  fleet = await Fleet.start({
    hosts: 3,
    controllers: 2,
    pool: { balance: { automation: 'partial' } },
    hostEnvironment: (name, folder) => {
      programs = join(folder, 'programs');
      mkdirSync(programs, { recursive: true });
      program(
        `check-${name}`,
        `test ! -e ${join(folder, `ailing-${name}`)} || { cat ${join(folder, `ailing-${name}`)}; exit 1; }`,
      );
      return {
        ARGOSY_ROLL_PROGRAMS: programs,
        ARGOSY_HEALTH_CHECK: join(programs, `check-${name}`),
        ARGOSY_HEALTH_CHECK_MS: '1000',
      };
    },
  });
  guests = await fleet.createGuests([{ name: 'db' }, { name: 'web' }, { name: 'app' }]);
  for (const guest of guests) await guest.say('tick 100');
}, 180_000);
afterAll(() => fleet?.stop(), 60_000);

const fleetTest = (name: string, work: () => Promise<void>): void =>
  test(name, () => work().catch((error: unknown) => Promise.reject(fleet.explained(error) as Error)), 180_000);

function program(name: string, text: string): void {
  const path = join(programs, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
}

type RollRow = RouteResponse<'pool.roll'>;
const latestRoll = async (): Promise<RollRow | undefined> =>
  (await fleet.api.call('pool.roll-list', { params: { pool: 'pool' }, query: { limit: 1 } })).items[0];

/** By each guest's own counter: it never began anew. */
async function boots(): Promise<number[]> {
  return Promise.all(guests.map(async (guest) => (await guest.stats()).boot));
}

fleetTest('a roll takes every host through maintenance while its controller dies, and no guest stops', async () => {
  const done = join(fleet.folder, 'rolled');
  program('mend', `echo "$ARGOSY_HOST" >>"$1"; sleep 1`);
  const before = await boots();
  const planned = await fleet.api.call('pool.roll', {
    params: { pool: 'pool' },
    body: { command: `mend ${done}`, planOnly: true },
  });
  expect(planned.hosts.map(({ step }) => step)).toEqual(['waiting', 'waiting', 'waiting']);
  expect(await latestRoll()).toBeUndefined();
  await fleet.api.call('pool.roll', { params: { pool: 'pool' }, body: { command: `mend ${done}` } });
  await waitFor('a host is begun', () => existsSync(done));
  const leader = await fleet.leader();
  await leader.kill();
  const ended = await waitFor('the roll ends', async () => {
    const roll = await latestRoll().catch(() => undefined);
    return roll?.endedAt != null && roll;
  });
  expect(ended.state).toBe('finished');
  expect(readFileSync(done, 'utf8').trim().split('\n').sort()).toEqual(['h1', 'h2', 'h3']);
  await leader.start();
  await fleet.waitForHosts('online');
  expect(await boots()).toEqual(before);
  for (const guest of guests) await guest.expectRunsOnce();
});

fleetTest('a roll that is stopped finishes the host that it has begun, and no other is touched', async () => {
  const done = join(fleet.folder, 'stopped');
  program('mend', `echo "$ARGOSY_HOST" >>"$1"; sleep 3`);
  const before = await boots();
  const params = { pool: 'pool' };
  await fleet.api.call('pool.roll', { params, body: { command: `mend ${done}` } });
  await waitFor('a host is begun', () => existsSync(done));
  expect((await fleet.api.call('pool.roll-stop', { params })).state).toBe('stopping');
  // Whoever leads then knows of it as well.
  const leader = await fleet.leader();
  await leader.kill();
  const ended = await waitFor('the roll ends', async () => {
    const roll = await latestRoll().catch(() => undefined);
    return roll?.command === `mend ${done}` && roll.endedAt !== null && roll;
  });
  expect(ended.state).toBe('stopped');
  const begun = readFileSync(done, 'utf8').trim().split('\n');
  expect(ended.hosts.filter(({ step }) => step === 'done')).toHaveLength(begun.length);
  expect(ended.hosts.filter(({ step }) => step === 'waiting')).toHaveLength(fleet.hosts.length - begun.length);
  await leader.start();
  const { items } = await fleet.api.call('host.list');
  expect(items.map(({ maintenance, state }) => [maintenance, state])).toEqual(items.map(() => ['none', 'online']));
  expect(await boots()).toEqual(before);
  for (const guest of guests) await guest.expectRunsOnce();
});

fleetTest(
  'a host that its health check calls ailing is emptied live, and gets guests again when it is well',
  async () => {
    const [guest] = guests;
    const host = await guest!.host();
    const before = await boots();
    const ailing = join(fleet.folder, `ailing-${host.name}`);
    writeFileSync(ailing, 'sda: 40 sectors pending\n');
    await waitFor(
      'its guests are gone',
      async () => host.vmms().length === 0 && (await guest!.host()).name !== host.name,
    );
    const row = await fleet.api.call('host.get', { params: { host: host.name } });
    expect(row.degraded).toEqual({ by: 'health-check', reason: 'sda: 40 sectors pending' });
    expect(await boots()).toEqual(before);
    rmSync(ailing);
    await waitFor(
      'it is well',
      async () => (await fleet.api.call('host.get', { params: { host: host.name } })).degraded === null,
    );
    const { id } = await guest!.migrate(host);
    expect((await guest!.waitForEnd(id)).step).toBe('done');
  },
);

fleetTest('fence devices are tried in their order, and guests are recovered when they are seen to beat', async () => {
  const [guest] = guests;
  const [host, since] = [await guest!.host(), fleet.now()];
  await fleet.api.call('host.add-fence-device', {
    params: { host: host.name },
    body: { name: 'ipmi', kind: 'fence-agent', address: 'fence_that_is_not_here', position: 1 },
  });
  await host.power('off');
  await waitFor('it is recovered', async () => (await fleet.events({ since, code: 'guest-recovered' })).length > 0);
  await guest!.expectRunsOnce();
  const told = (await fleet.events({ since, subjectKind: 'host' }))
    .map(({ code, message }) => `${code}: ${message}`)
    .reverse();
  const steps = told.filter((line) => /^(fence-(asked|refused)|host-fenced)/.test(line));
  expect(steps[0]).toMatch(/^fence-asked: .* by ipmi \(fence-agent\), attempt 1/);
  expect(steps[1]).toMatch(/^fence-refused: ipmi .*fence_that_is_not_here is in none of/);
  expect(steps[2]).toMatch(/^fence-asked: .* by chassis, attempt 2/);
  expect(steps[3]).toMatch(/^host-fenced: .* by chassis/);
});

fleetTest('a restored database is put right by what the hosts know, and they take orders again', async () => {
  for (const host of fleet.hosts) if (host.agentPid() === undefined) await host.power('on');
  await fleet.waitForHosts('online');
  const [guest] = guests;
  const before = await boots();
  for (const controller of fleet.controllers) if (nameProcess(controller.pid)) await controller.kill();
  // As a backup of some time ago would have it: before the last leaders, and before the agents' last starts.
  await fleet.query('UPDATE "lease" SET "term" = 0');
  await fleet.query(`UPDATE "hosts" SET "incarnation" = "incarnation" - 1, "queue" = 'of-another-process'`);
  const since = fleet.now();
  await fleet.controllers[0]!.start();
  await waitFor('the alarms', async () => {
    const told = (await fleet.events({ since }).catch(() => [])).map(({ code }) => code);
    return told.includes('alarm-raised.term-behind') && told.includes('alarm-raised.record-behind');
  });
  await fleet.waitForHosts('online');
  const from = await guest!.host();
  const target = fleet.hosts.find((host) => host !== from)!;
  const { id } = await guest!.migrate(target);
  expect((await guest!.waitForEnd(id)).step).toBe('done');
  expect(await boots()).toEqual(before);
  expect((await fleet.events({ since })).map(({ code }) => code)).not.toContain('fence-asked');
});

fleetTest(
  'a backup that was taken in the middle of a migration is restored: the guest is found where it went',
  async () => {
    const [guest, other] = guests as [LabGuest, LabGuest, LabGuest];
    const before = await boots();
    const backup = join(fleet.folder, 'backup.sql');
    const postgres = (program: string, ...args: string[]): void =>
      void execFileSync(join(postgresFolder()!, program), [...args, fleet.postgres.url], { stdio: 'pipe' });
    await other.say('dirty 20 32 1');
    const target = fleet.hosts.find((host) => host !== fleet.hosts[0])!;
    const moved = await guest.host();
    const goal = moved === target ? fleet.hosts[0]! : target;
    const { id } = await guest.migrate(goal);
    postgres('pg_dump', '--clean', '--if-exists', '--file', backup, '--dbname');
    expect((await guest.waitForEnd(id)).step).toBe('done');
    // And another that has gone on since, from a host that the backup takes for its own.
    const onwards = fleet.hosts.find((host) => host !== goal && host !== moved)!;
    if ((await other.host()) !== onwards) {
      const move = await other.migrate(onwards);
      expect((await other.waitForEnd(move.id)).step).toBe('done');
    }
    for (const controller of fleet.controllers) if (nameProcess(controller.pid)) await controller.kill();
    postgres('psql', '--quiet', '--set', 'ON_ERROR_STOP=1', '--file', backup, '--dbname');
    const since = fleet.now();
    await fleet.controllers[0]!.start();
    await waitFor('the record is right', async () => (await guest.host()) === goal && (await other.host()) === onwards);
    await waitFor('all run', async () =>
      (await fleet.api.call('guest.list')).items.every(({ state }) => state === 'running'),
    );
    for (const each of guests) await each.expectRunsOnce();
    expect(await boots()).toEqual(before);
    expect((await fleet.events({ since })).map(({ code }) => code)).not.toContain('guest-crashed');
  },
);
