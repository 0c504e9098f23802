import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';

/** For secrets: nobody else may read it, and whoever dies or loses power over it leaves the old file or the new one, whole. */
export function writePrivately(file: string, text: string): void {
  const next = `${file}.new`;
  const descriptor = openSync(next, 'w', 0o600);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(next, file);
}
