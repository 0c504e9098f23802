// npm run bench:reassignment -- FOLDER: Google's machine reassignment instances, given to the optimizer as it is.

import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runHere } from '../../apps/lab/run.mjs';
import { evaluate } from './evaluate.mjs';
import { BadInstance, readInstance } from './read.mjs';
import { gapOf, readReference, table } from './reference.mjs';
import { search } from './search.mjs';

const usage = `npm run bench:reassignment -- FOLDER [options]

  FOLDER            model_NAME.txt and assignment_NAME.txt of each instance; reference.csv, if there is one
  --only <name>     only the instances whose names begin so
  --seconds <n>     wall time for each instance, reading and writing included (default: 10)
  --workers <n>     threads that search (default: 2)
  --seed <n>        (default: 1)
  --answers <path>  where the assignments go (default: .argosy/reassignment)
  --json            a line for each instance: {"instance","cost","seconds"}

Status: 0 every answer is feasible, 1 one is not, 2 wrong usage or a bad file.`;

/** @typedef {{ folder: string, only: string, seconds: number, workers: number, seed: number, answers: string, json: boolean }} Options */

const root = fileURLToPath(new URL('../..', import.meta.url));

class WrongUsage extends Error {}

/** @returns {Options} */
function readOptions() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: 'string', default: '' },
      seconds: { type: 'string', default: '10' },
      workers: { type: 'string', default: '2' },
      seed: { type: 'string', default: '1' },
      answers: { type: 'string', default: join(root, '.argosy/reassignment') },
      json: { type: 'boolean', default: false },
    },
  });
  const [folder, ...others] = positionals;
  if (folder === undefined || others.length > 0) throw new WrongUsage('one folder is to be given');
  if (!existsSync(folder)) throw new WrongUsage(`there is no folder ${folder}`);
  const [seconds, workers, seed] = [Number(values.seconds), Number(values.workers), Number(values.seed)];
  if (!(seconds >= 1 && seconds <= 86_400)) throw new WrongUsage('--seconds is a number from 1 to 86400');
  if (!(Number.isInteger(workers) && workers >= 1 && workers <= 64))
    throw new WrongUsage('--workers is an integer from 1 to 64');
  if (!Number.isInteger(seed)) throw new WrongUsage('--seed is an integer');
  return { ...values, folder, seconds, workers, seed };
}

/** @param {Options} options @returns {string[]} */
function instancesOf({ folder, only }) {
  const names = readdirSync(folder).flatMap((file) => /^model_(.+)\.txt$/.exec(file)?.[1] ?? []);
  const wanted = names.filter((name) => name.startsWith(only)).sort();
  if (wanted.length === 0) throw new WrongUsage(`${folder} has no model_${only}….txt`);
  return wanted;
}

/** What is measured is the product's own library, built. @returns {Promise<boolean>} whether it had to be */
async function buildIfOlder() {
  const [sources, built] = [join(root, 'libs/scheduler/model'), join(root, 'dist/libs/scheduler/model')];
  const isCurrent = readdirSync(sources)
    .filter((file) => !file.endsWith('.spec.ts'))
    .every((file) => {
      const result = join(built, file.replace(/\.ts$/, '.js'));
      return existsSync(result) && statSync(result).mtimeMs >= statSync(join(sources, file)).mtimeMs;
    });
  if (isCurrent) return false;
  console.error('building');
  if ((await runHere(['npm', 'run', '--silent', 'build'], { cwd: root })) !== 0) throw new Error('the build failed');
  return true;
}

/** For what comes after the search, for npm before the program, and for a machine that is slow to let go. */
const reserveMs = 400;

/**
 * @param {string} name
 * @param {Options} options
 */
function readFeasible(name, { folder }) {
  const assignmentFile = join(folder, `assignment_${name}.txt`);
  const instance = readInstance(join(folder, `model_${name}.txt`), assignmentFile);
  const before = performance.now();
  const { cost, violations } = evaluate(instance, instance.placement);
  const evaluationMs = performance.now() - before;
  if (violations.length > 0) {
    const lines = readFileSync(assignmentFile, 'utf8').trimEnd().split('\n').length;
    throw new BadInstance(
      `${assignmentFile}, line${lines === 1 ? ' 1' : `s 1 to ${lines}`}: ${violations[0]} (of ${violations.length} constraints broken in all) where an assignment should be that breaks none: the search begins at it`,
    );
  }
  return { instance, initialCost: cost, evaluationMs };
}

/**
 * @param {string} name
 * @param {Options} options
 * @param {number} begun when its time began
 */
async function solve(name, options, begun) {
  const { instance, initialCost, evaluationMs } = readFeasible(name, options);
  const deadline = begun + options.seconds * 1000 - reserveMs - 2 * evaluationMs;
  const answer = await search(instance, { ...options, deadline });
  const { cost, violations } = evaluate(instance, answer.placement);
  mkdirSync(options.answers, { recursive: true });
  writeFileSync(join(options.answers, `assignment_${name}.txt`), `${answer.placement.join(' ')}\n`);
  if (cost !== answer.cost) violations.push(`the optimizer takes its cost for ${answer.cost}`);
  const seconds = (performance.now() - begun) / 1000;
  return { name, initial: initialCost, cost, violations, seconds, steps: answer.steps };
}

async function main() {
  const options = readOptions();
  const names = instancesOf(options);
  const reference = readReference(join(options.folder, 'reference.csv'));
  const hasBuilt = await buildIfOlder();
  // Of several, all are looked at before the first is solved; a single one is read once, within its time.
  if (names.length > 1) for (const name of names) readFeasible(name, options);
  const rows = [];
  for (const name of names) {
    // The program's own start counts as a single one's time; a build does not.
    const begun = names.length === 1 && !hasBuilt ? 0 : performance.now();
    const row = await solve(name, options, begun);
    for (const violation of row.violations) console.error(`${name}: ${violation}`);
    rows.push(row);
    if (options.json)
      console.log(JSON.stringify({ instance: name, cost: row.cost, seconds: Number(row.seconds.toFixed(2)) }));
    else
      console.error(
        `${name} ${row.cost} in ${row.seconds.toFixed(2)} s, gap ${gapOf(row.cost, reference.get(name))?.toFixed(3) ?? '-'} %`,
      );
  }
  if (!options.json) console.log(table(rows, reference));
  return rows.every(({ violations }) => violations.length === 0) ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (error instanceof BadInstance) console.error(error.message);
  else if (error instanceof WrongUsage || (error instanceof TypeError && 'code' in error))
    console.error(`${error.message}\n\n${usage}`);
  else throw error;
  process.exitCode = 2;
}
