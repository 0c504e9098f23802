// npm run build: the database client from its schema, every app and library in one pass of SWC, and the console.

import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runHere } from './run.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const bin = (/** @type {string} */ name) => join(root, 'node_modules/.bin', name);

// Generating needs no schema engine, and Prisma would download one: it is told of a program that does nothing.
const environment = {
  PRISMA_SCHEMA_ENGINE_BINARY: '/bin/true',
  PRISMA_HIDE_UPDATE_MESSAGE: '1',
  // A test that builds says "test" here, and the console would be made of React's files for developers.
  NODE_ENV: 'production',
};

// A checkout whose packages are older than its sources still builds the servers; the console's page says what is missing.
/** @type {{ devDependencies: Record<string, string> }} */
const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const missing = Object.keys(devDependencies).filter((name) => !existsSync(join(root, 'node_modules', name)));
if (missing.length > 0)
  console.warn(`The console is not built: ${missing.join(', ')} not installed. Run npm ci, and build again.`);

rmSync(join(root, 'dist/apps'), { recursive: true, force: true });
rmSync(join(root, 'dist/libs'), { recursive: true, force: true });
for (const command of [
  [bin('prisma'), 'generate', '--no-hints'],
  [bin('nest'), 'build', 'controller'],
  ...(missing.length === 0
    ? [[bin('vite'), 'build', '--config', 'apps/console/vite.config.mjs', '--logLevel', 'warn']]
    : []),
]) {
  const status = await runHere(command, { cwd: root, environment });
  if (status !== 0) process.exit(status);
}
