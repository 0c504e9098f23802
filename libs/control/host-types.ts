import type { DiskWork, DiskWorkPhase, DiskWorkResult } from '@argosy/domain/disk-work';
import type { MigrationProgress } from '@argosy/domain/entities';
import type { IsolationPolicy, MigrationPolicy } from '@argosy/domain/policies';
import type { GuestSpecification, ProcessorLimits } from '@argosy/domain/guest-specification';
import type { HostCommand } from '@argosy/domain/host-command';
import type {
  DatastoreObservation,
  EndedCopy,
  GuestHeartbeat,
  GuestUsage,
  HostAssignments,
  HostRun,
  MigrationPhase,
  ObservedGuestState,
} from '@argosy/domain/host-report';
import type { PeerAnswer, PeerRequest } from '@argosy/domain/peer-message';
import type { Refusal, Result } from '@argosy/domain/refusal';
import type { Instant } from '@argosy/domain/units';
import type { VmmCommand, VmmEvent, VmmSample, VmmState, VmmInstance } from './ports/vmm-driver';

/** What happens to the host brain. */
export type HostEvent =
  | { readonly kind: 'tick' }
  /** Redis took what was said, or a controller answered: this host is not cut off. */
  | { readonly kind: 'outside-heard' }
  | { readonly kind: 'run-seen'; readonly run: HostRun }
  /** What the host's own health check found wrong; null: it is well; undefined: it has begun, and nothing is known yet. */
  | { readonly kind: 'health'; readonly reason: string | null | undefined }
  /** First of all, after a start: what the journal on disk holds, and what really runs. */
  | {
      readonly kind: 'woke';
      readonly journal: readonly JournalEntry[];
      readonly running: readonly { readonly instance: VmmInstance; readonly state: VmmState }[];
    }
  /** The controller's answer to the registration: commands are heard from now on. */
  | { readonly kind: 'assigned'; readonly assignments: HostAssignments }
  | { readonly kind: 'command'; readonly command: HostCommand }
  | { readonly kind: 'vmm-result'; readonly token: number; readonly result: Result<unknown> }
  | { readonly kind: 'vmm-event'; readonly event: VmmEvent }
  | { readonly kind: 'usage'; readonly samples: readonly VmmSample[] }
  | { readonly kind: 'peer-request'; readonly requestId: string; readonly request: PeerRequest }
  /** null: the other agent could not be reached, or did not answer in time. */
  | { readonly kind: 'peer-answer'; readonly token: number; readonly answer: PeerAnswer | null };

/** What the host brain wants done, in this order: a journal entry is safe against the death of the process before what follows it begins. */
export type HostEffect =
  | { readonly kind: 'journal'; readonly entry: JournalEntry }
  | { readonly kind: 'vmm'; readonly token: number; readonly command: VmmCommand }
  | {
      readonly kind: 'peer-request';
      readonly token: number;
      readonly address: string;
      readonly request: PeerRequest;
      readonly deadlineMs: number;
    }
  | { readonly kind: 'peer-answer'; readonly requestId: string; readonly answer: PeerAnswer }
  /** Kept for the watchdog, which acts when this process cannot. */
  | { readonly kind: 'watchdog'; readonly policy: IsolationPolicy; readonly incarnation: number }
  /** Said on the datastore, where a controller may still read it; again and again while it is so. */
  | { readonly kind: 'isolated'; readonly ended: readonly EndedCopy[] }
  | { readonly kind: 'rejoined' }
  | { readonly kind: 'run'; readonly runId: string; readonly command: string }
  /** Something that the controller waits for has changed: report now rather than at the next second. */
  | { readonly kind: 'report' };

/** The journal is a map from key to value; the latest entry of a key holds, and null removes it. */
export interface JournalEntry {
  readonly key: string;
  readonly value: HostGuest | HostMigration | HostDiskWork | HostMark | HostIsolation | null;
}

/** The highest epoch of a guest that may not run here any more, or the leader's highest term. */
export interface HostMark {
  readonly kind: 'mark';
  readonly number: number;
}

/** What to do when cut off: known also to an agent that starts while it is. */
export interface HostIsolation {
  readonly kind: 'isolation';
  readonly policy: IsolationPolicy;
}

/** One copy of a guest on this host. */
export interface HostGuest {
  readonly kind: 'guest';
  readonly guestId: string;
  readonly epoch: number;
  readonly guest: GuestSpecification | null;
  /** What it was given after it was started; left out: what it was started with. */
  readonly limits?: ProcessorLimits;
  readonly state: ObservedGuestState;
  readonly refusal: Refusal | null;
}

export interface HostMigration {
  readonly kind: 'migration';
  readonly migrationId: string;
  readonly guestId: string;
  readonly role: 'source' | 'target';
  /** Source: the epoch that runs here. Target: the reserved one. */
  readonly epoch: number;
  readonly targetEpoch: number;
  readonly phase: MigrationPhase;
  readonly uri: string | null;
  /** Where the disk goes; null: it stays where both reach it. */
  readonly diskUri: string | null;
  readonly peerAddress: string | null;
  readonly policy: MigrationPolicy | null;
  /** Source: from when on the memory is copied; the disk takes what it takes. */
  readonly startedAt: Instant;
  readonly downtimeMs: number | null;
  readonly heartbeatAt: Instant | null;
  readonly refusal: Refusal | null;
  /** Source: its VMM died rather than stopped. */
  readonly sourceDead: boolean;
  readonly cancelRequested: boolean;
}

export interface HostDiskWork {
  readonly kind: 'disk-work';
  readonly operationId: string;
  readonly work: DiskWork;
  readonly phase: DiskWorkPhase;
  readonly result: DiskWorkResult;
  readonly refusal: Refusal | null;
}

/** A datastore that this host was told to measure. */
export interface HostDatastore extends DatastoreObservation {
  readonly path: string;
  readonly nextAt: Instant;
}

/** What is known of a copy but not journalled: it is measured anew after a restart. */
export interface HostGuestLive {
  heartbeat: GuestHeartbeat | null;
  usage: GuestUsage | null;
  sample: VmmSample | null;
  sampledAt: Instant | null;
}

/** The state of the host brain, changed in place by its one loop; the journal is what survives it. */
export interface HostState {
  hostId: string;
  incarnation: number;
  term: number;
  /** Its journal has been read. Before that nothing is known here, and nobody may take it for a loss. */
  awake: boolean;
  /** Commands are refused until the controller has given this incarnation its assignments. */
  assigned: boolean;
  isolation: IsolationPolicy | null;
  /** How far the fleet's clock had jumped when the moments below were taken. */
  jumpedMs: number;
  /** When Redis or a controller was last reached, or this process began. */
  outsideHeardAt: Instant | null;
  isolated: boolean;
  health: string | null | undefined;
  run: HostRun | null;
  /** Of reports. */
  sequence: number;
  /** Of heartbeats. */
  beats: number;
  /** What the last report said besides figures, and until when its figures may stand. */
  told: { readonly news: string; readonly until: Instant } | null;
  /** By `guestId:epoch`. */
  readonly guests: Map<string, HostGuest>;
  readonly live: Map<string, HostGuestLive>;
  readonly migrations: Map<string, HostMigration>;
  readonly diskWork: Map<string, HostDiskWork>;
  /** Work that was forgotten a moment ago, and until when an order for it may still be on its way. */
  readonly forgottenWork: Map<string, Instant>;
  readonly datastores: Map<string, HostDatastore>;
  /** Of migrations, and of disks that move alone, by migration or operation. */
  readonly progress: Map<string, MigrationProgress>;
  /** When more of a migration's disk was last seen to be over. */
  readonly diskMovedAt: Map<string, Instant>;
  /** Grants that came before the target's copy was complete, by migration: the peer request that waits for the answer. */
  readonly heldGrants: Map<string, { readonly requestId: string; readonly typed: string }>;
  /** At a source on its guest's console, and not heard by it, by migration. Never journalled: it may be a password. */
  readonly typed: Map<string, string>;
  /** The highest epoch that a copy was begun for, by guest: an older start that comes late would send the guest elsewhere. */
  readonly sentFor: Map<string, number>;
  /** Targets whose source has said that its VMM is dead, and since when: their copy completes at once or never. */
  readonly orphanedAt: Map<string, Instant>;
  /** Highest epoch that may not run here, by guest. */
  readonly revoked: Map<string, number>;
  /** What each VMM call under way is for, by token. */
  readonly calls: Map<number, PendingCall>;
  nextToken: number;
  readonly refusals: { commandId: string; at: Instant; refusal: Refusal }[];
}

export type PendingCall =
  | {
      readonly kind: 'guest';
      readonly key: string;
      readonly call: VmmCommand['call'];
      readonly limits?: ProcessorLimits;
    }
  | { readonly kind: 'migration'; readonly migrationId: string; readonly call: VmmCommand['call'] | 'grant' }
  | { readonly kind: 'disk-work'; readonly operationId: string }
  | { readonly kind: 'disk-cancel'; readonly operationId: string }
  | { readonly kind: 'datastore'; readonly datastoreId: string };
