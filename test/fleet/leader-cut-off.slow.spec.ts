// The leader loses Redis and keeps the database; another controller has both. Without it a host that fails would stay down.
import { connect, createServer, type Server, type Socket } from 'node:net';
import { Fleet } from './lab';
import type { LabGuest } from './lab-guest';
import { waitFor } from './lab-processes';

let fleet: Fleet;
let server: Server;
const sockets = new Set<Socket>();
let isCut = false;
let guest: LabGuest;

beforeAll(async () => {
  fleet = await Fleet.start({ hosts: 2 });
  const redis = new URL(fleet.redis.url);
  server = createServer((near) => {
    if (isCut) return void near.destroy();
    const far = connect(Number(redis.port), redis.hostname);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on('error', () => undefined).on('close', () => other.destroy());
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  redis.host = `127.0.0.1:${(server.address() as { port: number }).port}`;
  [guest] = (await fleet.createGuests([{ name: 'db' }])) as [LabGuest];
  await fleet.addController('controller2', { REDIS_URL: redis.href });
}, 180_000);
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  server?.close();
  await fleet?.stop();
}, 60_000);

test('a leader that is cut off from Redis alone is deposed, and a host that fails then is failed over', async () => {
  const [first, second] = fleet.controllers as [(typeof fleet.controllers)[0], (typeof fleet.controllers)[0]];
  await first.kill();
  await waitFor('the second leads', () => second.log().includes('leading, term'));
  await first.start();
  isCut = true;
  for (const socket of sockets) socket.destroy();
  await waitFor('the first leads again', () =>
    first.log().includes('is cut off from Redis, and this controller is not'),
  );
  await waitFor('the second follows', () => second.log().includes('no longer leading'));
  const host = await guest.host();
  await host.power('off');
  await waitFor(
    'db is elsewhere',
    async () => (await guest.get()).state === 'running' && (await guest.host()) !== host,
  );
  await guest.expectRunsOnce();
}, 180_000);
