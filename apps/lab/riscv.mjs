// npm run test:riscv -- <folder>: the public RISC-V test programs on the machine of libs/machine, as `argosy machine test` runs them.

import { fileURLToPath } from 'node:url';
import { errorMessage } from './processes.mjs';
import { say } from './progress.mjs';
import { meetRequirements, MissingRequirement, missingRequirementStatus } from './requirements.mjs';
import { runHere } from './run.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
try {
  await meetRequirements(root, {});
} catch (error) {
  say(errorMessage(error));
  process.exit(error instanceof MissingRequirement ? missingRequirementStatus : 1);
}
const folder = process.env.INIT_CWD ?? process.cwd();
const command = [process.execPath, `${root}bin/argosy.mjs`, 'machine', 'test', ...process.argv.slice(2)];
process.exit(await runHere(command, { cwd: folder }));
