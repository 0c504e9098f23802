import { useState } from 'react';
import { useNavigate } from 'react-router';
import { call } from '../api/client';
import { Dialog } from '../ui/dialog';
import { TextField } from '../ui/field';

export function NewPoolDialog({ onClose }: { readonly onClose: () => void }) {
  const [name, setName] = useState('');
  const [subnet, setSubnet] = useState('');
  const navigate = useNavigate();
  return (
    <Dialog
      title="Create a pool"
      deed="Create"
      isDisabled={name === ''}
      onClose={onClose}
      run={async () => {
        const settings = subnet === '' ? {} : { settings: { network: { subnet } } };
        const pool = await call('pool.create', { body: { name, ...settings } });
        await navigate(`/pools/${pool.id}`);
      }}
    >
      <TextField
        label="Name"
        isRequired
        value={name}
        onChange={setName}
        help="Lower-case letters, digits and hyphens, like web-1."
      />
      <TextField
        label="Subnet"
        value={subnet}
        onChange={setSubnet}
        placeholder="10.20.0.0/16"
        help="Where its guests’ addresses are of. Left empty, Argosy chooses one that is free."
      />
    </Dialog>
  );
}
