// A guest serves HTTP while it moves back and forth: what its clients see of that.

import { execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { poolName } from '../../apps/lab/inventory.mjs';
import { waitUntil } from '../../apps/lab/processes.mjs';
import { closeLater } from '../closers.mjs';
import { atMost, median, quantile, spread } from '../figures.mjs';
import { guestOf, startLab, waitForHeartbeats } from '../lab/private-lab.mjs';

/** @typedef {import('../figures.mjs').Figure} Figure */
/** @typedef {import('../figures.mjs').Context} Context */
/** @typedef {import('../lab/private-lab.mjs').Lab} Lab */
/** @typedef {{ at: number, connectMs: number | null, totalMs: number, failure: string | null }} Request */
/** @typedef {{ requestedAt: number, endedAt: number, downtimeMs: number | null }} Move */
/** @typedef {{ gapMs: number, from: number, to: number }} Gap between one answer and the next */

const program = fileURLToPath(new URL('http-client.mjs', import.meta.url));
const everyMs = 10;
const gapTargetMs = 100;
const answersDeadlineMs = 20_000;
/** A connection whose first segment was lost is tried again after so long, by TCP. */
const retriedConnectMs = 900;

export const http = {
  name: 'http',
  title: `a Linux guest that serves HTTP is asked for its page every ${everyMs} ms, each time on a new connection, while it migrates`,
  measure,
};

/**
 * @param {Context} context
 * @returns {Promise<Figure[]>}
 */
async function measure(context) {
  const moves = context.quick ? 6 : 100;
  const lab = await startLab(context, { hosts: 2, limits: false });
  if (lab.network.fabric === '')
    throw new Error(`guests are reached in a network of the kernel's only: ${lab.network.reason}`);
  const { address } = await startServer(context, lab);
  const client = await startClient(lab, address);
  /** @type {Move[]} */
  const done = [];
  for (let move = 1; move <= moves; move += 1) {
    done.push(await moveGuest(lab));
    await sleep(500);
    if (move % 10 === 0 || context.quick) context.note(`${move} of ${moves} migrations`);
  }
  return figuresOf(await client.stop(), done, context);
}

/**
 * @param {Context} context
 * @param {Lab} lab
 * @returns {Promise<{ address: string }>}
 */
async function startServer({ root, note }, lab) {
  const folder = join(lab.folder, 'datastore/images/linux');
  await promisify(execFile)(process.execPath, [join(root, 'guests/linux/build.mjs'), '--out', folder]);
  const image = JSON.parse(readFileSync(join(folder, 'image.json'), 'utf8'));
  await lab.api.createImage({
    name: 'linux',
    format: 'kernel',
    kernelPath: join(folder, image.kernel),
    initrdPath: join(folder, image.initrd),
    kernelArguments: image.append,
    datastore: 'lab',
    minimumMemoryMiB: image.memoryMiB,
  });
  await lab.api.createGuest({
    name: 'server',
    pool: poolName,
    image: 'linux',
    memoryMiB: image.memoryMiB,
    start: true,
  });
  await waitForHeartbeats(lab, ['server']);
  const { address } = /** @type {{ address: string }} */ (/** @type {unknown} */ (await guestOf(lab, 'server')));
  note(`the guest is at ${address}`);
  return { address };
}

/**
 * From the middle of the lab's network, where no host is.
 * @param {Lab} lab
 * @param {string} address
 */
async function startClient({ network }, address) {
  const inside = (/** @type {string[]} */ ...command) => ({
    program: 'nsenter',
    args: [`--net=/run/netns/${network.fabric}`, '--', ...command],
  });
  const once = inside(
    process.execPath,
    '-e',
    `fetch('http://${address}/', { signal: AbortSignal.timeout(900) }).then((r) => process.exit(r.ok ? 0 : 1))`,
  );
  const answers = () =>
    promisify(execFile)(once.program, once.args).then(
      () => true,
      () => false,
    );
  if (!(await waitUntil(answers, { deadlineMs: answersDeadlineMs, intervalMs: 200 })))
    throw new Error(`the guest at ${address} answers no HTTP within ${answersDeadlineMs / 1000} s`);
  const steady = inside(process.execPath, program, address, String(everyMs));
  const child = spawn(steady.program, steady.args, { stdio: ['pipe', 'pipe', 'inherit'] });
  closeLater('the HTTP client', () => void child.kill('SIGKILL'));
  let text = '';
  child.stdout.on('data', (data) => (text += data));
  const ended = new Promise((resolve) => child.on('close', resolve));
  return {
    /** @returns {Promise<Request[]>} */
    stop: async () => {
      child.stdin.end();
      await ended;
      return JSON.parse(text);
    },
  };
}

/**
 * @param {Lab} lab
 * @returns {Promise<Move>}
 */
async function moveGuest({ api }) {
  const requestedAt = Date.now();
  const { id } = await api.request('POST', '/guests/server/migrate', {});
  let row = await api.request('GET', `/migrations/${id}`);
  const over = async () => (row = await api.request('GET', `/migrations/${id}`)).endedAt !== null;
  if (!(await waitUntil(over, { deadlineMs: 60_000, intervalMs: 50 }))) throw new Error(`migration ${id} does not end`);
  if (row.step !== 'done') throw new Error(`migration ${id} is ${row.step}: ${row.failure}`);
  return { requestedAt, endedAt: Date.now(), downtimeMs: row.downtimeMs };
}

/**
 * The longest time without an answer while a migration was under way.
 * @param {readonly number[]} answeredAt in order
 * @param {Move} move
 * @returns {Gap}
 */
function longestGap(answeredAt, { requestedAt, endedAt }) {
  let longest = { gapMs: 0, from: requestedAt, to: requestedAt };
  for (let index = 1; index < answeredAt.length; index += 1) {
    const [from = 0, to = 0] = [answeredAt[index - 1], answeredAt[index]];
    if (to < requestedAt || from > endedAt) continue;
    if (to - from > longest.gapMs) longest = { gapMs: to - from, from, to };
  }
  return longest;
}

/**
 * @param {Request[]} requests
 * @param {Move[]} moves
 * @param {Context} context
 * @returns {Figure[]}
 */
function figuresOf(requests, moves, { note }) {
  const failed = requests.filter(({ failure }) => failure !== null);
  for (const { at, failure } of failed.slice(0, 5)) note(`failed at ${new Date(at).toISOString()}: ${failure}`);
  const answeredAt = requests
    .filter(({ failure }) => failure === null)
    .map(({ at, totalMs }) => at + totalMs)
    .sort((left, right) => left - right);
  const gaps = moves.map((move) => ({ ...longestGap(answeredAt, move), move }));
  const widths = gaps.map(({ gapMs }) => gapMs);
  const longest = gaps.reduce((one, other) => (other.gapMs > one.gapMs ? other : one));
  const still = moves.flatMap(({ downtimeMs }) => downtimeMs ?? []);
  const retried = requests.filter(({ connectMs }) => (connectMs ?? 0) > retriedConnectMs).length;
  const calm = requests.filter(({ at }) => moves.every((move) => at < move.requestedAt || at > move.endedAt));
  const { move } = longest;
  return [
    atMost({
      name: 'http.failed',
      value: failed.length,
      unit: 'requests',
      reference: null,
      target: 0,
      remark: `of ${requests.length} requests during ${moves.length} migrations; ${retried} connections were made at the second attempt, after 1 s`,
    }),
    atMost({
      name: 'http.gap-p95',
      value: quantile(widths, 0.95),
      unit: 'ms',
      reference: still.length === 0 ? null : quantile(still, 0.95),
      target: gapTargetMs,
      remark: `the longest time from one answer to the next in each migration: ${spread(widths)}; the reference is the guest's stop to its hand-over: ${spread(still)}. What is beyond that passes in the guest, whose kernel is translated anew before it answers`,
    }),
    atMost({
      name: 'http.gap-longest',
      value: longest.gapMs,
      unit: 'ms',
      reference: move.downtimeMs,
      target: null,
      remark: `${Math.round(longest.from - move.requestedAt)} ms after its migration was asked for; from the guest's stop to its hand-over in it: ${move.downtimeMs} ms. ${causeOf(requests, longest)}`,
    }),
    atMost({
      name: 'http.answer',
      value: median(calm.map(({ totalMs }) => totalMs)),
      unit: 'ms',
      reference: null,
      target: null,
      remark: `a request's time while nothing moves, median: ${spread(calm.map(({ totalMs }) => totalMs))}`,
    }),
  ];
}

/**
 * @param {Request[]} requests
 * @param {Gap} gap
 */
function causeOf(requests, { from, to }) {
  const during = requests.filter(({ at }) => at >= from - everyMs && at <= to);
  const retried = during.filter(({ connectMs }) => (connectMs ?? 0) > retriedConnectMs).length;
  const sent = `${during.length} requests were sent in it`;
  if (retried > 0) return `${sent}, of which ${retried} lost their first segment and connected at the second attempt`;
  return `${sent}, all of which were answered afterwards: they waited in the guest's card`;
}
