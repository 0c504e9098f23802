// The power process of one lab host: the stand-in for a management processor that switches the host's power. It
// stands outside agent, controller and launcher, so "the host is off" can be asked of something that does not depend
// on any of them.
//
//   node apps/lab/power.mjs --config <file.json>
//
// It listens on a unix socket, one JSON object a line:
//   → { "id": 1, "op": "off", "incarnation": 4, "term": 9 }
//   ← { "id": 1, "ok": true, "power": "off", "confirmedInMs": 38, "killed": 5 }
//   ← { "id": 1, "ok": false, "code": "stale-incarnation", "message": "…" }
// op: on, off, reset, status, impair (the links, for a time), stop-agent (the agent ends and stays off, guests run on), shutdown-power-process.
// The configuration is read again at each power-on. SIGTERM: power off, then exit.

import { chmodSync, existsSync, unlinkSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { Chassis, readPowerConfig } from './chassis-power.mjs';
import { onLines } from './line-socket.mjs';
import { errorMessage } from './processes.mjs';

/** @typedef {import('./chassis-power.mjs').PowerRequest} PowerRequest */
/** @typedef {import('./chassis-power.mjs').PowerResponse} PowerResponse */

/**
 * @param {string} line
 * @returns {PowerRequest | undefined}
 */
function parseRequest(line) {
  try {
    const value = JSON.parse(line);
    const numbers = [value.incarnation, value.term].every(
      (field) => field === undefined || Number.isSafeInteger(field),
    );
    return typeof value.op === 'string' && numbers ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}

/**
 * @param {Chassis} chassis
 * @param {string} line
 * @returns {Promise<PowerResponse>}
 */
async function answer(chassis, line) {
  const request = parseRequest(line);
  if (request === undefined) {
    return {
      ok: false,
      code: 'bad-request',
      message: 'one JSON object a line: { "id", "op", "incarnation"?, "term"? }',
    };
  }
  try {
    return { id: request.id, ...(await chassis.perform(request)) };
  } catch (error) {
    console.error(error);
    return { id: request.id, ok: false, code: 'failed', message: errorMessage(error) };
  }
}

/**
 * @param {Chassis} chassis
 * @param {() => void} endProcess
 */
function createPowerServer(chassis, endProcess) {
  return createServer((connection) => {
    connection.on('error', (error) => console.error(`a client's connection: ${error.message}`));
    onLines(connection, (line) => {
      void answer(chassis, line).then((response) => {
        const ends = response.ok === true && response['ends'] === true;
        connection.write(`${JSON.stringify(response)}\n`, () => ends && endProcess());
      });
    });
  });
}

/**
 * @param {string} path
 * @returns {Promise<boolean>} whether another power process listens there
 */
function isListening(path) {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

/** @param {string[]} args */
async function main(args) {
  const file = args[args.indexOf('--config') + 1];
  if (!args.includes('--config') || file === undefined)
    throw new Error('usage: node apps/lab/power.mjs --config <file.json>');
  const { socket } = readPowerConfig(file);
  // The kernel's limit is 108 bytes with the closing zero, and it would cut a longer path without a word.
  if (Buffer.byteLength(socket) > 107)
    throw new Error(`the socket's path is longer than 107 bytes: ${socket}; choose a shorter folder`);
  if (await isListening(socket)) throw new Error(`another power process already listens on ${socket}`);
  if (existsSync(socket)) unlinkSync(socket);

  const chassis = new Chassis(file);
  const server = createPowerServer(chassis, () => {
    unlinkSync(socket);
    process.exit(0);
  });
  process.on('SIGHUP', () => undefined);
  process.on('SIGTERM', () => {
    void chassis.perform({ op: 'shutdown-power-process' }).then((response) => process.exit(response.ok ? 0 : 1));
  });
  const mask = process.umask(0o177);
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(socket, () => resolve(undefined));
  });
  process.umask(mask);
  chmodSync(socket, 0o600);
}

main(process.argv.slice(2)).catch((error) => {
  console.error(errorMessage(error));
  process.exit(1);
});
