// npm run bench [-- GROUP] [--json] [--only NAME] [--quick]: measures, and says against what.

import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { closeAll, startNothingMore } from './closers.mjs';
import { conditions } from './conditions.mjs';
import { jsonLine, table } from './figures.mjs';

/** @typedef {import('./figures.mjs').Figure} Figure */
/** @typedef {import('./figures.mjs').Benchmark} Benchmark */
/** @typedef {{ groups: string[], json: boolean, only: string, quick: boolean, asBuilt: boolean, data: string, help: boolean }} Options */

const root = fileURLToPath(new URL('..', import.meta.url));
const benchFolder = fileURLToPath(new URL('.', import.meta.url));

const usage = `npm run bench [-- GROUP...] [-- options]

  GROUP         ${groupNames().join(', ')} (default: all)
  --json        a line of JSON for each figure: {"name","value","unit","reference","target","met"}
  --only <name> only the benchmark of that name, or only figures whose names begin so
  --quick       fewer and shorter runs: shows that it works, is no measurement
  --as-built    measure dist/ as it is, though sources may be newer
  --data <dir>  public data that some benchmarks are run on; without it those are left out

Status: 0 every target met, 1 one missed or not measured, 2 wrong usage.`;

/** @returns {string[]} */
function groupNames() {
  const entries = readdirSync(benchFolder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && existsSync(`${benchFolder}${entry.name}/group.mjs`))
    .map(({ name }) => name);
}

/** @returns {Options} */
function readOptions() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      quick: { type: 'boolean', default: false },
      'as-built': { type: 'boolean', default: false },
      data: { type: 'string', default: '' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const known = groupNames();
  const wrong = positionals.find((name) => !known.includes(name));
  if (wrong !== undefined) throw new Error(`there is no group "${wrong}"; there is ${known.join(', ')}`);
  const { json, only, quick, data, help } = values;
  const groups = positionals.length > 0 ? positionals : known;
  return { groups, json, only, quick, data, help, asBuilt: values['as-built'] };
}

/** An agent, a server or a controller that was being started is up, or has failed, by then. */
const interruptedStartMs = 20_000;

/** Everything that works speaks on standard output; that is for the figures alone here. */
const toStandardOutput = process.stdout.write.bind(process.stdout);
process.stdout.write = /** @type {typeof process.stdout.write} */ (process.stderr.write.bind(process.stderr));

/** @param {unknown} error */
const messageOf = (error) => (error instanceof Error ? (error.stack ?? error.message) : String(error));

/** @param {string} name @returns {Figure} */
function notMeasured(name) {
  return { name, value: null, unit: '', reference: null, target: null, met: false, remark: 'not measured' };
}

/**
 * One that fails is a figure that was not measured, and the others are still measured.
 * @param {Benchmark} benchmark
 * @param {{ group: string, quick: boolean, data: string }} run
 * @returns {Promise<Figure[]>}
 */
async function measure(benchmark, { group, quick, data }) {
  const begun = performance.now();
  console.error(`\n${group} ${benchmark.name}: ${benchmark.title}`);
  const note = (/** @type {string} */ text) => console.error(`  ${text}`);
  try {
    return await benchmark.measure({ root, quick, data, note });
  } catch (error) {
    if (interrupted) return [];
    console.error(`  not measured: ${messageOf(error)}`);
    return [notMeasured(benchmark.name)];
  } finally {
    await closeAll(note);
    note(`took ${((performance.now() - begun) / 1000).toFixed(0)} s`);
  }
}

/**
 * @param {Options} options
 * @returns {Promise<Figure[]>}
 */
async function measureGroups({ groups, json, only, quick, data }) {
  /** @type {Figure[]} */
  const all = [];
  for (const group of groups) {
    const { benchmarks } = /** @type {{ benchmarks: Benchmark[] }} */ (await import(`./${group}/group.mjs`));
    for (const benchmark of benchmarks) {
      // A benchmark's figures are named after it.
      if (interrupted) return all;
      if (!(benchmark.name.startsWith(only) || only.startsWith(`${benchmark.name}.`))) continue;
      if (benchmark.needsData && data === '') {
        console.error(`\n${group} ${benchmark.name}: left out, since it needs --data <dir>`);
        all.push({ ...notMeasured(`${group}.${benchmark.name}`), remark: 'left out, since it needs --data <dir>' });
        continue;
      }
      const measured = await measure(benchmark, { group, quick, data });
      const wanted = measured.filter(({ name }) => name.startsWith(only));
      const figures = wanted.map((figure) => ({ ...figure, name: `${group}.${figure.name}` }));
      all.push(...figures);
      if (json) for (const figure of figures) toStandardOutput(`${jsonLine(figure)}\n`);
    }
  }
  return all;
}

/** @param {Options} options */
async function main(options) {
  if (!options.asBuilt) {
    const { meetRequirements } = await import('../apps/lab/requirements.mjs');
    await meetRequirements(root, {});
  }
  const before = await conditions();
  console.error(before.join('\n'));
  const figures = await measureGroups(options);
  if (interrupted)
    console.error(`\ninterrupted: ${figures.length === 0 ? 'nothing was' : 'not everything was'} measured`);
  if (!options.json && figures.length > 0) toStandardOutput(`\n${table(figures)}\n\n${before.join('\n')}\n`);
  if (figures.length === 0 && !interrupted) throw new Error(`nothing is called "${options.only}"`);
  return figures.every(({ met }) => met) ? 0 : 1;
}

let interrupted = false;
/** @type {Promise<number>} */
let work = Promise.resolve(0);

/** What is being started when the signal comes is waited for, and then stopped as well. */
async function interrupt() {
  const note = (/** @type {string} */ text) => console.error(`  ${text}`);
  startNothingMore();
  await closeAll(note);
  await Promise.race([work, sleep(interruptedStartMs)]);
  await closeAll(note);
  process.exit(130);
}

for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.on(signal, () => {
    if (interrupted) return;
    interrupted = true;
    console.error('\nstopping what was started');
    void interrupt();
  });
}

/** @type {Options | undefined} */
let options;
try {
  options = readOptions();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
}
if (options === undefined || options.help) {
  (options === undefined ? console.error : (/** @type {string} */ text) => toStandardOutput(`${text}\n`))(usage);
  process.exitCode = options === undefined ? 2 : 0;
} else {
  work = main(options).catch((error) => {
    console.error(messageOf(error));
    return 1;
  });
  const status = await work;
  if (!interrupted) process.exit(status);
}
