import type { DiskCopy, DiskWork, OutgoingDisk } from './disk-work';
import type { IsolationPolicy, MigrationPolicy } from './policies';
import type { GuestSpecification } from './guest-specification';
import type { Instant } from './units';

/**
 * What the controller may ask of a host. Each is idempotent by what it names (guest and epoch, or migration): a job is
 * only a doorbell and may ring late, twice or never. Results come back in the host's reports.
 */
export type HostOrder =
  /** What to do when cut off; the watchdog's lease follows it. */
  | { readonly kind: 'host.isolation'; readonly policy: IsolationPolicy }
  /** The controller has missed its latest report: say it again. */
  | { readonly kind: 'host.report' }
  /** A program that the host's administrator has provided for it, with its arguments. The same run is begun once. */
  | { readonly kind: 'host.run'; readonly runId: string; readonly command: string }
  | {
      readonly kind: 'guest.start';
      readonly guest: GuestSpecification;
      readonly epoch: number;
      /** What this host's guests may have of its memory together: the host looks again, for it knows first what is there. */
      readonly hostMemoryMiB: number;
    }
  /** Forget also means: never run this epoch or an older one. `graceMs` 0 pulls the plug. */
  | { readonly kind: 'guest.stop'; readonly guestId: string; readonly epoch: number; readonly graceMs: number }
  /** Its VMM's process, as in a crash: it is told as one, with this reason. */
  | { readonly kind: 'guest.kill'; readonly guestId: string; readonly epoch: number; readonly reason: string }
  | { readonly kind: 'guest.pause'; readonly guestId: string; readonly epoch: number }
  | { readonly kind: 'guest.resume'; readonly guestId: string; readonly epoch: number }
  | {
      readonly kind: 'guest.limit';
      readonly guestId: string;
      readonly epoch: number;
      readonly cpuShares: number;
      readonly cpuLimitMillicores: number | null;
    }
  /** To the target: open it, and say where it listens. `epoch` is the reserved one. */
  | {
      readonly kind: 'migration.prepare';
      readonly migrationId: string;
      /** As it is at the target: with `disk`, the disk's path is the new one. */
      readonly guest: GuestSpecification;
      readonly epoch: number;
      /** As for a start. */
      readonly hostMemoryMiB: number;
      readonly policy: MigrationPolicy;
      readonly disk: DiskCopy | null;
    }
  /** To the source: copy to where the target listens, and hand over to its agent. */
  | {
      readonly kind: 'migration.start';
      readonly migrationId: string;
      readonly guestId: string;
      /** The epoch that runs on the source; the target has `targetEpoch`. */
      readonly epoch: number;
      readonly targetEpoch: number;
      readonly targetUri: string;
      /** host:port; on its way to the source the controller adds "#" and the ticket for this migration's hand-over. */
      readonly targetPeerAddress: string;
      readonly policy: MigrationPolicy;
      readonly disk: OutgoingDisk | null;
    }
  /** To the source; to the target only once the source has said that it runs on, or is proved dead. */
  | { readonly kind: 'migration.cancel'; readonly migrationId: string; readonly guestId: string }
  /** To the target that waits for a grant: the source is proved dead, so the grant comes from the controller. */
  | { readonly kind: 'migration.grant'; readonly migrationId: string; readonly guestId: string; readonly epoch: number }
  /** The migration is committed or given up, in the database: forget it. The source's copy is destroyed if it was released. */
  | { readonly kind: 'migration.release'; readonly migrationId: string; readonly guestId: string }
  /** Measure these datastores from now on, and no others. */
  | { readonly kind: 'datastore.watch'; readonly datastores: readonly WatchedDatastore[] }
  | { readonly kind: 'disk.work'; readonly operationId: string; readonly work: DiskWork }
  /**
   * It is not wanted any more: a disk that has not moved by then stays where it is. What it was is said again, for the order
   * may come before the work's own, which then begins nothing.
   */
  | { readonly kind: 'disk.cancel'; readonly operationId: string; readonly work: DiskWork }
  /** Its outcome is recorded: forget it. */
  | { readonly kind: 'disk.forget'; readonly operationId: string };

export type OrderOf<Kind extends HostOrder['kind']> = Extract<HostOrder, { readonly kind: Kind }>;

export interface WatchedDatastore {
  readonly datastoreId: string;
  readonly path: string;
}

/** Anything older or expired is refused by the agent. */
export interface HostCommand {
  readonly commandId: string;
  readonly hostId: string;
  readonly incarnation: number;
  readonly term: number;
  readonly notAfter: Instant;
  readonly order: HostOrder;
}
