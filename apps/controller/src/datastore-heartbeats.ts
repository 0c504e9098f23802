import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fleet } from '@argosy/control/fleet-types';

const lookEveryMs = 400;

/**
 * The second channel: a file for each host on the shared datastores, touched by the host itself (not by its agent) as
 * long as it has power. It is alive when its time has changed since the last look; whose clock made it does not matter.
 */
export class DatastoreHeartbeats {
  private readonly lastSeen = new Map<string, number>();
  private timer: NodeJS.Timeout | null = null;
  private looking = false;

  constructor(
    private readonly fleet: Readonly<Fleet>,
    private readonly heard: (hostId: string) => void,
  ) {}

  start(): void {
    this.timer = setInterval(() => void this.look(), lookEveryMs);
  }

  stop(): void {
    if (this.timer) clearInterval(this.timer);
  }

  private async look(): Promise<void> {
    // A datastore that hangs must not pile up looks at it.
    if (this.looking || !this.fleet.leading) return;
    this.looking = true;
    try {
      const folders = [...this.fleet.datastores.values()]
        .filter((each) => each.shared)
        .map((each) => join(each.path, 'heartbeats'));
      await Promise.all(
        [...this.fleet.hosts.values()].flatMap((host) =>
          folders.map((folder) => this.lookAt(host.id, join(folder, host.name))),
        ),
      );
    } finally {
      this.looking = false;
    }
  }

  private async lookAt(hostId: string, file: string): Promise<void> {
    const changedAt = await stat(file).then(
      (found) => found.mtimeMs,
      // No file is no heartbeat; so is a datastore that cannot be read.
      () => null,
    );
    if (changedAt === null) return;
    const before = this.lastSeen.get(file);
    this.lastSeen.set(file, changedAt);
    if (before !== undefined && changedAt !== before) this.heard(hostId);
  }
}
