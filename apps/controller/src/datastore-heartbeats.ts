import { constants } from 'node:fs';
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fleet, FleetEvent } from '@argosy/control/fleet-types';
import { z } from 'zod';

const lookEveryMs = 400;

const leaseSchema = z.object({ incarnation: z.int(), armed: z.boolean(), leaseMs: z.number(), sequence: z.string() });
const isolatedSchema = z.object({ ended: z.array(z.object({ guestId: z.string(), epoch: z.int() })) });

/**
 * The second channel: files on the shared datastores. A host's heartbeat, touched by the host itself (not by its agent)
 * as long as it has power, is alive when its time has changed since the last look; whose clock made it does not matter.
 * So with its watchdog's lease, which is read. An isolated host says there what has ended on it. The controller writes a
 * file of its own: while that fails, nothing that is missing there means anything.
 */
export class DatastoreHeartbeats {
  private readonly lastSeen = new Map<string, number | string>();
  private timer: NodeJS.Timeout | null = null;
  private looking = false;
  private term = 0;

  constructor(
    private readonly fleet: Readonly<Fleet>,
    private readonly holder: string,
    private readonly take: (event: FleetEvent) => void,
  ) {}

  start(): void {
    this.timer = setInterval(() => void this.look(), lookEveryMs);
  }

  async stop(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    await Promise.all(this.folders().map((folder) => rm(this.ownFile(folder), { force: true }).catch(() => {})));
  }

  private folders(): string[] {
    return [...this.fleet.datastores.values()].filter(({ shared }) => shared).map(({ path }) => path);
  }

  /** Once; `start` does it again and again. */
  async look(): Promise<void> {
    // A datastore that hangs must not pile up looks at it.
    if (this.looking || !this.fleet.leading) return;
    this.looking = true;
    try {
      // What an earlier leadership saw is not this one's.
      if (this.term !== this.fleet.term) this.lastSeen.clear();
      this.term = this.fleet.term;
      await Promise.all(this.folders().map((folder) => this.lookInto(folder)));
    } finally {
      this.looking = false;
    }
  }

  private async lookInto(folder: string): Promise<void> {
    // Of a thousand hosts many may have no such file: what there is tells one look at the folder.
    const [beating, leasing, isolated] = await Promise.all(
      ['heartbeats', 'leases', 'isolated'].map((name) => namesIn(join(folder, name))),
    );
    const looks: Promise<void>[] = [];
    for (const { id, name } of this.fleet.hosts.values()) {
      if (beating?.has(name)) looks.push(this.lookAtHeartbeat(id, join(folder, 'heartbeats', name)));
      if (leasing?.has(name))
        looks.push(this.lookAtLease(id, join(folder, 'leases', name), join(folder, 'heartbeats', name)));
      if (isolated?.has(name)) looks.push(this.lookAtIsolation(id, join(folder, 'isolated', name)));
    }
    await Promise.all(looks);
    if (await this.beat(folder)) this.take({ kind: 'own-datastore-heartbeat' });
  }

  private async lookAtHeartbeat(hostId: string, file: string): Promise<void> {
    const changedAt = await changeOf(file);
    if (changedAt === null) return;
    const before = this.seen(file, changedAt);
    if (before !== undefined && changedAt !== before) this.take({ kind: 'datastore-heartbeat', hostId });
  }

  private async lookAtLease(hostId: string, file: string, heartbeat: string): Promise<void> {
    const lease = await readAs(leaseSchema, file);
    if (lease === null) return;
    const { sequence, ...told } = lease;
    const before = this.seen(file, sequence);
    if (before === sequence) return;
    const heartbeatAfterMs = before === undefined ? await laterBy(heartbeat, file) : null;
    this.take({ kind: 'watchdog-lease', hostId, ...told, renewed: before !== undefined, heartbeatAfterMs });
  }

  private async lookAtIsolation(hostId: string, file: string): Promise<void> {
    if (this.fleet.hosts.get(hostId)?.state === 'online') return;
    const isolated = await readAs(isolatedSchema, file);
    if (isolated !== null) this.take({ kind: 'isolation', hostId, ended: isolated.ended });
  }

  private seen(file: string, mark: number | string): number | string | undefined {
    const before = this.lastSeen.get(file);
    this.lastSeen.set(file, mark);
    return before;
  }

  private ownFile(folder: string): string {
    return join(folder, 'heartbeats', `.controller-${this.holder}`);
  }

  /** Written and forced to the storage: a mount that only remembers would answer from memory. */
  private async beat(folder: string): Promise<boolean> {
    try {
      await mkdir(join(folder, 'heartbeats')).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      });
      const file = await open(this.ownFile(folder), 'w');
      try {
        await file.writeFile(String(Date.now()));
        await file.sync();
      } finally {
        await file.close();
      }
      return true;
    } catch {
      return false;
    }
  }
}

/** No file is no heartbeat; so is a datastore that cannot be read. */
async function changeOf(file: string): Promise<number | null> {
  return stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => null,
  );
}

/** How much later the one was written than the other: both by the same host, so by the same clock, whichever it is. */
async function laterBy(one: string, other: string): Promise<number | null> {
  const [later, earlier] = await Promise.all([changeOf(one), changeOf(other)]);
  return later === null || earlier === null ? null : later - earlier;
}

/** A folder that is not there, or cannot be read, holds nothing. */
async function namesIn(folder: string): Promise<ReadonlySet<string>> {
  return new Set(await readdir(folder).catch(() => []));
}

/** Of a host with a thousand guests that have all ended, a few times over. */
const longestFileBytes = 256 * 1024;

/**
 * Read while it is replaced, or written by something else, it says nothing. Every host may write there: what is no ordinary
 * file would be waited for without end, and what is long would be kept in memory.
 */
async function readAs<Value>(schema: z.ZodType<Value>, path: string): Promise<Value | null> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const found = await file.stat();
      if (!found.isFile() || found.size > longestFileBytes) return null;
      return schema.parse(JSON.parse(await file.readFile('utf8')));
    } finally {
      await file.close();
    }
  } catch {
    return null;
  }
}
