// The client of a chassis' power process.

import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeJson } from './private-files.mjs';
import { errorCode, errorMessage, waitUntil } from './processes.mjs';

/** @typedef {import('./chassis-power.mjs').PowerConfig} PowerConfig */
/** @typedef {import('./chassis-power.mjs').PowerRequest} PowerRequest */
/** @typedef {import('./chassis-power.mjs').PowerResponse} PowerResponse */

const powerProgram = fileURLToPath(new URL('power.mjs', import.meta.url));

/**
 * One request on a connection of its own. A refusal is a value; rejected means that nobody answered in time, and
 * then nothing is known of the power.
 * @param {string} socketPath
 * @param {PowerRequest} request
 * @param {{ deadlineMs?: number }} [limits]
 * @returns {Promise<PowerResponse>}
 */
export function powerRequest(socketPath, request, { deadlineMs = 10_000 } = {}) {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    let answer = '';
    const fail = (/** @type {Error} */ error) => {
      clearTimeout(deadline);
      socket.destroy();
      reject(error);
    };
    const deadline = setTimeout(
      () => fail(new Error(`no answer to "${request.op}" from ${socketPath} after ${deadlineMs} ms`)),
      deadlineMs,
    );
    socket.on('connect', () => socket.write(`${JSON.stringify({ id: 1, ...request })}\n`));
    socket.on('data', (data) => {
      answer += data.toString('utf8');
      if (!answer.includes('\n')) return;
      clearTimeout(deadline);
      socket.destroy();
      resolve(JSON.parse(answer));
    });
    socket.on('error', fail);
    socket.on('close', () => {
      if (!answer.includes('\n')) fail(new Error(`${socketPath} closed without an answer to "${request.op}"`));
    });
  });
}

/**
 * @param {string} socketPath
 * @returns {Promise<boolean>}
 */
export async function powerAnswers(socketPath) {
  try {
    return (await powerRequest(socketPath, { op: 'status' }, { deadlineMs: 2_000 })).ok;
  } catch (error) {
    if (['ENOENT', 'ECONNREFUSED'].includes(errorCode(error))) return false;
    throw error;
  }
}

/**
 * Writes the configuration, which counts from the next power-on, and makes sure that a power process listens. It
 * outlives its starter. The power stays as it was.
 * @param {PowerConfig} config
 * @returns {Promise<{ socket: string, started: boolean }>}
 */
export async function startPower(config) {
  mkdirSync(config.folder, { recursive: true, mode: 0o700 });
  const file = join(config.folder, 'power-config.json');
  writeJson(file, config);
  if (await powerAnswers(config.socket)) return { socket: config.socket, started: false };
  const logFile = join(config.folder, 'power.log');
  const log = openSync(logFile, 'a', 0o600);
  const child = spawn(process.execPath, [powerProgram, '--config', file], {
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  let failure = '';
  child.on('error', (error) => (failure = errorMessage(error)));
  child.on('exit', (status, signal) => (failure ||= `it ended with ${signal ?? `status ${status}`}`));
  child.unref();
  await waitUntil(async () => failure !== '' || (await powerAnswers(config.socket)), {
    deadlineMs: 15_000,
    intervalMs: 10,
  });
  if (await powerAnswers(config.socket)) return { socket: config.socket, started: true };
  const tail = readFileSync(logFile, 'utf8').trim().split('\n').slice(-3).join('\n');
  throw new Error(`the power process of ${config.host} did not start: ${failure || 'no answer after 15 s'}\n${tail}`);
}
