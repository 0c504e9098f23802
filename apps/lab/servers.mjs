// The servers a controller needs: the administrator's own, or private ones. Tests start theirs from here as well.

import { join } from 'node:path';
import { removePostgres, startPostgres } from './postgres.mjs';
import { removeRedis, startRedis } from './redis.mjs';

export { freePort } from './ports.mjs';
export { removePostgres, removeRedis, startPostgres, startRedis };

/** @typedef {{ redisUrl: string, databaseUrl: string, stop: () => Promise<void> }} Servers */

/**
 * @param {string} folder
 * @param {{ REDIS_URL?: string | undefined, DATABASE_URL?: string | undefined }} given where one is set, no private server is started for it
 * @param {string} [address] where hosts reach Redis, beside loopback
 * @returns {Promise<Servers>}
 */
export async function startServers(folder, given, address) {
  const redis = given.REDIS_URL ? undefined : startRedis({ folder: join(folder, 'redis'), address });
  const postgres = given.DATABASE_URL ? undefined : startPostgres({ folder: join(folder, 'postgres') });
  const [redisStart, postgresStart] = await Promise.allSettled([redis, postgres]);
  const started = [redisStart, postgresStart].flatMap((start) =>
    start.status === 'fulfilled' ? (start.value ?? []) : [],
  );
  const stop = async () => {
    for (const server of started) await server.stop();
  };
  for (const start of [redisStart, postgresStart]) {
    if (start.status === 'fulfilled') continue;
    await stop();
    throw start.reason;
  }
  const [redisServer, postgresServer] = [await redis, await postgres];
  return {
    redisUrl: given.REDIS_URL ?? redisServer?.url ?? '',
    databaseUrl: given.DATABASE_URL ?? postgresServer?.url ?? '',
    stop,
  };
}
