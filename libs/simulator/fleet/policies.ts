import type { FleetPolicyName } from '@argosy/domain/simulation';
import { balancingPolicy } from './balancing';
import { consolidatingPolicy } from './consolidating';
import { firstFitPolicy } from './first-fit';
import type { FleetPolicy } from './policy';
import { regressionPolicy, thresholdPolicy } from './threshold';

/** What may decide over a fleet, by name. Each run has its own: policies remember. */
export const fleetPolicies = {
  none: { summary: 'first fit, and no migration', create: (): FleetPolicy => firstFitPolicy() },
  balance: { summary: "a pool's own placement and balancing", create: (): FleetPolicy => balancingPolicy() },
  threshold: {
    summary: 'THR-MMT 0.8 of the literature, as CloudSim has it',
    create: (): FleetPolicy => thresholdPolicy(0.8),
  },
  regression: { summary: 'LR-MMT 1.2 of the literature', create: (): FleetPolicy => regressionPolicy() },
  argosy: { summary: "the scheduler's consolidation", create: (): FleetPolicy => consolidatingPolicy() },
} as const satisfies Record<FleetPolicyName, { readonly summary: string; readonly create: () => FleetPolicy }>;
