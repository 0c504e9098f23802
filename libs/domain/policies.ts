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
