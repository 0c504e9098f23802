// npm run check: format, lint, types, layers, tests. Every step runs, so that one look shows all that is wrong; the
// last line counts what passed and what failed, steps and tests alike.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawn, spawnSync } from 'node:child_process';
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
  { name: 'types of the console', command: [bin('tsc'), '--noEmit', '-p', 'apps/console'] },
  { name: "types of the console's tests", command: [bin('tsc'), '--noEmit', '-p', 'test/console'] },
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

/** Of test/: those that look at answers and not at how long things take. Each starts servers of its own, and two run at once. */
const unhurried = ['bench', 'cli', 'controller', 'guests', 'inventory', 'queue'];
const testFolders = (/** @type {(name: string) => boolean} */ isWanted) =>
  readdirSync(join(root, 'test'))
    .filter(isWanted)
    .map((name) => join(root, 'test', name));

/**
 * Beside the code, tests are quick and share nothing. Most of those in test/ start fleets of real processes and look at how
 * long things take: one at a time.
 * @type {readonly string[][]}
 */
const groups = isSlow
  ? [['--config', 'jest.slow.config.js', '--runInBand']]
  : [
      ['--maxWorkers', '2', join(root, 'libs'), join(root, 'apps'), ...testFolders((name) => unhurried.includes(name))],
      ['--runInBand', ...testFolders((name) => !unhurried.includes(name))],
    ];

const soakSeeds = 500;

/**
 * The same seeds each time, and as many that no commit before had: what fails can be run again from what is printed.
 * @returns {readonly number[]} the first of each
 */
function firstSeeds() {
  const { stdout } = spawnSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' });
  const commit = Number.parseInt(stdout?.slice(0, 8) || Date.now().toString(16).slice(-8), 16);
  return [1, soakSeeds * (2 + (commit % 1_000_000)) + 1];
}

/**
 * Simulated fleets under faults, with what processor the tests leave.
 * @param {number} first
 * @returns {Promise<{ status: number, output: string, seeds: string }>}
 */
async function runSoaks(first) {
  const args = ['-n', '19', process.execPath, join(root, 'bin/argosy.mjs'), 'sim', 'soak', '--workers', '1'];
  const child = spawn('nice', [...args, '--seeds', `${soakSeeds}`, '--first', `${first}`], { cwd: root });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const status = await new Promise((resolve) => child.on('close', resolve));
  return { status: status ?? 1, output, seeds: `seeds ${first} to ${first + soakSeeds - 1}` };
}

async function runAllSoaks() {
  const results = [];
  for (const first of firstSeeds()) results.push(await runSoaks(first));
  return results;
}

const soaks = isSlow ? [] : runAllSoaks();

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
for (const { status, output, seeds } of await soaks) {
  if (status === 0) passed++;
  else failed++;
  console.log(status === 0 ? `ok  simulated soaks, ${seeds}` : `FAILED  simulated soaks, ${seeds}\n${output}`);
}
rmSync(scratch, { recursive: true, force: true });
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
