import { newSimulationBody, type NewSimulation } from '@argosy/contracts/simulation-schemas';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import { call } from '../api/client';
import { useNamed } from '../fleet/use-fleet';
import { Dialog } from '../ui/dialog';
import { ChoiceField, choicesOf, TextField } from '../ui/field';
import { Several } from '../ui/several';
import { numberOf } from '../ui/typed';

type WhatIf = Extract<NewSimulation, { kind: 'what-if' }>;
type Change = WhatIf['changes'][number];

const asIs = '';
const balanceChoices = [
  { name: 'automation', label: 'If balancing were', values: ['manual', 'partial', 'full'] },
  { name: 'threshold', label: 'With the threshold', values: ['1', '2', '3', '4', '5'] },
] as const;

interface Thought {
  readonly lost: readonly string[];
  readonly emptied: readonly string[];
  readonly added: string;
  readonly addedCpus: string;
  readonly addedGiB: string;
  readonly automation: string;
  readonly threshold: string;
}

function changesOf(thought: Thought, nameOf: (id: string) => string): Change[] {
  const { lost, emptied, added, addedCpus, addedGiB, automation, threshold } = thought;
  const settings = {
    ...(automation === asIs ? {} : { automation: automation as 'manual' }),
    ...(threshold === asIs ? {} : { threshold: Number(threshold) }),
  };
  return [
    ...(added === ''
      ? []
      : [
          {
            kind: 'host-added' as const,
            host: added,
            cpuMillicores: Math.round(numberOf(addedCpus) * 1000),
            memoryMiB: Math.round(numberOf(addedGiB) * 1024),
          },
        ]),
    ...(Object.keys(settings).length === 0 ? [] : [{ kind: 'balance' as const, settings }]),
    ...lost.map((id) => ({ kind: 'host-lost' as const, host: nameOf(id) })),
    ...emptied.map((id) => ({ kind: 'maintenance' as const, host: nameOf(id) })),
  ];
}

/** Says what is wrong with what was typed, in the contract's own words. */
export function checkedSimulation(body: unknown): NewSimulation {
  const checked = newSimulationBody.safeParse(body);
  if (checked.success) return checked.data;
  throw new Error(checked.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; '));
}

export function useStart(onClose: () => void) {
  const cache = useQueryClient();
  const navigate = useNavigate();
  return async (body: unknown) => {
    const { id } = await call('simulation.start', { body: checkedSimulation(body) });
    await cache.invalidateQueries({ queryKey: ['read', 'simulations'] });
    onClose();
    void navigate(`/simulations/${id}`);
  };
}

export function NewWhatIf({ onClose }: { readonly onClose: () => void }) {
  const pools = useNamed('pool');
  const [chosenPool, setChosenPool] = useState('');
  // The fleet may still be being read when this is opened.
  const poolId = chosenPool || (pools[0]?.id ?? '');
  const hosts = useNamed('host').filter((host) => host.poolId === poolId);
  const [thought, setThought] = useState<Thought>({
    lost: [],
    emptied: [],
    added: '',
    addedCpus: '4',
    addedGiB: '16',
    automation: asIs,
    threshold: asIs,
  });
  const [minutes, setMinutes] = useState('5');
  const start = useStart(onClose);
  const set = (changed: Partial<Thought>) => setThought((before) => ({ ...before, ...changed }));
  const changes = changesOf(thought, (id) => hosts.find((host) => host.id === id)?.name ?? id);
  return (
    <Dialog
      title="What would become of the fleet?"
      deed="Simulate"
      size="medium"
      isDisabled={changes.length === 0 || poolId === ''}
      onClose={onClose}
      run={() => start({ kind: 'what-if', pool: poolId, changes, forMs: Math.round(numberOf(minutes) * 60_000) })}
    >
      <p>The fleet as it is, with its loads, is simulated with these changes. Nothing real is changed.</p>
      {pools.length > 1 && (
        <ChoiceField
          label="Pool"
          value={poolId}
          onChange={(chosen) => {
            setChosenPool(chosen);
            set({ lost: [], emptied: [] });
          }}
          choices={pools.map(({ id, name }) => ({ value: id, label: name }))}
        />
      )}
      <Several
        label="If these hosts lost their power"
        all={hosts}
        chosen={thought.lost}
        onChange={(lost) => set({ lost })}
      />
      <Several
        label="If these hosts were emptied for maintenance"
        all={hosts}
        chosen={thought.emptied}
        onChange={(emptied) => set({ emptied })}
      />
      <div className="settings-fields">
        <TextField
          label="If a host were added, named"
          placeholder="nobody is added"
          value={thought.added}
          onChange={(added) => set({ added })}
        />
        <TextField
          label="Its CPUs"
          type="number"
          value={thought.addedCpus}
          onChange={(addedCpus) => set({ addedCpus })}
        />
        <TextField
          label="Its memory (GiB)"
          type="number"
          value={thought.addedGiB}
          onChange={(addedGiB) => set({ addedGiB })}
        />
        {balanceChoices.map(({ name, label, values }) => (
          <ChoiceField
            key={name}
            label={label}
            value={thought[name]}
            onChange={(value) => set({ [name]: value })}
            choices={[{ value: asIs, label: 'as it is' }, ...choicesOf(values)]}
          />
        ))}
        <TextField label="Watched for (minutes)" type="number" value={minutes} onChange={setMinutes} />
      </div>
    </Dialog>
  );
}
