import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import type { GuestNetwork } from '@argosy/domain/network';
import type { VmmInstance } from '@argosy/control/ports/vmm-driver';
import { refuse } from './refused';

/** What this host's guests are plugged into. */
export type GuestLink =
  /** A bridge of this host's, with its uplink: each guest gets a tap on it. Needs the right to administer the network. */
  | { readonly kind: 'bridge'; readonly bridge: string }
  /** A program that listens on a Unix socket and switches frames, each behind its length in 4 bytes. */
  | { readonly kind: 'switch'; readonly path: string }
  /** A card with no cable. */
  | { readonly kind: 'none' };

/** The same, for one guest: its end of the cable. */
export type GuestPlug =
  | { readonly kind: 'tap'; readonly name: string }
  | { readonly kind: 'stream'; readonly path: string }
  | { readonly kind: 'none' };

const run = promisify(execFile);
const commandDeadlineMs = 5_000;

/** A copy that was left and the one that came back may be on one host for a moment, so the epoch is in the name. */
export function tapName({ guestId, epoch }: VmmInstance): string {
  return `ag${createHash('sha256').update(`${guestId}:${epoch}`).digest('hex').slice(0, 12)}`;
}

export function plugOf(link: GuestLink, instance: VmmInstance): GuestPlug {
  if (link.kind === 'bridge') return { kind: 'tap', name: tapName(instance) };
  return link.kind === 'switch' ? { kind: 'stream', path: link.path } : { kind: 'none' };
}

/** The host's side of its guests' cables. A tap is the VMM's own, and goes when that process goes. */
export class GuestLinks {
  private batch: ChildProcess | null = null;

  constructor(private readonly linkNow: () => GuestLink) {}

  private get link(): GuestLink {
    return this.linkNow();
  }

  plug(instance: VmmInstance): GuestPlug {
    return plugOf(this.link, instance);
  }

  /** Before the guest runs. */
  async attach(instance: VmmInstance): Promise<void> {
    if (this.link.kind !== 'bridge') return;
    this.openBatch();
    const { bridge } = this.link;
    try {
      await run('ip', ['link', 'set', 'dev', tapName(instance), 'master', bridge, 'up'], {
        timeout: commandDeadlineMs,
      });
    } catch (error) {
      const said = (error as { stderr?: string }).stderr?.trim() || (error as Error).message;
      throw refuse(
        'vmm-failed',
        `the guest's network card cannot be plugged into bridge ${bridge} of this host: ${said}`,
      );
    }
  }

  /**
   * The guest's memory is here and it is about to run: this host's bridge, which until now knows it behind the uplink and so drops
   * what comes for it from there, is told where it is. A line into a pipe, and not waited for: the guest stands still meanwhile.
   * The switches beyond hear it from the VMM, which announces the guest's address by itself.
   */
  arrived(instance: VmmInstance, { macAddress }: GuestNetwork): void {
    if (this.link.kind !== 'bridge') return;
    this.openBatch()?.stdin?.write(`fdb replace ${macAddress} dev ${tapName(instance)} master dynamic\n`);
  }

  detach(): void {
    this.batch?.stdin?.end();
    this.batch = null;
  }

  /** Kept open, for starting a program takes longer than what it has to do. */
  private openBatch(): ChildProcess | null {
    if (this.batch) return this.batch;
    const batch = spawn('bridge', ['-force', '-batch', '-'], { stdio: ['pipe', 'ignore', 'ignore'] });
    const forget = (): void => {
      if (this.batch === batch) this.batch = null;
    };
    batch.on('error', forget);
    batch.on('exit', forget);
    batch.stdin.on('error', forget);
    batch.unref();
    this.batch = batch;
    return batch;
  }
}
