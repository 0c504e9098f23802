import { connect, type Socket } from 'node:net';
import { acceptOf } from '../../apps/controller/src/http/screens/web-socket';
import { waitFor } from '../fleet/lab-processes';
import { makeLab, startEdge, type Edge } from './edge';

// Guests' screens at the HTTP edge: who gets one, for how long, and what becomes of requests that only look alike.

let edge: Edge;
beforeAll(async () => {
  edge = await startEdge({ streamHeartbeatMs: 100, streamsPerUser: 3 });
  await makeLab(edge);
  for (const [name, display] of [
    ['pc', 'standard'],
    ['plain', 'none'],
    ['off', 'standard'],
  ])
    await edge.call('guest.create', { body: { name, pool: 'lab', image: 'tiny', display } });
  // Nobody starts them here: they are on a host by word alone.
  const { guests } = edge.gateway.fleet;
  for (const guest of [...guests.values()]) if (guest.name !== 'off') guests.set(guest.id, { ...guest, hostId: 'h1' });
}, 60_000);
afterAll(() => edge.stop());

const key = 'dGhlIHNhbXBsZSBub25jZQ==';
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** Says that, and keeps what is answered. */
function say(text: string): { readonly socket: Socket; heard: () => string; isOver: () => boolean } {
  const { hostname, port } = new URL(edge.url);
  const socket = connect(Number(port), hostname);
  sockets.push(socket);
  const chunks: Buffer[] = [];
  let over = false;
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('close', () => (over = true));
  socket.write(text);
  return { socket, heard: () => Buffer.concat(chunks).toString('latin1'), isOver: () => over };
}

const asking = (path: string) =>
  say(
    `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: base64, binary\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
  );
/** "hello" as a browser masks it, with a mask of zeros. */
const hello = Buffer.concat([Buffer.from([0x82, 0x85, 0, 0, 0, 0]), Buffer.from('hello')]);

const screenOf = (guest: string, token = edge.tokens.operator) =>
  edge.send('POST', `/api/v1/guests/${guest}/screen`, { token });

async function open(token = edge.tokens.operator) {
  const { body } = await screenOf('pc', token);
  const connection = asking(body.path as string);
  await waitFor('the socket is open', () => connection.heard().includes('101 Switching Protocols'));
  return connection;
}

test('what is typed goes to the screen, and what it shows comes back, over one address that is good once', async () => {
  const { body, status } = await screenOf('pc');
  expect(status).toBe(201);
  const first = asking(body.path as string);
  await waitFor('the socket is open', () => first.heard().includes(`Sec-WebSocket-Accept: ${acceptOf(key)}`));
  expect(first.heard()).toContain('Sec-WebSocket-Protocol: binary');
  first.socket.write(hello);
  await waitFor('it is shown', () => first.heard().includes('\x82\x05hello'), { seen: first.heard });
  const second = asking(body.path as string);
  await waitFor('the second is refused', () => second.heard().includes('401 Unauthorized') && second.isOver());
  first.socket.destroy();
  await waitFor('the VMM is let go', () => edge.gateway.screens.every((screen) => screen.destroyed));
});

test('a viewer, a guest without a screen and an address that nobody was given are refused in words', async () => {
  expect(await screenOf('pc', edge.tokens.viewer)).toMatchObject({ status: 403 });
  expect(await screenOf('off')).toMatchObject({ status: 409, body: { code: 'guest-not-running' } });
  expect(await screenOf('plain')).toMatchObject({ status: 409, body: { code: 'no-screen' } });
  expect(await edge.send('GET', '/api/v1/screens/nonsense', { token: null })).toMatchObject({ status: 400 });
  const nonsense = asking('/api/v1/screens/nonsense');
  await waitFor('it is refused', () => nonsense.heard().includes('401 Unauthorized') && nonsense.isOver());
});

test('a screen ends when its token is revoked, and when the controller leads no longer', async () => {
  const { id, secret } = (await edge.access.createToken('olga'))!;
  const revoked = await open(secret);
  const other = await open();
  await edge.access.revokeToken(id);
  await waitFor('it ends', revoked.isOver);
  expect(other.isOver()).toBe(false);
  edge.gateway.leads = false;
  await waitFor('it ends as well', other.isOver);
  edge.gateway.leads = true;
});

test('one user has only so many open, and one that nobody came for is counted till it is given up', async () => {
  const opened = [await open(), await open(), await open()];
  expect(await screenOf('pc')).toMatchObject({ status: 429 });
  opened[0]!.socket.destroy();
  await waitFor('there is room again', async () => (await screenOf('pc')).status === 201);
});

test('whoever offers HTTP/2 on the way has asked in HTTP/1.1 and is answered, body and all', async () => {
  const body = JSON.stringify({ name: 'from-java', pool: 'lab', image: 'tiny' });
  const connection = say(
    `POST /api/v1/guests HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nAuthorization: Bearer ${edge.tokens.operator}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  await waitFor('it is made', () => connection.heard().startsWith('HTTP/1.1 201'), { seen: connection.heard });
});
