// A link that is slow and loses some of what it carries, between two taps, in user space: many kernels have no netem. It needs no
// more of the kernel than guests' cards do, and ends by itself.
//
//   node apps/lab/slow-link.mjs <delay in ms> <share that is lost> <for ms> <tap>:<tap> ...
//
// A line "ready" says that the taps are there.

import { DelayLine } from './delay-line.mjs';

/** @typedef {{ send(frame: Uint8Array): void }} Cable */

const tapCable = new URL('../../dist/libs/vmm/embedded/network/tap-cable.js', import.meta.url);

/**
 * @param {string[]} names of both taps
 * @param {{ delayMs: number, lossShare: number }} how it is in each direction
 */
async function connect(names, { delayMs, lossShare }) {
  const { TapCable } = await import(tapCable.href);
  /** @type {Cable[]} */
  const cables = [];
  for (const [index, name] of names.entries()) {
    const line = new DelayLine();
    const take = (/** @type {Buffer} */ frame) => {
      if (Math.random() >= lossShare) line.carry(delayMs, () => cables[1 - index]?.send(frame));
    };
    cables.push(await TapCable.open(name, take));
  }
}

const [delayMs = '', lossShare = '', forMs = '', ...links] = process.argv.slice(2);
process.on('SIGHUP', () => undefined);
for (const link of links) await connect(link.split(':'), { delayMs: Number(delayMs), lossShare: Number(lossShare) });
setTimeout(() => process.exit(), Number(forMs));
process.stdout.write('ready\n');
