import type { FleetSample } from '@argosy/domain/simulation';
import { figures } from '@argosy/simulator/fleet/figures';
import type { FleetResult } from '@argosy/simulator/fleet/run';
import { lineChart, type Series } from './line-chart';
import { figureText, type FleetReport, subtitleOf } from './fleet-report';

interface Chart {
  readonly title: string;
  readonly unit: string;
  readonly of: (result: FleetResult) => readonly number[];
}

const bySample =
  (of: (sample: FleetSample) => number) =>
  ({ samples }: FleetResult): number[] =>
    samples.map(of);

const charts: readonly Chart[] = [
  { title: 'Power', unit: 'kW', of: bySample(({ watts }) => watts / 1000) },
  { title: 'Hosts that are on', unit: '', of: bySample(({ hostsOn }) => hostsOn) },
  { title: 'Migrations so far', unit: '', of: bySample(({ migrations }) => migrations) },
  { title: 'Mean load of the hosts that are on', unit: '%', of: bySample(({ meanLoad }) => meanLoad * 100) },
  { title: 'Balance: deviation of load between hosts', unit: '%', of: bySample(({ loadDeviation }) => loadDeviation * 100) },
  { title: 'Stranded processors', unit: '%', of: bySample(({ strandedShare }) => strandedShare * 100) },
  { title: 'Time for a decision', unit: 'ms', of: ({ decisionMs }) => decisionMs },
]; // prettier-ignore

/** After Okabe and Ito, for those who see few colours too; of a lightness that can be seen on light and on dark. */
const colours = ['#2b87c8', '#d9651a', '#11a07a', '#c273a0', '#c08a00', '#7f7fd5'];

const style = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #59636e; --line: #d1d9e0; --ground: #ffffff; --panel: #f6f8fa; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --soft: #9198a1; --line: #3d444d; --ground: #0d1117; --panel: #151b23; }
}
body { margin: 2rem auto; max-width: 76rem; padding: 0 1.5rem; font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground); }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1rem; margin: 0 0 .5rem; font-weight: 600; }
p { color: var(--soft); margin: .25rem 0 1.5rem; }
table { border-collapse: collapse; width: 100%; margin-bottom: 2rem; font-variant-numeric: tabular-nums; }
th { white-space: nowrap; } th, td { padding: .35rem .75rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th.figure, td.figure { text-align: right; white-space: nowrap; } td.meaning { color: var(--soft); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(30rem, 1fr)); gap: 1.25rem; }
section { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: 1rem; min-width: 0; }
svg { display: block; width: 100%; height: auto; } svg text { fill: var(--soft); font: 11px system-ui, sans-serif; }
svg .grid { stroke: var(--line); stroke-width: 1; } svg path { fill: none; stroke-width: 1.75; stroke-linejoin: round; }
.figures { overflow-x: auto; }
@media (max-width: 34rem) {
  body { margin: 1rem auto; padding: 0 .75rem; } section { padding: .6rem; } .charts { grid-template-columns: 1fr; } .meaning { display: none; }
  th { white-space: normal; } th, td { padding: .3rem .4rem; } svg text { font-size: 16px; }
}
.key { display: inline-block; width: .8rem; height: .8rem; border-radius: 3px; margin-right: .4rem; vertical-align: -1px; }
`;

/** One file with all that it needs: it can be sent to somebody and read anywhere. */
export function fleetPage(report: FleetReport): string {
  const { results } = report;
  const key = (index: number): string =>
    `<span class="key" style="background:${colourOf(index)}"></span>${escape(results[index]!.policy)}`;
  const heading = results.map((_, index) => `<th class="figure" scope="col">${key(index)}</th>`).join('');
  const rows = figures.map((figure) => {
    const cells = results.map((result) => `<td class="figure">${figureText(figure, result)}</td>`).join('');
    const name = escape(figure.unit === '' ? figure.name : `${figure.name} (${figure.unit})`);
    return `<tr><th scope="row">${name}</th>${cells}<td class="meaning">${escape(figure.meaning)}</td></tr>`;
  });
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escape(report.title)}</title><style>${style}</style></head><body>`,
    `<h1>${escape(report.title)}</h1><p>${escape(subtitleOf(report))}</p>`,
    `<div class="figures" tabindex="0" role="region" aria-label="Figures"><table><thead><tr><th></th>${heading}<th class="meaning"></th></tr></thead><tbody>${rows.join('\n')}</tbody></table></div>`,
    `<div class="charts">${charts.map((chart) => section(chart, report)).join('\n')}</div>`,
    '</body></html>',
  ].join('\n');
}

function section(chart: Chart, { results, stepSeconds }: FleetReport): string {
  const series: Series[] = results.map((result, index) => ({
    name: escape(result.policy),
    colour: colourOf(index),
    values: chart.of(result),
  }));
  const title = chart.unit === '' ? chart.title : `${chart.title} (${chart.unit})`;
  return `<section><h2>${escape(title)}</h2>${lineChart(series, stepSeconds, escape(title))}</section>`;
}

function colourOf(index: number): string {
  return colours[index % colours.length]!;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
