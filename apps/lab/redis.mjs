// A private redis-server in a folder of its own.

import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, realpathSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { readJson, writeJson, writePrivately } from './private-files.mjs';
import { runServer, stopLeftOver } from './server-process.mjs';

/** @typedef {import('./server-process.mjs').Server} Server */

const stopSteps = /** @type {const} */ ([
  { signal: 'SIGTERM', waitMs: 10_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
]);

/**
 * @param {{ folder: string, port: number, password: string, addresses: readonly string[] }} settings
 * @returns {string}
 */
function redisConfiguration({ folder, port, password, addresses }) {
  // In a file, because a password on the command line is readable by every user of the machine.
  return [
    `bind ${addresses.join(' ')}`,
    `port ${port}`,
    `requirepass ${password}`,
    `dir "${folder}"`,
    'daemonize no',
    'appendonly yes',
    'appendfsync everysec',
    'maxmemory-policy noeviction',
    'save ""',
    '',
  ].join('\n');
}

/**
 * Asks PING with the password. A server that still loads its file answers -LOADING and is not ready.
 * @param {number} port
 * @param {string} password
 * @param {string} [host]
 * @returns {Promise<boolean>}
 */
export function redisAnswers(port, password, host = '127.0.0.1') {
  return new Promise((resolve) => {
    const socket = connect({ port, host });
    let answer = '';
    const finish = (/** @type {boolean} */ ready) => {
      socket.destroy();
      resolve(ready);
    };
    socket.setTimeout(1000, () => finish(false));
    socket.on('connect', () => socket.write(`AUTH ${password}\r\nPING\r\n`));
    socket.on('data', (data) => {
      answer += data.toString('latin1');
      if (answer.includes('+PONG\r\n')) finish(true);
      else if (answer.includes('-')) finish(false);
    });
    socket.on('error', () => finish(false));
    socket.on('close', () => finish(false));
  });
}

/**
 * Starts a redis-server on 127.0.0.1 and one more address, where it is given, or takes over the one that an earlier, crashed start left running in this
 * folder. Password and port are kept in the folder, so a second start finds the same data under the same URL.
 * @param {{ folder: string, port?: number, password?: string, address?: string | undefined }} options
 * @returns {Promise<Server>}
 */
export async function startRedis({ folder: wanted, port, password: wantedPassword, address }) {
  const addresses = [...new Set(['127.0.0.1', address ?? '127.0.0.1'])];
  mkdirSync(wanted, { recursive: true, mode: 0o700 });
  const folder = realpathSync(wanted);
  const stateFile = join(folder, 'redis.json');
  const saved = /** @type {{ port?: number, password?: string }} */ (readJson(stateFile) ?? {});
  const password = wantedPassword ?? saved.password ?? randomBytes(24).toString('hex');
  if (!/^[\w.-]+$/.test(password)) throw new Error('a Redis password may hold letters, digits, . _ and - only');
  const configurationFile = join(folder, 'redis.conf');
  return runServer({
    name: 'redis-server',
    folder,
    workingFolder: folder,
    logFile: join(folder, 'redis.log'),
    preferredPort: port ?? saved.port ?? 0,
    command: (chosen) => {
      writePrivately(configurationFile, redisConfiguration({ folder, port: chosen, password, addresses }));
      writeJson(stateFile, { port: chosen, password });
      return ['redis-server', configurationFile];
    },
    isReady: async (chosen) =>
      (await Promise.all(addresses.map((each) => redisAnswers(chosen, password, each)))).every(Boolean),
    url: (chosen) => `redis://:${password}@127.0.0.1:${chosen}`,
    stopSteps,
  });
}

/**
 * Stops what still runs in that folder, and removes it.
 * @param {string} folder
 */
export async function removeRedis(folder) {
  if (!existsSync(folder)) return;
  await stopLeftOver({ name: 'redis-server', folder, workingFolder: realpathSync(folder), stopSteps });
  rmSync(folder, { recursive: true, force: true });
}
