import { datastoreSettingsBody, newDatastoreBody } from '@argosy/contracts/bodies';
import { useState } from 'react';
import { call } from '../api/client';
import type { Datastore } from '../fleet/rows';
import { useNamed } from '../fleet/use-fleet';
import { Dialog } from '../ui/dialog';
import { ChoiceField, TextField } from '../ui/field';
import { numberOf } from '../ui/typed';

export function NewDatastoreDialog({ onClose }: { readonly onClose: () => void }) {
  const hosts = useNamed('host');
  const [name, setName] = useState('');
  const [path, setPath] = useState('');
  const [host, setHost] = useState('');
  return (
    <Dialog
      title="Add a datastore"
      deed="Add"
      isDisabled={name === '' || path === ''}
      onClose={onClose}
      run={() =>
        call('datastore.create', {
          body: newDatastoreBody.parse({ name, path, shared: host === '', ...(host === '' ? {} : { host }) }),
        })
      }
    >
      <TextField label="Name" isRequired value={name} onChange={setName} />
      <TextField
        label="Path"
        isRequired
        value={path}
        onChange={setPath}
        help="Absolute, and there on the hosts already."
      />
      <ChoiceField
        label="Reached by"
        value={host}
        onChange={setHost}
        choices={[
          { value: '', label: 'every host, under the same path' },
          ...hosts.map((each) => ({ value: each.id, label: `${each.name} alone` })),
        ]}
      />
    </Dialog>
  );
}

interface DatastoreAlarmDialogProps {
  readonly datastore: Datastore;
  readonly onClose: () => void;
}

export function DatastoreAlarmDialog({ datastore, onClose }: DatastoreAlarmDialogProps) {
  const [percents, setPercents] = useState(String(Math.round(datastore.alarmUsedShare * 100)));
  return (
    <Dialog
      title={`Alarm of ${datastore.name}`}
      deed="Change"
      onClose={onClose}
      run={async () => {
        const body = datastoreSettingsBody.safeParse({ alarmUsedShare: numberOf(percents) / 100 });
        if (!body.success) throw new Error('It must be a number of percents from 1 to 100.');
        await call('datastore.update', { params: { id: datastore.id }, body: body.data });
      }}
    >
      <TextField
        label="Raise an alarm when so much is used (%)"
        type="number"
        isRequired
        value={percents}
        onChange={setPercents}
        help="It goes by itself when there is room again."
      />
    </Dialog>
  );
}
