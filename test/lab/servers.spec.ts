// Real servers in folders of their own.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRunning, nameProcess, waitUntil } from '../../apps/lab/processes.mjs';
import { redisAnswers } from '../../apps/lab/redis.mjs';
import { freePort, removePostgres, startPostgres, startRedis } from '../../apps/lab/servers.mjs';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'argosy-servers-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const isGone = (pid: number): boolean => nameProcess(pid) === undefined;

test('Redis keeps its password and port over a restart, and its files to itself', async () => {
  const first = await startRedis({ folder });
  const password = new URL(first.url).password;
  expect(await redisAnswers(first.port, password)).toBe(true);
  expect(await redisAnswers(first.port, 'wrong')).toBe(false);
  for (const file of ['redis.json', 'redis.conf']) expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
  await first.stop();
  expect(isGone(first.pid)).toBe(true);
  const second = await startRedis({ folder });
  expect(second.url).toBe(first.url);
  await second.stop();
});

test('PostgreSQL keeps its URL over a restart and over kill -9, and its folder can be removed', async () => {
  const postgresFolder = join(folder, 'postgres');
  const first = await startPostgres({ folder: postgresFolder });
  expect(statSync(join(postgresFolder, 'postgres.json')).mode & 0o777).toBe(0o600);
  process.kill(first.pid, 'SIGKILL');
  await waitUntil(() => isGone(first.pid), { deadlineMs: 2000 });
  const second = await startPostgres({ folder: postgresFolder });
  expect(second).toMatchObject({ url: first.url, reused: false });
  await second.stop();
  await removePostgres(postgresFolder);
});

test('servers left by a start that crashed are taken over', async () => {
  const [redis, postgres] = [join(folder, 'redis'), join(folder, 'postgres')];
  const left = [await startRedis({ folder: redis }), await startPostgres({ folder: postgres, durable: false })];
  const found = [await startRedis({ folder: redis }), await startPostgres({ folder: postgres, durable: false })];
  expect(found.map(({ pid, reused }) => ({ pid, reused }))).toEqual(left.map(({ pid }) => ({ pid, reused: true })));
  for (const server of found) await server.stop();
  await removePostgres(postgres);
});

test('a left-over pid that now belongs to another program is left alone', async () => {
  const first = await startRedis({ folder });
  await first.stop();
  const self = nameProcess(process.pid);
  writeFileSync(join(folder, 'server.json'), JSON.stringify({ ...self, port: first.port }));
  const second = await startRedis({ folder });
  expect(second.reused).toBe(false);
  expect(self !== undefined && isRunning(self)).toBe(true);
  await second.stop();
});

test('a taken port is stepped round', async () => {
  const first = await startRedis({ folder: join(folder, 'a') });
  const second = await startRedis({ folder: join(folder, 'b'), port: first.port });
  expect(second.port).not.toBe(first.port);
  expect(readFileSync(join(folder, 'b', 'redis.conf'), 'utf8')).toContain(`port ${second.port}`);
  await Promise.all([first.stop(), second.stop()]);
});

test('freePort gives the preferred port, or the next free one', async () => {
  const preferred = await freePort();
  expect(await freePort(preferred)).toBe(preferred);
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(preferred, '127.0.0.1', resolve));
  expect(await freePort(preferred)).toBeGreaterThan(preferred);
  await new Promise((resolve) => taken.close(resolve));
});
