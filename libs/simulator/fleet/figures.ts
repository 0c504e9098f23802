import type { FleetFigure, FleetRunReport } from '@argosy/domain/simulation';
import type { FleetResult } from './run';

export interface Figure extends FleetFigure {
  readonly of: (result: FleetResult) => number;
}

const percent = 100;

/** Less is better in all of them, the mean load apart. */
export const figures: readonly Figure[] = [
  { name: 'energy', unit: 'kWh', digits: 2, of: (result) => result.energyKWh, meaning: 'what the hosts drew, by their SPECpower figures; a host without load is off' },
  { name: 'migrations', unit: '', digits: 0, of: (result) => result.migrations, meaning: 'begun' },
  { name: 'returns', unit: '', digits: 0, of: (result) => result.returns, meaning: 'migrations that bring a guest back to the host which it left last, within the hour' },
  { name: 'SLATAH', unit: '%', digits: 3, of: (result) => result.violatedHostTime * percent, meaning: 'of the time of hosts that are on: in which a guest got less than it asked for' },
  { name: 'PDM', unit: '%', digits: 4, of: (result) => result.migrationLoss * percent, meaning: 'of the work asked for: lost while guests migrated' },
  { name: 'SLAV', unit: '%', digits: 6, of: (result) => result.slaViolation * percent, meaning: 'SLATAH × PDM' },
  { name: 'unmet demand', unit: '%', digits: 4, of: (result) => result.unmetDemand * percent, meaning: 'of the work asked for: not done, for whatever reason' },
  { name: 'failed placements', unit: '', digits: 0, of: (result) => result.failedPlacements, meaning: 'new guests that no host took' },
  { name: 'hosts on', unit: '', digits: 1, of: (result) => mean(result.samples.map(({ hostsOn }) => hostsOn)), meaning: 'mean over the steps' },
  { name: 'mean load', unit: '%', digits: 1, of: (result) => mean(result.samples.map(({ meanLoad }) => meanLoad)) * percent, meaning: 'of the hosts that are on' },
  { name: 'load deviation', unit: '%', digits: 1, of: (result) => mean(result.samples.map(({ loadDeviation }) => loadDeviation)) * percent, meaning: "the standard deviation between hosts: the fleet's balance" },
  { name: 'stranded', unit: '%', digits: 1, of: (result) => mean(result.samples.map(({ strandedShare }) => strandedShare)) * percent, meaning: 'of the processors of hosts that are on: free, without the memory for one more guest' },
  { name: 'shutdowns', unit: '', digits: 0, of: (result) => result.hostShutdowns, meaning: 'of hosts; one that was never on counts' },
  { name: 'decision, median', unit: 'ms', digits: 1, of: (result) => quantile(result.decisionMs, 0.5), meaning: 'of the policy, at a step' },
  { name: 'decision, longest', unit: 'ms', digits: 1, of: (result) => quantile(result.decisionMs, 1), meaning: 'of the policy, at a step' },
]; // prettier-ignore

/** Of each policy so many samples are kept: a chart is not wider. */
const mostSamples = 300;

/** What is kept of runs of the same fleet under several policies. */
export function fleetRunReport(
  run: Omit<FleetRunReport, 'figures' | 'policies'>,
  results: readonly FleetResult[],
): FleetRunReport {
  return {
    ...run,
    figures: figures.map(({ of: _, ...figure }) => figure),
    policies: results.map((result) => {
      const every = Math.ceil(result.samples.length / mostSamples);
      return {
        policy: result.policy,
        values: figures.map(({ of }) => of(result)),
        samples: result.samples.filter((_, index) => index % every === 0),
      };
    }),
  };
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.round((sorted.length - 1) * share)] ?? 0;
}
