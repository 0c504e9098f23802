import type {
  Alarm,
  BalanceRun,
  FleetRecord,
  Guest,
  Host,
  Migration,
  Placement,
  Pool,
  Recommendation,
  Rule,
  Task,
} from '@argosy/domain/entities';
import type { Datastore, DiskOperation, Image, Snapshot } from '@argosy/domain/storage';
import type { Drill } from '@argosy/domain/drill';
import type { FenceSecret } from '@argosy/domain/fence-device';
import type { Roll } from '@argosy/domain/roll';
import type { Instant } from '@argosy/domain/units';

/** What the brain keeps as rows, by the name of its kind. */
export interface EntityRows {
  readonly pool: Pool;
  readonly host: Host;
  /** Nobody but the brain and its store sees these: they are in no answer, stream or log. */
  readonly fenceSecret: FenceSecret;
  readonly guest: Guest;
  readonly image: Image;
  readonly datastore: Datastore;
  readonly diskOperation: DiskOperation;
  readonly snapshot: Snapshot;
  readonly rule: Rule;
  readonly migration: Migration;
  readonly recommendation: Recommendation;
  readonly balanceRun: BalanceRun;
  readonly drill: Drill;
  readonly roll: Roll;
  readonly task: Task;
  readonly alarm: Alarm;
}
export type EntityKind = keyof EntityRows;

/**
 * One change of the database. The writes of a step are one transaction, which also checks the leader's term: a leader
 * that was replaced writes nothing. Opening a placement is compare-and-set on the guest's epoch, in the database itself.
 */
export type FleetWrite =
  | {
      readonly [Kind in EntityKind]: { readonly kind: 'put'; readonly entity: Kind; readonly row: EntityRows[Kind] };
    }[EntityKind]
  | { readonly kind: 'remove'; readonly entity: EntityKind; readonly id: string }
  | { readonly kind: 'open-placement'; readonly placement: Placement }
  | {
      readonly kind: 'close-placement';
      readonly guestId: string;
      readonly epoch: number;
      readonly to: Instant;
      readonly endReason: string;
    }
  | { readonly kind: 'record'; readonly record: FleetRecord };

/** What a leader starts from: everything that has not ended. */
export interface Inventory {
  readonly pools: readonly Pool[];
  readonly hosts: readonly Host[];
  readonly fenceSecrets: readonly FenceSecret[];
  readonly guests: readonly Guest[];
  readonly images: readonly Image[];
  readonly datastores: readonly Datastore[];
  /** Only those that have not ended: the others are not kept. */
  readonly diskOperations: readonly DiskOperation[];
  readonly snapshots: readonly Snapshot[];
  readonly rules: readonly Rule[];
  /** Only those whose step is not an end. */
  readonly migrations: readonly Migration[];
  /** Only open ones. */
  readonly recommendations: readonly Recommendation[];
  /** Only those that have not ended. */
  readonly drills: readonly Drill[];
  /** Only those that have not ended. */
  readonly rolls: readonly Roll[];
  readonly tasks: readonly Task[];
  readonly alarms: readonly Alarm[];
}

export interface Lease {
  readonly term: number;
  readonly holder: string;
  /** Where the leader's API is reached. */
  readonly url: string;
  readonly held: boolean;
  /** The database's time, which is the fleet's. */
  readonly at: Instant;
}

/** `conflict`: the term is no longer ours, or a constraint of the database refused (message says which): load anew. */
export type CommitOutcome =
  { readonly outcome: 'committed' } | { readonly outcome: 'conflict'; readonly message: string };

export interface FleetStore {
  load(): Promise<Inventory>;
  /** Rejects when the database is away: nothing was written, or it is not known; load anew before going on. */
  commit(term: number, writes: readonly FleetWrite[]): Promise<CommitOutcome>;
  /** Takes or renews the lease by the database's clock; a new holder gets a higher term. */
  holdLease(holder: string, url: string, durationMs: number): Promise<Lease>;
  releaseLease(holder: string): Promise<void>;
  /** From that holder, before its end, at the next term; false: it is not that one's any more, or not at that term. */
  seizeLease(from: Pick<Lease, 'holder' | 'term'>, holder: string, url: string): Promise<boolean>;
  /** The holder's lease goes on at a term above that one; false: it is not the holder's any more. */
  raiseTerm(holder: string, above: number): Promise<boolean>;
  /** Asked immediately before a host's power is cut: is the term still the lease's, and this still the host's incarnation? */
  isCurrent(fence: {
    readonly action: 'off' | 'on';
    readonly hostId: string;
    readonly incarnation: number;
    readonly term: number;
  }): Promise<boolean>;
}
