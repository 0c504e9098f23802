import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nameProcess, waitUntil } from '../../apps/lab/processes.mjs';
import { sourceStamp } from '../../apps/lab/requirements.mjs';

export const root = join(__dirname, '../..');
const stampFile = join(root, 'dist/.source-stamp');
/** Test files run side by side, and only one of them may build. */
const lockFolder = join(root, 'node_modules/.cache/argosy-test-build');

const isFresh = (): boolean => existsSync(stampFile) && readFileSync(stampFile, 'utf8') === sourceStamp(root);

function takeLock(): boolean {
  try {
    mkdirSync(join(lockFolder, '..'), { recursive: true });
    mkdirSync(lockFolder);
    writeFileSync(join(lockFolder, 'pid'), String(process.pid));
    return true;
  } catch {
    const owner = existsSync(join(lockFolder, 'pid'))
      ? Number(readFileSync(join(lockFolder, 'pid'), 'utf8'))
      : process.pid;
    if (owner !== process.pid && nameProcess(owner) === undefined) rmSync(lockFolder, { recursive: true, force: true });
    return false;
  }
}

/** `npm test` has built already; a test file that is run by itself builds when the sources are newer. */
export async function ensureBuilt(): Promise<void> {
  if (isFresh()) return;
  if (!(await waitUntil(takeLock, { deadlineMs: 120_000, intervalMs: 100 })))
    throw new Error(`somebody holds ${lockFolder}`);
  try {
    if (isFresh()) return;
    const stamp = sourceStamp(root);
    execFileSync(process.execPath, [join(root, 'apps/lab/build.mjs')], { cwd: root, stdio: 'pipe' });
    writeFileSync(stampFile, stamp);
  } finally {
    rmSync(lockFolder, { recursive: true, force: true });
  }
}
