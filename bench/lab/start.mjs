// How long one waits: for the first guest after npm start, and for a guest's first sign of life after it was asked for.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createApi } from '../../apps/lab/api.mjs';
import { readJson } from '../../apps/lab/private-files.mjs';
import { nameProcess, sendSignal, waitUntil } from '../../apps/lab/processes.mjs';
import { freePort } from '../../apps/lab/servers.mjs';
import { hasNodePackages } from '../../apps/lab/requirements.mjs';
import { closeAll, closeLater } from '../closers.mjs';
import { atMost, median, spread } from '../figures.mjs';
import { createGuest, startLab, waitForHeartbeats } from './private-lab.mjs';

/** @typedef {import('../figures.mjs').Figure} Figure */
/** @typedef {import('../figures.mjs').Context} Context */
/** @typedef {import('../../apps/lab/api.mjs').Api} Api */

const startTargetSeconds = 15;
const startDeadlineMs = 90_000;
const beatTargetMs = 500;

export const start = {
  name: 'start',
  title: 'npm start until the first guest runs, and a guest from its request to its first heartbeat',
  measure,
};

/**
 * @param {Context} context
 * @returns {Promise<Figure[]>}
 */
async function measure(context) {
  // The launcher would install them, which is no part of what is measured, and a change that no benchmark may make.
  if (!hasNodePackages(context.root))
    throw new Error('the node packages are not those of package-lock.json; npm ci first');
  const starts = [];
  for (let number = 1; number <= (context.quick ? 1 : 3); number += 1) {
    const { seconds, steps } = await timeStart(context.root);
    context.note(`npm start ${number}: first guest after ${seconds.toFixed(1)} s (${steps.join(', ')})`);
    starts.push(seconds);
  }
  const beats = await timeFirstBeats(context, context.quick ? 3 : 15);
  return [
    atMost({
      name: 'start.first-guest',
      value: median(starts),
      unit: 's',
      reference: null,
      target: startTargetSeconds,
      remark: `npm start -- --fresh in an empty folder, packages installed and built, until the API shows a guest running: ${spread(starts)}`,
    }),
    atMost({
      name: 'start.first-heartbeat',
      value: median(beats),
      unit: 'ms',
      reference: null,
      target: beatTargetMs,
      remark: `of a tiny guest, from the request that creates and starts it to its first heartbeat at its agent: ${spread(beats)}`,
    }),
  ];
}

/**
 * @param {string} root
 * @returns {Promise<{ seconds: number, steps: string[] }>} and what the launcher says of its steps
 */
async function timeStart(root) {
  const folder = mkdtempSync(join(tmpdir(), 'argosy-bench-'));
  closeLater('the scratch folder', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  const port = await freePort();
  const environment = { ...process.env };
  for (const name of ['REDIS_URL', 'DATABASE_URL']) delete environment[name];
  const begun = performance.now();
  const options = ['--fresh', '--no-demo', '--folder', folder, '--port', String(port)];
  const child = spawn('npm', ['start', '--', ...options], {
    cwd: root,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += String(data)));
  const ended = once(child, 'exit');
  closeLater('npm start', async () => {
    const launcher = /** @type {{ pid: number } | undefined} */ (readJson(join(folder, 'launcher.json')));
    // npm passes no signal on to its script at all times, so the launcher itself is told.
    const name = launcher === undefined ? undefined : nameProcess(launcher.pid);
    if (name !== undefined) sendSignal(name, 'SIGINT');
    await Promise.race([ended, sleep(60_000)]);
  });
  const runs = await waitUntil(() => child.exitCode !== null || hasRunningGuest(folder), {
    deadlineMs: startDeadlineMs,
    intervalMs: 50,
  });
  const seconds = (performance.now() - begun) / 1000;
  if (!runs || child.exitCode !== null) throw new Error(`npm start brought up no guest:\n${output.slice(-3000)}`);
  const steps = [...output.matchAll(/^✓ (.*)$/gm)].map(([, step]) => step ?? '');
  await closeAll((text) => console.error(`  ${text}`));
  return { seconds, steps };
}

/** @type {{ url: string, api: Api } | undefined} */
let known;

/**
 * @param {string} folder
 * @returns {Promise<boolean>}
 */
async function hasRunningGuest(folder) {
  const launcher = /** @type {{ url?: string } | undefined} */ (readJson(join(folder, 'launcher.json')));
  const tokenFile = join(folder, 'controller/token');
  if (launcher?.url === undefined || !existsSync(tokenFile)) return false;
  const { url } = launcher;
  if (known?.url !== url) known = { url, api: createApi({ url, token: readFileSync(tokenFile, 'utf8').trim() }) };
  return (await known.api.guests()).some(({ state }) => state === 'running');
}

/**
 * @param {Context} context
 * @param {number} count
 * @returns {Promise<number[]>}
 */
async function timeFirstBeats(context, count) {
  const lab = await startLab(context, { hosts: 3 });
  const times = [];
  for (let number = 1; number <= count; number += 1) {
    const name = `fresh-${number}`;
    await sleep(500);
    const requestedAt = Date.now();
    const { id } = await createGuest(lab, { name, memoryMiB: 32 });
    await waitForHeartbeats(lab, [name]);
    const seen = (await lab.api.usage()).flatMap(({ guests }) => guests).find(({ guestId }) => guestId === id);
    const firstAt = seen?.heartbeat?.firstAt ?? NaN;
    const events = (await lab.api.request('GET', `/events?subject=${name}&limit=20`)).items;
    const told = events.map(
      (/** @type {{ code: string, at: number }} */ { code, at }) => `${code} ${at - requestedAt}`,
    );
    context.note(`${name}: first heartbeat after ${firstAt - requestedAt} ms (${told.reverse().join(', ')})`);
    times.push(firstAt - requestedAt);
    await lab.api.stopGuest(name);
  }
  return times;
}
