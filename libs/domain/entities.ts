import type { FenceDevice } from './fence-device';
import type {
  GuestState,
  HostState,
  MaintenanceState,
  MigrationStep,
  RecommendationState,
  StandbyState,
  TaskState,
} from './lifecycle';
import type { PoolNetwork } from './network';
import type {
  BalancePolicy,
  FailurePolicy,
  IsolationResponse,
  MigrationPolicy,
  PowerPolicy,
  RestartPriority,
} from './policies';
import type { Instant } from './units';

export interface Pool {
  readonly id: string;
  readonly name: string;
  readonly balance: BalancePolicy;
  readonly migration: MigrationPolicy;
  readonly failure: FailurePolicy;
  readonly power: PowerPolicy;
  readonly network: PoolNetwork;
  readonly isolationResponse: IsolationResponse;
  readonly createdAt: Instant;
}

/** Which losses of hosts a pool bears, as it stands now. */
export interface LossTolerance {
  readonly poolId: string;
  /** Whichever so many hosts are lost at once, all their guests find places on the others: proved. */
  readonly tolerated: number;
  /** No more is borne. false: more may be, and it was not found out with the effort that was allowed. */
  readonly isExact: boolean;
  /** The fewest hosts whose loss is known to leave guests down, and which guests. */
  readonly witness: { readonly hostIds: readonly string[]; readonly guestIds: readonly string[] } | null;
  /** Guests that rules, datastores or their platform leave none of the hosts that such a loss spares, however much room there is. */
  readonly unprotectedGuestIds: readonly string[];
  readonly explanation: string;
}

/** Where the guests of a host would go if it were emptied now: one answer for all of them together. */
export interface EvacuationPlan {
  readonly hostId: string;
  readonly moves: readonly { readonly guestId: string; readonly toHostId: string }[];
  /** For whom the others leave no host, and why each refuses. */
  readonly stuck: readonly { readonly guestId: string; readonly reason: string }[];
  /** Who goes nowhere as it is, and what it would take. */
  readonly staying: readonly { readonly guestId: string; readonly reason: string }[];
}

export interface HostCapacity {
  readonly cpuMillicores: number;
  readonly memoryMiB: number;
}

export interface Capability {
  readonly name: string;
  readonly value: string;
  readonly reason: string;
}

/** What a VMM driver says of itself and of the host that it runs on: `argosy host capabilities`. */
export interface DriverCapabilities {
  readonly driver: string;
  readonly version: string;
  /** kvm, tcg, model … and why this one. */
  readonly accelerator: string;
  readonly acceleratorReason: string;
  readonly machineType: string;
  readonly cpuModel: string;
  readonly guestArchitectures: readonly string[];
  readonly liveMigration: boolean;
  readonly postCopy: boolean;
  /** The rest of the answer as rows: needs an operating system, VT-x, AMD-V, IOMMU, nesting, limits, management. */
  readonly facts: readonly Capability[];
}

export const machineParts = ['driver', 'accelerator', 'machineType', 'cpuModel'] as const;
/** What of two hosts has to be the same for a running guest to move between them, and for a memory to go on. */
export type MachineKind = Pick<DriverCapabilities, (typeof machineParts)[number]>;

/** By whom a host was said to be ailing; what a health check says, a health check takes back. */
export interface Degraded {
  readonly by: 'administrator' | 'health-check';
  readonly reason: string;
}

export interface Host {
  readonly id: string;
  readonly name: string;
  readonly poolId: string;
  readonly state: HostState;
  readonly stateReason: string;
  readonly maintenance: MaintenanceState;
  /** Off to save power, or on the way there or back. */
  readonly standby: StandbyState;
  /** Counts the starts of the host's agent; a command for an older one is refused. */
  readonly incarnation: number;
  /** Where its agent listens for other agents: host:port. */
  readonly peerAddress: string;
  /** The queue of the agent process that stands for this host. */
  readonly queue: string;
  readonly capacity: HostCapacity;
  readonly capabilities: DriverCapabilities | null;
  /** What fails as one: a rack, a switch, a room. null: the host alone. */
  readonly failureDomain: string | null;
  /** Kept for guests that lost their host: nothing else is placed there. */
  readonly failoverOnly: boolean;
  /** Ailing, and to be emptied before it fails; null: it is well. */
  readonly degraded: Degraded | null;
  /** It has failed too often: nothing is placed there until an administrator lifts it. */
  readonly quarantined: boolean;
  /** When it has failed, within its pool's window. */
  readonly failures: readonly Instant[];
  /** In the order in which they are tried. */
  readonly fenceDevices: readonly FenceDevice[];
  readonly createdAt: Instant;
}

export const probeKinds = ['tcp', 'http'] as const;
/** Asked by the leader at the guest's address: a connection is taken, or a GET answered with that status. */
export interface GuestProbe {
  readonly kind: (typeof probeKinds)[number];
  readonly port: number;
  readonly path: string;
  readonly status: number;
}

export const displays = ['none', 'standard'] as const;
/** What a guest shows pictures on: nothing, or a card with keyboard and pointer, as a person would sit before. */
export type Display = (typeof displays)[number];

export interface Guest {
  readonly id: string;
  readonly name: string;
  readonly poolId: string;
  readonly imageId: string;
  /** Where its own disk is. */
  readonly datastoreId: string;
  readonly vcpus: number;
  readonly memoryMiB: number;
  readonly diskMiB: number;
  readonly cpuReservationMillicores: number;
  /** null: no limit. */
  readonly cpuLimitMillicores: number | null;
  readonly cpuShares: number;
  readonly restartPriority: RestartPriority;
  readonly display: Display;
  readonly cloudInit: string | null;
  /** IPv4, of its pool's subnet and unique in the fleet, as is the MAC address that is derived from it. Both stay for life. */
  readonly address: string;
  readonly macAddress: string;
  readonly desired: 'running' | 'stopped' | 'paused' | 'suspended';
  readonly state: GuestState;
  readonly stateReason: string;
  /** Of a suspended guest: where its memory is, until it has been seen to run from there. */
  readonly memoryPath: string | null;
  /** What that memory was of: it goes on nowhere else. null: not known, or there is none. */
  readonly memoryMachine: MachineKind | null;
  /** The epoch of the latest placement; each placement has the next one. */
  readonly epoch: number;
  /** The highest epoch promised so far: a migration reserves epoch + 1 before it starts, and a failed one burns it. */
  readonly reservedEpoch: number;
  /** The host of the open placement, or null. */
  readonly hostId: string | null;
  readonly createdAt: Instant;
  /** When it was last moved by a migration, for the cool-down. */
  readonly movedAt: Instant | null;
  /** How many starts in a row failed, for the back-off. */
  readonly failedStarts: number;
  readonly retryAt: Instant | null;
  /** When it was restarted after a loss or a crash, within its pool's window. */
  readonly restarts: readonly Instant[];
  /** Since when it is lost and not seen to serve again; null: it is well, or was stopped. */
  readonly lostAt: Instant | null;
  /** How it is seen to serve; null: by its own heartbeat. */
  readonly probe: GuestProbe | null;
  /** It is never started: guests are made from it. */
  readonly isTemplate: boolean;
  /** The name of the guest whose disk its own was made from; null: its disk is made at its first start. */
  readonly clonedFrom: string | null;
  /** Its disk has been seen. A start that does not find it is refused, and makes no empty one: its datastore may not be mounted there. */
  readonly diskMade: boolean;
  /** Frozen disks that its own is an overlay of, the nearest first. Others may share them: nobody writes there any more. */
  readonly basePaths: readonly string[];
}

export const ruleKinds = [
  'together',
  'apart',
  'spread',
  'near',
  'must-run-on',
  'should-run-on',
  'must-not-run-on',
  'should-not-run-on',
] as const;
export type RuleKind = (typeof ruleKinds)[number];

/** These speak of guests among themselves, the others of guests and hosts. spread and near are about failure domains. */
export function isGuestRule(kind: string): boolean {
  return kind === 'together' || kind === 'apart' || kind === 'spread' || kind === 'near';
}

/** It is weighed, and broken where something else is worth more; the others are always kept. */
export function isWish(kind: RuleKind): boolean {
  return kind === 'near' || kind.startsWith('should');
}

export interface Rule {
  readonly id: string;
  readonly name: string;
  readonly poolId: string;
  readonly kind: RuleKind;
  readonly guestIds: readonly string[];
  readonly hostIds: readonly string[];
  readonly createdAt: Instant;
}

/** One interval of a guest's life on a host. In the database a guest has at most one open one and none that overlap. */
export interface Placement {
  readonly guestId: string;
  readonly hostId: string;
  readonly epoch: number;
  readonly from: Instant;
  readonly to: Instant | null;
  readonly reason: string;
  readonly endReason: string | null;
}

export interface MigrationProgress {
  readonly transferredBytes: number;
  readonly remainingBytes: number;
  readonly totalBytes: number;
  readonly bytesPerSecond: number;
  readonly dirtyBytesPerSecond: number;
  readonly iteration: number;
  /** null: it does not converge at the present rates. */
  readonly expectedEndMs: number | null;
}

export interface Migration {
  readonly id: string;
  readonly guestId: string;
  readonly sourceHostId: string;
  /** The same as the source: only the disk moves. */
  readonly targetHostId: string;
  /** From where its disk moves, and where to; null: it stays where it is. */
  readonly sourceDatastoreId: string | null;
  readonly targetDatastoreId: string | null;
  /** The epoch that the guest has on the target: reserved before anything is opened. */
  readonly epoch: number;
  readonly step: MigrationStep;
  readonly reason: string;
  readonly requestedBy: string;
  readonly progress: MigrationProgress | null;
  /** QEMU's word. */
  readonly downtimeMs: number | null;
  /** From the last heartbeat of the guest seen on the source to the first seen on the target. */
  readonly guestSeenDowntimeMs: number | null;
  readonly failure: string | null;
  readonly steps: readonly { readonly step: MigrationStep; readonly at: Instant }[];
  readonly createdAt: Instant;
  readonly endedAt: Instant | null;
}

/** One host's or pool's figures as they would be after a move. */
export interface ProjectedHost {
  readonly hostId: string;
  readonly cpuBefore: number;
  readonly cpuAfter: number;
  readonly memoryBeforeMiB: number;
  readonly memoryAfterMiB: number;
}

/** To move a guest or, in a pool whose automation is manual, to start it. */
export interface Recommendation {
  readonly id: string;
  /** null: of no balance run, as a start. */
  readonly balanceRunId: string | null;
  readonly poolId: string;
  readonly guestId: string;
  /** null: it runs nowhere, and is to be started. */
  readonly fromHostId: string | null;
  readonly toHostId: string;
  /** 1 (mandatory) to 5 (slight), as vSphere's. */
  readonly priority: number;
  readonly reason: string;
  readonly gain: number;
  readonly cost: number;
  readonly projected: readonly ProjectedHost[];
  readonly state: RecommendationState;
  readonly createdAt: Instant;
}

export interface BalanceRun {
  readonly id: string;
  readonly poolId: string;
  readonly at: Instant;
  /** Standard deviation of the hosts' load (demand / capacity) before, and as the recommendations would leave it. */
  readonly imbalanceBefore: number;
  readonly imbalanceAfter: number;
  readonly recommendationCount: number;
  readonly explanation: string;
}

export interface Task {
  readonly id: string;
  readonly name: string;
  readonly subjectKind: SubjectKind;
  readonly subjectId: string;
  readonly requestedBy: string;
  readonly state: TaskState;
  readonly progressShare: number | null;
  readonly result: string | null;
  readonly createdAt: Instant;
  readonly endedAt: Instant | null;
}

export const subjectKinds = [
  'pool',
  'host',
  'guest',
  'image',
  'datastore',
  'rule',
  'migration',
  'drill',
  'fleet',
  'user',
] as const;
export type SubjectKind = (typeof subjectKinds)[number];

export const eventSeverities = ['information', 'warning', 'error'] as const;
export type EventSeverity = (typeof eventSeverities)[number];

/** What happened, to whom, why: written once, never changed. `code` is stable; `message` is for people. */
export interface FleetRecord {
  readonly at: Instant;
  readonly code: string;
  readonly severity: EventSeverity;
  readonly subjectKind: SubjectKind;
  readonly subjectId: string;
  readonly message: string;
  readonly actor: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface Alarm {
  readonly id: string;
  /** With subjectKind and subjectId: one open alarm for each. */
  readonly code: string;
  readonly subjectKind: SubjectKind;
  readonly subjectId: string;
  readonly severity: EventSeverity;
  readonly message: string;
  readonly raisedAt: Instant;
  readonly clearedAt: Instant | null;
}
