import { execFile } from 'node:child_process';
import { readdir, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { DiskWork, DiskWorkKind } from '@argosy/domain/disk-work';
import { refuse } from './qemu-refusal';

const run = promisify(execFile);
/** Storage that hangs must not hang whoever asks for it. */
const lookDeadlineMs = 5_000;

export async function measureDatastore(path: string): Promise<{ totalBytes: number; freeBytes: number }> {
  const deadline = sleep(lookDeadlineMs, null, { ref: false });
  const found = await Promise.race([statfs(path), deadline]).catch((error: NodeJS.ErrnoException) => {
    throw refuse('datastore-not-reached', `${path} is not on this host (${error.code}); is it mounted?`);
  });
  if (found === null)
    throw refuse(
      'datastore-not-reached',
      `${path} did not answer within ${lookDeadlineMs / 1000} s; its storage hangs`,
    );
  // What is kept back for the system's administrator is no room for guests.
  const { bsize, blocks, bfree, bavail } = found;
  return { totalBytes: (blocks - bfree + bavail) * bsize, freeBytes: bavail * bsize };
}

type Workers = { readonly [Kind in DiskWorkKind]: (work: Extract<DiskWork, { kind: Kind }>) => Promise<void> };

const workers: Workers = { remove: ({ folder }) => removeFolder(folder) };

export async function doDiskWork(work: DiskWork): Promise<null> {
  await workers[work.kind](work);
  return null;
}

/** A guest's folder, and nothing else: what is above it belongs to others. */
async function removeFolder(folder: string): Promise<void> {
  if (!/\/guests\/[^/]+$/.test(folder) || folder.includes('/../'))
    throw refuse('invalid-request', `${folder} is no folder of a guest`);
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return [];
  });
  for (const name of names) if (name.endsWith('.qcow2')) await requireUnheld(join(folder, name));
  await rm(folder, { recursive: true, force: true });
}

/** qemu-img asks for the same lock that a VMM holds while it has the disk open. */
async function requireUnheld(path: string): Promise<void> {
  await run('qemu-img', ['info', path], { timeout: lookDeadlineMs }).catch((error: { stderr?: string }) => {
    if (!/ lock/.test(error.stderr ?? '')) return; // a damaged disk may go
    throw refuse('image-locked', `${path} is held by a VMM: the guest runs somewhere`);
  });
}

/** What a thin disk really takes. */
export async function allocatedBytes(path: string): Promise<number | null> {
  return stat(path).then(
    ({ blocks }) => blocks * 512,
    () => null,
  );
}
