// npm test: on a clean clone it installs what is missing and builds, then checks everything. --slow: the long tests.

import { fileURLToPath } from 'node:url';
import { say } from './progress.mjs';
import { meetRequirements, MissingRequirement, missingRequirementStatus } from './requirements.mjs';
import { errorMessage } from './processes.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

try {
  // The tests start servers of their own, whatever the environment names.
  await meetRequirements(root, { forTests: process.argv.includes('--slow') ? 'slow tests' : 'tests' });
} catch (error) {
  say(errorMessage(error));
  process.exit(error instanceof MissingRequirement ? missingRequirementStatus : 1);
}
await import('./check.mjs');
