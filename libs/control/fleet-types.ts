import type { IsLate } from '@argosy/scheduler/effort';
import type {
  Alarm,
  Guest,
  GuestProbe,
  Host,
  Migration,
  Pool,
  Recommendation,
  Rule,
  Task,
} from '@argosy/domain/entities';
import type { Datastore, DiskOperation, Image, Snapshot } from '@argosy/domain/storage';
import type { Drill } from '@argosy/domain/drill';
import type { FenceDevice, FenceSecret } from '@argosy/domain/fence-device';
import type { Roll } from '@argosy/domain/roll';
import type { FleetRequest } from '@argosy/domain/fleet-request';
import type { HostCommand } from '@argosy/domain/host-command';
import type {
  EndedCopy,
  GuestObservation,
  HostHeartbeat,
  HostReport,
  MigrationObservation,
} from '@argosy/domain/host-report';
import type { Refusal, Result } from '@argosy/domain/refusal';
import type { Instant } from '@argosy/domain/units';
import type { Cluster, HostFigures } from '@argosy/scheduler/cluster';
import type { FleetIndexes } from './fleet/indexes';
import type { FleetWrite, Inventory } from './ports/fleet-store';

/** What happens to the fleet brain. Everything from outside comes as one of these: late, doubled and missing ones are ordinary. */
export type FleetEvent =
  /** Time passes; every deadline is looked at here. At least every 250 ms. */
  | { readonly kind: 'tick' }
  /** This process became the leader: silence counts afresh, and nothing is known of what was commanded before. */
  | { readonly kind: 'took-over'; readonly term: number; readonly inventory: Inventory }
  /** The store refused the last writes or was away: the same, with the silence counts kept. */
  | { readonly kind: 'reloaded'; readonly term: number; readonly inventory: Inventory }
  | { readonly kind: 'request'; readonly requestId: string; readonly actor: string; readonly request: FleetRequest }
  | { readonly kind: 'report'; readonly report: HostReport }
  /** Of hosts whose reports still hold. */
  | { readonly kind: 'heartbeats'; readonly heartbeats: readonly HostHeartbeat[] }
  /** The controller's own heartbeat, read back on the channel of the hosts' reports. */
  | { readonly kind: 'own-heartbeat' }
  /** The second channel: the host's heartbeat on the datastore was renewed. */
  | { readonly kind: 'datastore-heartbeat'; readonly hostId: string }
  /** The controller's own file on the datastore was written and read back. */
  | { readonly kind: 'own-datastore-heartbeat' }
  /**
   * The lease of the host's watchdog: renewed, or (`renewed` false) seen for the first time as it lies there: then with how much later
   * than the lease the host's heartbeat beside it was touched last, by their files; null: there is none.
   */
  | {
      readonly kind: 'watchdog-lease';
      readonly hostId: string;
      readonly incarnation: number;
      readonly armed: boolean;
      readonly leaseMs: number;
      readonly renewed: boolean;
      readonly heartbeatAfterMs: number | null;
    }
  /** A host that is cut off says on the datastore what has ended on it for good. */
  | { readonly kind: 'isolation'; readonly hostId: string; readonly ended: readonly EndedCopy[] }
  | {
      readonly kind: 'fence-result';
      readonly action: 'off' | 'on';
      readonly hostId: string;
      readonly incarnation: number;
      /** The device's name. */
      readonly device: string;
      readonly result: Result<null>;
    }
  | { readonly kind: 'probe-result'; readonly guestId: string; readonly epoch: number; readonly serves: boolean }
  | { readonly kind: 'prediction'; readonly drillId: string; readonly result: Result<DrillPrediction> }
  | { readonly kind: 'injected'; readonly drillId: string; readonly at: Instant; readonly result: Result<null> };

export interface DrillPrediction {
  readonly phases: { readonly [phase: string]: number | null };
  readonly outages: readonly {
    readonly guestId: string;
    readonly outageMs: number | null;
    readonly toHostId: string | null;
  }[];
}

export type DrillFault = Pick<Drill, 'kind' | 'hostId' | 'guestId' | 'impairment'>;

/**
 * What the brain wants done, after its writes are committed and never before. None of them is remembered outside: one
 * that is lost is asked for again when its deadline passes.
 */
export type FleetEffect =
  | { readonly kind: 'host-command'; readonly queue: string; readonly command: HostCommand }
  | {
      readonly kind: 'fence';
      /** on: the same device gives a host its power back. */
      readonly action: 'off' | 'on';
      readonly hostId: string;
      readonly hostName: string;
      readonly incarnation: number;
      readonly term: number;
      readonly device: FenceDevice;
      readonly secrets: Readonly<Record<string, string>>;
    }
  /** Nobody works on it any more: what lies there goes with it. */
  | { readonly kind: 'forget-queue'; readonly queue: string }
  /** So does what lies in any other agent's queue: a leader that ended has written of it, and not come to it. */
  | { readonly kind: 'keep-queues'; readonly queues: readonly string[] }
  /** The lease is taken anew at a term above that one; then everything is loaded as at a takeover. */
  | { readonly kind: 'raise-term'; readonly above: number }
  /** Does the guest serve? */
  | {
      readonly kind: 'probe';
      readonly guestId: string;
      readonly epoch: number;
      readonly address: string;
      readonly probe: GuestProbe;
    }
  | { readonly kind: 'predict'; readonly drillId: string; readonly fault: DrillFault }
  | { readonly kind: 'inject'; readonly drillId: string; readonly fault: DrillFault }
  /** The answer to a request; `value` is the entity, or what the request's contract says. */
  | { readonly kind: 'reply'; readonly requestId: string; readonly result: Result<unknown> };

export interface FleetStep {
  readonly writes: readonly FleetWrite[];
  readonly effects: readonly FleetEffect[];
}

export interface WatchdogLease {
  readonly incarnation: number;
  /** It stops the host's guests at its end: only then is its end a proof. */
  readonly armed: boolean;
  readonly leaseMs: number;
  readonly seenAt: Instant;
  /** false: this leader has only seen it lie there. */
  readonly renewed: boolean;
  readonly heartbeatAfterMs: number | null;
}

/** What is known of a host by ear. It outlives a reload and begins afresh at a takeover. */
export interface HostView {
  /** When its latest report or heartbeat came, or null: none since this leader took over. */
  heardAt: Instant | null;
  /** Until when what it told last is known to hold, by that report or by a heartbeat that says so. It outlives an incarnation. */
  heldUntil: Instant | null;
  /** Until when what it told before its latest report held, if it was silent since or has started anew; otherwise null. */
  heldBefore: Instant | null;
  /** Of its present incarnation: the count of its latest heartbeat. */
  beats: { readonly incarnation: number; readonly count: number } | null;
  datastoreHeardAt: Instant | null;
  lease: WatchdogLease | null;
  /** When it was proved off, or null: not by this leader. */
  offSince: Instant | null;
  report: HostReport | null;
  /** From the latest report, by id. */
  guests: ReadonlyMap<string, readonly GuestObservation[]>;
  migrations: ReadonlyMap<string, MigrationObservation>;
}

/** Something that was asked of a host or its fence device and whose effect has not been seen, by a key that says what it is for. */
export interface Outstanding {
  readonly incarnation: number;
  readonly sentAt: Instant;
  readonly notAfter: Instant;
  readonly attempt: number;
}

/** Guests that no host took, and the hosts as they were then. */
export interface TurnedAway {
  /** By guest: its row, whose every change is a reason to try again. */
  readonly guests: ReadonlyMap<string, Guest>;
  readonly hosts: readonly HostFigures[];
  /** What each host had free of several resources. */
  readonly room: Float64Array;
}

/** A pool as the scheduler saw it last, and what has changed since then. */
export interface KeptCluster {
  readonly poolId: string;
  cluster: Cluster;
  readonly changedGuests: Set<string>;
  readonly changedHosts: Set<string>;
  /** Guests that must stay where they are until then, as they have moved lately. */
  readonly coolingUntil: Map<string, Instant>;
  /** Guests that no host took when they were last tried; null: nobody has been tried since it was built. */
  turnedAway: TurnedAway | null;
}

export interface TakeOver {
  readonly hostId: string;
  readonly epoch: number;
}

export interface Silence {
  readonly epoch: number;
  readonly incarnation: number;
  count: number | null;
  sentAt: Instant;
  silentMs: number;
  told: boolean;
}

/**
 * The state of the fleet brain. It belongs to its loop and is changed in place (a copy for each event would cost a pass
 * at fleet scale more than the decision); when the store refuses a step's writes it is loaded anew, so a refused step
 * leaves no trace. See docs/decisions.
 */
export interface Fleet {
  readonly newId: () => string;
  /** A question that is asked now has been thought about for long enough from when this says so on. */
  readonly deadline: () => IsLate;
  term: number;
  /** The highest term that a host has been heard to have seen, and that the lease was asked to pass. */
  raisedAbove: number;
  /** false until an inventory was loaded and the lease is held: then nothing is decided. */
  leading: boolean;
  readonly pools: Map<string, Pool>;
  readonly hosts: Map<string, Host>;
  readonly fenceSecrets: Map<string, FenceSecret>;
  readonly guests: Map<string, Guest>;
  readonly images: Map<string, Image>;
  readonly datastores: Map<string, Datastore>;
  readonly diskOperations: Map<string, DiskOperation>;
  readonly snapshots: Map<string, Snapshot>;
  readonly rules: Map<string, Rule>;
  readonly migrations: Map<string, Migration>;
  readonly recommendations: Map<string, Recommendation>;
  readonly drills: Map<string, Drill>;
  readonly rolls: Map<string, Roll>;
  readonly tasks: Map<string, Task>;
  readonly alarms: Map<string, Alarm>;
  /** The ids of the guests whose open placement is on a host. */
  readonly guestsOn: Map<string, Set<string>>;
  readonly indexes: FleetIndexes;
  /** What was looked at of guests that are as they should be: as long as it is the same, there is nothing to be done. */
  readonly atRest: Map<string, { readonly guest: Guest; readonly host: Host; readonly report: HostReport }>;
  /** Pools as the scheduler sees them, each for a purpose: kept, and brought up to date when they are asked for. */
  readonly clusters: Map<string, KeptCluster>;
  readonly views: Map<string, HostView>;
  /** Demand of each guest, smoothed over some seconds so that one busy moment moves nobody. */
  readonly demand: Map<string, { cpuMillicores: number; dirtyBytesPerSecond: number; at: Instant }>;
  readonly outstanding: Map<string, Outstanding>;
  /** How far the fleet's clock had jumped when the moments below were taken. */
  jumpedMs: number;
  /** The last time the controller read its own heartbeat back; null: not yet. */
  channelHeardAt: Instant | null;
  /** From when silence counts: the takeover, or when the channel came back. */
  silenceSince: Instant;
  /** The same for the datastore: whoever cannot reach it cannot say that another does not. */
  datastoreHeardAt: Instant | null;
  datastoreSilenceSince: Instant;
  /** Starts under a disk's lock whose old copy is not proved dead, by guest. */
  readonly takeOvers: Map<string, TakeOver>;
  /** Guests' addresses, and by pool the one that was given last: the next guest gets one after it. */
  readonly addresses: Set<string>;
  readonly lastAddress: Map<string, string>;
  /** When each guest was last placed, for those that wait for it. */
  readonly placedAt: Map<string, Instant>;
  /** Guests whose restart waits for others, so that each wait is told once. */
  readonly heldRestarts: Set<string>;
  /** Guests under monitoring, and how long each has been silent in the reports of its host. */
  readonly silences: Map<string, Silence>;
  readonly lastBalanceAt: Map<string, Instant>;
  /** By pool: when moves that make room were last looked for, and whether there were some. */
  readonly roomSought: Map<string, { readonly at: Instant; readonly found: boolean }>;
  /** By pool: when its power was last looked at, and since when it could do without a host. */
  readonly powerViews: Map<string, { readonly at: Instant; readonly lowSince: Instant | null }>;
  /** Refusals already recorded, so that each is recorded once. */
  /** When this leader took over. */
  tookOverAt: Instant;
  /** By pool: hosts from which this leader has not heard yet what runs on them. See fleet/restored.ts. */
  readonly untold: Map<string, Set<string>>;
  readonly recordedRefusals: Map<string, Refusal>;
}
