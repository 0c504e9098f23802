import { connect } from 'node:net';
import { once } from 'node:events';
import { PeerClient } from './peer-client';
import { PeerServer } from './peer-server';

const grant = { kind: 'grant', migrationId: 'm', guestId: 'g', epoch: 2, sourceDead: false } as const;

describe('two agents on a direct connection', () => {
  let server: PeerServer;
  let address: string;
  let client: PeerClient;
  let asked: unknown[];

  beforeEach(async () => {
    asked = [];
    server = new PeerServer(
      () => 'secret',
      async (call) => {
        asked.push(call);
        return { kind: 'granted' };
      },
    );
    address = await server.listen('127.0.0.1');
    client = new PeerClient(() => 'secret');
  });
  afterEach(async () => {
    client.close();
    await server.close();
  });

  test('ask and answer', async () => {
    expect(await client.ask(address, grant, 2_000)).toEqual({ kind: 'granted' });
    expect(asked).toEqual([grant]);
  });

  test('are cut off with the wrong secret, and nothing is heard', async () => {
    const stranger = new PeerClient(() => 'wrong!');
    expect(await stranger.ask(address, grant, 2_000)).toBeNull();
    expect(asked).toEqual([]);
    stranger.close();
  });

  test('are cut off when they do not speak as the contract says', async () => {
    const socket = connect(Number(address.split(':')[1]), '127.0.0.1');
    socket.write('{"secret":"secret"}\n{"id":1,"call":{"kind":"format-disk"}}\n');
    await once(socket, 'close');
    expect(asked).toEqual([]);
  });

  test('get no answer from one that is gone, within the deadline, and find it again when it is back', async () => {
    const port = Number(address.split(':')[1]);
    await client.ask(address, grant, 2_000);
    await server.close();
    expect(await client.ask(address, grant, 300)).toBeNull();
    const again = new PeerServer(
      () => 'secret',
      async () => ({ kind: 'destroyed' }),
    );
    await again.listen('127.0.0.1', port);
    expect(await client.ask(address, grant, 2_000)).toEqual({ kind: 'destroyed' });
    await again.close();
  });
});
