import type { RouteResponse } from '@argosy/contracts/routes';
import { Button } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'react-router';
import { call } from '../api/client';
import { useMay } from '../api/session';
import { Answer } from '../ui/answer';
import { Bar } from '../ui/bar';
import { type Column, DataTable } from '../ui/data-table';
import { useDialog } from '../ui/dialog';
import { instant } from '../ui/format';
import { Nothing, Page, PageBody } from '../ui/page';
import { StateLabel } from '../ui/state-label';
import { NewFleetRun } from './new-fleet-run';
import { NewWhatIf } from './new-what-if';
import { RemoveSimulation } from './simulation-actions';

export type Simulation = RouteResponse<'simulation.list'>['items'][number];

export const simulationKindTitles = { 'what-if': 'What if', fleet: 'Fleet run' } as const;
const lookMs = 1000;

/** The stream says nothing of simulations: they are read, again and again while one runs. */
export function useSimulations() {
  return useQuery({
    queryKey: ['read', 'simulations'],
    queryFn: ({ signal }) => call('simulation.list', { query: { limit: 200 } }, { signal }),
    refetchInterval: ({ state }) => (state.data?.items.some((each) => each.state === 'running') ? lookMs : false),
  });
}

export function SimulationProgress({ simulation }: { readonly simulation: Simulation }) {
  if (simulation.state !== 'running') return <StateLabel state={simulation.state} />;
  return <Bar label={`Progress of ${simulation.title}`} value={simulation.progress} maximum={1} isProgress />;
}

/** What would be, by the same brain on a virtual clock: what was asked, how far it is, and what came of it. */
export function SimulationsPage() {
  const may = useMay();
  const simulations = useSimulations();
  const { open, show, close } = useDialog<'what-if' | 'fleet'>();
  const [removed, setRemoved] = useState<Simulation | null>(null);
  const actions = may('simulation.start') && (
    <>
      <Button onClick={() => show('what-if')}>Ask what if</Button>
      <Button variant="secondary" onClick={() => show('fleet')}>
        Run a fleet
      </Button>
    </>
  );
  const columns: Column<Simulation>[] = [
    {
      title: 'Simulation',
      value: ({ title }) => title,
      show: ({ id, title }) => <Link to={`/simulations/${id}`}>{title}</Link>,
      isWide: true,
    },
    { title: 'Kind', value: ({ request }) => simulationKindTitles[request.kind] },
    {
      title: 'State',
      value: ({ state }) => state,
      show: (simulation) => <SimulationProgress simulation={simulation} />,
    },
    { title: 'What came of it', value: ({ outcome }) => outcome, isWide: true },
    { title: 'Begun', value: ({ createdAt }) => createdAt, show: ({ createdAt }) => instant(createdAt) },
    { title: 'Who', value: ({ requestedBy }) => requestedBy },
    {
      title: 'Actions',
      value: () => '',
      show: (simulation) =>
        may('simulation.remove') && (
          <Button
            variant="link"
            isInline
            aria-label={`Remove ${simulation.title}`}
            onClick={() => setRemoved(simulation)}
          >
            Remove
          </Button>
        ),
    },
  ];
  return (
    <Page title="Simulations" actions={simulations.data && simulations.data.items.length > 0 && actions}>
      <PageBody>
        <Answer of={simulations} what="The simulations">
          {({ items }) => (
            <DataTable
              label="simulations"
              rows={items}
              columns={columns}
              keyOf={({ id }) => id}
              empty={
                <Nothing title="Nothing was simulated yet" action={actions}>
                  Ask what would become of the fleet as it is if a host were lost, added or emptied; or let a made-up
                  fleet of thousands of hosts run through days under several policies. Nothing real is changed by
                  either.
                </Nothing>
              }
            />
          )}
        </Answer>
        {open === 'what-if' && <NewWhatIf onClose={close} />}
        {open === 'fleet' && <NewFleetRun onClose={close} />}
        {removed && <RemoveSimulation simulation={removed} onClose={() => setRemoved(null)} />}
      </PageBody>
    </Page>
  );
}
