import { closeSync, openSync, writeSync } from 'node:fs';
import { mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { endGuests, guestProcesses } from './end-guests';
import {
  bootId,
  leaseMarginMs,
  ordersFile,
  readJson,
  recordFile,
  sinceBootMs,
  type WatchdogOrders,
  type WatchdogRecord,
  writeJson,
} from './watchdog-files';

export interface WatchdogParts {
  readonly hostName: string;
  readonly stateFolder: string;
  readonly datastoreFolder: string;
  /** A kernel watchdog to be fed, like /dev/watchdog: where this process dies, or cannot end the guests, the host is reset. */
  readonly device: string | null;
  readonly say: (message: string) => void;
}

const tickMs = 500;
/** Ends a kernel watchdog in order; without it, its device file's end resets the host. */
const magicClose = 'V';

/**
 * Renews the host's lease on the datastore, and ends every guest of the host before the lease runs out. Neither Redis,
 * nor the database, nor a controller, nor the agent is on its way. A longer lease, or none, counts from when it was
 * written; a shorter one from when it began to be: a controller may have seen either.
 */
export class Watchdog {
  private deadlineMs: number | null = null;
  private sequence = 0;
  private fired = 0;
  private firing = false;
  private renewing = false;
  private silent = false;
  private timer: NodeJS.Timeout | null = null;
  private deviceFile: number | null = null;

  constructor(private readonly parts: WatchdogParts) {
    const before = readJson<WatchdogRecord>(recordFile(parts.stateFolder));
    // Its predecessor's lease runs on, if the host did.
    if (before?.bootId !== bootId()) return;
    this.deadlineMs = before.deadlineMs;
    this.fired = before.fired;
  }

  start(): void {
    this.tick();
    this.timer = setInterval(() => this.tick(), tickMs);
  }

  /** In order: false while guests live that it is to watch over. */
  stop(): boolean {
    if (this.deadlineMs !== null && guestProcesses(this.parts.stateFolder).length > 0) return false;
    if (this.timer) clearInterval(this.timer);
    this.releaseDevice();
    return true;
  }

  private tick(): void {
    const orders = readJson<WatchdogOrders>(ordersFile(this.parts.stateFolder));
    // A write to storage that hangs is waited for elsewhere; time goes on here.
    if (orders !== null && !this.renewing) void this.renew(orders);
    if (this.deadlineMs === null) return this.releaseDevice();
    if (sinceBootMs() >= this.deadlineMs) return this.fire();
    this.firing = false;
    this.feedDevice();
  }

  private async renew(orders: WatchdogOrders): Promise<void> {
    this.renewing = true;
    const { hostName, datastoreFolder, say } = this.parts;
    // From when the write begins: that is the earliest at which a controller can see it. It may see one that fails here.
    const deadlineMs = orders.armed ? sinceBootMs() + orders.leaseMs - leaseMarginMs : null;
    if (deadlineMs !== null) this.deadlineMs = Math.min(this.deadlineMs ?? Infinity, deadlineMs);
    try {
      const folder = join(datastoreFolder, 'leases');
      // Not the datastore's folder itself: where it is not mounted, the mount point must not be taken for it.
      await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      });
      const path = join(folder, hostName);
      const file = await open(`${path}.new`, 'w', 0o644);
      try {
        await file.writeFile(JSON.stringify({ ...orders, sequence: `${process.pid}-${++this.sequence}` }));
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(`${path}.new`, path);
      this.deadlineMs = deadlineMs;
      if (this.silent) say('the lease is renewed again');
      this.silent = false;
      this.keepRecord();
    } catch (error) {
      if (!this.silent) say(`the lease cannot be renewed: ${error instanceof Error ? error.message : String(error)}`);
      this.silent = true;
    } finally {
      this.renewing = false;
    }
  }

  private fire(): void {
    const ended = endGuests(this.parts.stateFolder);
    if (!this.firing && ended > 0) {
      this.fired += 1;
      this.keepRecord();
      this.parts.say(`the lease is about to run out: ${ended} guests of this host are ended`);
    }
    this.firing = true;
    // What a kill does not end, the kernel's watchdog does: it goes hungry.
    if (guestProcesses(this.parts.stateFolder).length === 0) this.feedDevice();
  }

  private keepRecord(): void {
    const { deadlineMs, fired } = this;
    writeJson(recordFile(this.parts.stateFolder), { bootId: bootId(), pid: process.pid, deadlineMs, fired });
  }

  private feedDevice(): void {
    const { device, say } = this.parts;
    if (device === null) return;
    try {
      this.deviceFile ??= openSync(device, 'w');
      writeSync(this.deviceFile, '\0');
    } catch (error) {
      say(`${device} cannot be fed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  private releaseDevice(): void {
    if (this.deviceFile === null) return;
    writeSync(this.deviceFile, magicClose);
    closeSync(this.deviceFile);
    this.deviceFile = null;
  }
}
