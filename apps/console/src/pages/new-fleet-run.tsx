import { Checkbox, FormGroup } from '@patternfly/react-core';
import { useState } from 'react';
import { Dialog } from '../ui/dialog';
import { TextField } from '../ui/field';
import { numberOf } from '../ui/typed';
import { useStart } from './new-what-if';

/** In the order in which they stand side by side in the report. */
const policies = [
  ['none', 'none: first fit, and no migration'],
  ['balance', 'balance: a pool’s own placement and balancing'],
  ['threshold', 'threshold: THR-MMT 0.8 of the literature'],
  ['regression', 'regression: LR-MMT 1.2 of the literature'],
  ['argosy', 'argosy: consolidation by the scheduler'],
] as const;

export function NewFleetRun({ onClose }: { readonly onClose: () => void }) {
  const [size, setSize] = useState({ hosts: '200', guests: '2000', days: '1', seed: '1' });
  const [chosen, setChosen] = useState<readonly string[]>(['none', 'argosy']);
  const start = useStart(onClose);
  const field = (name: keyof typeof size, label: string, help?: string) => (
    <TextField
      label={label}
      type="number"
      isRequired
      value={size[name]}
      onChange={(text) => setSize({ ...size, [name]: text })}
      {...(help === undefined ? {} : { help })}
    />
  );
  return (
    <Dialog
      title="Run a made-up fleet"
      deed="Simulate"
      size="medium"
      isDisabled={chosen.length === 0}
      onClose={onClose}
      run={() =>
        start({
          kind: 'fleet',
          hosts: numberOf(size.hosts),
          guests: numberOf(size.guests),
          days: numberOf(size.days),
          seed: numberOf(size.seed),
          policies: policies.map(([name]) => name).filter((name) => chosen.includes(name)),
        })
      }
    >
      <p>
        Guests whose demand follows the day come and go on simulated hosts. Each policy decides over the same days, and
        the report sets them side by side.
      </p>
      <div className="settings-fields">
        {field('hosts', 'Hosts')}
        {field('guests', 'Guests')}
        {field('days', 'Days')}
        {field('seed', 'Seed', 'The same seed gives the same fleet.')}
      </div>
      <FormGroup label="Policies" role="group">
        <div className="choice-list">
          {policies.map(([name, title]) => (
            <Checkbox
              key={name}
              id={`policy-${name}`}
              label={title}
              isChecked={chosen.includes(name)}
              onChange={(_event, is) => setChosen(is ? [...chosen, name] : chosen.filter((each) => each !== name))}
            />
          ))}
        </div>
      </FormGroup>
    </Dialog>
  );
}
