// What the launcher says while it works: a step that takes over a second shows its seconds, in place on a terminal,
// in a line of its own elsewhere.

import { setInterval, clearInterval } from 'node:timers';

const out = process.stdout;

/** @param {string} line */
export function say(line) {
  out.write(`${line}\n`);
}

/**
 * @param {number} sinceMs
 * @returns {string}
 */
function elapsed(sinceMs) {
  return `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`;
}

/**
 * @template Value
 * @param {string} title
 * @param {(note: (text: string) => void) => Promise<Value>} work `note` says how far it is
 * @returns {Promise<Value>}
 */
export async function step(title, work) {
  const begin = performance.now();
  let note = '';
  let announced = '';
  const show = () => {
    const text = note === '' ? title : `${title}: ${note}`;
    if (out.isTTY) out.write(`\r\x1b[2K  ${text} … ${elapsed(begin)}`);
    else if (text !== announced) say(`  ${text} …`);
    announced = text;
  };
  const timer = setInterval(show, 1000);
  let outcome = 'failed after';
  try {
    const value = await work((text) => (note = text));
    outcome = '';
    return value;
  } finally {
    clearInterval(timer);
    if (out.isTTY) out.write('\r\x1b[2K');
    say(`${outcome === '' ? '✓' : '✗'} ${title} (${outcome}${outcome && ' '}${elapsed(begin)})`);
  }
}
