import type { RouteResponse } from '@argosy/contracts/routes';
import type { FleetRunReport, Simulation } from '@argosy/domain/simulation';
import { command } from '../command';
import { orNothing, shortIdColumn, stateColumn } from '../output/columns';
import { tableLines } from '../output/table';
import { clock, percent } from '../output/units';
import type { View } from '../output/view';
import { whatIfLines } from '../output/what-if-report';
import { resolveId } from '../resolve';
import type { Session } from '../session';
import { defaultLimit, limitFlag } from './common-flags';

const simulationView: View<Simulation> = {
  kind: 'simulation',
  needs: [],
  nameOf: ({ id }) => id,
  columns: [
    shortIdColumn(),
    { title: 'KIND', text: ({ request }) => request.kind },
    { title: 'TITLE', text: ({ title }) => title },
    stateColumn(({ state }) => state),
    { title: 'PROGRESS', text: ({ progress }) => percent(progress), right: true },
    { title: 'OUTCOME', text: ({ outcome }) => orNothing(outcome) },
    { title: 'BEGAN', text: ({ createdAt }, { now }) => clock(createdAt, now) },
    { title: 'BY', text: ({ requestedBy }) => requestedBy },
    { title: 'ID', text: ({ id }) => id, only: 'wide' },
  ],
};

function fleetLines({ figures, policies }: FleetRunReport, useColour: boolean): string[] {
  const rows = figures.map(({ name, unit, digits }, index) =>
    [unit === '' ? name : `${name} (${unit})`, ...policies.map(({ values }) => values[index]!.toFixed(digits))].map(
      (text) => ({ text }),
    ),
  );
  const titles = ['', ...policies.map(({ policy }) => policy)];
  return tableLines(rows, { titles, right: titles.map((_, column) => column > 0), useColour });
}

async function printSimulation(session: Session, found: RouteResponse<'simulation.get'>): Promise<void> {
  await session.printRow(simulationView, found);
  const { report } = found;
  if (!session.isForPeople || report === null) return;
  session.print('');
  const { useColour } = session;
  const lines =
    report.kind === 'what-if' ? whatIfLines(report, { showLog: false, useColour }) : fleetLines(report, useColour);
  for (const line of lines) session.print(line);
}

const simulation = { name: 'simulation' } as const;
const idOf = (session: Session, reference: string): Promise<string> => resolveId(session.api, 'simulation', reference);

/** What controllers simulate for the console and for programs; `argosy sim` simulates here, with no controller. */
export const simulationCommands = [
  command({
    path: 'simulation list',
    summary: 'list the simulations that controllers were asked for, newest first',
    flags: { limit: limitFlag },
    run: async (session, { flags }) => {
      await session.printRows(
        simulationView,
        await session.api.list('simulation.list', { limit: flags.limit ?? defaultLimit }),
      );
      return 'done';
    },
  }),
  command({
    path: 'simulation show',
    summary: "print a simulation's report, or how far it is",
    parameters: [simulation],
    run: async (session, { parameters }) => {
      const id = await idOf(session, parameters.simulation);
      await printSimulation(session, await session.api.call('simulation.get', { params: { id } }));
      return 'done';
    },
  }),
  command({
    path: 'simulation cancel',
    summary: 'stop a simulation that runs',
    parameters: [simulation],
    run: async (session, { parameters }) => {
      const id = await idOf(session, parameters.simulation);
      const row = await session.api.call('simulation.cancel', { params: { id } });
      session.printDone(simulationView, row, `Cancelled: ${row.title}.`);
      return 'done';
    },
  }),
  command({
    path: 'simulation remove',
    summary: 'forget a simulation and its report',
    parameters: [simulation],
    run: async (session, { parameters }) => {
      const id = await idOf(session, parameters.simulation);
      await session.api.call('simulation.remove', { params: { id } });
      session.print('The simulation and its report are forgotten.');
      return 'done';
    },
  }),
];
