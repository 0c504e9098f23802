import { hostKeyOf, sign } from '@argosy/contracts/host-key';
import type { HostCommand } from '@argosy/domain/host-command';
import type { HostReport } from '@argosy/domain/host-report';
import { agentQueue } from '@argosy/queue/agent-queue';
import { CommandQueues } from '@argosy/queue/command-queues';
import { listenToTelemetry, TelemetrySpeaker } from '@argosy/queue/telemetry';
import { workCommands, type CommandWorker } from '@argosy/queue/work-commands';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { TestServers, type TestServer } from '../inventory/servers';

const servers = new TestServers();
let server: TestServer;
let queues: CommandQueues;
const open: { close(): unknown }[] = [];

beforeAll(async () => {
  server = await servers.redis();
  queues = new CommandQueues({ url: server.url, keyOf });
  expect(await queues.ready(5000)).toBe(true);
});
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});
afterAll(async () => {
  await queues.close();
  await servers.stop();
});

const fleetSecret = 'secret of the fleet';
const keyOf = (hostId: string) => hostKeyOf(fleetSecret, hostId);
/** Of a process that stands for these hosts. */
const keyHere = (hostId: string) => (['h1', 'h3'].includes(hostId) ? keyOf(hostId) : null);
const signed = (command: object, key: string) => {
  const text = JSON.stringify(command);
  return { text, signature: sign(key, 'command', text) };
};

let lastId = 0;
function aCommand(changes: Partial<HostCommand> = {}): HostCommand {
  lastId += 1;
  const order = { kind: 'guest.stop', guestId: 'g1', epoch: 1, graceMs: 0 } as const;
  return { commandId: `c:${lastId}`, hostId: 'h1', incarnation: 1, term: 1, notAfter: 5, order, ...changes };
}

function aReport(sequence: number): HostReport {
  return { hostId: 'h1', incarnation: 1, sequence, sentAt: 1, capacity: { cpuMillicores: 1, memoryMiB: 1 }, guests: [], migrations: [], cpuMillicores: 0, isolation: null, health: null, run: null, datastores: [], diskWork: [], term: 1, queue: 'q', refusals: [] }; // prettier-ignore
}

function work(queue: string, handler: (command: HostCommand) => Promise<void>, problems: string[] = []): CommandWorker {
  const onProblem = ({ message }: Error) => void problems.push(message);
  const worker = workCommands({ url: server.url, queue, keyOf: keyHere, handler, onProblem });
  open.push(worker);
  return worker;
}

async function eventually(holds: () => boolean | Promise<boolean>, deadlineMs = 15_000): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('with a queue that is forgotten everything goes that it had, taken or not', async () => {
  const redis = new Redis(server.url);
  const secret = aCommand({ order: { kind: 'guest.kill', guestId: 'g1', epoch: 1, reason: 'of-the-guest' } });
  expect(await queues.enqueue('left', secret)).toEqual({ ok: true, value: null });
  const keys = (): Promise<string[]> => redis.keys('bull:left:*');
  expect(await keys()).not.toEqual([]);
  await queues.forget('left');
  expect(await keys()).toEqual([]);
  // Its name may come again: it is a queue like any other then.
  expect(await queues.enqueue('left', secret)).toEqual({ ok: true, value: null });
  expect(await queues.waiting('left')).toBe(1);
  await queues.forget('left');
  redis.disconnect();
});

test('the queues of agents that are in no inventory go, with all that they had, and nobody else is disturbed', async () => {
  const redis = new Redis(server.url);
  const [stray, kept, later] = [agentQueue('gone'), agentQueue('here'), agentQueue('next')];
  for (const queue of [stray, kept, 'of-others']) await queues.enqueue(queue, aCommand());
  await redis.set('bull:agent-of-others:meta', 'x');
  // An agent whose queue goes by mistake, as after the database was restored.
  const mistaken = agentQueue('mistaken');
  const heard: HostCommand[] = [];
  work(mistaken, async (command) => void heard.push(command));
  await queues.enqueue(mistaken, aCommand());
  await eventually(() => heard.length === 1);

  await Promise.all([queues.keepOnly([kept]), queues.enqueue(later, aCommand())]);
  const left = async (queue: string): Promise<number> => (await redis.keys(`bull:${queue}:*`)).length;
  expect(await left(stray)).toBe(0);
  expect(await queues.waiting(kept)).toBe(1);
  expect(await queues.waiting(later)).toBe(1);
  expect(await left('of-others')).toBeGreaterThan(0);
  expect(await redis.get('bull:agent-of-others:meta')).toBe('x');
  await queues.enqueue(mistaken, aCommand());
  await eventually(() => heard.length === 2);
  for (const queue of [kept, later, mistaken, 'of-others']) await queues.forget(queue);
  redis.disconnect();
});

test('a command arrives as it was sent, each attempt once', async () => {
  const heard: HostCommand[] = [];
  work('round', async (command) => void heard.push(command));
  const command = aCommand();
  expect(await queues.enqueue('round', command)).toEqual({ ok: true, value: null });
  await eventually(() => heard.length === 1);
  expect(heard).toEqual([command]);
});

test('while a command waits the same ring is one job, and the next attempt another', async () => {
  const heard: HostCommand[] = [];
  const command = aCommand();
  for (const attempt of [1, 1, 2]) await queues.enqueue('rings', command, attempt);
  work('rings', async (each) => void heard.push(each));
  await eventually(() => heard.length === 2);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(heard).toEqual([command, command]);
});

test('what a command said is in Redis no longer than until it is done, or has failed', async () => {
  const problems: string[] = [];
  const heard: HostCommand[] = [];
  const secret = 'password: of-a-guest';
  work('secrets', async (command) => void heard.push(command), problems);
  for (const hostId of ['h1', 'h2'])
    await queues.enqueue('secrets', aCommand({ hostId, commandId: `${hostId} ${secret}` }));
  const redis = new Redis(server.url);
  const held = async (): Promise<string> => {
    const keys = (await redis.keys('*secrets*')).filter((key) => !key.endsWith(':meta'));
    const values = keys.map((key) => redis.hgetall(key).catch(() => ({})));
    return JSON.stringify(await Promise.all(values));
  };
  await eventually(() => heard.length === 1 && problems.length === 1);
  await eventually(async () => !(await held()).includes('of-a-guest'));
  redis.disconnect();
});

test('a round trip takes a few milliseconds', async () => {
  let arrived = () => {};
  work('timing', async () => arrived());
  const took: number[] = [];
  for (let n = 0; n < 200; n += 1) {
    const before = performance.now();
    const heard = new Promise<void>((resolve) => (arrived = resolve));
    await queues.enqueue('timing', aCommand());
    await heard;
    took.push(performance.now() - before);
  }
  took.sort((left, right) => left - right);
  console.log(`a command from enqueue to handler: p50 ${took[100]?.toFixed(1)} ms, p99 ${took[198]?.toFixed(1)} ms`);
  expect(took[100]).toBeLessThan(50);
});

test('what breaks the contract is refused in a sentence, once, and what follows is worked', async () => {
  const problems: string[] = [];
  const heard: HostCommand[] = [];
  const redis = new Redis(server.url, { maxRetriesPerRequest: null });
  const raw = new Queue('bad', { connection: redis });
  const broken = { ...aCommand(), order: { kind: 'guest.stop', guestId: 7 } };
  await raw.add('host.command', signed(broken, keyOf('h1')), { attempts: 5 });
  await raw.add('guest.explode', {}, { attempts: 5 });
  await raw.add('host.command', aCommand(), { attempts: 5 });
  // As another host could, which has a key of its own and knows no other.
  await raw.add('host.command', signed(aCommand(), keyOf('h2')), { attempts: 5 });
  work('bad', async (command) => void heard.push(command), problems);
  await queues.enqueue('bad', aCommand());
  await eventually(() => heard.length === 1 && problems.length >= 4);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(problems).toEqual([
    expect.stringMatching(/^job 1 breaks the contract of host.command: order.guestId: /),
    expect.stringMatching(/^job 2 has the unknown name "guest.explode"/),
    expect.stringMatching(/^job 3 breaks the contract of host.command: text: /),
    'job 4 is not signed with the key of this host, and is no command',
  ]);
  await raw.close();
  redis.disconnect();
});

test('a job whose worker is killed is delivered again', async () => {
  const child = fork(join(__dirname, 'hung-worker.mjs'), [server.url, 'killed'], { execArgv: [] });
  const taken = new Promise((resolve) => child.once('message', resolve));
  const command = aCommand();
  await queues.enqueue('killed', command);
  await taken;
  child.kill('SIGKILL');
  const before = performance.now();
  const heard: HostCommand[] = [];
  work('killed', async (again) => void heard.push(again));
  await eventually(() => heard.length === 1);
  expect(heard).toEqual([command]);
  console.log(`delivered again ${((performance.now() - before) / 1000).toFixed(1)} s after the kill`);
  expect(performance.now() - before).toBeLessThan(12_000);
}, 30_000);

test('reports and heartbeats are heard; what is no message, or is signed by another than it names, is said to be none', async () => {
  const problems: string[] = [];
  const heard: unknown[] = [];
  const speaker = new TelemetrySpeaker({ url: server.url, channel: 'talk' });
  const options = { url: server.url, channel: 'talk', onProblem: ({ message }: Error) => void problems.push(message) };
  const ear = listenToTelemetry(options, {
    fleetSecret,
    onReport: (report) => heard.push(report),
    onHeartbeats: (beats) => heard.push(...beats),
    onHeartbeat: (beat) => heard.push(beat),
  });
  open.push(speaker, ear);
  expect(await ear.ready(5000)).toBe(true);
  expect(await speaker.ready(5000)).toBe(true);
  await speaker.sayReport(aReport(1), keyOf('h1'));
  const beat = { controllerId: 'me', sequence: 1, sentAt: 5 };
  await speaker.sayHeartbeat(beat, fleetSecret);
  await speaker.sayReport({ ...aReport(3), cpuMillicores: 'much' as unknown as number }, keyOf('h1'));
  await eventually(() => problems.length === 1);
  expect(heard).toEqual([aReport(1), beat]);
  expect(problems[0]).toMatch(/^a message breaks the contract of telemetry: cpuMillicores/);
  await speaker.sayReport(aReport(4), keyOf('h2'));
  await speaker.sayReport({ ...aReport(5), hostId: 'h2' }, keyOf('h1'));
  await speaker.sayHeartbeat(beat, keyOf('h1'));
  const redis = new Redis(server.url, { maxRetriesPerRequest: null });
  const text = JSON.stringify({ ...aReport(6), hostId: 'h2' });
  const message = { kind: 'host-report', hostId: 'h1', text, signature: sign(keyOf('h1'), 'report', text) };
  for (const each of [JSON.stringify(message), JSON.stringify(aReport(7)), 'null', '{'])
    await redis.publish('talk', each);
  redis.disconnect();
  await eventually(() => problems.length === 8);
  expect(heard).toHaveLength(2);
  expect(problems.slice(1)).toEqual([
    'a report of host "h1" is not signed with its key',
    'a report of host "h2" is not signed with its key',
    'a heartbeat is signed by no controller of this fleet',
    'a report of host h1 says that it is of another',
    expect.stringMatching(/^a message breaks the contract of telemetry/),
    expect.stringMatching(/^a message breaks the contract of telemetry/),
    'a message on the channel of telemetry is not JSON',
  ]);
});

test("the heartbeats of many hosts come in one message, and what is not signed by its host is nobody's", async () => {
  const problems: string[] = [];
  const heard: string[] = [];
  const speaker = new TelemetrySpeaker({ url: server.url, channel: 'beats' });
  const options = { url: server.url, channel: 'beats', onProblem: ({ message }: Error) => void problems.push(message) };
  const ear = listenToTelemetry(options, {
    fleetSecret,
    onReport: () => {},
    onHeartbeats: (beats) => heard.push(beats.map(({ hostId, count }) => `${hostId} ${count}`).join(', ')),
    onHeartbeat: () => {},
  });
  open.push(speaker, ear);
  expect(await ear.ready(5000)).toBe(true);
  expect(await speaker.ready(5000)).toBe(true);
  const beat = (hostId: string, count: number) => ({ hostId, incarnation: 1, sequence: 7, count });
  await speaker.sayHeartbeats([beat('h1', 1), beat('h2', 4)], keyOf);
  await speaker.sayHeartbeats([beat('h1', 2), beat('h2', 5)], (hostId) => keyOf(hostId === 'h2' ? 'h1' : hostId));
  await eventually(() => problems.length === 1);
  expect(heard).toEqual(['h1 1, h2 4', 'h1 2']);
  expect(problems).toEqual(['a heartbeat of host "h2" is not signed with its key']);
});

test('one process takes the orders of all the hosts that it stands for, from one queue, and of no other host', async () => {
  const problems: string[] = [];
  const heard: string[] = [];
  work('group', async ({ hostId }) => void heard.push(hostId), problems);
  for (const hostId of ['h1', 'h2', 'h3']) await queues.enqueue('group', aCommand({ hostId }));
  await eventually(() => heard.length === 2 && problems.length === 1);
  expect(heard).toEqual(['h1', 'h3']);
  expect(problems[0]).toMatch(/is not signed with the key of this host/);
});

test.each([
  ['with its data', false],
  ['empty', true],
])(
  'Redis is killed and comes back %s: asking is refused at once meanwhile, and all goes on by itself',
  async (_, empty) => {
    const queue = `outage-${empty}`;
    const heard: string[] = [];
    const beats: number[] = [];
    work(queue, async ({ commandId }) => void heard.push(commandId));
    const speaker = new TelemetrySpeaker({ url: server.url });
    const ear = listenToTelemetry(
      { url: server.url },
      { fleetSecret, onReport: () => {}, onHeartbeats: () => {}, onHeartbeat: ({ sequence }) => beats.push(sequence) },
    );
    open.push(speaker, ear);
    await ear.ready(5000);
    await speaker.ready(5000);
    await queues.enqueue(queue, aCommand({ commandId: 'before' }));
    await eventually(() => heard.includes('before'));

    server.kill();
    await new Promise((resolve) => setTimeout(resolve, 200));
    const before = performance.now();
    for (let n = 0; n < 20; n += 1)
      expect(await queues.enqueue(queue, aCommand({ commandId: 'lost' }))).toMatchObject({
        ok: false,
        refusal: { code: 'queue-unavailable' },
      });
    expect(await speaker.sayHeartbeat({ controllerId: 'me', sequence: 1, sentAt: 1 }, fleetSecret)).toMatchObject({
      ok: false,
    });
    expect(performance.now() - before).toBeLessThan(1000);

    await server.restart();
    if (empty) {
      const redis = new Redis(server.url);
      await redis.flushall();
      redis.disconnect();
    }
    await eventually(async () => (await queues.enqueue(queue, aCommand({ commandId: 'after' }))).ok);
    await eventually(() => heard.includes('after'));
    await eventually(async () => {
      await speaker.sayHeartbeat({ controllerId: 'me', sequence: 2, sentAt: 1 }, fleetSecret);
      return beats.includes(2);
    });
    expect(heard).not.toContain('lost');
    expect(beats).not.toContain(1);
  },
  60_000,
);

test('a Redis that hangs costs a bounded time, and is used again when it goes on', async () => {
  await queues.enqueue('hang', aCommand());
  server.pause();
  try {
    const before = performance.now();
    expect(await queues.enqueue('hang', aCommand())).toMatchObject({
      ok: false,
      refusal: { code: 'queue-unavailable' },
    });
    expect(performance.now() - before).toBeLessThan(4000);
  } finally {
    server.resume();
  }
  await eventually(async () => (await queues.enqueue('hang', aCommand())).ok);
}, 30_000);

test('closing ends every connection', async () => {
  const worker = workCommands({ url: server.url, queue: 'closing', keyOf: keyHere, handler: async () => {} });
  const admin = new Redis(server.url);
  const clients = async () =>
    String(await admin.client('LIST'))
      .trim()
      .split('\n').length;
  const more = new CommandQueues({ url: server.url, keyOf });
  await more.ready(5000);
  await more.enqueue('closing', aCommand());
  const before = await clients();
  await worker.close();
  await more.close();
  await eventually(async () => (await clients()) <= before - 3);
  admin.disconnect();
}, 30_000);
