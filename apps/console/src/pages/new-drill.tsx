import { drillBody } from '@argosy/contracts/bodies';
import { Alert, Button, Checkbox, Form, Radio } from '@patternfly/react-core';
import { type FormEvent, useState } from 'react';
import { Link, useNavigate, useSearchParams } from 'react-router';
import { call } from '../api/client';
import { useMay } from '../api/session';
import type { Guest, Host } from '../fleet/rows';
import { useNamed } from '../fleet/use-fleet';
import { Section } from '../ui/facts';
import { ChoiceField, TextField } from '../ui/field';
import { count } from '../ui/format';
import { Nothing, Page, PageBody } from '../ui/page';
import { messageOf } from '../ui/toasts';
import { type DrillKind, drillKinds } from './drill-kinds';
import { type DrillBody, DrillForecast } from './drill-prediction';

const phases = {
  detect: 'Noticed within (s)',
  fence: 'Proved off within (s)',
  restart: 'All placed anew within (s)',
  alive: 'All serving within (s)',
} as const;
type Phase = keyof typeof phases;

const hostPhases: readonly Phase[] = ['detect', 'fence', 'restart', 'alive'];
const guestPhases: readonly Phase[] = ['detect', 'restart', 'alive'];

/** What to break, who is hit, and what is expected; then it is done in earnest. */
export function NewDrillPage() {
  const may = useMay();
  const [search] = useSearchParams();
  if (!may('drill.run'))
    return (
      <Nothing title="Drills are an administrator’s" action={<Link to="/drills">Past drills</Link>}>
        They break things on purpose.
      </Nothing>
    );
  return (
    <Page title="Prepare a drill" above={[{ title: 'Drills', to: '/drills' }]}>
      <PageBody>
        <DrillForm initial={drillKinds.find(({ kind }) => kind === search.get('kind')) ?? drillKinds[0]!} />
      </PageBody>
    </Page>
  );
}

function DrillForm({ initial }: { readonly initial: DrillKind }) {
  const hosts = useNamed('host').filter(({ state }) => state === 'online');
  const guests = useNamed('guest').filter(({ state }) => state === 'running');
  const navigate = useNavigate();
  const [chosen, setChosen] = useState(initial);
  const [hostId, setHostId] = useState(hosts[0]?.id ?? '');
  const [guestId, setGuestId] = useState(guests[0]?.id ?? '');
  const [seconds, setSeconds] = useState<Readonly<Partial<Record<Phase, string>>>>({});
  const [impairment, setImpairment] = useState({ seconds: '10', delayMs: '200', loss: '10' });
  const [isMeant, setIsMeant] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setIsBusy] = useState(false);
  const { kind, target, isOfLinks } = chosen;
  const host = hosts.find(({ id }) => id === hostId) ?? hosts[0];
  const guest = guests.find(({ id }) => id === guestId) ?? guests[0];
  const name = (target === 'host' ? host?.name : guest?.name) ?? '';
  const bodyOf = (): DrillBody => {
    const slow =
      kind === 'link-slow' ? { delayMs: Number(impairment.delayMs), lossShare: Number(impairment.loss) / 100 } : {};
    const body = drillBody.safeParse({
      drill: kind,
      ...(target === 'host' ? { host: host?.id } : { guest: guest?.id }),
      ...(isOfLinks ? { impairment: { durationMs: Number(impairment.seconds) * 1000, ...slow } } : {}),
      objectives: Object.fromEntries(
        Object.entries(seconds).flatMap(([phase, text]) => (text === '' ? [] : [[phase, Number(text) * 1000]])),
      ),
    });
    if (body.success) return body.data;
    throw new Error(body.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; '));
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    let body: DrillBody;
    try {
      body = bodyOf();
    } catch (thrown) {
      return setError(thrown);
    }
    setIsBusy(true);
    return void call('drill.run', { body }).then(
      (drill) => navigate(`/drills/${drill.id}`),
      (thrown: unknown) => {
        setError(thrown);
        setIsBusy(false);
      },
    );
  };
  return (
    <Form onSubmit={submit} className="settings-form">
      <Section title="1. What to break">
        <div className="choice-list">
          {drillKinds.map((each) => (
            <Radio
              key={each.kind}
              id={`kind-${each.kind}`}
              name="kind"
              label={each.title}
              description={each.text}
              isChecked={each.kind === kind}
              onChange={() => setChosen(each)}
            />
          ))}
        </div>
      </Section>
      <Section title="2. Where">
        {target === 'host' ? (
          <ChoiceField
            label="Host"
            value={host?.id ?? ''}
            onChange={setHostId}
            choices={hosts.map((each) => ({ value: each.id, label: each.name }))}
          />
        ) : (
          <ChoiceField
            label="Guest"
            value={guest?.id ?? ''}
            onChange={setGuestId}
            choices={guests.map((each) => ({ value: each.id, label: each.name }))}
          />
        )}
        {isOfLinks && (
          <TextField
            label="For how long (s)"
            type="number"
            value={impairment.seconds}
            onChange={(text) => setImpairment({ ...impairment, seconds: text })}
          />
        )}
        {kind === 'link-slow' && (
          <>
            <TextField
              label="Delay (ms)"
              type="number"
              value={impairment.delayMs}
              onChange={(text) => setImpairment({ ...impairment, delayMs: text })}
            />
            <TextField
              label="Packets lost (%)"
              type="number"
              value={impairment.loss}
              onChange={(text) => setImpairment({ ...impairment, loss: text })}
            />
          </>
        )}
        <BlastRadius chosen={chosen} host={host} guest={guest} guests={guests} />
      </Section>
      <Section title="3. What is expected">
        <p className="quiet">
          The simulator predicts each phase from the fleet as it is. What you write here is what the verdict goes by;
          left empty, a phase has no objective.
        </p>
        <DrillForecast
          about={[kind, name, ...Object.values(impairment)].join(' ')}
          bodyOf={bodyOf}
          isDisabled={name === ''}
        />
        <div className="settings-fields">
          {(target === 'host' ? hostPhases : guestPhases).map((phase) => (
            <TextField
              key={phase}
              label={phases[phase]}
              type="number"
              value={seconds[phase] ?? ''}
              onChange={(text) => setSeconds({ ...seconds, [phase]: text })}
            />
          ))}
        </div>
      </Section>
      {error !== null && (
        <Alert isInline variant="danger" title="It was not begun">
          {messageOf(error)}
        </Alert>
      )}
      <Checkbox
        id="is-meant"
        label={`Yes: do this to ${name}, in earnest`}
        isChecked={isMeant}
        onChange={(_event, is) => setIsMeant(is)}
      />
      <div>
        <Button type="submit" variant="danger" isDisabled={!isMeant || name === ''} isLoading={isBusy}>
          Run the drill
        </Button>
      </div>
    </Form>
  );
}

interface BlastRadiusProps {
  readonly chosen: DrillKind;
  readonly host: Host | undefined;
  readonly guest: Guest | undefined;
  readonly guests: readonly Guest[];
}

function BlastRadius({ chosen, host, guest, guests }: BlastRadiusProps) {
  if (chosen.target === 'guest') return guest ? <p>{guest.name} is hit, and nobody else.</p> : <p>No guest runs.</p>;
  if (host === undefined) return <p>No host is online.</p>;
  const own = guests.filter(({ hostId }) => hostId === host.id).map(({ name }) => name);
  if (own.length === 0) return <p>No guest is on {host.name}.</p>;
  return (
    <p>
      {count(own.length, 'guest')} on {host.name}: {own.join(', ')}.{' '}
      {chosen.kind === 'host-loss' ? 'They crash, and lose what is in their memory.' : 'They should run on.'}
    </p>
  );
}
