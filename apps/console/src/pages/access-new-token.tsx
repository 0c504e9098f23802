import { useState } from 'react';
import { call } from '../api/client';
import { Dialog, stays } from '../ui/dialog';
import { ChoiceField, TextField } from '../ui/field';
import { Secret, useChanged } from './access-listing';

const dayMs = 86_400_000;
const lifetimes = [
  { value: '', label: 'until it is revoked' },
  { value: String(dayMs), label: 'for a day' },
  { value: String(30 * dayMs), label: 'for 30 days' },
  { value: String(365 * dayMs), label: 'for a year' },
];

interface NewTokenDialogProps {
  /** Nobody: one's own. */
  readonly user?: string;
  readonly onClose: () => void;
}

export function NewTokenDialog({ user, onClose }: NewTokenDialogProps) {
  const changed = useChanged();
  const [description, setDescription] = useState('');
  const [lifetime, setLifetime] = useState('');
  const [secret, setSecret] = useState<string | null>(null);
  if (secret !== null)
    return (
      <Secret
        title={user === undefined ? 'The new token' : `The new token of ${user}`}
        secret={secret}
        onClose={onClose}
      />
    );
  return (
    <Dialog
      title={user === undefined ? 'Make a token of your own' : `Make a token for ${user}`}
      deed="Make it"
      onClose={onClose}
      run={async () => {
        const token = await call('token.create', {
          body: {
            ...(user === undefined ? {} : { user }),
            ...(description === '' ? {} : { description }),
            ...(lifetime === '' ? {} : { expiresInMs: Number(lifetime) }),
          },
        });
        await changed();
        setSecret(token.secret);
        return stays;
      }}
    >
      <TextField label="What for" value={description} onChange={setDescription} />
      <ChoiceField label="It holds" value={lifetime} onChange={setLifetime} choices={lifetimes} />
    </Dialog>
  );
}
