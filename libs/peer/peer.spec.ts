import { peerTicket, sign, type PeerRole } from '@argosy/contracts/host-key';
import { accepted, refused } from '@argosy/domain/refusal';
import * as fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PeerClient } from './peer-client';
import { PeerServer } from './peer-server';

const key = 'key of the host';
const now = 1_000_000;
const handOver = { migrationId: 'm', guestId: 'g', epoch: 2, notAfter: now + 1 };
const source: PeerRole & { as: 'source' } = { as: 'source', ...handOver };
const controller: PeerRole = { as: 'controller' };
const grant = { kind: 'grant', migrationId: 'm', guestId: 'g', epoch: 2, sourceDead: false, typed: '' } as const;
const die = { kind: 'die', what: 'agent' } as const;

/** Stands for a VMM's socket: it greets, and says again what it hears. */
const vmmFolder = mkdtempSync(join(tmpdir(), 'argosy-peer-'));
const vmm = join(vmmFolder, 'screen');
const vmmServer = createServer((socket) => {
  socket.on('error', () => undefined);
  socket.write('RFB 003.008\n');
  socket.pipe(socket);
});
beforeAll(() => new Promise<void>((resolve) => vmmServer.listen(vmm, resolve)));
afterAll(() => {
  vmmServer.close();
  rmSync(vmmFolder, { recursive: true });
});

describe('two agents on a direct connection', () => {
  let server: PeerServer;
  let address: string;
  let client: PeerClient;
  let asked: unknown[];
  const as = (role: PeerRole, of = key) => ({ address, role, ticket: peerTicket(of, role) });

  beforeEach(async () => {
    asked = [];
    server = new PeerServer(
      () => key,
      {
        answer: async (call) => {
          asked.push(call);
          return { kind: 'granted' };
        },
        screen: async ({ guestId }) =>
          guestId === 'g' ? accepted(connect(vmm)) : refused('no-screen', 'It has no screen.'),
      },
      () => now,
    );
    address = await server.listen('127.0.0.1');
    client = new PeerClient();
  });
  afterEach(async () => {
    client.close();
    await server.close();
  });

  test('ask and answer', async () => {
    expect(await client.ask(as(source), grant, 2_000)).toEqual({ kind: 'granted' });
    expect(await client.ask(as(controller), die, 2_000)).toEqual({ kind: 'granted' });
    expect(asked).toEqual([grant, die]);
  });

  test.each([
    ['a ticket of another host', () => as(source, 'key of another host'), grant],
    ['the ticket of another migration', () => ({ ...as({ ...source, migrationId: 'n' }), role: source }), grant],
    ['a ticket that has run out', () => as({ ...source, notAfter: now - 1 }), grant],
    [
      'one that has run out, said to hold for longer',
      () => ({ ...as({ ...source, notAfter: now - 1 }), role: source }),
      grant,
    ],
    ["the ticket of its own migration, for another's guest", () => as(source), { ...grant, guestId: 'h' }],
    ['the ticket of its own migration, for an epoch to come', () => as(source), { ...grant, epoch: 1_000_000 }],
    ["a migration's ticket, said to be a controller's", () => ({ ...as(source), role: controller }), die],
    ['the ticket of its own migration, for another one', () => as({ ...source, migrationId: 'n' }), grant],
    ["a migration's ticket, for what only controllers ask", () => as(source), die],
    ["a controller's ticket, for the hand-over", () => as(controller), grant],
  ])('are cut off with %s, and nothing is heard', async (_what, peer, call) => {
    expect(await client.ask(peer(), call, 2_000)).toBeNull();
    expect(asked).toEqual([]);
  });

  test('tell nothing to one who listens where the other was, and believe nothing of it', async () => {
    const heard: string[] = [];
    const impostor = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.write('{"challenge":"x"}\n{"proof":"of nothing"}\n{"id":1,"answer":{"kind":"destroyed"}}\n');
      socket.on('data', (data) => heard.push(data.toString()));
    });
    await new Promise<void>((resolve) => impostor.listen(0, '127.0.0.1', resolve));
    const there = `127.0.0.1:${(impostor.address() as AddressInfo).port}`;
    expect(await client.ask({ ...as(source), address: there }, grant, 2_000)).toBeNull();
    expect(heard.join('')).not.toContain('grant');
    impostor.close();
  });

  test('are cut off when they say nothing, or do not speak as the contract says', async () => {
    for (const text of ['{"secret":"secret"}\n', 'GET / HTTP/1.1\r\n\r\n', '\0\xff\n', `${'x'.repeat(5_000_000)}`]) {
      const socket = connect(Number(address.split(':')[1]), '127.0.0.1');
      socket.on('error', () => undefined);
      socket.resume();
      socket.write(text);
      await new Promise((resolve) => socket.on('close', resolve));
    }
    expect(asked).toEqual([]);
  });

  const portOf = (): number => Number(address.split(':')[1]);

  /** A connection of our own; `introduce` for one who has the ticket for that role. Its end, or a moment, is waited for. */
  function say(bytes: Uint8Array | string, introduced?: PeerRole): Promise<void> {
    return new Promise((resolve) => {
      const socket = connect(portOf(), '127.0.0.1');
      socket.on('error', () => undefined);
      socket.on('close', () => resolve());
      socket.once('data', (text) => {
        const { challenge } = JSON.parse(text.toString()) as { challenge: string };
        if (introduced) {
          const proof = sign(peerTicket(key, introduced), 'client', challenge);
          socket.write(`${JSON.stringify({ role: introduced, proof, challenge: 'mine' })}\n`);
        }
        socket.resume();
        socket.end(bytes);
      });
    });
  }

  test('go on whatever is said to them, by whomever, and hear of it what the contract allows alone', async () => {
    const call = fc.record(
      {
        kind: fc.constantFrom('grant', 'die', 'console-write', 'console-tail', '__proto__', ''),
        migrationId: fc.constantFrom('m', 'n', ''),
        guestId: fc.constantFrom('g', 'h'),
        epoch: fc.oneof(fc.constantFrom(2, 3, -1, 1.5, 1e300), fc.string()),
        sourceDead: fc.oneof(fc.boolean(), fc.constant(null)),
        text: fc.string({ maxLength: 9_000 }),
        maximumBytes: fc.oneof(fc.integer(), fc.double()),
        what: fc.constantFrom('agent', 'guest', 'host'),
      },
      { requiredKeys: ['kind'] },
    );
    const request = fc.record({ id: fc.oneof(fc.nat(), fc.jsonValue()), call: fc.oneof(call, fc.jsonValue()) });
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 3_000 }),
      fc
        .array(request, { maxLength: 3 })
        .map((all) => Buffer.from(all.map((each) => `${JSON.stringify(each)}\n`).join(''))),
      fc.jsonValue().map((value) => Buffer.from(`${JSON.stringify(value)}\n`)),
      fc.constant(Buffer.alloc(300_000, 'x')),
    );
    const run = fc.asyncProperty(bytes, fc.constantFrom(undefined, source, controller), (said, role) =>
      say(said, role),
    );
    await fc.assert(run, { numRuns: 150 });
    const [grants, others] = [true, false].map((isGrant) =>
      asked.filter((each) => ((each as { kind: string }).kind === 'grant') === isGrant),
    );
    for (const each of grants!) expect(each).toEqual({ ...grant, sourceDead: expect.any(Boolean) as boolean });
    for (const each of others!) expect((each as { kind: string }).kind).toMatch(/^(die|console-write|console-tail)$/);
    expect(await client.ask(as(source), grant, 2_000)).toEqual({ kind: 'granted' });
  }, 20_000);

  test('let many connect who do not say who they are, and have room for those who do', async () => {
    const strangers = Array.from({ length: 80 }, () => connect(portOf(), '127.0.0.1'));
    const closed = new Set<unknown>();
    for (const each of strangers)
      each
        .on('error', () => undefined)
        .on('close', () => closed.add(each))
        .resume();
    // All but as many as one address may have, until those go.
    const end = performance.now() + 1_500;
    while (closed.size < 30 && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(closed.size).toBe(30);
    for (const each of strangers) each.destroy();
    let answer: unknown = null;
    while (answer === null && performance.now() < end) answer = await client.ask(as(source), grant, 300);
    expect(answer).toEqual({ kind: 'granted' });
  });

  test('cut off at the first bytes one who says more than a hello takes', async () => {
    const before = performance.now();
    await say(Buffer.alloc(3_000, 'x'));
    expect(performance.now() - before).toBeLessThan(1_500);
  });

  test('get no answer from one that is gone, within the deadline, and find it again when it is back', async () => {
    const port = Number(address.split(':')[1]);
    await client.ask(as(source), grant, 2_000);
    await server.close();
    expect(await client.ask(as(source), grant, 300)).toBeNull();
    const again = new PeerServer(
      () => key,
      { answer: async () => ({ kind: 'destroyed' }), screen: async () => refused('no-screen', '') },
      () => now,
    );
    await again.listen('127.0.0.1', port);
    expect(await client.ask(as(source), grant, 2_000)).toEqual({ kind: 'destroyed' });
    await again.close();
  });

  test('a screen is bytes both ways from the answer on, and the end of one side is the end of the other', async () => {
    const opened = await client.openScreen(as(controller), { kind: 'screen', guestId: 'g', epoch: 2 }, 2_000);
    if (!opened?.ok) throw new Error('refused');
    const screen = opened.value;
    const heard: Buffer[] = [];
    const bytes = Buffer.from([0, 255, 10, 128, 10]);
    const all = new Promise<void>((resolve) =>
      screen.on('data', (chunk: Buffer) => {
        heard.push(chunk);
        if (Buffer.concat(heard).length === 17) resolve();
      }),
    );
    screen.resume();
    screen.write(bytes);
    await all;
    expect(Buffer.concat(heard)).toEqual(Buffer.concat([Buffer.from('RFB 003.008\n'), bytes]));
    const atVmm = () => new Promise<number>((resolve) => vmmServer.getConnections((_error, count) => resolve(count)));
    expect(await atVmm()).toBe(1);
    screen.destroy();
    while ((await atVmm()) > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  test('a screen is refused in words, and is not for the source of a migration', async () => {
    const call = { kind: 'screen', guestId: 'h', epoch: 2 } as const;
    expect(await client.openScreen(as(controller), call, 2_000)).toEqual(refused('no-screen', 'It has no screen.'));
    expect(await client.openScreen(as(source), { ...call, guestId: 'g' }, 2_000)).toBeNull();
    expect(await client.openScreen({ ...as(controller), address: 'nowhere' }, call, 2_000)).toBeNull();
  });

  test('get no answer at an address that is none', async () => {
    for (const none of ['nowhere', 'h:0', 'h:99999', ':', ''])
      expect(await client.ask({ ...as(source), address: none }, grant, 300)).toBeNull();
  });
});
