import { Checkbox, FormGroup } from '@patternfly/react-core';
import { useId, useState } from 'react';
import { TextField } from './field';

interface SeveralProps {
  readonly label: string;
  readonly all: readonly { readonly id: string; readonly name: string }[];
  readonly chosen: readonly string[];
  readonly onChange: (ids: readonly string[]) => void;
}

const mostOffered = 200;

/** Some of many, by their names. */
export function Several({ label, all, chosen, onChange }: SeveralProps) {
  const ownId = useId();
  const [text, setText] = useState('');
  const offered = all.filter(({ id, name }) => chosen.includes(id) || name.includes(text)).slice(0, mostOffered);
  return (
    <FormGroup label={label} role="group">
      {all.length > 12 && <TextField label="With this in their name" value={text} onChange={setText} />}
      <div className="several">
        {offered.map(({ id, name }) => (
          <Checkbox
            key={id}
            id={`${ownId}-${id}`}
            label={name}
            isChecked={chosen.includes(id)}
            onChange={(_event, is) => onChange(is ? [...chosen, id] : chosen.filter((each) => each !== id))}
          />
        ))}
      </div>
    </FormGroup>
  );
}
