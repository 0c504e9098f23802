// npm run check: format, lint, types, layers, tests. Every step runs, so that one look shows all that is wrong; the
// last line counts what passed and what failed, steps and tests alike.

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawn } from 'node:child_process';
import { runHere } from './run.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const bin = (/** @type {string} */ name) => join(root, 'node_modules/.bin', name);
const isSlow = process.argv.includes('--slow');

/** @typedef {{ name: string, command: string[] }} Step */

/** @type {readonly Step[]} */
const steps = [
  { name: 'format', command: [bin('prettier'), '--check', '--log-level', 'warn', '.'] },
  { name: 'types', command: [bin('tsc'), '--noEmit'] },
  { name: 'types of the lab', command: [bin('tsc'), '--noEmit', '-p', 'apps/lab'] },
  { name: 'types of the bench', command: [bin('tsc'), '--noEmit', '-p', 'bench'] },
  { name: 'layers', command: [bin('depcruise'), '--config', '.dependency-cruiser.cjs', 'apps', 'libs'] },
];

/** Takes as long as all the others together, and so runs beside them. */
const lint = { name: 'lint', command: [bin('eslint'), '--max-warnings', '0', '.'] };

let passed = 0;
let failed = 0;

/** @param {Step} step */
async function runStep({ name, command }) {
  const begun = performance.now();
  const status = await runHere(command, { cwd: root });
  if (status === 0) passed++;
  else failed++;
  console.log(`${status === 0 ? 'ok' : 'FAILED'}  ${name} (${((performance.now() - begun) / 1000).toFixed(1)} s)`);
}

async function runSteps() {
  for (const step of steps) await runStep(step);
}

if (!isSlow) await Promise.all([runStep(lint), runSteps()]);

/**
 * Beside the code, tests are quick and share nothing. Those in test/ start fleets of real processes and look at how long
 * things take: one at a time.
 * @type {readonly string[][]}
 */
const groups = isSlow
  ? [['--config', 'jest.slow.config.js', '--runInBand']]
  : [
      ['--maxWorkers', '2', join(root, 'libs'), join(root, 'apps')],
      ['--runInBand', join(root, 'test')],
    ];

const soakSeeds = 500;

/**
 * Simulated fleets under faults, with what processor the tests leave.
 * @returns {Promise<{ status: number, output: string }>}
 */
async function runSoaks() {
  const args = ['-n', '19', process.execPath, join(root, 'bin/argosy.mjs'), 'sim', 'soak'];
  const child = spawn('nice', [...args, '--seeds', String(soakSeeds), '--first', '1', '--workers', '1'], { cwd: root });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const status = await new Promise((resolve) => child.on('close', resolve));
  return { status: status ?? 1, output };
}

const soaks = isSlow ? null : runSoaks();

const scratch = mkdtempSync(join(tmpdir(), 'argosy-check-'));
const resultFile = join(scratch, 'tests.json');
for (const group of groups) {
  rmSync(resultFile, { force: true });
  // --forceExit: a connection that a test left open would hold the whole run for ever.
  const command = [bin('jest'), ...group, '--forceExit', '--json', '--outputFile', resultFile];
  const status = await runHere(command, { cwd: root });
  const failedBefore = failed;
  if (existsSync(resultFile)) {
    const results = JSON.parse(readFileSync(resultFile, 'utf8'));
    passed += results.numPassedTests;
    failed += results.numFailedTests + results.numRuntimeErrorTestSuites;
  }
  if (status !== 0 && failed === failedBefore) failed++;
}
const soaked = await soaks;
if (soaked) {
  if (soaked.status === 0) passed++;
  else failed++;
  console.log(soaked.status === 0 ? `ok  simulated soaks, seeds 1 to ${soakSeeds}` : `FAILED  soaks\n${soaked.output}`);
}
rmSync(scratch, { recursive: true, force: true });
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
