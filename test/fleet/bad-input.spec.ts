// What is asked wrongly, and what cannot be done: each has its code and a sentence that helps, and nothing is lost by it.
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { replayDiskChecksum } from '@argosy/domain/guest-console';
import { badRequests, newGuest } from './bad-requests';
import { root } from './build';
import { brokenCounts } from './console-record';
import { Fleet } from './lab';
import type { GuestEvent, LabGuest } from './lab-guest';
import { waitFor } from './lab-processes';

/** A file system with little room, which only an administrator can make. */
const canMount = process.getuid?.() === 0;
const smallDatastore = (): string => join(fleet.datastore, 'small');

let fleet: Fleet;
let guest: LabGuest;
beforeAll(async () => {
  fleet = await Fleet.start({
    hosts: 2,
    hostMemoryMiB: 512,
    pool: { balance: { automation: 'partial' } },
    prepareDatastore: (datastore) => {
      mkdirSync(join(datastore, 'small'));
      if (canMount) execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', join(datastore, 'small')]);
    },
  });
  [guest] = (await fleet.createGuests([{ name: 'g', memoryMiB: 64 }])) as [LabGuest];
}, 180_000);
afterAll(async () => {
  if (fleet && canMount) execFileSync('umount', ['-l', smallDatastore()]);
  await fleet?.stop();
}, 60_000);

/** As a client would see it; the fleet is what it was before. */
async function refusal(
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; code: unknown; message: string }> {
  const before = await inventory();
  const { status, body: answer } = await fleet.api.raw(method, `/api/v1${path}`, body);
  expect(await inventory()).toEqual(before);
  return { status, code: answer.code, message: String(answer.message) };
}

async function inventory(): Promise<unknown> {
  const { api } = fleet;
  const [pools, hosts, guests, images, rules, migrations] = await Promise.all([
    api.call('pool.list'),
    api.call('host.list'),
    api.call('guest.list'),
    api.call('image.list'),
    api.call('rule.list'),
    api.call('migration.list'),
  ]);
  return { pools, hosts, guests, images, rules, migrations: migrations.items.length };
}

test.each(badRequests)('%s', async (_what, method, path, body, status, code, says) => {
  const answer = await refusal(method, path, body);
  expect(answer).toEqual({ status, code, message: expect.stringMatching(says) });
});

test('a guest is not migrated to where it is, to a host in maintenance, or where there is no room', async () => {
  const here = await guest.host();
  const there = fleet.hosts.find((host) => host !== here)!;
  const migrate = (host: string) => refusal('POST', '/guests/g/migrate', { host });
  expect(await migrate(here.name)).toEqual({
    status: 422,
    code: 'same-host',
    message: expect.stringContaining(`is on ${here.name} already`),
  });

  await fleet.api.call('host.enter-maintenance', { params: { host: there.name } });
  await waitFor(
    'it is empty',
    async () => (await fleet.api.call('host.get', { params: { host: there.name } })).maintenance === 'in',
  );
  expect(await migrate(there.name)).toEqual({
    status: 409,
    code: 'host-in-maintenance',
    message: expect.stringContaining('in maintenance'),
  });
  expect(await refusal('POST', '/guests/g/migrate', {})).toMatchObject({ status: 409, code: 'no-host-fits' });
  await fleet.api.call('host.exit-maintenance', { params: { host: there.name } });

  await fleet.settings({ failure: { toleratedHostFailures: 0 } });
  const [big] = (await fleet.createGuests([{ name: 'big', memoryMiB: 480 }])) as [LabGuest];
  expect((await big.host()).name).toBe(there.name);
  expect(await migrate(there.name)).toEqual({
    status: 409,
    code: 'not-enough-memory',
    message: expect.stringMatching(/64 MiB/),
  });
  await fleet.removeGuest(big);
  await fleet.settings({ failure: { toleratedHostFailures: 1 } });
  await guest.expectRunsOnce();
}, 120_000);

test('a rule that contradicts another names it', async () => {
  await fleet.api.call('guest.create', { body: { ...newGuest, name: 'other' } });
  const rule = (name: string, kind: string, extra: object = {}): object => ({
    name,
    pool: 'pool',
    kind,
    guests: ['g', 'other'],
    ...extra,
  });
  await fleet.api.call('rule.create', { body: rule('close', 'together') as never });
  expect(await refusal('POST', '/rules', rule('far', 'apart'))).toEqual({
    status: 409,
    code: 'contradicting-rule',
    message: expect.stringContaining('close'),
  });
  await fleet.api.call('rule.create', { body: rule('there', 'must-run-on', { hosts: ['h1'] }) as never });
  expect(await refusal('POST', '/rules', rule('elsewhere', 'must-not-run-on', { hosts: ['h1'] }))).toEqual({
    status: 409,
    code: 'contradicting-rule',
    message: expect.stringContaining('there'),
  });
  for (const id of ['close', 'there']) await fleet.api.call('rule.remove', { params: { id } });
  await fleet.api.call('guest.remove', { params: { guest: 'other' } });
});

/** A guest that cannot start says why, in its state, in an event with a code, and in an alarm; and can be removed. */
async function expectDown(name: string, code: string, says: RegExp): Promise<void> {
  const failed = await waitFor(
    `${name} is given up or waits`,
    async () => {
      const found = await fleet.api.call('guest.get', { params: { guest: name } });
      const events = await fleet.events({ subject: name, subjectKind: 'guest', code: 'guest-start-failed' });
      return (found.state === 'failed' || found.state === 'recovering') && events.length > 0 && { found, events };
    },
    { seen: () => fleet.api.call('guest.get', { params: { guest: name } }) },
  );
  expect(failed.events[0]!.details['code']).toBe(code);
  expect(failed.found.stateReason).toMatch(says);
  await fleet.api.call('guest.stop', { params: { guest: name }, body: { force: true } });
  await fleet.api.call('guest.remove', { params: { guest: name } });
}

test.each([
  ['a kernel that is none', 'kernel', 'not an ELF file, nor anything else that boots'],
  ['a qcow2 image that is none', 'qcow2', 'QFI\xfb and then nonsense, nonsense, nonsense'],
] as const)(
  '%s is refused as corrupt, and the guest says so',
  async (_what, format, content) => {
    const path = join(fleet.datastore, 'images', `corrupt-${format}`);
    writeFileSync(path, content, 'latin1');
    const file = format === 'kernel' ? { kernelPath: path } : { diskPath: path };
    await fleet.api.call('image.create', {
      body: { name: `corrupt-${format}`, format, datastore: 'datastore', ...file },
    });
    await fleet.api.call('guest.create', {
      body: { ...newGuest, name: 'broken', image: `corrupt-${format}`, memoryMiB: 32, start: true },
    });
    await expectDown('broken', 'image-corrupt', /cannot be read|not a qcow2|corrupt/);
    await guest.expectRunsOnce();
  },
  90_000,
);

test('an image whose file is gone is said to be missing', async () => {
  await fleet.createImage('gone', join(fleet.datastore, 'images/gone.elf'));
  await fleet.api.call('guest.create', {
    body: { ...newGuest, name: 'broken', image: 'gone', memoryMiB: 32, start: true },
  });
  await expectDown('broken', 'image-missing', /gone\.elf|is the datastore mounted/);
}, 90_000);

const full = (): string => join(smallDatastore(), 'filler');
const fillUp = (): unknown => execFileSync('/bin/sh', ['-c', `cat /dev/zero > '${full()}' 2>/dev/null || true`]);

async function openAlarm(code: string): Promise<{ readonly message: string } | undefined> {
  const { items } = await fleet.api.call('alarm.list', { query: { open: 'true' } as never });
  return items.find((alarm) => alarm.code === code);
}

(canMount ? describe : describe.skip)('a datastore that is full', () => {
  let squeezed: LabGuest;
  const told = () => fleet.events({ subject: 'squeezed', subjectKind: 'guest' });

  test('is said to be full, and room brings the guest to life', async () => {
    const path = smallDatastore();
    copyFileSync(join(root, 'guests/tiny/tiny.elf'), join(path, 'tiny.elf'));
    fillUp();
    await fleet.api.call('datastore.create', { body: { name: 'small', path, shared: true } });
    await fleet.api.call('image.create', {
      body: { name: 'on-small', format: 'kernel', kernelPath: join(path, 'tiny.elf'), datastore: 'small' },
    });
    const body = { ...newGuest, name: 'squeezed', image: 'on-small', memoryMiB: 32, start: true };
    await fleet.api.call('guest.create', { body });
    const isFull = ({ code, details }: GuestEvent): boolean =>
      code === 'guest-start-failed' && details['code'] === 'disk-full';
    const failure = await waitFor('it says why', async () => (await told()).find(isFull), { seen: told });
    expect(failure.message).toMatch(/the datastore is full; free some room/);
    const filling = await waitFor('the datastore itself says so', () => openAlarm('datastore-filling'));
    expect(filling.message).toMatch(/^Datastore small has .* left of 4\.0 MiB/);
    // It is tried again after one second, after two, after four: it needs nobody.
    rmSync(full());
    squeezed = await fleet.openGuest('squeezed');
    await squeezed.expectRunsOnce();
  }, 120_000);

  test('lets a running guest stand still, and go on where it was when there is room', async () => {
    await squeezed.say('tick 100');
    fillUp();
    await squeezed.say('disk fill 2048 9');
    const alarm = await waitFor(
      'an alarm says so',
      async () => {
        const { items } = await fleet.api.call('alarm.list', { query: { open: 'true' } as never });
        return items.find(({ code, subjectId }) => code === 'guest-stalled' && subjectId === squeezed.id);
      },
      { seen: () => squeezed.get() },
    );
    expect(alarm.message).toMatch(/the datastore is full; free some room/);
    await waitFor('its state says so', async () =>
      (await squeezed.get()).stateReason.includes('the datastore is full'),
    );
    rmSync(full());
    await waitFor('it goes on', () => squeezed.record.lines().some(({ kind }) => kind === 'diskFilled'), {
      seen: async () => ({
        said: squeezed.record.lines().slice(-5),
        events: await told(),
        guest: await squeezed.get(),
      }),
    });
    expect(await squeezed.ask('disk sum 2048', 'diskSum')).toMatchObject({
      checksum: replayDiskChecksum({ sectors: 2048, seed: 9 }),
    });
    await waitFor('the alarm is over', async () => {
      const { items } = await fleet.api.call('alarm.list', { query: { open: 'true' } as never });
      return items.length === 0;
    });
    await squeezed.expectRunsOnce();
    expect(squeezed.record.lives().map(brokenCounts)).toEqual(['']);
    const folder = join(smallDatastore(), 'guests', squeezed.id);
    expect(existsSync(join(folder, 'disk.qcow2'))).toBe(true);
    await fleet.removeGuest(squeezed);
    await waitFor('its disk is deleted', () => !existsSync(folder));
    await guest.expectRunsOnce();
  }, 120_000);
});

// ---- Servers that go away ----

test('with the database away nothing is changed, and the refusal says so', async () => {
  const before = await inventory();
  await fleet.postgres.kill();
  const ask = () => fleet.api.raw('POST', '/api/v1/guests', { ...newGuest, start: true });
  const answer = await waitFor('the controller has noticed', async () => {
    const { status, body } = await ask();
    return body.code === 'store-unavailable' && { status, ...body };
  }).finally(() => fleet.postgres.start());
  expect(answer).toMatchObject({
    status: 503,
    message: expect.stringMatching(/database (cannot be reached|does not answer)/),
  });
  await fleet.postgres.start();
  await waitFor(
    'it is the fleet that it was',
    // The database keeps an object's keys in an order of its own.
    async () => isDeepStrictEqual(await inventory(), before),
    {
      seen: inventory,
    },
  );
  await guest.expectRunsOnce();
}, 120_000);

test('with Redis away a start is taken down, and done when it is back', async () => {
  await fleet.redis.kill();
  await fleet.api.call('guest.create', { body: { ...newGuest, name: 'patient', memoryMiB: 32, start: true } });
  await sleep(1_000);
  expect((await fleet.api.call('guest.get', { params: { guest: 'patient' } })).state).toBe('starting');
  await fleet.redis.start();
  const patient = await fleet.openGuest('patient');
  await patient.expectRunsOnce();
  await fleet.removeGuest(patient);
}, 120_000);

// ---- Configuration, and servers that are not there ----

interface Ended {
  readonly status: number | null;
  readonly output: string;
}

/** Runs one of our programs until it ends by itself. */
function runProgram(
  app: 'controller' | 'agent',
  environment: Record<string, string>,
  deadlineMs = 60_000,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const { PATH = '', HOME = '' } = process.env;
    const child = spawn(process.execPath, [join(root, `dist/apps/${app}/src/main.js`)], {
      env: { PATH, HOME, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const deadline = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${app} did not end within ${deadlineMs / 1000} s; it said: ${output}`));
    }, deadlineMs);
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += String(data)));
    child.on('error', reject);
    child.on('close', (status) => {
      clearTimeout(deadline);
      resolve({ status, output });
    });
  });
}

const scratch = (name: string): string => {
  const folder = join(fleet.folder, name);
  mkdirSync(folder, { recursive: true });
  return folder;
};
const controllerEnvironment = (): Record<string, string> => ({
  DATABASE_URL: fleet.postgres.url,
  REDIS_URL: fleet.redis.url,
  ARGOSY_PORT: '0',
  ARGOSY_STATE_FOLDER: scratch('stray-controller'),
});
const agentEnvironment = (): Record<string, string> => ({
  ARGOSY_HOST: 'h9',
  ARGOSY_POOL: 'pool',
  ARGOSY_CONTROLLER_URL: fleet.controllers[0]!.url,
  ARGOSY_STATE_FOLDER: scratch('stray-agent'),
});

test('a controller whose configuration is broken ends, and says of each value what to write instead', async () => {
  const ended = await runProgram('controller', {
    ARGOSY_PORT: '80a',
    DATABASE_URL: 'mysql://x',
    REDIS_URL: 'localhost:6379',
    ARGOSY_LEASE_MS: '5',
    ARGOSY_STATE_FOLDER: '',
  });
  expect(ended.status).toBe(1);
  for (const sentence of [
    /ARGOSY_PORT must be a port, 0 to 65535/,
    /DATABASE_URL must begin with postgresql:/,
    /REDIS_URL must be like redis:/,
    /ARGOSY_LEASE_MS must be a whole number from 2000 to 60000/,
    /ARGOSY_STATE_FOLDER must be the folder/,
  ])
    expect(ended.output).toMatch(sentence);
}, 90_000);

test('an agent whose configuration is broken ends, and says of each value what to write instead', async () => {
  const ended = await runProgram('agent', {
    ...agentEnvironment(),
    ARGOSY_HOST: 'H 1',
    ARGOSY_CONTROLLER_URL: 'there',
    ARGOSY_MEMORY_MIB: 'much',
    ARGOSY_CPU_MILLICORES: '1',
  });
  expect(ended.status).toBe(1);
  for (const sentence of [
    /ARGOSY_HOST must be made of a-z/,
    /ARGOSY_CONTROLLER_URL must be the address of the controller/,
    /ARGOSY_MEMORY_MIB must be a whole number from 16/,
    /ARGOSY_CPU_MILLICORES must be a whole number from 10/,
  ])
    expect(ended.output).toMatch(sentence);
}, 90_000);

test('an agent with no join token, or a wrong one, ends and says so; the fleet has no new host', async () => {
  expect(await runProgram('agent', agentEnvironment())).toEqual({
    status: 78,
    output: expect.stringMatching(/ARGOSY_JOIN_TOKEN: make a join token/),
  });
  const wrong = await runProgram('agent', { ...agentEnvironment(), ARGOSY_JOIN_TOKEN: 'not-a-token' });
  expect(wrong).toEqual({ status: 78, output: expect.stringMatching(/unauthenticated/) });
  expect((await fleet.api.call('host.list')).items.map(({ name }) => name)).toEqual(['h1', 'h2']);
}, 120_000);

test('a controller whose database cannot be reached ends with a sentence, and without its password', async () => {
  const ended = await runProgram('controller', {
    ...controllerEnvironment(),
    DATABASE_URL: 'postgresql://argosy:secret-word@127.0.0.1:9/argosy',
  });
  expect(ended.status).not.toBe(0);
  expect(ended.output).toMatch(/cannot go on: .*(database|127\.0\.0\.1:9)/i);
  expect(ended.output).not.toContain('secret-word');
}, 90_000);

test('a controller whose Redis cannot be reached says so, answers, and harms nobody', async () => {
  const stray = await fleet.addController('controller-without-redis', { REDIS_URL: 'redis://127.0.0.1:9' });
  const health = (await (await fetch(`${stray.url}/health`)).json()) as Record<string, unknown>;
  expect(health).toMatchObject({ status: 'degraded', redis: 'down', database: 'up' });
  expect(stray.log()).toMatch(/Redis: .*(ECONNREFUSED|127\.0\.0\.1:9)/);
  await stray.kill();
  fleet.controllers.pop();
  await guest.expectRunsOnce();
}, 90_000);

test('the first token is for its owner alone', () => {
  expect(statSync(join(fleet.controllers[0]!.folder, 'token')).mode & 0o777).toBe(0o600);
});
