import { type Figure, figures } from '@argosy/simulator/fleet/figures';
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
