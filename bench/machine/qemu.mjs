import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { built } from '../built.mjs';
import { onBoard } from './programs.mjs';

/** What a round of measuring is to take about, which start-up and translation are little of. */
const secondsWanted = { quick: 0.5, thorough: 3 };

/**
 * @param {string} file
 * @returns {number | undefined} processor time in seconds; undefined: there is no such QEMU here
 */
function processorSeconds(file) {
  const qemu = 'qemu-system-riscv32 -machine virt -accel tcg -m 16 -nographic -serial none -monitor none';
  const script = `TIMEFORMAT='%U %S'; time timeout 120 ${qemu} -bios "${file}"`;
  const { status, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
  if (status === 127) return undefined;
  if (status !== 0) throw new Error(`qemu-system-riscv32 ended with status ${status}: ${stderr.slice(-500)}`);
  const [user, system] = (stderr.trim().split('\n').at(-1) ?? '').split(' ').map(Number);
  return (user ?? 0) + (system ?? 0);
}

/**
 * The same process on QEMU's riscv32 machine, by the difference of two runs of which one is longer. It has no timer there,
 * which is in its favour.
 * @param {import('./programs.mjs').Program} program
 * @param {boolean} quick
 * @returns {number | null} million instructions a second; null: qemu-system-misc is not installed
 */
export function qemuMillionsPerSecond({ process, instructionsOfRound }, quick) {
  const { assemble } = built('machine/assembler.js');
  const folder = mkdtempSync(join(tmpdir(), 'argosy-bench-'));
  try {
    const file = join(folder, 'program');
    const secondsOf = (/** @type {number} */ rounds) => {
      writeFileSync(file, assemble(onBoard(process, rounds)).bytes);
      return processorSeconds(file);
    };
    const few = Math.ceil(20e6 / instructionsOfRound);
    const short = secondsOf(few);
    if (short === undefined) return null;
    let rounds = 8 * few;
    let long = /** @type {number} */ (secondsOf(rounds));
    while (long - short < secondsWanted[quick ? 'quick' : 'thorough'] && rounds < 2 ** 30) {
      rounds *= 4;
      long = /** @type {number} */ (secondsOf(rounds));
    }
    return ((rounds - few) * instructionsOfRound) / (long - short) / 1e6;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
