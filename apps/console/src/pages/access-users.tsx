import { newUserBody } from '@argosy/contracts/bodies';
import { Button } from '@patternfly/react-core';
import { useState } from 'react';
import { call } from '../api/client';
import { useSession } from '../api/session';
import { Dialog, stays } from '../ui/dialog';
import { ChoiceField, choicesOf, TextField } from '../ui/field';
import { wholeInstant } from '../ui/format';
import { Nothing } from '../ui/page';
import { Listing, Secret, useChanged } from './access-listing';
import { NewTokenDialog } from './access-new-token';

const roles = newUserBody.shape.role.options;
type Role = (typeof roles)[number];

interface User {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
}

type OpenDialog = { readonly does: 'create' } | { readonly does: 'token' | 'role' | 'remove'; readonly user: User };

export function Users() {
  const changed = useChanged();
  const { who } = useSession();
  const [dialog, setDialog] = useState<OpenDialog | null>(null);
  const close = () => setDialog(null);
  const deed = (does: 'token' | 'role' | 'remove', title: string, user: User) => (
    <Button variant="link" isInline aria-label={`${title}: ${user.name}`} onClick={() => setDialog({ does, user })}>
      {title}
    </Button>
  );
  return (
    <>
      <Listing
        label="users"
        name="users"
        read={() => call('user.list')}
        keyOf={({ id }) => id}
        actions={<Button onClick={() => setDialog({ does: 'create' })}>Create a user</Button>}
        columns={[
          { title: 'Name', value: ({ name }) => name },
          {
            title: 'Role',
            value: ({ role }) => role,
            // Nobody takes the administration from themselves by a slip.
            show: (user) => (user.name === who?.name ? user.role : deed('role', user.role, user)),
          },
          { title: 'Since', value: ({ createdAt }) => createdAt, show: ({ createdAt }) => wholeInstant(createdAt) },
          { title: 'Token', value: () => '', show: (user) => deed('token', 'Make a token', user) },
          {
            title: 'Actions',
            value: () => '',
            show: (user) =>
              user.name === who?.name ? <span className="quiet">you</span> : deed('remove', 'Remove', user),
          },
        ]}
        empty={
          <Nothing title="No user">
            A user has a role: a viewer reads, an operator acts on guests, an administrator also on the rest.
          </Nothing>
        }
      />
      {dialog?.does === 'create' && <NewUserDialog onClose={close} />}
      {dialog?.does === 'token' && <NewTokenDialog user={dialog.user.name} onClose={close} />}
      {dialog?.does === 'role' && <RoleDialog user={dialog.user} onClose={close} />}
      {dialog?.does === 'remove' && (
        <Dialog
          title={`Remove the user ${dialog.user.name}`}
          deed="Remove"
          isDangerous
          onClose={close}
          run={async () => {
            await call('user.remove', { params: { id: dialog.user.id } });
            await changed();
          }}
        >
          <p>
            All tokens of {dialog.user.name} are revoked. What {dialog.user.name} did stays in the audit trail.
          </p>
        </Dialog>
      )}
    </>
  );
}

interface RoleFieldProps {
  readonly role: Role;
  readonly setRole: (role: Role) => void;
}

function RoleField({ role, setRole }: RoleFieldProps) {
  return (
    <ChoiceField
      label="Role"
      value={role}
      onChange={(chosen) => setRole(chosen as Role)}
      choices={choicesOf(roles)}
      help="A viewer reads; an operator also acts on guests, images and rules; an administrator on everything."
    />
  );
}

function RoleDialog({ user, onClose }: { readonly user: User; readonly onClose: () => void }) {
  const changed = useChanged();
  const [role, setRole] = useState(user.role);
  return (
    <Dialog
      title={`Role of ${user.name}`}
      deed="Change"
      isDisabled={role === user.role}
      onClose={onClose}
      run={async () => {
        await call('user.update', { params: { id: user.id }, body: { role } });
        await changed();
      }}
    >
      <RoleField role={role} setRole={setRole} />
      <p>It holds for all tokens of {user.name} at once.</p>
    </Dialog>
  );
}

function NewUserDialog({ onClose }: { readonly onClose: () => void }) {
  const changed = useChanged();
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  // Where the token alone was refused, the user is there when it is asked for again.
  const [created, setCreated] = useState<string | null>(null);
  const [secret, setSecret] = useState<string | null>(null);
  if (secret !== null) return <Secret title={`The first token of ${name}`} secret={secret} onClose={onClose} />;
  return (
    <Dialog
      title="Create a user"
      deed="Create, with a token"
      isDisabled={name === ''}
      onClose={onClose}
      run={async () => {
        if (created !== name) {
          await call('user.create', { body: { name, role } });
          setCreated(name);
          await changed();
        }
        const token = await call('token.create', { body: { user: name, description: 'the first' } });
        await changed();
        setSecret(token.secret);
        return stays;
      }}
    >
      <TextField label="Name" isRequired value={name} onChange={setName} />
      <RoleField role={role} setRole={setRole} />
    </Dialog>
  );
}
