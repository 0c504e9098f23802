import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writePrivately } from './private-file';

const schema = z.object({ secret: z.union([z.string(), z.null()]), port: z.int().min(0).max(65_535) });

/** Where this agent listens for others, and the secret that they share: kept, so that a hand-over goes on after a restart. */
export class PeerIdentity {
  private readonly file: string;
  private kept: z.output<typeof schema> = { secret: null, port: 0 };

  constructor(stateFolder: string) {
    this.file = join(stateFolder, 'peer.json');
    if (existsSync(this.file)) this.kept = schema.parse(JSON.parse(readFileSync(this.file, 'utf8')));
  }

  get secret(): string | null {
    return this.kept.secret;
  }

  get port(): number {
    return this.kept.port;
  }

  learn(secret: string): void {
    this.keep({ ...this.kept, secret });
  }

  listensAt(address: string): void {
    this.keep({ ...this.kept, port: Number(address.slice(address.lastIndexOf(':') + 1)) });
  }

  private keep(kept: z.output<typeof schema>): void {
    this.kept = kept;
    writePrivately(this.file, JSON.stringify(kept));
  }
}
