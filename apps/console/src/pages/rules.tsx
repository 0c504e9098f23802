import { newRuleBody } from '@argosy/contracts/bodies';
import { Button } from '@patternfly/react-core';
import { useMemo, useState } from 'react';
import { call } from '../api/client';
import { useMay } from '../api/session';
import type { Guest, Host, Pool, Rule } from '../fleet/rows';
import { useNamed, useRows } from '../fleet/use-fleet';
import { isAboutGuests, ruleSentences, violators } from '../fleet/violations';
import { DataTable } from '../ui/data-table';
import { Dialog, useDialog } from '../ui/dialog';
import { ChoiceField, TextField } from '../ui/field';
import { Several } from '../ui/several';
import { Nothing } from '../ui/page';
import { StateLabel } from '../ui/state-label';

interface RulesProps {
  readonly pool: Pool;
  readonly guests: readonly Guest[];
  readonly hosts: readonly Host[];
}

export function Rules({ pool, guests, hosts }: RulesProps) {
  const all = useNamed('rule');
  const own = useMemo(() => all.filter(({ poolId }) => poolId === pool.id), [all, pool.id]);
  const [guestRows, hostRows] = [useRows('guest'), useRows('host')];
  const may = useMay();
  const { open, show, close } = useDialog<'new'>();
  const [removed, setRemoved] = useState<Rule | null>(null);
  const create = may('rule.create') && <Button onClick={() => show('new')}>Create a rule</Button>;
  const names = (ids: readonly string[], rows: ReadonlyMap<string, { readonly name: string }>) =>
    ids.map((id) => rows.get(id)?.name ?? id).join(', ');
  return (
    <>
      <DataTable
        label="rules"
        rows={own}
        keyOf={({ id }) => id}
        sortedBy={{ title: 'Name' }}
        actions={own.length > 0 && create}
        columns={[
          { title: 'Name', value: ({ name }) => name },
          {
            title: 'What it says',
            value: ({ kind, guestIds, hostIds }) =>
              `${names(guestIds, guestRows)} ${ruleSentences[kind]} ${names(hostIds, hostRows)}`,
            isWide: true,
          },
          {
            title: 'Kept',
            value: (rule) => violators(rule, { guests: guestRows, hosts: hostRows }).join(', '),
            show: (rule) => {
              const broken = violators(rule, { guests: guestRows, hosts: hostRows });
              if (broken.length === 0) return <span className="quiet">yes</span>;
              return (
                <span className="labels">
                  <StateLabel state="warning" /> broken by {broken.join(', ')}
                </span>
              );
            },
          },
          {
            title: 'Actions',
            value: () => '',
            show: (rule) =>
              may('rule.remove') && (
                <Button variant="link" isInline aria-label={`Remove ${rule.name}`} onClick={() => setRemoved(rule)}>
                  Remove
                </Button>
              ),
          },
        ]}
        empty={
          <Nothing title="No rule" action={create}>
            A rule keeps guests together or apart, or on hosts or off them. Without one Argosy places guests by room and
            load.
          </Nothing>
        }
      />
      {open === 'new' && <NewRuleDialog pool={pool} guests={guests} hosts={hosts} onClose={close} />}
      {removed && (
        <Dialog
          title={`Remove the rule ${removed.name}`}
          deed="Remove"
          isDangerous
          onClose={() => setRemoved(null)}
          run={() => call('rule.remove', { params: { id: removed.id } })}
        >
          <p>Nobody moves because of it. From now on {names(removed.guestIds, guestRows)} may run wherever they fit.</p>
        </Dialog>
      )}
    </>
  );
}

const kinds = newRuleBody.shape.kind.options;

function NewRuleDialog({ pool, guests, hosts, onClose }: RulesProps & { readonly onClose: () => void }) {
  const [name, setName] = useState('');
  const [kind, setKind] = useState<Rule['kind']>('apart');
  const [guestIds, setGuestIds] = useState<readonly string[]>([]);
  const [hostIds, setHostIds] = useState<readonly string[]>([]);
  const needsHosts = !isAboutGuests(kind);
  const enough = guestIds.length >= (needsHosts ? 1 : 2) && (!needsHosts || hostIds.length > 0);
  return (
    <Dialog
      title={`A rule of ${pool.name}`}
      deed="Create"
      size="medium"
      isDisabled={name === '' || !enough}
      onClose={onClose}
      run={() =>
        call('rule.create', {
          body: { name, pool: pool.id, kind, guests: [...guestIds], ...(needsHosts ? { hosts: [...hostIds] } : {}) },
        })
      }
    >
      <TextField label="Name" isRequired value={name} onChange={setName} />
      <ChoiceField
        label="These guests"
        value={kind}
        onChange={(chosen) => setKind(chosen as Rule['kind'])}
        choices={kinds.map((value) => ({ value, label: ruleSentences[value] }))}
      />
      <Several
        label={needsHosts ? 'Guests: at least one' : 'Guests: at least two'}
        all={guests}
        chosen={guestIds}
        onChange={setGuestIds}
      />
      {needsHosts && <Several label="Hosts: at least one" all={hosts} chosen={hostIds} onChange={setHostIds} />}
    </Dialog>
  );
}
