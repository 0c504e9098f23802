import type { DiskWork } from './disk-work';
import type { FenceDevice } from './fence-device';
import type {
  GuestState,
  HostState,
  MaintenanceState,
  MigrationStep,
  RecommendationState,
  SnapshotState,
  StandbyState,
  TaskState,
} from './lifecycle';
import type { PoolNetwork } from './network';
import type { Instant } from './units';

export const automationLevels = ['manual', 'partial', 'full'] as const;
/** As vSphere's DRS: manual recommends all; partial places guests by itself and recommends moves; full does both. */
export type AutomationLevel = (typeof automationLevels)[number];

export const restartPriorities = ['highest', 'high', 'medium', 'low', 'lowest', 'disabled'] as const;
export type RestartPriority = (typeof restartPriorities)[number];

export const isolationResponses = ['keep-running', 'shut-down', 'power-off'] as const;
export type IsolationResponse = (typeof isolationResponses)[number];

export interface MigrationPolicy {
  readonly autoConverge: boolean;
  readonly postCopy: boolean;
  /** The stream between the two hosts: guests' memory, with all that they keep secret in it. */
  readonly encrypted: boolean;
  readonly bandwidthMiBPerSecond: number;
  /** QEMU's own estimate must fall below this before it stops the guest. */
  readonly downtimeLimitMs: number;
  /** A copy that has not converged by then is cancelled, and the refusal says why. */
  readonly copyDeadlineMs: number;
  readonly concurrentPerHost: number;
}

/** What a host does by itself when it is cut off: it is told beforehand, for then nobody can tell it. */
export interface IsolationPolicy {
  readonly response: IsolationResponse;
  /** Neither Redis nor a controller reached for this long: the host is isolated. */
  readonly isolatedAfterMs: number;
  /** How long the host's guests may run without its watchdog having renewed its lease on the datastore. */
  readonly leaseMs: number;
}

export const admissionPolicies = ['host-failures', 'reserved-share', 'failover-hosts', 'none'] as const;
/** How a pool keeps room for failures, as vSphere's admission control: slots are left out, for they fit nobody's guests. */
export type AdmissionPolicy = (typeof admissionPolicies)[number];

export const restartReadiness = ['placed', 'running', 'heartbeat'] as const;
/** What a guest must have come to before those of the next restart priority are started, as vSphere's VM restart policy. */
export type RestartReadiness = (typeof restartReadiness)[number];

export interface FailurePolicy {
  readonly suspectAfterMs: number;
  readonly failedAfterMs: number;
  /** A datastore heartbeat older than this is silence on the second channel. */
  readonly datastoreSilentAfterMs: number;
  /** More hosts silent at once than this: an alarm, and no fencing. */
  readonly maximumSilentHosts: number;
  /** A host that has reached neither Redis nor a controller for this long is isolated, by its own word. */
  readonly isolatedAfterMs: number;
  /** Where the isolation response stops guests, a host that has not renewed its lease for this long has stopped them. */
  readonly watchdogLeaseMs: number;
  /** Storage whose locks live exactly as long as their holders: a disk's lock that a new VMM gets and keeps is proof enough. */
  readonly lockIsProof: boolean;
  readonly restartReady: RestartReadiness;
  /** A guest that has not come to that by then holds up the next ones no longer. */
  readonly restartWaitMs: number;
  /** A guest that should run, and whose VMM or own heartbeat has been silent for so long, is reset; 0: never. */
  readonly guestMonitoringMs: number;
  /** Within `budgetWindowMs`: more restarts of one guest, and it is given up; of the pool's guests, and they wait. */
  readonly guestRestarts: number;
  readonly poolRestarts: number;
  /** Within `budgetWindowMs`: a host that fails so often gets no guests until somebody has looked at it; 0: never. */
  readonly hostFailures: number;
  readonly budgetWindowMs: number;
  readonly admission: AdmissionPolicy;
  /** host-failures: how many host losses the pool keeps room for. */
  readonly toleratedHostFailures: number;
  /** reserved-share: how much of the pool's processors and memory is kept free. */
  readonly reservedCpuShare: number;
  readonly reservedMemoryShare: number;
}

export interface BalancePolicy {
  readonly automation: AutomationLevel;
  /** 1 (only what rules demand) to 5 (any gain), as vSphere's migration threshold. */
  readonly threshold: number;
  readonly intervalMs: number;
  /** A guest that was moved is left alone for this long. */
  readonly coolDownMs: number;
  /** How much of a host's processors may be promised: demand above this share of capacity is overload. */
  readonly cpuSafetyShare: number;
  /** Over-commit: guests may be promised so many times a host's memory. 1: none. */
  readonly memoryRatio: number;
  /** Over-commit: so many virtual processors for each of a host's; 0: as many as there are guests for. */
  readonly vcpuRatio: number;
}

export const powerAutomations = ['off', 'manual', 'automatic'] as const;
/** As vSphere's DPM: manual recommends, automatic empties hosts, switches them off and on again by itself. */
export type PowerAutomation = (typeof powerAutomations)[number];

export interface PowerPolicy {
  readonly automation: PowerAutomation;
  /** A host is switched off when the others stay below this share of their processors and memory. */
  readonly offShare: number;
  /** One is switched on when more than this share of either is asked for. */
  readonly onShare: number;
  /** For so long load must have been low before a host is switched off. */
  readonly lowForMs: number;
}

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

export const imageFormats = ['kernel', 'qcow2', 'raw'] as const;
export type ImageFormat = (typeof imageFormats)[number];
export const firmwares = ['none', 'bios', 'uefi'] as const;
export type Firmware = (typeof firmwares)[number];

export interface Image {
  readonly id: string;
  readonly name: string;
  readonly format: ImageFormat;
  readonly architecture: string;
  readonly firmware: Firmware;
  /** Paths on the datastore. A kernel image has a kernel and perhaps an initrd; a disk image has a disk. */
  readonly kernelPath: string | null;
  readonly initrdPath: string | null;
  readonly kernelArguments: string | null;
  readonly diskPath: string | null;
  readonly datastoreId: string;
  readonly minimumMemoryMiB: number;
  readonly createdAt: Instant;
}

/** What a host last measured of a datastore. */
export interface DatastoreUse {
  readonly totalBytes: number;
  readonly freeBytes: number;
  /** How fast it fills, smoothed over some minutes; below 0: it empties. null: measured once only. */
  readonly growthBytesPerSecond: number | null;
  readonly at: Instant;
}

/** A folder for disks and images: shared, and then under the same path on every host, or of one host alone. */
export interface Datastore {
  readonly id: string;
  readonly name: string;
  readonly path: string;
  readonly shared: boolean;
  /** The one host that reaches it; null: it is shared. */
  readonly hostId: string | null;
  /** An alarm is raised when more of it than this is used. */
  readonly alarmUsedShare: number;
  /** null: no host has measured it yet. */
  readonly use: DatastoreUse | null;
  readonly createdAt: Instant;
}

/** A guest's disk as it was, and perhaps its memory of the same moment. They lie beside the disk, and in it. */
export interface Snapshot {
  readonly id: string;
  readonly guestId: string;
  /** Unique among the guest's. */
  readonly name: string;
  readonly state: SnapshotState;
  /** null: of the disk alone. */
  readonly memoryPath: string | null;
  /** What the memory was of; null: not known, or there is none. */
  readonly memoryMachine: MachineKind | null;
  /** What the guest had then: its memory fits no other machine. */
  readonly memoryMiB: number;
  readonly vcpus: number;
  readonly display: Display;
  /** How long the guest stood still for it. */
  readonly pauseMs: number | null;
  readonly memoryBytes: number | null;
  readonly createdAt: Instant;
}

/** Work on a guest's files that a host was told to do: kept until it is seen done, whatever dies meanwhile. */
export interface DiskOperation {
  readonly id: string;
  readonly guestId: string;
  readonly guestName: string;
  readonly datastoreId: string;
  /** Who was asked; null: nobody yet. */
  readonly hostId: string | null;
  readonly work: DiskWork;
  readonly requestedBy: string;
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
