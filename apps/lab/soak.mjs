// npm run soak -- --minutes 30 --seed 7: a real fleet under everything that can happen, and the sum of what was seen.

import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { errorMessage } from './processes.mjs';
import { say } from './progress.mjs';
import { meetRequirements, MissingRequirement, missingRequirementStatus } from './requirements.mjs';
import { runHere } from './run.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const usage = 'npm run soak -- [--minutes <n>] [--seed <n>]     (default: 30 minutes, a seed by chance)';

/** @returns {{ minutes: number, seed: number }} */
function readOptions() {
  const options = /** @type {const} */ ({ minutes: { type: 'string' }, seed: { type: 'string' } });
  const { values } = parseArgs({ options, strict: true });
  const minutes = Number(values.minutes ?? 30);
  const seed = Number(values.seed ?? Math.floor(Math.random() * 1_000_000));
  if (!(minutes > 0)) throw new Error(`--minutes must be a number above 0, and is "${values.minutes}"`);
  if (!Number.isInteger(seed) || seed < 0) throw new Error(`--seed must be a whole number, and is "${values.seed}"`);
  return { minutes, seed };
}

let options;
try {
  options = readOptions();
} catch (error) {
  say(`${errorMessage(error)}\n${usage}`);
  process.exit(2);
}
try {
  await meetRequirements(root, {});
} catch (error) {
  say(errorMessage(error));
  process.exit(error instanceof MissingRequirement ? missingRequirementStatus : 1);
}
say(`soak: ${options.minutes} minutes at seed ${options.seed}`);
const status = await runHere([`${root}node_modules/.bin/jest`, '--runInBand', 'test/soak/soak.spec.ts'], {
  cwd: root,
  environment: {
    ARGOSY_SOAK_MINUTES: String(options.minutes),
    ARGOSY_SOAK_SEED: String(options.seed),
  },
});
process.exit(status);
