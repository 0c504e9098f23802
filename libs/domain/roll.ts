import type { RollState, RollStep } from './lifecycle';
import type { Instant } from './units';

export interface RollHost {
  readonly hostId: string;
  /** From 1; hosts of one round are empty at the same time. */
  readonly round: number;
  readonly step: RollStep;
  readonly since: Instant;
  /** The last of what its command printed. */
  readonly output: string;
}

/** Rolling maintenance of a pool: its plan, and how far it has come. It outlives the controller that began it. */
export interface Roll {
  readonly id: string;
  readonly poolId: string;
  readonly command: string;
  readonly state: RollState;
  readonly hosts: readonly RollHost[];
  readonly requestedBy: string;
  readonly failure: string | null;
  readonly createdAt: Instant;
  readonly endedAt: Instant | null;
}
