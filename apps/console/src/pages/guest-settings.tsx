import { Alert, Button, Form } from '@patternfly/react-core';
import { guestSettingsBody } from '@argosy/contracts/bodies';
import { type FormEvent, useState } from 'react';
import { call } from '../api/client';
import { useMay } from '../api/session';
import type { Guest } from '../fleet/rows';
import { ChoiceField, choicesOf, TextField } from '../ui/field';
import { messageOf, useToasts } from '../ui/toasts';

const priorities = guestSettingsBody.shape.restartPriority.unwrap().options;

const displays = guestSettingsBody.shape.display.unwrap().options;

const fieldsOf = (guest: Guest) => ({
  name: guest.name,
  vcpus: String(guest.vcpus),
  memoryMiB: String(guest.memoryMiB),
  cpuReservationMillicores: String(guest.cpuReservationMillicores),
  cpuLimitMillicores: guest.cpuLimitMillicores === null ? '' : String(guest.cpuLimitMillicores),
  cpuShares: String(guest.cpuShares),
  restartPriority: guest.restartPriority as string,
  display: guest.display as string,
});
type Fields = ReturnType<typeof fieldsOf>;

const titles: readonly (readonly [keyof Fields, string, string])[] = [
  ['name', 'Name', 'Lower-case letters, digits and hyphens.'],
  ['vcpus', 'Virtual processors', 'Changed only while it is stopped.'],
  ['memoryMiB', 'Memory (MiB)', 'Changed only while it is stopped.'],
  ['cpuReservationMillicores', 'At least (millicores)', 'Kept for it on its host. 1000 is one processor.'],
  ['cpuLimitMillicores', 'At most (millicores)', 'Empty: no limit.'],
  ['cpuShares', 'Shares', 'Its weight where processors are scarce.'],
];

/** What of the fields differs from the guest, as the API wants it. */
function changesOf(guest: Guest, fields: Fields): Record<string, string | number | null> {
  const before = fieldsOf(guest);
  const names = (Object.keys(before) as (keyof Fields)[]).filter((name) => before[name] !== fields[name]);
  return Object.fromEntries(
    names.map((name): [string, string | number | null] => {
      if (name === 'name' || name === 'restartPriority' || name === 'display') return [name, fields[name]];
      return [name, fields[name] === '' ? null : Number(fields[name])];
    }),
  );
}

export function GuestSettings({ guest }: { readonly guest: Guest }) {
  const may = useMay();
  const { say } = useToasts();
  const [fields, setFields] = useState(() => fieldsOf(guest));
  const [error, setError] = useState<unknown>(null);
  const changes = changesOf(guest, fields);
  const isReadOnly = !may('guest.update');
  const save = (event: FormEvent) => {
    event.preventDefault();
    setError(null);
    const body = guestSettingsBody.safeParse(changes);
    if (!body.success) {
      setError(body.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; '));
      return;
    }
    call('guest.update', { params: { guest: guest.id }, body: body.data }).then(
      () => say(`${guest.name} was changed`),
      setError,
    );
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
            onChange={(value) => setFields({ ...fields, [name]: value })}
          />
        ))}
        <ChoiceField
          label="Restart priority"
          help="In which order lost guests return; disabled: it stays down."
          value={fields.restartPriority}
          choices={choicesOf(priorities)}
          onChange={(value) => setFields({ ...fields, restartPriority: value })}
        />
        <ChoiceField
          label="Display"
          help="standard: a screen with keyboard and pointer, for 6 to 9 MiB of its host. Changed only while it is stopped."
          value={fields.display}
          choices={choicesOf(displays)}
          onChange={(value) => setFields({ ...fields, display: value })}
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
          <Button variant="link" onClick={() => setFields(fieldsOf(guest))}>
            Undo
          </Button>
        </div>
      )}
    </Form>
  );
}
