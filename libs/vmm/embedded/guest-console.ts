import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { GuestLineSplitter, parseGuestLine } from '@argosy/domain/guest-console';
import type { VmmEvent, VmmInstance } from '@argosy/control/ports/vmm-driver';
import { ConsoleLog } from '../console-log';

/** Of an instance, below the driver's own: what is left of it when its process has ended. */
export function instanceFolder(root: string, { guestId, epoch }: VmmInstance): string {
  return join(root, `${encodeURIComponent(guestId)}.${epoch}`);
}

/** Between two looks at how large its file has become. */
const lookEveryBytes = 64 * 1024;
/** What many guests say in a second is not a write to a file for each word of it: a process that is killed leaves out so much of its end. */
const keptBytes = 4096;
const keptMs = 1000;

/** What a guest says: kept in a file, and told, with its heartbeats by themselves. */
export class GuestConsole {
  private readonly log: ConsoleLog;
  private readonly file: number;
  private readonly decoder = new StringDecoder('utf8');
  private splitter = new GuestLineSplitter();
  private unwritten: Buffer[] = [];
  private unwrittenBytes = 0;
  private unwrittenSince = 0;
  /** Since its file was looked at. */
  private heardBytes = 0;

  constructor(
    private readonly instance: VmmInstance,
    private readonly folder: string,
    private readonly tell: (event: VmmEvent) => void,
  ) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.log = new ConsoleLog(join(folder, 'console.log'));
    this.file = openSync(this.log.path, 'a', 0o600);
  }

  hear(bytes: Buffer): void {
    if (this.unwritten.length === 0) this.unwrittenSince = performance.now();
    this.unwritten.push(bytes);
    this.unwrittenBytes += bytes.length;
    if (this.unwrittenBytes >= keptBytes || performance.now() - this.unwrittenSince >= keptMs) this.write();
    const { instance } = this;
    const text = this.decoder.write(bytes);
    this.tell({ kind: 'console', instance, text });
    for (const line of this.splitter.push(text)) {
      const said = parseGuestLine(line);
      if (said?.kind === 'heartbeat')
        this.tell({ kind: 'heartbeat', instance, count: said.count, work: said.work, at: Date.now() });
    }
  }

  /** To its file; at once where the guest stops, for whoever reads it there must not see it speak later. */
  write(): void {
    if (this.unwritten.length === 0) return;
    const bytes = Buffer.concat(this.unwritten);
    this.unwritten = [];
    this.unwrittenBytes = 0;
    this.heardBytes += bytes.length;
    // A folder that is full keeps nobody from running.
    try {
      writeSync(this.file, bytes);
      this.cut();
    } catch {
      // It was told all the same.
    }
  }

  tail(maximumBytes: number): string {
    this.write();
    return this.log.tail(maximumBytes);
  }

  private cut(): void {
    if (this.heardBytes < lookEveryBytes) return;
    this.heardBytes = 0;
    this.log.cut();
  }

  /** The line that it has begun to say. */
  get unfinishedLine(): string {
    return this.splitter.unfinished;
  }

  /** Of the guest at its source: it goes on in the middle of a line. */
  goOnAfter(unfinishedLine: string): void {
    this.splitter = new GuestLineSplitter(unfinishedLine);
  }

  /** Nothing is said any more; what was is there until the instance is forgotten. */
  close(): void {
    this.write();
    closeSync(this.file);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
