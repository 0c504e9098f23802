import type { DiskCopy, DiskWork, DiskWorkResult, OutgoingDisk } from '@argosy/domain/disk-work';
import type { DriverCapabilities, MigrationProgress } from '@argosy/domain/entities';
import type { MigrationPolicy } from '@argosy/domain/policies';
import type { GuestSpecification } from '@argosy/domain/guest-specification';
import type { Refusal, Result } from '@argosy/domain/refusal';
import type { Instant } from '@argosy/domain/units';

/** One VMM process. A guest may have two on one host for a moment (a released copy and a new one): the epoch tells them apart. */
export interface VmmInstance {
  readonly guestId: string;
  readonly epoch: number;
}

/**
 * running, paused: alive. incoming: opened for a migration, its memory not complete. received: its memory complete,
 * not running (started with -S). sent: completed a migration out and is stopped. stopped: ended by its guest in order.
 * crashed: the process is gone or the guest panicked.
 */
export const vmmStates = [
  'starting',
  'running',
  'paused',
  'incoming',
  'received',
  'sending',
  'sent',
  'stopped',
  'crashed',
] as const;
export type VmmState = (typeof vmmStates)[number];

export interface VmmSample {
  readonly instance: VmmInstance;
  /** Since the VMM started: used, and waited for on a run queue or by a limit. */
  readonly cpuTimeMs: number;
  readonly cpuWaitMs: number;
  readonly residentMiB: number;
  /** null: not measured now. */
  readonly dirtyBytesPerSecond: number | null;
  /** What its disk takes on its datastore; null: not known. */
  readonly diskBytes: number | null;
  /** For how long the VMM has left a question unanswered; 0: it answers. */
  readonly vmmSilentMs: number;
}

/**
 * All that a VMM driver is asked. A call ends by its `done`, exactly once, with a value or a refusal; each driver bounds
 * its own calls, so `done` always comes. Calls about one instance take effect in the order given.
 */
export interface VmmCalls {
  readonly capabilities: { request: Record<never, never>; value: DriverCapabilities };
  /** Opens the guest's disk (made at first start) and runs it, from its memory's file where it has one. Done once it runs. */
  readonly start: { request: { readonly guest: GuestSpecification; readonly epoch: number }; value: null };
  /** Every instance on this host, also those that an earlier agent process started: connects to them again. */
  readonly list: {
    request: Record<never, never>;
    value: readonly { readonly instance: VmmInstance; readonly state: VmmState }[];
  };
  /** Asks the guest to power off, and destroys it after graceMs; 0 destroys at once. Done when the process is gone. Destroying what is not there succeeds. */
  readonly stop: { request: { readonly instance: VmmInstance; readonly graceMs: number }; value: null };
  /** The process dies as in a crash, and the driver tells it as one: for that reason, or (null, a drill's) for what it looks like. */
  readonly kill: { request: { readonly instance: VmmInstance; readonly reason: string | null }; value: null };
  readonly pause: { request: { readonly instance: VmmInstance }; value: null };
  /**
   * Also the target's run after its grant, and the source's after a failed migration. `typed`: on its console at the source, where
   * the guest had not heard it; it hears that first.
   */
  readonly resume: { request: { readonly instance: VmmInstance; readonly typed?: string }; value: null };
  /**
   * Opens an instance that waits for a migration and does not run when it is complete. Value: where it listens. With `disk`
   * its disk comes too: the copy has another name until `resume`, the grant, makes it the guest's disk.
   */
  readonly prepareIncoming: {
    request: {
      readonly guest: GuestSpecification;
      readonly epoch: number;
      readonly policy: MigrationPolicy;
      readonly disk: DiskCopy | null;
    };
    value: { readonly uri: string; readonly diskUri: string | null };
  };
  /** Done when the copy has begun; its end is an event. */
  readonly migrateOut: {
    request: {
      readonly instance: VmmInstance;
      /** The epoch that the guest has at the other end: with it both ends know the key of this one migration. */
      readonly targetEpoch: number;
      readonly uri: string;
      readonly policy: MigrationPolicy;
      /** Where the target takes the disk; null: both sides have it open. */
      readonly disk: OutgoingDisk | null;
    };
    value: null;
  };
  /** Done when the copy has ended one way or the other: `cancelled` false means that it had completed already. */
  readonly cancelMigration: { request: { readonly instance: VmmInstance }; value: { readonly cancelled: boolean } };
  readonly usage: { request: Record<never, never>; value: readonly VmmSample[] };
  readonly measureDatastore: {
    request: { readonly path: string };
    value: { readonly totalBytes: number; readonly freeBytes: number };
  };
  /** Done again after it was cut short, it ends in the same state. It may take long. */
  readonly diskWork: { request: { readonly work: DiskWork }; value: DiskWorkResult };
  /**
   * The `relocate` work with that copy is not wanted any more: it ends with a refusal, and nothing of it stays, unless the copy has
   * become the guest's disk. What is not under way is left alone. Done at once; the work tells its own end.
   */
  readonly cancelRelocation: { request: { readonly copyPath: string }; value: null };
  readonly limit: {
    request: { readonly instance: VmmInstance; readonly cpuShares: number; readonly cpuLimitMillicores: number | null };
    value: null;
  };
  readonly consoleWrite: { request: { readonly instance: VmmInstance; readonly text: string }; value: null };
  /** The last of the console's output, kept with no client connected. */
  readonly consoleTail: {
    request: { readonly instance: VmmInstance; readonly maximumBytes: number };
    value: { readonly text: string };
  };
  /** Where its screen is served by RFB (RFC 6143): a socket of this host, for as long as the instance is. */
  readonly screen: { request: { readonly instance: VmmInstance }; value: { readonly socketPath: string } };
}
export type VmmCallName = keyof VmmCalls;
export type VmmCommand = {
  readonly [Name in VmmCallName]: { readonly call: Name } & VmmCalls[Name]['request'];
}[VmmCallName];
export type VmmValue<Command extends VmmCommand> = VmmCalls[Command['call']]['value'];

/** What happens to an instance by itself, told by the driver at once. */
export type VmmEvent =
  | {
      readonly kind: 'exited';
      readonly instance: VmmInstance;
      readonly how: 'stopped' | 'crashed';
      readonly reason: string;
    }
  /** `refusal`: why the VMM stopped it by itself, as for a disk that is full. Without one it was asked for. */
  | {
      readonly kind: 'paused';
      readonly instance: VmmInstance;
      readonly reason: string;
      readonly refusal?: Refusal;
    }
  | { readonly kind: 'resumed'; readonly instance: VmmInstance }
  | { readonly kind: 'migration-progress'; readonly instance: VmmInstance; readonly progress: MigrationProgress }
  /**
   * On the source: all is sent, and it is stopped. Told at once, for it is a part of the downtime; what the VMM measured of
   * that may come later. In a post-copy the memory still follows the processors' state: `stop` waits for it. `typed`: on its
   * console, and neither heard by the guest nor in its state. The driver has it no more.
   */
  | {
      readonly kind: 'migration-completed';
      readonly instance: VmmInstance;
      readonly downtimeMs: number | null;
      readonly typed?: string;
    }
  /** On the source, after `migration-completed` told null: the VMM's own word for the downtime. */
  | { readonly kind: 'migration-measured'; readonly instance: VmmInstance; readonly downtimeMs: number }
  /** On the source: the VMM does nothing any more since the copy began, as in a handshake with a target that does not answer. */
  | { readonly kind: 'migration-stuck'; readonly instance: VmmInstance }
  /** On the source: all of its disk is at the target, and from now on every write goes to both. The memory follows. */
  | { readonly kind: 'disk-mirrored'; readonly instance: VmmInstance }
  /** A disk moves alone, and so much of it is there. `instance` null: of a guest that does not run. */
  | {
      readonly kind: 'relocation-progress';
      readonly instance: VmmInstance | null;
      readonly copyPath: string;
      readonly progress: MigrationProgress;
    }
  /** On the source: it runs on. */
  | { readonly kind: 'migration-failed'; readonly instance: VmmInstance; readonly refusal: Refusal }
  /** On the target: memory is complete, the disk's lock is held, it does not run. */
  | { readonly kind: 'incoming-completed'; readonly instance: VmmInstance }
  /** The guest's own heartbeat line on its console. */
  | {
      readonly kind: 'heartbeat';
      readonly instance: VmmInstance;
      readonly count: number;
      readonly work: number;
      readonly at: Instant;
    }
  | { readonly kind: 'console'; readonly instance: VmmInstance; readonly text: string };

/** A VMM on one host. Real drivers are in libs/vmm, the model in libs/simulator; one conformance suite runs against all. */
export interface VmmDriver {
  readonly name: string;
  execute<Command extends VmmCommand>(command: Command, done: (result: Result<VmmValue<Command>>) => void): void;
  /** One listener: the host. */
  listen(listener: (event: VmmEvent) => void): void;
  /** Lets go of every instance without harming it, as at the end of an agent's process. */
  detach(): void;
}
