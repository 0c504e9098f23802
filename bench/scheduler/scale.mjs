// A day of a large made-up fleet, by the command that an administrator would give.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { atMost } from '../figures.mjs';

/** @type {import('../figures.mjs').Benchmark} */
export const scale = {
  name: 'scale',
  title: 'a simulated day of 10,000 hosts and 100,000 guests',
  measure: async ({ root, quick, note }) => {
    const hosts = quick ? 1000 : 10_000;
    const args = [
      'sim',
      'fleet',
      '--hosts',
      `${hosts}`,
      '--guests',
      `${10 * hosts}`,
      '--days',
      '1',
      '--policy',
      'argosy',
    ];
    const { seconds, peakMiB, text } = await timed(root, args);
    text.trimEnd().split('\n').forEach(note);
    const remark = `argosy ${args.join(' ')}`;
    return [
      atMost({ name: 'scale.seconds', value: seconds, unit: 's', reference: null, target: 300, remark }),
      atMost({ name: 'scale.memory', value: peakMiB, unit: 'MiB', reference: null, target: 2048, remark: 'largest resident size' }),
    ]; // prettier-ignore
  },
};

/**
 * @param {string} root
 * @param {string[]} args
 * @returns {Promise<{ seconds: number, peakMiB: number, text: string }>}
 */
function timed(root, args) {
  return new Promise((resolve, reject) => {
    const begin = performance.now();
    const child = spawn(process.execPath, [join(root, 'bin/argosy.mjs'), ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    let peakMiB = 0;
    child.stdout.on('data', (data) => (text += data));
    const watch = setInterval(() => (peakMiB = Math.max(peakMiB, peakOf(child.pid))), 100);
    child.on('error', reject);
    child.on('close', (code) => {
      clearInterval(watch);
      if (code !== 0) reject(new Error(`argosy ${args.join(' ')} ended with ${code}`));
      else resolve({ seconds: (performance.now() - begin) / 1000, peakMiB, text });
    });
  });
}

/** @param {number | undefined} pid */
function peakOf(pid) {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
