// npm run check: format, lint, types, layers, tests. Every step runs, so that one look shows all that is wrong; the
// last line counts what passed and what failed, steps and tests alike.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runHere } from './run.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const bin = (/** @type {string} */ name) => join(root, 'node_modules/.bin', name);
const isSlow = process.argv.includes('--slow');

/** @type {readonly { name: string, command: string[] }[]} */
const steps = [
  { name: 'format', command: [bin('prettier'), '--check', '--log-level', 'warn', '.'] },
  { name: 'lint', command: [bin('eslint'), '--max-warnings', '0', '.'] },
  { name: 'types', command: [bin('tsc'), '--noEmit'] },
  { name: 'types of the lab', command: [bin('tsc'), '--noEmit', '-p', 'apps/lab'] },
  { name: 'layers', command: [bin('depcruise'), '--config', '.dependency-cruiser.cjs', 'apps', 'libs'] },
];

let passed = 0;
let failed = 0;

for (const { name, command } of isSlow ? [] : steps) {
  const begun = performance.now();
  const status = await runHere(command, { cwd: root });
  if (status === 0) passed++;
  else failed++;
  console.log(`${status === 0 ? 'ok' : 'FAILED'}  ${name} (${((performance.now() - begun) / 1000).toFixed(1)} s)`);
}

const scratch = mkdtempSync(join(tmpdir(), 'argosy-check-'));
const resultFile = join(scratch, 'tests.json');
const config = isSlow ? ['--config', 'jest.slow.config.js', '--runInBand'] : ['--maxWorkers', '2'];
const status = await runHere([bin('jest'), ...config, '--json', '--outputFile', resultFile], { cwd: root });
try {
  const results = JSON.parse(readFileSync(resultFile, 'utf8'));
  passed += results.numPassedTests;
  failed += results.numFailedTests + results.numRuntimeErrorTestSuites;
} catch (error) {
  if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT') throw error;
  failed++;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
if (status !== 0 && failed === 0) failed = 1;
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
