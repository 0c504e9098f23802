import type { DrillState } from './lifecycle';
import type { Instant } from './units';

export const drillKinds = ['host-loss', 'agent-loss', 'guest-crash', 'link-cut', 'link-slow'] as const;
export type DrillKind = (typeof drillKinds)[number];

/** By management agents reach each other and the servers; guests are on the other. */
export const hostNetworks = ['management', 'guests'] as const;
export type HostNetwork = (typeof hostNetworks)[number];

/** What a drill does to a host's links, in both directions, and for how long. */
export interface LinkImpairment {
  readonly networks: readonly HostNetwork[];
  readonly durationMs: number;
  readonly delayMs: number;
  /** 1: the link is cut. */
  readonly lossShare: number;
}

export const drillPhases = ['inject', 'detect', 'fence', 'restart', 'alive'] as const;
export type DrillPhaseName = (typeof drillPhases)[number];

/**
 * Those that a drill of that kind, on those networks, can have. Nobody watches the guests' network but its users, and a link that
 * is only slow is no failure: what is not noticed restarts nobody.
 */
export function phasesOf(kind: DrillKind, networks: readonly HostNetwork[]): readonly DrillPhaseName[] {
  if (kind === 'host-loss') return drillPhases;
  const isNoticed = kind === 'link-cut' ? networks.includes('management') : kind !== 'link-slow';
  return isNoticed ? ['inject', 'detect', 'restart', 'alive'] : ['inject', 'alive'];
}

/** All times are from the injection. null: not reached, or not predicted. */
export interface DrillPhase {
  readonly name: DrillPhaseName;
  readonly predictedMs: number | null;
  readonly measuredMs: number | null;
  readonly objectiveMs: number | null;
  readonly met: boolean | null;
}

export interface GuestOutage {
  readonly guestId: string;
  readonly guestName: string;
  readonly predictedMs: number | null;
  /** From the injection to the guest's first heartbeat afterwards; 0: it beat on. */
  readonly outageMs: number | null;
  readonly fromHostId: string;
  readonly toHostId: string | null;
}

export interface Drill {
  readonly id: string;
  readonly kind: DrillKind;
  readonly poolId: string;
  readonly hostId: string | null;
  readonly guestId: string | null;
  /** null: the drill is of no link. */
  readonly impairment: LinkImpairment | null;
  readonly state: DrillState;
  readonly objectives: { readonly [phase in DrillPhaseName]?: number };
  readonly phases: readonly DrillPhase[];
  readonly outages: readonly GuestOutage[];
  readonly verdict: 'met' | 'missed' | null;
  readonly explanation: string;
  readonly requestedBy: string;
  readonly createdAt: Instant;
  readonly injectedAt: Instant | null;
  readonly endedAt: Instant | null;
}
