import type { RouteResponse } from '@argosy/contracts/routes';
import { Alert, Button } from '@patternfly/react-core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useNavigate, useParams, useSearchParams } from 'react-router';
import { call } from '../api/client';
import { ApiError } from '../api/error';
import { useMay } from '../api/session';
import { useRows } from '../fleet/use-fleet';
import { Answer } from '../ui/answer';
import { Bar } from '../ui/bar';
import { download } from '../ui/download';
import { Facts, Section } from '../ui/facts';
import { ChoiceField } from '../ui/field';
import { duration, wholeInstant } from '../ui/format';
import { Missing, Page, PageBody } from '../ui/page';
import { StateLabel } from '../ui/state-label';
import { useToasts } from '../ui/toasts';
import { FleetRunReport } from './fleet-run-report';
import { RemoveSimulation } from './simulation-actions';
import { simulationKindTitles, useSimulations } from './simulations';
import { WhatIfReport } from './what-if-report';

type Simulation = RouteResponse<'simulation.get'>;

const lookMs = 500;

function useSimulation(id: string | null) {
  return useQuery({
    queryKey: ['read', 'simulations', id],
    queryFn: ({ signal }) => call('simulation.get', { params: { id: id ?? '' } }, { signal }),
    enabled: id !== null,
    refetchInterval: ({ state }) => (state.data?.state === 'running' ? lookMs : false),
  });
}

/** A simulation as it runs, and then its report, alone or beside another's. */
export function SimulationPage() {
  const { id = '' } = useParams();
  const [search] = useSearchParams();
  const simulation = useSimulation(id);
  const beside = useSimulation(search.get('with'));
  const { error } = simulation;
  if (error instanceof ApiError && error.code === 'unknown-simulation')
    return <Missing what="simulation" reference={id} to="/simulations" />;
  return (
    <Answer of={simulation} what="The simulation">
      {(found) => <Report simulation={found} beside={beside.data ?? null} />}
    </Answer>
  );
}

function Report({ simulation, beside }: { readonly simulation: Simulation; readonly beside: Simulation | null }) {
  const { id, title, state, report } = simulation;
  const may = useMay();
  const navigate = useNavigate();
  const [isRemoving, setIsRemoving] = useState(false);
  return (
    <Page
      title={title}
      above={[{ title: 'Simulations', to: '/simulations' }]}
      beside={<StateLabel state={state} />}
      actions={
        <>
          {state === 'running' && may('simulation.cancel') && <Cancel id={id} />}
          {report && (
            <>
              <Button variant="secondary" onClick={() => print()}>
                Print
              </Button>
              <Button variant="secondary" onClick={() => download(`simulation-${id}.json`, simulation)}>
                JSON
              </Button>
            </>
          )}
          {may('simulation.remove') && (
            <Button variant="secondary" isDanger onClick={() => setIsRemoving(true)}>
              Remove
            </Button>
          )}
        </>
      }
    >
      <PageBody>
        {state === 'running' ? (
          <div className="move" role="status">
            <Bar label="Progress" value={simulation.progress} maximum={1} isProgress />
            <span>{simulation.outcome || 'It begins.'}</span>
          </div>
        ) : (
          <p role="status" className="verdict">
            {simulation.outcome}
          </p>
        )}
        {report && <Beside simulation={simulation} />}
        {beside && beside.report?.kind !== report?.kind && (
          <Alert isInline variant="warning" title="These two cannot be compared">
            The other is of another kind, or has no report.
          </Alert>
        )}
        {report?.kind === 'what-if' && <WhatIfReport simulation={simulation} beside={beside} />}
        {report?.kind === 'fleet' && <FleetRunReport simulation={simulation} beside={beside} />}
        <Asked simulation={simulation} />
        {isRemoving && (
          <RemoveSimulation
            simulation={simulation}
            onClose={() => {
              setIsRemoving(false);
            }}
            onRemoved={() => void navigate('/simulations')}
          />
        )}
      </PageBody>
    </Page>
  );
}

function Cancel({ id }: { readonly id: string }) {
  const cache = useQueryClient();
  const { complain } = useToasts();
  return (
    <Button
      variant="secondary"
      onClick={() =>
        void call('simulation.cancel', { params: { id } }).then(
          () => cache.invalidateQueries({ queryKey: ['read', 'simulations'] }),
          (error: unknown) => complain('It was not cancelled', error),
        )
      }
    >
      Cancel
    </Button>
  );
}

/** Which other report stands beside this one; it is in the address. */
function Beside({ simulation: { id, request } }: { readonly simulation: Simulation }) {
  const [search, setSearch] = useSearchParams();
  const others = (useSimulations().data?.items ?? []).filter(
    (each) => each.id !== id && each.state === 'done' && each.request.kind === request.kind,
  );
  if (others.length === 0) return null;
  return (
    <div className="settings-form no-print">
      <ChoiceField
        label="Compare with"
        value={search.get('with') ?? ''}
        onChange={(chosen) => setSearch(chosen === '' ? {} : { with: chosen }, { replace: true })}
        choices={[
          { value: '', label: 'nothing' },
          ...others.map((each) => ({ value: each.id, label: `${each.title} (${wholeInstant(each.createdAt)})` })),
        ]}
      />
    </div>
  );
}

function Asked({ simulation }: { readonly simulation: Simulation }) {
  const { request, createdAt, endedAt, requestedBy } = simulation;
  const pools = useRows('pool');
  const what: readonly (readonly [string, string])[] =
    request.kind === 'fleet'
      ? [
          ['Fleet', `${request.hosts} hosts, ${request.guests} guests, seed ${request.seed}`],
          ['Simulated', request.days === 1 ? 'a day' : `${request.days} days`],
          ['Policies', request.policies.join(', ')],
        ]
      : [
          ['Pool', pools.get(request.poolId)?.name ?? request.poolId],
          ['Changes', request.changes.map(changeText).join('; ')],
          ['Simulated', duration(request.forMs)],
          ['Guests where they were', request.at === null ? 'when it was asked' : wholeInstant(request.at)],
        ];
  return (
    <Section title="What was asked">
      <Facts
        facts={[
          ['Kind', simulationKindTitles[request.kind]],
          ...what,
          ['Asked for', `${wholeInstant(createdAt)} by ${requestedBy}`],
          ['Took', endedAt === null ? 'it runs' : duration(endedAt - createdAt)],
        ]}
      />
    </Section>
  );
}

type Change = Extract<Simulation['request'], { kind: 'what-if' }>['changes'][number];

function changeText(change: Change): string {
  switch (change.kind) {
    case 'host-lost':
      return `${change.host} loses its power`;
    case 'maintenance':
      return `${change.host} is emptied`;
    case 'host-added':
      return `${change.host} is added, with ${change.cpuMillicores / 1000} CPUs and ${change.memoryMiB / 1024} GiB`;
    case 'balance':
      return `balancing with ${Object.entries(change.settings)
        .map(([name, value]) => `${name} ${value}`)
        .join(', ')}`;
  }
}
