import { peerTicket, type PeerRole } from '@argosy/contracts/host-key';
import { connect, createServer, type AddressInfo } from 'node:net';
import { PeerClient } from './peer-client';
import { PeerServer } from './peer-server';

const key = 'key of the host';
const source: PeerRole = { as: 'source', migrationId: 'm' };
const controller: PeerRole = { as: 'controller' };
const grant = { kind: 'grant', migrationId: 'm', guestId: 'g', epoch: 2, sourceDead: false } as const;
const die = { kind: 'die', what: 'agent' } as const;

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
      async (call) => {
        asked.push(call);
        return { kind: 'granted' };
      },
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
    ['the ticket of another migration', () => ({ ...as({ as: 'source', migrationId: 'n' }), role: source }), grant],
    ["a migration's ticket, said to be a controller's", () => ({ ...as(source), role: controller }), die],
    ['the ticket of its own migration, for another one', () => as({ as: 'source', migrationId: 'n' }), grant],
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

  test('get no answer from one that is gone, within the deadline, and find it again when it is back', async () => {
    const port = Number(address.split(':')[1]);
    await client.ask(as(source), grant, 2_000);
    await server.close();
    expect(await client.ask(as(source), grant, 300)).toBeNull();
    const again = new PeerServer(
      () => key,
      async () => ({ kind: 'destroyed' }),
    );
    await again.listen('127.0.0.1', port);
    expect(await client.ask(as(source), grant, 2_000)).toEqual({ kind: 'destroyed' });
    await again.close();
  });

  test('get no answer at an address that is none', async () => {
    for (const none of ['nowhere', 'h:0', 'h:99999', ':', ''])
      expect(await client.ask({ ...as(source), address: none }, grant, 300)).toBeNull();
  });
});
