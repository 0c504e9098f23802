// Starts the servers of a test, in a process of its own: the test runner cannot load these ES modules itself. It lives
// until its parent goes, however that ends, and then stops what it started.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { removePostgres, startPostgres, startRedis } from '../../apps/lab/servers.mjs';
import { applyMigrations } from '../../prisma/engine.mjs';

/** @type {Map<string, { kind: string, pid: number, stop: () => Promise<void> }>} by folder */
const running = new Map();

const requests = {
  /** @param {{ folder: string, durable: boolean }} options */
  postgres: async (options) => keep('postgres', options.folder, await startPostgres(options)),
  /** @param {{ folder: string }} options */
  redis: async (options) => keep('redis', options.folder, await startRedis(options)),
  /** @param {{ url: string }} options */
  migrate: ({ url }) =>
    applyMigrations({
      databaseUrl: url,
      migrationsFolder: join(import.meta.dirname, '../../prisma/migrations'),
    }),
  stop: stopAll,
};

/**
 * @param {string} kind
 * @param {string} folder
 * @param {{ url: string, pid: number, stop: () => Promise<void> }} server
 */
function keep(kind, folder, server) {
  running.set(folder, { kind, pid: server.pid, stop: () => server.stop() });
  return { url: server.url, pid: server.pid };
}

async function stopAll() {
  for (const [folder, server] of running) {
    await server.stop();
    if (server.kind === 'postgres') await removePostgres(folder);
    rmSync(folder, { recursive: true, force: true });
  }
  running.clear();
}

process.on('message', async (/** @type {{ id: number, request: keyof typeof requests, options: any }} */ message) => {
  try {
    const value = await requests[message.request](message.options);
    process.send?.({ id: message.id, value });
  } catch (error) {
    process.send?.({ id: message.id, error: error instanceof Error ? error.message : String(error) });
  }
});
for (const end of ['disconnect', 'SIGTERM', 'SIGINT'])
  process.on(end, () => void stopAll().finally(() => process.exit()));
