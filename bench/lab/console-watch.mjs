// An observer of guests' consoles that stands outside Argosy and QEMU alike: it reads the files that QEMU writes, and
// has one clock for all of them. A thread of its own, so that nothing else that is done here delays its time stamps.

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { built } from '../built.mjs';

const { GuestLineSplitter, parseGuestLine } = built('domain/guest-console.js');

/** @typedef {{ at: number, text: string }} Chunk `at` in ms of the machine's monotonic clock */
/** @typedef {{ at: number, count: number }} Beat */
/** @typedef {{ gapMs: number, missing: number, ticks: number }} Gap */

/** How late a time stamp can be: the guest ticks every 1 ms, so a gap is told to within half of that. */
const pollMs = 0.25;

/**
 * @param {readonly [string, string]} paths of the source's console, read from its present end on, and of the target's,
 *   which need not be there yet
 * @returns {Promise<{ stop: () => Promise<Gap> }>} once it watches
 */
export async function watchConsoles(paths) {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL(import.meta.url), { workerData: { paths, flag } });
  const message = () =>
    /** @type {Promise<any>} */ (
      new Promise((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      })
    );
  await message();
  return {
    stop: async () => {
      const chunks = message();
      Atomics.store(flag, 0, 1);
      return gapBetween(await chunks);
    },
  };
}

/**
 * @param {readonly Chunk[]} chunks
 * @param {string} unfinished what the source left of a line that the target ends
 * @returns {{ beats: Beat[], unfinished: string }}
 */
function beatsOf(chunks, unfinished) {
  const splitter = new GuestLineSplitter(unfinished);
  const beats = chunks.flatMap(({ at, text }) =>
    splitter.push(text).flatMap((/** @type {string} */ line) => {
      const said = parseGuestLine(line);
      return said?.kind === 'heartbeat' ? [{ at, count: said.count }] : [];
    }),
  );
  return { beats, unfinished: splitter.unfinished };
}

/**
 * From the last heartbeat that was seen on the source's console to the first on the target's.
 * @param {readonly [Chunk[], Chunk[]]} chunks
 * @returns {Gap}
 */
export function gapBetween([sourceChunks, targetChunks]) {
  const source = beatsOf(sourceChunks, '');
  const target = beatsOf(targetChunks, source.unfinished);
  const last = source.beats.at(-1);
  const [first] = target.beats;
  if (last === undefined || first === undefined)
    throw new Error(`heartbeats seen: ${source.beats.length} at the source, ${target.beats.length} at the target`);
  return { gapMs: first.at - last.at, missing: first.count - last.count - 1, ticks: source.beats.length };
}

/**
 * @param {string} path
 * @param {boolean} fromEnd
 */
function followFile(path, fromEnd) {
  const buffer = Buffer.alloc(65_536);
  /** @type {Chunk[]} */
  const chunks = [];
  /** @type {number | undefined} */
  let file;
  let position = 0;
  const open = () => {
    try {
      file = openSync(path, 'r');
      position = fromEnd ? fstatSync(file).size : 0;
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT') throw error;
    }
  };
  const poll = () => {
    if (file === undefined) open();
    if (file === undefined) return;
    const length = readSync(file, buffer, 0, buffer.length, position);
    if (length === 0) return;
    const at = Number(process.hrtime.bigint()) / 1e6;
    chunks.push({ at, text: buffer.toString('latin1', 0, length) });
    position += length;
  };
  const close = () => {
    if (file !== undefined) closeSync(file);
    return chunks;
  };
  return { poll, close };
}

if (!isMainThread && parentPort !== null) {
  const { paths, flag } = /** @type {{ paths: [string, string], flag: Int32Array }} */ (workerData);
  const files = paths.map((path, index) => followFile(path, index === 0));
  const clock = new Int32Array(new SharedArrayBuffer(4));
  files.forEach(({ poll }) => poll());
  parentPort.postMessage('watching');
  while (Atomics.load(flag, 0) === 0) {
    files.forEach(({ poll }) => poll());
    Atomics.wait(clock, 0, 0, pollMs);
  }
  parentPort.postMessage(files.map(({ close }) => close()));
}
