#!/usr/bin/env node
// Starts the built command line; says what to do where it is not built.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../dist/apps/cli/src/main.js', import.meta.url));
if (existsSync(program)) {
  createRequire(import.meta.url)(program);
} else {
  console.error(
    'argosy: it is not built yet: type "npm run build" in its folder, or "npm start", which builds it too. [not-built]',
  );
  process.exitCode = 9;
}
