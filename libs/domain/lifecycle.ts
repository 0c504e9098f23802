/** A lifecycle is a table: which states may follow which. `lifecycle.spec.ts` proves that each can be reached and left. */
export type Transitions<State extends string> = Readonly<Record<State, readonly State[]>>;

export function canBecome<State extends string>(transitions: Transitions<State>, from: State, to: State): boolean {
  return transitions[from].includes(to);
}

/**
 * stopped: wanted off, or never started. starting: a start was commanded and the guest has not been seen running.
 * migrating: runs on one of two hosts, and only the hand-over knows on which. recovering: its VMM or host is lost, and
 * it waits for proof that the old copy is dead and for room. suspended: its memory is in a file, and it goes on from there,
 * on whatever host. cloning: it is being made, from another guest's disk. failed: given up until an administrator or a
 * retry acts.
 */
export const guestTransitions = {
  cloning: ['stopped'],
  stopped: ['starting', 'suspended'],
  starting: ['running', 'recovering', 'stopping', 'failed'],
  running: ['migrating', 'paused', 'suspending', 'stopping', 'recovering'],
  paused: ['running', 'suspending', 'stopping', 'recovering'],
  suspending: ['suspended', 'running', 'recovering'],
  suspended: ['starting', 'stopped'],
  migrating: ['running', 'paused', 'recovering', 'stopping'],
  stopping: ['stopped', 'recovering'],
  recovering: ['starting', 'running', 'stopped', 'failed'],
  failed: ['starting', 'stopped'],
} as const satisfies Record<string, readonly string[]>;
export type GuestState = keyof typeof guestTransitions;

/**
 * online: heard on the heartbeat channel. suspect: silent a little. disconnected: its agent is silent while its
 * datastore heartbeat goes on, so its guests live and nobody fences it. failed: silent on both. fencing, fenced: the
 * power is being cut, is proved cut (or its watchdog's lease ran out). offline: left in an orderly way.
 */
export const hostTransitions = {
  joining: ['online', 'offline'],
  online: ['suspect', 'offline', 'disconnected', 'fencing'],
  suspect: ['online', 'disconnected', 'failed', 'offline'],
  disconnected: ['online', 'suspect', 'failed', 'offline', 'fencing'],
  failed: ['online', 'fencing', 'fenced', 'offline'],
  fencing: ['fenced', 'online', 'failed'],
  fenced: ['online', 'offline'],
  offline: ['online', 'fencing'],
} as const satisfies Record<string, readonly string[]>;
export type HostState = keyof typeof hostTransitions;

export const maintenanceTransitions = {
  none: ['entering'],
  entering: ['in', 'none'],
  in: ['none'],
} as const satisfies Record<string, readonly string[]>;
export type MaintenanceState = keyof typeof maintenanceTransitions;

/** entering: its guests leave it. in: its power is off. leaving: it is to be switched on, until its agent is heard. */
export const standbyTransitions = {
  none: ['entering'],
  entering: ['switching-off', 'none'],
  'switching-off': ['in', 'none'],
  in: ['leaving', 'none'],
  leaving: ['none'],
} as const satisfies Record<string, readonly string[]>;
export type StandbyState = keyof typeof standbyTransitions;

/**
 * The written steps of a live migration. check and reserve are the controller's; open-target and copy are the agents';
 * switch-over is the hand-over between the two agents; commit and release are the controller's again. `settling` is
 * where a migration waits for proof of what became of the other side.
 */
export const migrationTransitions = {
  check: ['reserve', 'refused'],
  reserve: ['open-target', 'failed'],
  'open-target': ['copy', 'cancelling', 'settling', 'failed'],
  copy: ['switch-over', 'cancelling', 'settling', 'commit', 'failed'],
  'switch-over': ['commit', 'settling', 'failed'],
  commit: ['release'],
  release: ['done'],
  cancelling: ['cancelled', 'switch-over', 'settling', 'commit', 'failed'],
  settling: ['commit', 'failed', 'switch-over', 'cancelled'],
  done: [],
  failed: [],
  cancelled: [],
  refused: [],
} as const satisfies Record<string, readonly string[]>;
export type MigrationStep = keyof typeof migrationTransitions;

export const drillTransitions = {
  predicting: ['injecting', 'aborted'],
  injecting: ['detecting', 'aborted', 'finished'],
  detecting: ['fencing', 'recovering', 'finished', 'aborted'],
  fencing: ['recovering', 'finished', 'aborted'],
  recovering: ['finished', 'aborted'],
  finished: [],
  aborted: [],
} as const satisfies Record<string, readonly string[]>;
export type DrillState = keyof typeof drillTransitions;

/**
 * A roll takes a pool's hosts through maintenance, round by round. stopping: the hosts that were begun are finished and no
 * more are begun.
 */
export const rollTransitions = {
  running: ['stopping', 'finished', 'failed'],
  stopping: ['stopped', 'failed'],
  finished: [],
  stopped: [],
  failed: [],
} as const satisfies Record<string, readonly string[]>;
export type RollState = keyof typeof rollTransitions;

/** One host of a roll: emptied, its command run, let back. */
export const rollStepTransitions = {
  waiting: ['evacuating'],
  evacuating: ['running-command', 'failed'],
  'running-command': ['returning', 'failed'],
  returning: ['done'],
  done: [],
  failed: [],
} as const satisfies Record<string, readonly string[]>;
export type RollStep = keyof typeof rollStepTransitions;

export const snapshotTransitions = {
  taking: ['ready'],
  ready: ['deleting'],
  deleting: ['ready'],
} as const satisfies Record<string, readonly string[]>;
export type SnapshotState = keyof typeof snapshotTransitions;

export const taskTransitions = {
  queued: ['running', 'succeeded', 'failed', 'cancelled'],
  running: ['succeeded', 'failed', 'cancelled'],
  succeeded: [],
  failed: [],
  cancelled: [],
} as const satisfies Record<string, readonly string[]>;
export type TaskState = keyof typeof taskTransitions;

export const recommendationTransitions = {
  open: ['applied', 'withdrawn', 'refused'],
  applied: [],
  withdrawn: [],
  refused: [],
} as const satisfies Record<string, readonly string[]>;
export type RecommendationState = keyof typeof recommendationTransitions;

/** A what-if or a fleet run. failed: also one whose controller ended before it. */
export const simulationTransitions = {
  running: ['done', 'failed', 'cancelled'],
  done: [],
  failed: [],
  cancelled: [],
} as const satisfies Record<string, readonly string[]>;
export type SimulationState = keyof typeof simulationTransitions;
