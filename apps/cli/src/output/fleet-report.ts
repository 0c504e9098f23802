import type { FleetResult } from '@argosy/simulator/fleet/run';
import { tableLines } from './table';

/** What a fleet run was, and how each policy did. */
export interface FleetReport {
  readonly title: string;
  readonly hosts: number;
  readonly guests: number;
  readonly simulatedSeconds: number;
  readonly stepSeconds: number;
  readonly memoryEnforced: boolean;
  readonly results: readonly FleetResult[];
}

interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly meaning: string;
  readonly of: (result: FleetResult) => number;
  readonly digits: number;
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

export function figureText({ of, digits }: Figure, result: FleetResult): string {
  return of(result).toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function subtitleOf({ hosts, guests, simulatedSeconds, memoryEnforced }: FleetReport): string {
  const memory = memoryEnforced ? 'memory enforced' : 'memory not enforced';
  return `${hosts} hosts, ${guests} guests, ${days(simulatedSeconds)}, ${memory}`;
}

function days(seconds: number): string {
  const count = Math.round((seconds / 86_400) * 100) / 100;
  return count === 1 ? '1 day' : `${count} days`;
}

/** A column a policy, a line a figure. */
export function fleetReportLines(report: FleetReport, useColour: boolean): string[] {
  const rows = figures.map((figure) =>
    [
      figure.unit === '' ? figure.name : `${figure.name} (${figure.unit})`,
      ...report.results.map((result) => figureText(figure, result)),
    ].map((text) => ({ text })),
  );
  const titles = ['', ...report.results.map(({ policy }) => policy)];
  const table = tableLines(rows, { titles, right: titles.map((_, column) => column > 0), useColour });
  return [report.title, subtitleOf(report), '', ...table];
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.round((sorted.length - 1) * share)] ?? 0;
}
