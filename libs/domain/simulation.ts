import type { BalancePolicy } from './policies';
import type { SimulationState } from './lifecycle';
import type { Instant } from './units';

/** What is changed, in thought. Names are the inventory's; of an added host it is new. */
export type Change =
  | { readonly kind: 'host-lost'; readonly host: string }
  | { readonly kind: 'host-added'; readonly host: string; readonly cpuMillicores: number; readonly memoryMiB: number }
  | { readonly kind: 'maintenance'; readonly host: string }
  | { readonly kind: 'balance'; readonly settings: Partial<BalancePolicy> };

export interface HostOutlook {
  readonly host: string;
  readonly state: string;
  readonly guests: number;
  readonly cpuDemandMillicores: number;
  readonly cpuMillicores: number;
  readonly memoryUsedMiB: number;
  readonly memoryMiB: number;
}

export const guestFates = ['moved', 'restarted', 'down'] as const;
/** moved: live, with what it had in memory. restarted: it booted again. down: it should run, and does not. */
export type GuestFate = (typeof guestFates)[number];

export interface GuestOutlook {
  readonly guest: string;
  readonly from: string | null;
  /** null: it does not run in the end. */
  readonly to: string | null;
  readonly fate: GuestFate;
  /** How long it did not run in all. */
  readonly outageMs: number;
  readonly reason: string;
}

export interface WhatIf {
  readonly before: readonly HostOutlook[];
  readonly after: readonly HostOutlook[];
  /** Of whom something becomes: the others stay where they are. */
  readonly guests: readonly GuestOutlook[];
  readonly refused: readonly string[];
  readonly alarms: readonly string[];
  /** Of a moment of the past: what is not of then. */
  readonly notes: readonly string[];
  readonly log: readonly string[];
}

export const fleetPolicyNames = ['none', 'balance', 'threshold', 'regression', 'argosy'] as const;
/** What decides in a fleet run. */
export type FleetPolicyName = (typeof fleetPolicyNames)[number];

/** What a fleet run is asked for: a made-up fleet of that seed. */
export interface FleetRunRequest {
  readonly kind: 'fleet';
  readonly hosts: number;
  readonly guests: number;
  readonly days: number;
  readonly seed: number;
  /** Side by side, over the same days. */
  readonly policies: readonly FleetPolicyName[];
}

export interface WhatIfRequest {
  readonly kind: 'what-if';
  readonly poolId: string;
  readonly changes: readonly Change[];
  readonly forMs: number;
  /** With the fleet as it was then; null: as it was when it was asked. */
  readonly at: Instant | null;
}

export type SimulationRequest = WhatIfRequest | FleetRunRequest;

/** What a policy is judged by: the same for all of a report. */
export interface FleetFigure {
  readonly name: string;
  readonly unit: string;
  readonly meaning: string;
  readonly digits: number;
}

/** How the fleet stood at a step, before anything was decided. */
export interface FleetSample {
  readonly seconds: number;
  readonly hostsOn: number;
  readonly watts: number;
  /** Since the run began. */
  readonly migrations: number;
  /** Of the load of the hosts that are on: its mean and its standard deviation, as shares. */
  readonly meanLoad: number;
  readonly loadDeviation: number;
  /** Of the processors of the hosts that are on: free, but without the memory for one more guest of middling size. */
  readonly strandedShare: number;
}

export interface FleetRunReport {
  readonly hosts: number;
  readonly guests: number;
  readonly simulatedSeconds: number;
  readonly figures: readonly FleetFigure[];
  readonly policies: readonly {
    readonly policy: string;
    /** In the order of `figures`. */
    readonly values: readonly number[];
    readonly samples: readonly FleetSample[];
  }[];
}

export type SimulationReport = ({ readonly kind: 'what-if' } & WhatIf) | ({ readonly kind: 'fleet' } & FleetRunReport);

/** A simulation that a controller runs for somebody; its report is kept. */
export interface Simulation {
  readonly id: string;
  readonly request: SimulationRequest;
  readonly title: string;
  readonly state: SimulationState;
  /** 0 to 1. */
  readonly progress: number;
  /** While it runs: what it is at. Then what came of it, in a sentence. */
  readonly outcome: string;
  readonly requestedBy: string;
  readonly createdAt: Instant;
  readonly endedAt: Instant | null;
}

export type SimulationWithReport = Simulation & { readonly report: SimulationReport | null };
