import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Fleet } from '../fleet/lab';
import { mountScratch, unmountLeft } from '../fleet/scratch-mounts.mjs';

/** A file system of its own is what can be filled up without harm to others; only root may mount one. */
const canMount = process.getuid?.() === 0;
const sizeMiB = 256;

/** A second datastore that all hosts share, and that has little room. */
export class SmallDatastore {
  static readonly datastoreName = 'small';
  readonly canBeFilled = canMount;
  readonly path: string;

  constructor(datastore: string) {
    this.path = join(datastore, SmallDatastore.datastoreName);
  }

  /** Before the hosts are switched on: what is mounted later they do not see. */
  mount(): void {
    mkdirSync(this.path);
    if (!canMount) return;
    unmountLeft();
    mountScratch(this.path, sizeMiB);
  }

  async open({ api }: Fleet): Promise<void> {
    await api.call('datastore.create', {
      body: { name: SmallDatastore.datastoreName, path: this.path, shared: true },
    });
  }

  private get filler(): string {
    return join(this.path, 'filler');
  }

  /** To the last block. */
  fill(): void {
    execFileSync('/bin/sh', ['-c', `cat /dev/zero > '${this.filler}' 2>/dev/null || true`]);
  }

  free(): void {
    rmSync(this.filler, { force: true });
  }
}
