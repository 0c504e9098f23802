import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { GuestProbe } from '@argosy/domain/entities';
import { guestServes } from './guest-probe';

let server: Server;
let port: number;
beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/silent') return;
    response.writeHead(request.url === '/health' ? 204 : 302, { location: '/health' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
});

const ask = (changes: Partial<GuestProbe>): Promise<boolean> =>
  guestServes('127.0.0.1', { kind: 'http', port, path: '/health', status: 204, ...changes });

test('a connection that is taken answers a tcp probe, and the right status an http probe', async () => {
  expect(await ask({ kind: 'tcp' })).toBe(true);
  expect(await ask({})).toBe(true);
});

test.each([
  ['nobody who listens', { kind: 'tcp', port: 1 }],
  ['another status', { status: 200 }],
  ['a way to another page', { path: '/elsewhere' }],
  ['no answer', { path: '/silent' }],
] as const)('%s is no answer', async (_, changes) => {
  expect(await ask(changes)).toBe(false);
});
