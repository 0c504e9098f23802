import { drillBody, hostNetworks, phasesOf } from '@argosy/contracts/bodies';
import { Alert, Button, Checkbox, Form, Radio } from '@patternfly/react-core';
import { type FormEvent, useEffect, useState } from 'react';
import { Link, useNavigate, useSearchParams } from 'react-router';
import { call } from '../api/client';
import { useMay } from '../api/session';
import type { Guest, Host } from '../fleet/rows';
import { useHasRead, useNamed } from '../fleet/use-fleet';
import { Section } from '../ui/facts';
import { ChoiceField, TextField } from '../ui/field';
import { count } from '../ui/format';
import { Nothing, Page, PageBody, Waiting } from '../ui/page';
import { messageOf } from '../ui/toasts';
import { numberOf } from '../ui/typed';
import { type DrillKind, drillKinds } from './drill-kinds';
import { type DrillBody, DrillForecast } from './drill-prediction';
import { drillTarget, firstFit } from './drill-target';

const phaseLabels = {
  detect: 'Noticed within (s)',
  fence: 'Proved off within (s)',
  restart: 'All placed anew within (s)',
  alive: 'All serving within (s)',
} as const;
type Phase = keyof typeof phaseLabels;

const networkChoices = [
  { value: 'both', label: 'Both', networks: hostNetworks },
  { value: 'management', label: 'Management: its guests go on serving', networks: ['management'] },
  { value: 'guests', label: 'The guests’: its agent is heard all the while', networks: ['guests'] },
] as const;

/** What to break, who is hit, and what is expected; then it is done in earnest. */
export function NewDrillPage() {
  const may = useMay();
  const [search] = useSearchParams();
  const hasRead = useHasRead();
  if (!may('drill.run'))
    return (
      <Nothing title="Drills are an administrator’s" action={<Link to="/drills">Past drills</Link>}>
        They break things on purpose.
      </Nothing>
    );
  return (
    <Page title="Prepare a drill" above={[{ title: 'Drills', to: '/drills' }]}>
      <PageBody>
        {hasRead ? (
          <DrillForm initial={drillKinds.find(({ kind }) => kind === search.get('kind')) ?? drillKinds[0]!} />
        ) : (
          <Waiting />
        )}
      </PageBody>
    </Page>
  );
}

function DrillForm({ initial }: { readonly initial: DrillKind }) {
  const [hosts, guests] = [useNamed('host'), useNamed('guest')];
  const navigate = useNavigate();
  const [chosen, setChosen] = useState(initial);
  const [hostId, setHostId] = useState(() => firstFit('host', hosts));
  const [guestId, setGuestId] = useState(() => firstFit('guest', guests));
  const [seconds, setSeconds] = useState<Readonly<Partial<Record<Phase, string>>>>({});
  const [impairment, setImpairment] = useState({ network: 'both', seconds: '10', delayMs: '200', loss: '10' });
  const [meant, setMeant] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setIsBusy] = useState(false);
  const { kind, target, isOfLinks } = chosen;
  const { networks } = networkChoices.find(({ value }) => value === impairment.network) ?? networkChoices[0];
  const phases = phasesOf(kind, networks).filter((phase) => phase !== 'inject');
  const [ofHosts, ofGuests] = [drillTarget('host', hosts, hostId), drillTarget('guest', guests, guestId)];
  const [host, guest] = [ofHosts.chosen, ofGuests.chosen];
  const { chosen: hit, because } = target === 'host' ? ofHosts : ofGuests;
  // What was confirmed holds for this deed to this one, and for nothing that is chosen afterwards.
  const about = [kind, hit?.id, ...Object.values(impairment)].join(' ');
  const isMeant = because === null && meant === about;
  useEffect(() => setMeant(null), [about, because]);
  const bodyOf = (): DrillBody => {
    const slow =
      kind === 'link-slow' ? { delayMs: numberOf(impairment.delayMs), lossShare: numberOf(impairment.loss) / 100 } : {};
    const body = drillBody.safeParse({
      drill: kind,
      ...(target === 'host' ? { host: host?.id } : { guest: guest?.id }),
      ...(isOfLinks
        ? { impairment: { networks: [...networks], durationMs: numberOf(impairment.seconds) * 1000, ...slow } }
        : {}),
      objectives: Object.fromEntries(
        phases.flatMap((phase) => (seconds[phase] ? [[phase, numberOf(seconds[phase]) * 1000]] : [])),
      ),
    });
    if (body.success) return body.data;
    throw new Error(body.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; '));
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!isMeant || isBusy) return undefined;
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
        <div className="settings-fields">
          {target === 'host' ? (
            <ChoiceField label="Host" value={hostId} onChange={setHostId} choices={ofHosts.choices} />
          ) : (
            <ChoiceField label="Guest" value={guestId} onChange={setGuestId} choices={ofGuests.choices} />
          )}
          {isOfLinks && (
            <>
              <ChoiceField
                label="Network"
                value={impairment.network}
                onChange={(network) => setImpairment({ ...impairment, network })}
                choices={networkChoices}
              />
              <TextField
                label="For how long (s)"
                type="number"
                value={impairment.seconds}
                onChange={(text) => setImpairment({ ...impairment, seconds: text })}
              />
            </>
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
        </div>
        <BlastRadius chosen={chosen} host={host} guest={guest} guests={guests} />
      </Section>
      <Section title="3. What is expected">
        <p className="quiet">
          The simulator predicts each phase from the fleet as it is. What you write here is what the verdict goes by;
          left empty, a phase has no objective.
        </p>
        <DrillForecast about={about} bodyOf={bodyOf} isDisabled={because !== null} />
        <div className="settings-fields">
          {phases.map((phase) => (
            <TextField
              key={phase}
              label={phaseLabels[phase]}
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
        label={because ?? `Yes: do this to ${hit?.name ?? ''}, in earnest`}
        isChecked={isMeant}
        isDisabled={because !== null}
        onChange={(_event, is) => setMeant(is ? about : null)}
      />
      <div>
        <Button type="submit" variant="danger" isDisabled={!isMeant || isBusy} isLoading={isBusy}>
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
  if (chosen.target === 'guest')
    return guest ? <p>{guest.name} is hit, and nobody else.</p> : <p>No guest that runs is chosen.</p>;
  if (host === undefined) return <p>No host that is online is chosen.</p>;
  const own = guests.filter(({ hostId, state }) => hostId === host.id && state === 'running').map(({ name }) => name);
  if (own.length === 0) return <p>No guest is on {host.name}.</p>;
  return (
    <p>
      {count(own.length, 'guest')} on {host.name}: {own.join(', ')}.{' '}
      {chosen.kind === 'host-loss' ? 'They crash, and lose what is in their memory.' : 'They should run on.'}
    </p>
  );
}
