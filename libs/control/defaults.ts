import type { BalancePolicy, FailurePolicy, MigrationPolicy, PowerPolicy } from '@argosy/domain/policies';
import type { LinkImpairment } from '@argosy/domain/drill';
import { hostNetworks } from '@argosy/domain/drill';

/** Nobody waits longer for the answer to one question of who goes where: hosts have to be heard, and the lease renewed. */
export const decisionDeadlineMs = 1_000;

/** Every pool starts with these; the reasons for the figures are in docs/operating.md. */
export const defaultBalance: BalancePolicy = {
  automation: 'full',
  threshold: 3,
  intervalMs: 10_000,
  coolDownMs: 60_000,
  cpuSafetyShare: 0.85,
  memoryRatio: 1,
  vcpuRatio: 0,
};

export const defaultMigration: MigrationPolicy = {
  autoConverge: true,
  postCopy: false,
  encrypted: true,
  bandwidthMiBPerSecond: 10_240,
  downtimeLimitMs: 10,
  copyDeadlineMs: 60_000,
  concurrentPerHost: 2,
};

export const defaultFailure: FailurePolicy = {
  suspectAfterMs: 2_000,
  failedAfterMs: 2_600,
  datastoreSilentAfterMs: 1_600,
  maximumSilentHosts: 1,
  isolatedAfterMs: 10_000,
  watchdogLeaseMs: 20_000,
  lockIsProof: false,
  restartReady: 'placed',
  restartWaitMs: 60_000,
  guestMonitoringMs: 0,
  guestRestarts: 20,
  poolRestarts: 1_000,
  hostFailures: 3,
  budgetWindowMs: 3_600_000,
  admission: 'host-failures',
  toleratedHostFailures: 1,
  reservedCpuShare: 0.25,
  reservedMemoryShare: 0.25,
};

export const defaultPower: PowerPolicy = { automation: 'off', offShare: 0.6, onShare: 0.8, lowForMs: 600_000 };

/** What a drill of a link does where nothing else is said. */
export const defaultImpairments: Readonly<Record<'link-cut' | 'link-slow', LinkImpairment>> = {
  'link-cut': { networks: hostNetworks, durationMs: 10_000, delayMs: 0, lossShare: 1 },
  'link-slow': { networks: hostNetworks, durationMs: 10_000, delayMs: 50, lossShare: 0.01 },
};

/** A datastore of which more is used raises an alarm. */
export const defaultAlarmUsedShare = 0.85;
/** Each agent is heard at least so often. */
export const heartbeatMs = 1_000;
/** A host's heartbeat on the datastore is at most so old when it is seen. */
export const datastoreHeartbeatMs = 500;
/** A command whose effect is not seen within this is sent again; the agent refuses it afterwards. */
export const commandDeadlineMs = 5_000;
/** The channel counts as alive while the controller's own heartbeat was heard within this. */
export const channelAliveMs = 1_500;
/** How much longer a host may be silent that the present leader has never heard. */
export const takeoverGraceMs = 10_000;
export const fenceRetryMs = 3_000;
/** A host that was switched on and is not heard by then is switched on again. */
export const powerOnRetryMs = 60_000;
/** Power that goes by a network and a management controller takes its time. */
export const fenceDeadlinesMs = { chassis: fenceRetryMs, 'fence-agent': 30_000, webhook: 10_000 } as const;
export const balanceHorizonMs = 300_000;
/** A twentieth of a second, and much less of a small pool. */
export const balanceSearchSteps = 200_000;
export const startAttempts = 5;
export const settledAfterMs = 30_000;
/** After this, a source that cannot cancel is helped by destroying its target. */
export const cancelPatienceMs = 2_000;
export const openTargetDeadlineMs = 20_000;
/** How much earlier than its lease's end a watchdog acts, and how much later a controller believes that it has. */
export const leaseMarginMs = 2_000;
/** A watchdog that lives renews its lease within this; longer, and the host itself is heard: it is the watchdog that died. */
export const leaseSilentAfterMs = 3_000;
/** Who ended with its host last wrote no longer than this before the host did. */
export const leaseBehindMs = 1_500;
/** How long guests have to shut down when their host is isolated. */
export const isolationGraceMs = 30_000;
/** A start under a lock that another holds is tried again after this. */
export const takeOverRetryMs = 10_000;
/** How long a guest has to power off by itself before its plug is pulled. */
export const stopGraceMs = 10_000;
