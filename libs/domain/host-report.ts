import type { DiskWorkPhase, DiskWorkResult } from './disk-work';
import type { DriverCapabilities, HostCapacity, MigrationProgress } from './entities';
import type { IsolationPolicy } from './policies';
import type { ProcessorLimits } from './guest-specification';
import type { Refusal } from './refusal';
import type { Instant } from './units';

/** What a host says of one guest: what it really sees, not what it was told. */
export const observedGuestStates = [
  'starting',
  'running',
  'paused',
  'stopping',
  'stopped',
  'crashed',
  'failed',
  'incoming',
  'released',
] as const;
/**
 * incoming: a migration's target, not running. released: a migration's source that handed over and will not run again.
 * stopped: ended in order. crashed: it ran, and its VMM died by itself. failed: it did not come to run (`refusal`).
 */
export type ObservedGuestState = (typeof observedGuestStates)[number];

export interface GuestUsage {
  /** Used over the time since the last report. */
  readonly cpuMillicores: number;
  /** What it would have used with no neighbour: used plus waited for. */
  readonly cpuDemandMillicores: number;
  readonly residentMiB: number;
  readonly dirtyBytesPerSecond: number | null;
  /** What its disk takes on its datastore: thin, so less than its size. null: not known. */
  readonly diskBytes: number | null;
  /** For how long its VMM has left a question unanswered; 0: it answers. */
  readonly vmmSilentMs: number;
}

/** The guest's own heartbeat, as counted by itself and heard on its console. */
export interface GuestHeartbeat {
  readonly count: number;
  readonly work: number;
  readonly at: Instant;
  /** When the first heartbeat since this VMM started, or took over in a migration, was heard. */
  readonly firstAt: Instant;
}

export interface GuestObservation {
  readonly guestId: string;
  readonly epoch: number;
  readonly state: ObservedGuestState;
  readonly usage: GuestUsage | null;
  readonly heartbeat: GuestHeartbeat | null;
  readonly refusal: Refusal | null;
  /** What its VMM was given last. Left out: the usual. null: that is not known here. */
  readonly limits?: ProcessorLimits | null;
}

/**
 * preparing → listening → awaiting-grant → granted, on the target; copying → released → handed-over, on the source.
 * ran-on: the copy failed or was cancelled and the source runs. destroyed: this side's copy does not exist and never
 * will, before any grant. lost: the target died after its grant, or the source before it released.
 */
export const migrationPhases = [
  'preparing',
  'listening',
  'awaiting-grant',
  'granted',
  'copying',
  'cancelling',
  'released',
  'handed-over',
  'ran-on',
  'destroyed',
  'lost',
] as const;
export type MigrationPhase = (typeof migrationPhases)[number];

export interface MigrationObservation {
  readonly migrationId: string;
  readonly guestId: string;
  readonly role: 'source' | 'target';
  readonly epoch: number;
  readonly phase: MigrationPhase;
  readonly uri: string | null;
  /** Target: where it takes the guest's disk; null: the disk stays. */
  readonly diskUri: string | null;
  readonly progress: MigrationProgress | null;
  readonly downtimeMs: number | null;
  /** Source: the last heartbeat before the switch-over. Target: the first after it. */
  readonly heartbeatAt: Instant | null;
  readonly refusal: Refusal | null;
}

/** `status` null: it runs. Below 0: it could not be run, or was lost. */
export interface HostRun {
  readonly runId: string;
  readonly status: number | null;
  readonly output: string;
}

/** A datastore as this host last measured it. */
export interface DatastoreObservation {
  readonly datastoreId: string;
  /** null: it cannot be reached from here (`refusal`), or was not measured yet. */
  readonly totalBytes: number | null;
  readonly freeBytes: number | null;
  readonly at: Instant;
  readonly refusal: Refusal | null;
}

export interface DiskWorkObservation {
  readonly operationId: string;
  readonly phase: DiskWorkPhase;
  /** Of a disk that moves under its running guest, while it does. */
  readonly progress: MigrationProgress | null;
  readonly result: DiskWorkResult;
  readonly refusal: Refusal | null;
}

export interface HostReport {
  readonly hostId: string;
  readonly incarnation: number;
  /** Counts up with each report of this incarnation: an older one that comes late is dropped. */
  readonly sequence: number;
  readonly sentAt: Instant;
  readonly capacity: HostCapacity;
  /** The highest term that this host has seen: a leader of a lower one is refused. */
  readonly term: number;
  /** Where its agent takes orders. */
  readonly queue: string;
  /** Complete: a guest that is not in it does not exist on this host. */
  readonly guests: readonly GuestObservation[];
  readonly migrations: readonly MigrationObservation[];
  /** The latest command that it was to run. */
  readonly run: HostRun | null;
  /** What its health check found wrong; null: nothing, or there is none. Absent: it has not ended yet since its agent started. */
  readonly health?: string | null;
  /** As it will act upon when it is cut off; null: it was never told. */
  readonly isolation: IsolationPolicy | null;
  /** What the host's guests used of its processors over the last interval. */
  readonly datastores: readonly DatastoreObservation[];
  readonly diskWork: readonly DiskWorkObservation[];
  readonly cpuMillicores: number;
  /** The last few commands that this host refused, for the record: the loop itself looks at what the host shows. */
  readonly refusals: readonly { readonly commandId: string; readonly at: Instant; readonly refusal: Refusal }[];
}

/**
 * Said in place of a report by a host on which nothing has changed: it lives, and its report of that sequence still holds.
 * An agent process that stands for many hosts says those of all of them in one message.
 */
export interface HostHeartbeat {
  readonly hostId: string;
  readonly incarnation: number;
  /** Of its latest report. A controller that has another asks for it. */
  readonly sequence: number;
  /** Counts up with each heartbeat of this incarnation: one that is said again by another proves nothing. */
  readonly count: number;
}

/** An epoch of a guest that has ended on a host, or never ran there, and never will: the host's own journal says so. */
export interface EndedCopy {
  readonly guestId: string;
  readonly epoch: number;
}

/** Given to an agent when it registers, before its queue opens. */
export interface HostAssignments {
  readonly hostId: string;
  readonly incarnation: number;
  readonly term: number;
  readonly isolation: IsolationPolicy;
  /** The fleet's time, for a host whose clock is not right. */
  readonly at: Instant;
  /** Which guests may run here and at which epoch; any other copy is destroyed, unless it waits in a migration below. */
  readonly guests: readonly { readonly guestId: string; readonly epoch: number }[];
  readonly migrations: readonly {
    readonly migrationId: string;
    readonly guestId: string;
    readonly epoch: number;
    readonly role: 'source' | 'target';
  }[];
}

export interface HostRegistration {
  readonly hostName: string;
  readonly poolName: string;
  readonly peerAddress: string;
  readonly queue: string;
  readonly capacity: HostCapacity;
  readonly capabilities: DriverCapabilities;
  /** `chassis:path`, or null. Other kinds run programs or open connections, and are an administrator's to name. */
  readonly fenceDevice: string | null;
}
