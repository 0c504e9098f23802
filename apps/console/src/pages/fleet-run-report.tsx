import type { RouteResponse } from '@argosy/contracts/routes';
import { Section } from '../ui/facts';
import { SeriesChart } from '../ui/series-chart';

type Simulation = RouteResponse<'simulation.get'>;
type Report = Extract<NonNullable<Simulation['report']>, { kind: 'fleet' }>;
type Sample = Report['policies'][number]['samples'][number];

const charts: readonly { readonly title: string; readonly unit: string; readonly of: (sample: Sample) => number }[] = [
  { title: 'Power', unit: 'kW', of: ({ watts }) => watts / 1000 },
  { title: 'Hosts that are on', unit: '', of: ({ hostsOn }) => hostsOn },
  { title: 'Migrations so far', unit: '', of: ({ migrations }) => migrations },
  { title: 'Mean load of the hosts that are on', unit: '%', of: ({ meanLoad }) => meanLoad * 100 },
  { title: 'Deviation of load between hosts', unit: '%', of: ({ loadDeviation }) => loadDeviation * 100 },
  { title: 'Processors stranded without memory', unit: '%', of: ({ strandedShare }) => strandedShare * 100 },
];

interface Run {
  readonly name: string;
  readonly policy: Report['policies'][number];
  readonly report: Report;
}

function runsOf({ report, title }: Simulation, isAlone: boolean): Run[] {
  if (report?.kind !== 'fleet') return [];
  return report.policies.map((policy) => ({
    name: isAlone ? policy.policy : `${policy.policy} (${title})`,
    policy,
    report,
  }));
}

/** A column a policy, a line a figure; and how the fleet went through its days. */
export function FleetRunReport({
  simulation,
  beside,
}: {
  readonly simulation: Simulation;
  readonly beside: Simulation | null;
}) {
  const report = simulation.report as Report;
  const runs = [...runsOf(simulation, beside === null), ...(beside ? runsOf(beside, false) : [])];
  return (
    <>
      <Section title="Figures">
        <div className="table-scroller" tabIndex={0} role="region" aria-label="Figures">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Figure</th>
                {runs.map(({ name }) => (
                  <th key={name} scope="col" className="number">
                    {name}
                  </th>
                ))}
                <th scope="col">What it is</th>
              </tr>
            </thead>
            <tbody>
              {report.figures.map(({ name, unit, digits, meaning }) => (
                <tr key={name}>
                  <th scope="row">{unit === '' ? name : `${name} (${unit})`}</th>
                  {runs.map((run) => (
                    <td key={run.name} className="number">
                      {valueOf(run, name, digits)}
                    </td>
                  ))}
                  <td className="wide quiet">{meaning}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        <p className="quiet">Less is better in all of them, the mean load apart.</p>
      </Section>
      <Section title="Through the days">
        <div className="columns">
          {charts.map(({ title, unit, of }) => (
            <SeriesChart
              key={title}
              title={unit === '' ? title : `${title} (${unit})`}
              series={runs.map(({ name, policy: { samples } }) => ({
                name,
                at: samples.map(({ seconds }) => seconds / 3600),
                values: samples.map(of),
              }))}
            />
          ))}
        </div>
        <p className="quiet">Along the bottom: hours since the run began.</p>
      </Section>
    </>
  );
}

function valueOf({ report: { figures }, policy: { values } }: Run, figure: string, digits: number): string {
  const value = values[figures.findIndex(({ name }) => name === figure)];
  if (value === undefined) return '–';
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
