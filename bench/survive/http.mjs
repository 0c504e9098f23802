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
/** @typedef {{ gapMs: number, from: number, to: number, move: Move }} Gap between one answer and the next */
/** @typedef {{ requests: Request[], moves: Move[], gaps: Gap[] }} Seen by a client: the longest gap of each migration */

const program = fileURLToPath(new URL('http-client.mjs', import.meta.url));
const everyMs = 10;
const gapTargetMs = 100;
const answersDeadlineMs = 20_000;
/** A connection whose first segment was lost is tried again after so long, by TCP. */
const retriedConnectMs = 900;

export const http = {
  name: 'http',
  title: `a Linux guest that serves HTTP is asked for its page every ${everyMs} ms while it migrates`,
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
  await waitForAnswers(lab, address);
  const kept = await askWhileMoving(context, lab, address, 'kept', moves);
  const fresh = await askWhileMoving(context, lab, address, 'new', moves / 2);
  return [failures([kept, fresh], context), ...gapFigures(kept), newConnections(fresh)];
}

/**
 * @param {Context} context
 * @param {Lab} lab
 * @param {string} address
 * @param {'kept' | 'new'} manner of the client's connections
 * @param {number} count
 * @returns {Promise<Seen>}
 */
async function askWhileMoving({ note, quick }, lab, address, manner, count) {
  const client = await startClient(lab, address, manner);
  /** @type {Move[]} */
  const moves = [];
  while (moves.length < count) {
    await sleep(500);
    moves.push(await moveGuest(lab));
    if (moves.length % 10 === 0 || quick) note(`${moves.length} of ${count} migrations, connections ${manner}`);
  }
  await sleep(500);
  const requests = await client.stop();
  return { requests, moves, gaps: gapsOf(requests, moves) };
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
 * A command that runs in the middle of the lab's network, where no host is.
 * @param {Lab} lab
 * @param {string[]} command
 */
function inside({ network }, command) {
  return { program: 'nsenter', args: [`--net=/run/netns/${network.fabric}`, '--', ...command] };
}

/**
 * @param {Lab} lab
 * @param {string} address
 */
async function waitForAnswers(lab, address) {
  const asked = `fetch('http://${address}/', { signal: AbortSignal.timeout(900) }).then((r) => process.exit(r.ok ? 0 : 1))`;
  const once = inside(lab, [process.execPath, '-e', asked]);
  const answers = () =>
    promisify(execFile)(once.program, once.args).then(
      () => true,
      () => false,
    );
  if (!(await waitUntil(answers, { deadlineMs: answersDeadlineMs, intervalMs: 200 })))
    throw new Error(`the guest at ${address} answers no HTTP within ${answersDeadlineMs / 1000} s`);
}

/**
 * @param {Lab} lab
 * @param {string} address
 * @param {string} manner
 */
async function startClient(lab, address, manner) {
  const { program: runner, args } = inside(lab, [process.execPath, program, address, String(everyMs), manner]);
  const child = spawn(runner, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  closeLater('the HTTP client', () => void child.kill('SIGKILL'));
  let text = '';
  child.stdout.on('data', (data) => (text += data));
  const ended = new Promise((resolve) => child.on('close', resolve));
  if (!(await waitUntil(async () => text.startsWith('ready\n'), { deadlineMs: answersDeadlineMs, intervalMs: 20 })))
    throw new Error(`the client has not made its connections to ${address} within ${answersDeadlineMs / 1000} s`);
  return {
    /** @returns {Promise<Request[]>} */
    stop: async () => {
      child.stdin.end();
      await ended;
      return JSON.parse(text.slice('ready\n'.length));
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
 * The longest time without an answer while each migration was under way.
 * @param {readonly Request[]} requests
 * @param {readonly Move[]} moves
 * @returns {Gap[]}
 */
function gapsOf(requests, moves) {
  const answeredAt = requests
    .filter(({ failure }) => failure === null)
    .map(({ at, totalMs }) => at + totalMs)
    .sort((left, right) => left - right);
  return moves.map((move) => {
    let longest = { gapMs: 0, from: move.requestedAt, to: move.requestedAt, move };
    for (let index = 1; index < answeredAt.length; index += 1) {
      const [from = 0, to = 0] = [answeredAt[index - 1], answeredAt[index]];
      if (to < move.requestedAt || from > move.endedAt) continue;
      if (to - from > longest.gapMs) longest = { gapMs: to - from, from, to, move };
    }
    return longest;
  });
}

/**
 * @param {Seen[]} seen
 * @param {Context} context
 * @returns {Figure}
 */
function failures(seen, { note }) {
  const requests = seen.flatMap((each) => each.requests);
  const failed = requests.filter(({ failure }) => failure !== null);
  for (const { at, failure } of failed.slice(0, 5)) note(`failed at ${new Date(at).toISOString()}: ${failure}`);
  const migrations = seen.reduce((sum, { moves }) => sum + moves.length, 0);
  return atMost({
    name: 'http.failed',
    value: failed.length,
    unit: 'requests',
    reference: null,
    target: 0,
    remark: `of ${requests.length} requests during ${migrations} migrations; a kept connection that breaks counts as one`,
  });
}

/**
 * @param {Seen} seen over connections that are kept
 * @returns {Figure[]}
 */
function gapFigures({ requests, moves, gaps }) {
  const widths = gaps.map(({ gapMs }) => gapMs);
  const longest = gaps.reduce((one, other) => (other.gapMs > one.gapMs ? other : one));
  const still = moves.flatMap(({ downtimeMs }) => downtimeMs ?? []);
  const calm = requests.filter(({ at }) => moves.every((move) => at < move.requestedAt || at > move.endedAt));
  const afterwards = gaps.flatMap(({ gapMs, move }) => (move.downtimeMs === null ? [] : gapMs - move.downtimeMs));
  const { move } = longest;
  return [
    atMost({
      name: 'http.gap-p95',
      value: quantile(widths, 0.95),
      unit: 'ms',
      reference: still.length === 0 ? null : quantile(still, 0.95),
      target: gapTargetMs,
      remark: `the longest time from one answer to the next in each migration: ${spread(widths)}; the reference is the part in which the guest stands still, from its stop to its hand-over: ${spread(still)}. The part after it, in which the guest runs and its kernel is translated anew before it answers: ${spread(afterwards)}`,
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
 * @param {Seen} seen by a client that makes a connection for each request
 * @returns {Figure}
 */
function newConnections({ requests, moves, gaps }) {
  const retried = requests.filter(({ connectMs }) => (connectMs ?? 0) > retriedConnectMs).length;
  const widths = gaps.map(({ gapMs }) => gapMs);
  return atMost({
    name: 'http.gap-new-p95',
    value: quantile(widths, 0.95),
    unit: 'ms',
    reference: null,
    target: null,
    remark: `the same with a new connection for each request, whose making the guest's kernel must translate as well: ${spread(widths)}; in ${moves.length} migrations ${retried} of ${requests.length} connections were made at the second attempt, after 1 s`,
  });
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
