import { Alert, Button, Form } from '@patternfly/react-core';
import { guestSettingsBody } from '@argosy/contracts/bodies';
import { type FormEvent, useState } from 'react';
import { call } from '../api/client';
import { useMay } from '../api/session';
import type { Guest } from '../fleet/rows';
import { ChoiceField, choicesOf, TextField } from '../ui/field';
import { messageOf, useToasts } from '../ui/toasts';
import { changesOf, type Fields, fieldsOf } from './guest-fields';

const priorities = guestSettingsBody.shape.restartPriority.unwrap().options;

const displays = guestSettingsBody.shape.display.unwrap().options;

const titles: readonly (readonly [keyof Fields, string, string])[] = [
  ['name', 'Name', 'Lower-case letters, digits and hyphens.'],
  ['vcpus', 'Virtual processors', 'Changed only while it is stopped.'],
  ['memoryMiB', 'Memory (MiB)', 'Changed only while it is stopped.'],
  ['cpuReservationMillicores', 'At least (millicores)', 'Kept for it on its host. 1000 is one processor.'],
  ['cpuLimitMillicores', 'At most (millicores)', 'Empty: no limit.'],
  ['cpuShares', 'Shares', 'Its weight where processors are scarce.'],
];

export function GuestSettings({ guest }: { readonly guest: Guest }) {
  const may = useMay();
  const { say } = useToasts();
  // What was typed, and nothing else: what others change meanwhile is seen, and is not undone by saving.
  const [typed, setTyped] = useState<Partial<Fields>>({});
  const [error, setError] = useState<unknown>(null);
  const fields: Fields = { ...fieldsOf(guest), ...typed };
  const changes = changesOf(guest, typed);
  const isReadOnly = !may('guest.update');
  const undo = () => {
    setTyped({});
    setError(null);
  };
  const save = (event: FormEvent) => {
    event.preventDefault();
    setError(null);
    const body = guestSettingsBody.safeParse(changes);
    if (!body.success) {
      setError(body.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; '));
      return;
    }
    call('guest.update', { params: { guest: guest.id }, body: body.data }).then(() => {
      setTyped({});
      say(`${guest.name} was changed`);
    }, setError);
  };
  return (
    <Form onSubmit={save} className="settings-form">
      <fieldset disabled={isReadOnly}>
        {titles.map(([name, label, help]) => (
          <TextField
            key={name}
            label={label}
            help={help}
            type={name === 'name' ? 'text' : 'number'}
            value={fields[name]}
            onChange={(value) => setTyped({ ...typed, [name]: value })}
          />
        ))}
        <ChoiceField
          label="Restart priority"
          help="In which order lost guests return; disabled: it stays down."
          value={fields.restartPriority}
          choices={choicesOf(priorities)}
          onChange={(value) => setTyped({ ...typed, restartPriority: value })}
        />
        <ChoiceField
          label="Display"
          help="standard: a screen with keyboard and pointer, for 6 to 9 MiB of its host. Changed only while it is stopped."
          value={fields.display}
          choices={choicesOf(displays)}
          onChange={(value) => setTyped({ ...typed, display: value })}
        />
      </fieldset>
      {error !== null && (
        <Alert isInline variant="danger" title="Nothing was changed">
          {messageOf(error)}
        </Alert>
      )}
      {isReadOnly ? (
        <p className="quiet">An operator may change these.</p>
      ) : (
        <div>
          <Button type="submit" isDisabled={Object.keys(changes).length === 0}>
            Save
          </Button>{' '}
          <Button variant="link" onClick={undo}>
            Undo
          </Button>
        </div>
      )}
    </Form>
  );
}
