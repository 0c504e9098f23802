import { rollBody } from '@argosy/contracts/bodies';
import type { RouteResponse } from '@argosy/contracts/routes';
import { Button } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { Link } from 'react-router';
import { call } from '../api/client';
import { useMay } from '../api/session';
import type { Pool } from '../fleet/rows';
import { useRows } from '../fleet/use-fleet';
import { Answer } from '../ui/answer';
import { Bar } from '../ui/bar';
import { DataTable } from '../ui/data-table';
import { Dialog, goesOn, useDialog } from '../ui/dialog';
import { Facts, Section } from '../ui/facts';
import { TextField } from '../ui/field';
import { count, wholeInstant } from '../ui/format';
import { Nothing } from '../ui/page';
import { StateLabel } from '../ui/state-label';

type Roll = RouteResponse<'pool.roll'>;

const shownRolls = 50;

/** Rolling maintenance: every host is emptied, runs a command and is let back, in rounds. */
export function PoolRoll({ pool }: { readonly pool: Pool }) {
  const may = useMay();
  const { open, show, close } = useDialog<'begin' | 'stop'>();
  const listed = useQuery({
    queryKey: ['read', 'rolls', pool.id],
    queryFn: ({ signal }) =>
      call('pool.roll-list', { params: { pool: pool.id }, query: { limit: shownRolls } }, { signal }),
  });
  return (
    <Answer of={listed} what="The rolls">
      {({ items: [latest, ...earlier] }) => {
        const isUnderWay = latest !== undefined && latest.endedAt === null;
        const begin = may('pool.roll') && !isUnderWay && <Button onClick={() => show('begin')}>Roll the pool</Button>;
        return (
          <>
            {latest === undefined ? (
              <Nothing title={`${pool.name} was never rolled`} action={begin}>
                A roll takes every host through maintenance, in as few rounds as the rules and the room for failures
                allow: its guests go to others live, a command runs on it, and it is let back.
              </Nothing>
            ) : (
              <LatestRoll
                roll={latest}
                actions={
                  isUnderWay && latest.state === 'running' && may('pool.roll-stop') ? (
                    <Button variant="secondary" onClick={() => show('stop')}>
                      Stop after the hosts that are begun
                    </Button>
                  ) : (
                    begin
                  )
                }
              />
            )}
            {earlier.length > 0 && <EarlierRolls rolls={earlier} />}
            {open === 'begin' && <BeginDialog pool={pool} onClose={close} />}
            {open === 'stop' && latest && <StopDialog pool={pool} roll={latest} onClose={close} />}
          </>
        );
      }}
    </Answer>
  );
}

const doneOf = ({ hosts }: Roll): number => hosts.filter(({ step }) => step === 'done').length;
const roundsOf = ({ hosts }: Roll): number => Math.max(0, ...hosts.map(({ round }) => round));

function LatestRoll({ roll, actions }: { readonly roll: Roll; readonly actions: ReactNode }) {
  const [done, all] = [doneOf(roll), roll.hosts.length];
  return (
    <Section title={roll.endedAt === null ? 'The roll under way' : 'The latest roll'}>
      <Facts
        facts={[
          ['State', <StateLabel key="state" state={roll.state} />],
          ['On each host', <code key="command">{roll.command}</code>],
          [
            'Hosts done',
            <Bar key="done" label="Hosts done" value={done} maximum={all} text={`${done} of ${all}`} isProgress />,
          ],
          ['Rounds', String(roundsOf(roll))],
          ['Begun', `${wholeInstant(roll.createdAt)} by ${roll.requestedBy}`],
          ['Ended', roll.endedAt === null ? 'not yet' : wholeInstant(roll.endedAt)],
          ...(roll.failure === null ? [] : ([['Given up at', roll.failure]] as const)),
        ]}
      />
      <HostsOfRoll roll={roll} actions={actions} />
    </Section>
  );
}

function HostsOfRoll({ roll, actions = null }: { readonly roll: Roll; readonly actions?: ReactNode }) {
  const hosts = useRows('host');
  return (
    <DataTable
      label="hosts"
      rows={roll.hosts}
      keyOf={({ hostId }) => hostId}
      sortedBy={{ title: 'Round' }}
      actions={actions}
      isUnfiltered={roll.hosts.length < 10}
      columns={[
        { title: 'Round', value: ({ round }) => round },
        {
          title: 'Host',
          value: ({ hostId }) => hosts.get(hostId)?.name ?? hostId,
          show: ({ hostId }) => <Link to={`/hosts/${hostId}`}>{hosts.get(hostId)?.name ?? hostId}</Link>,
        },
        { title: 'Step', value: ({ step }) => step, show: ({ step }) => <StateLabel state={stepWords[step]} /> },
        { title: 'Since', value: ({ since }) => since, show: ({ since }) => wholeInstant(since) },
        { title: 'Its command printed', value: ({ output }) => output, isWide: true },
      ]}
      empty={null}
    />
  );
}

const stepWords = {
  waiting: 'waiting',
  evacuating: 'being emptied',
  'running-command': 'runs its command',
  returning: 'being let back',
  done: 'done',
  failed: 'failed',
} as const;

function EarlierRolls({ rolls }: { readonly rolls: readonly Roll[] }) {
  return (
    <Section title="Earlier rolls">
      <DataTable
        label="rolls"
        rows={rolls}
        keyOf={({ id }) => id}
        isUnfiltered={rolls.length < 10}
        columns={[
          { title: 'Begun', value: ({ createdAt }) => createdAt, show: ({ createdAt }) => wholeInstant(createdAt) },
          { title: 'State', value: ({ state }) => state, show: ({ state }) => <StateLabel state={state} /> },
          { title: 'On each host', value: ({ command }) => command },
          {
            title: 'Hosts done',
            value: (roll) => doneOf(roll),
            show: (roll) => `${doneOf(roll)} of ${roll.hosts.length}`,
            isNumber: true,
          },
          { title: 'Rounds', value: roundsOf, isNumber: true },
          { title: 'Given up at', value: ({ failure }) => failure ?? '', isWide: true },
          { title: 'Who', value: ({ requestedBy }) => requestedBy },
        ]}
        empty={null}
      />
    </Section>
  );
}

/** Nobody says yes to rounds that were not shown. */
function BeginDialog({ pool, onClose }: { readonly pool: Pool; readonly onClose: () => void }) {
  const [command, setCommand] = useState('');
  const [plan, setPlan] = useState<Roll | null>(null);
  const ask = (planOnly: boolean) => {
    const body = rollBody.safeParse({ command: command.trim(), planOnly });
    if (!body.success) throw new Error(`The command ${body.error.issues[0]!.message}.`);
    return call('pool.roll', { params: { pool: pool.id }, body: body.data });
  };
  return (
    <Dialog
      title={`Roll ${pool.name}`}
      deed={plan === null ? 'Show the rounds' : `Empty ${count(plan.hosts.length, 'host')} in turn`}
      isDangerous={plan !== null}
      isDisabled={command.trim() === ''}
      size="medium"
      onClose={onClose}
      run={async () => {
        const answer = await ask(plan === null);
        if (plan !== null) return answer;
        setPlan(answer);
        return goesOn;
      }}
    >
      <TextField
        label="Command"
        isRequired
        value={command}
        onChange={(typed) => {
          setCommand(typed);
          setPlan(null);
        }}
        placeholder="upgrade --reboot"
        help="The name of a program that the hosts provide for this, and its arguments. It runs on each host while that is empty."
      />
      {plan && (
        <>
          <p>
            {count(plan.hosts.length, 'host')} in {count(roundsOf(plan), 'round')}. The hosts of a round are empty at
            the same time; before each round it is asked again whether they can be spared.
          </p>
          <HostsOfPlan plan={plan} />
        </>
      )}
    </Dialog>
  );
}

function HostsOfPlan({ plan }: { readonly plan: Roll }) {
  const hosts = useRows('host');
  const rounds = Array.from({ length: roundsOf(plan) }, (_, index) => index + 1);
  const namesOf = (round: number) =>
    plan.hosts.filter((each) => each.round === round).map(({ hostId }) => hosts.get(hostId)?.name ?? hostId);
  return (
    <div className="table-scroller plan" tabIndex={0} role="region" aria-label="Which hosts go when">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Round</th>
            <th scope="col">Hosts</th>
          </tr>
        </thead>
        <tbody>
          {rounds.map((round) => (
            <tr key={round}>
              <td>{round}</td>
              <td>{namesOf(round).join(', ')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function StopDialog({
  pool,
  roll,
  onClose,
}: {
  readonly pool: Pool;
  readonly roll: Roll;
  readonly onClose: () => void;
}) {
  const hosts = useRows('host');
  const underWay = roll.hosts.filter(({ step }) => !['waiting', 'done', 'failed'].includes(step));
  const waiting = roll.hosts.filter(({ step }) => step === 'waiting').length;
  return (
    <Dialog
      title={`Stop the roll of ${pool.name}`}
      deed="Stop it"
      isDangerous
      onClose={onClose}
      run={() => call('pool.roll-stop', { params: { pool: pool.id } })}
    >
      <p>
        {underWay.length === 0
          ? 'No host is away.'
          : `${underWay.map(({ hostId }) => hosts.get(hostId)?.name ?? hostId).join(', ')} will be finished and let back.`}{' '}
        {waiting === 0 ? 'No other is left.' : `${count(waiting, 'host')} will not be begun.`}
      </p>
    </Dialog>
  );
}
