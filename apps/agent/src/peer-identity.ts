import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostKey } from '@argosy/contracts/host-key';
import { z } from 'zod';
import { writePrivately } from './private-file';

const secretOrNull = z.union([z.string(), z.null()]).default(null);
const schema = z.object({ key: secretOrNull, migrationSecret: secretOrNull, port: z.int().min(0).max(65_535) });

/** Where this agent listens for others, and its host's key: kept, so that a hand-over goes on after a restart. */
export class PeerIdentity {
  private readonly file: string;
  private kept: z.output<typeof schema> = { key: null, migrationSecret: null, port: 0 };

  constructor(stateFolder: string) {
    this.file = join(stateFolder, 'peer.json');
    if (existsSync(this.file)) this.kept = schema.parse(JSON.parse(readFileSync(this.file, 'utf8')));
  }

  get key(): HostKey | null {
    return this.kept.key;
  }

  get port(): number {
    return this.kept.port;
  }

  /** Of which agents make the keys of migrations' streams. */
  get migrationSecret(): string | null {
    return this.kept.migrationSecret;
  }

  learn(secrets: { readonly key: HostKey; readonly migrationSecret: string }): void {
    this.keep({ ...this.kept, ...secrets });
  }

  listensAt(address: string): void {
    this.keep({ ...this.kept, port: Number(address.slice(address.lastIndexOf(':') + 1)) });
  }

  private keep(kept: z.output<typeof schema>): void {
    this.kept = kept;
    writePrivately(this.file, JSON.stringify(kept));
  }
}
