import { newUserBody } from '@argosy/contracts/bodies';
import { Alert, Button, Checkbox, ClipboardCopy } from '@patternfly/react-core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useParams } from 'react-router';
import { call } from '../api/client';
import { useMay, useSession } from '../api/session';
import { useNamed, useSubject } from '../fleet/use-fleet';
import { Answer } from '../ui/answer';
import { type Column, DataTable } from '../ui/data-table';
import { Dialog, stays } from '../ui/dialog';
import { ChoiceField, choicesOf, TextField } from '../ui/field';
import { wholeInstant } from '../ui/format';
import { Nothing, Page, PageTabs } from '../ui/page';

const roles = newUserBody.shape.role.options;
const dayMs = 86_400_000;

export function AccessPage() {
  const { tab = 'tokens' } = useParams();
  const may = useMay();
  const tabs = [
    { name: 'tokens', title: 'Tokens', body: <Tokens /> },
    ...(may('user.list') ? [{ name: 'users', title: 'Users', body: <Users /> }] : []),
    ...(may('join-token.list') ? [{ name: 'hosts', title: 'Join tokens of hosts', body: <JoinTokens /> }] : []),
    ...(may('audit.list') ? [{ name: 'audit', title: 'Audit trail', body: <Audit /> }] : []),
  ];
  return (
    <Page title="Users and tokens">
      <PageTabs base="/access" tabs={tabs} current={tab} />
    </Page>
  );
}

interface ListingProps<Row> {
  readonly label: string;
  readonly name: string;
  readonly read: () => Promise<{ readonly items: readonly Row[] }>;
  readonly columns: readonly Column<Row>[];
  readonly keyOf: (row: Row) => string;
  readonly actions?: ReactNode;
  readonly empty: ReactNode;
}

/** The stream says nothing of these: they are read when they are looked at, and after each change made here. */
function Listing<Row>({ label, name, read, columns, keyOf, actions, empty }: ListingProps<Row>) {
  const listed = useQuery({ queryKey: ['read', 'access', name], queryFn: read });
  return (
    <Answer of={listed} what={`The ${label}`}>
      {({ items }) => (
        <DataTable label={label} rows={items} columns={columns} keyOf={keyOf} actions={actions} empty={empty} />
      )}
    </Answer>
  );
}

function useChanged() {
  const cache = useQueryClient();
  return () => cache.invalidateQueries({ queryKey: ['read', 'access'] });
}

const when = (at: number | null, never: string): string => (at === null ? never : wholeInstant(at));

function Tokens() {
  const changed = useChanged();
  const { who } = useSession();
  const [dialog, setDialog] = useState<'new' | { readonly id: string; readonly description: string } | null>(null);
  return (
    <>
      <Listing
        label="tokens"
        name="tokens"
        read={() => call('token.list')}
        keyOf={({ id }) => id}
        actions={<Button onClick={() => setDialog('new')}>Make a token</Button>}
        columns={[
          { title: 'For', value: ({ description }) => description },
          { title: 'Begins with', value: ({ prefix }) => prefix },
          { title: 'Made', value: ({ createdAt }) => createdAt, show: ({ createdAt }) => wholeInstant(createdAt) },
          { title: 'Runs out', value: ({ expiresAt }) => expiresAt, show: ({ expiresAt }) => when(expiresAt, 'never') },
          {
            title: 'Last used',
            value: ({ lastUsedAt }) => lastUsedAt,
            show: ({ lastUsedAt }) => when(lastUsedAt, 'never'),
          },
          {
            title: 'Revoke',
            value: () => '',
            show: ({ id, description, prefix }) =>
              id === who?.tokenId ? (
                <span className="quiet">in use here</span>
              ) : (
                <Button
                  variant="link"
                  isInline
                  aria-label={`Revoke ${prefix}`}
                  onClick={() => setDialog({ id, description: description || prefix })}
                >
                  Revoke
                </Button>
              ),
          },
        ]}
        empty={<Nothing title="No token">Programs and people are known by theirs.</Nothing>}
      />
      {dialog === 'new' && <NewTokenDialog onClose={() => setDialog(null)} />}
      {dialog !== null && dialog !== 'new' && (
        <Dialog
          title={`Revoke the token ${dialog.description}`}
          deed="Revoke"
          isDangerous
          onClose={() => setDialog(null)}
          run={async () => {
            await call('token.revoke', { params: { id: dialog.id } });
            await changed();
          }}
        >
          <p>Whoever uses it is refused from now on.</p>
        </Dialog>
      )}
    </>
  );
}

const lifetimes = [
  { value: '', label: 'until it is revoked' },
  { value: String(dayMs), label: 'for a day' },
  { value: String(30 * dayMs), label: 'for 30 days' },
  { value: String(365 * dayMs), label: 'for a year' },
];

/** A secret, shown this once. */
function Secret({
  title,
  secret,
  onClose,
}: {
  readonly title: string;
  readonly secret: string;
  readonly onClose: () => void;
}) {
  return (
    <Dialog title={title} deed="I have kept it" onClose={onClose} run={() => Promise.resolve()}>
      <ClipboardCopy isReadOnly hoverTip="Copy" clickTip="Copied" textAriaLabel={title}>
        {secret}
      </ClipboardCopy>
      <Alert isInline variant="info" title="It is not shown again">
        Only its first letters are kept, so that you can tell it from others.
      </Alert>
    </Dialog>
  );
}

function NewTokenDialog({ onClose }: { readonly onClose: () => void }) {
  const changed = useChanged();
  const [description, setDescription] = useState('');
  const [lifetime, setLifetime] = useState('');
  const [secret, setSecret] = useState<string | null>(null);
  if (secret !== null) return <Secret title="The new token" secret={secret} onClose={onClose} />;
  return (
    <Dialog
      title="Make a token of your own"
      deed="Make it"
      onClose={onClose}
      run={async () => {
        const token = await call('token.create', {
          body: {
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

function Users() {
  const changed = useChanged();
  const { who } = useSession();
  const [dialog, setDialog] = useState<'new' | { readonly id: string; readonly name: string } | null>(null);
  return (
    <>
      <Listing
        label="users"
        name="users"
        read={() => call('user.list')}
        keyOf={({ id }) => id}
        actions={<Button onClick={() => setDialog('new')}>Create a user</Button>}
        columns={[
          { title: 'Name', value: ({ name }) => name },
          { title: 'Role', value: ({ role }) => role },
          { title: 'Since', value: ({ createdAt }) => createdAt, show: ({ createdAt }) => wholeInstant(createdAt) },
          {
            title: 'Remove',
            value: () => '',
            show: ({ id, name }) =>
              name === who?.name ? (
                <span className="quiet">you</span>
              ) : (
                <Button variant="link" isInline aria-label={`Remove ${name}`} onClick={() => setDialog({ id, name })}>
                  Remove
                </Button>
              ),
          },
        ]}
        empty={
          <Nothing title="No user">
            A user has a role: a viewer reads, an operator acts on guests, an administrator also on the rest.
          </Nothing>
        }
      />
      {dialog === 'new' && <NewUserDialog onClose={() => setDialog(null)} />}
      {dialog !== null && dialog !== 'new' && (
        <Dialog
          title={`Remove the user ${dialog.name}`}
          deed="Remove"
          isDangerous
          onClose={() => setDialog(null)}
          run={async () => {
            await call('user.remove', { params: { id: dialog.id } });
            await changed();
          }}
        >
          <p>
            All tokens of {dialog.name} are revoked. What {dialog.name} did stays in the audit trail.
          </p>
        </Dialog>
      )}
    </>
  );
}

function NewUserDialog({ onClose }: { readonly onClose: () => void }) {
  const changed = useChanged();
  const [name, setName] = useState('');
  const [role, setRole] = useState<(typeof roles)[number]>('viewer');
  const [secret, setSecret] = useState<string | null>(null);
  if (secret !== null) return <Secret title={`The first token of ${name}`} secret={secret} onClose={onClose} />;
  return (
    <Dialog
      title="Create a user"
      deed="Create, with a token"
      isDisabled={name === ''}
      onClose={onClose}
      run={async () => {
        await call('user.create', { body: { name, role } });
        const token = await call('token.create', { body: { user: name, description: 'the first' } });
        await changed();
        setSecret(token.secret);
        return stays;
      }}
    >
      <TextField label="Name" isRequired value={name} onChange={setName} />
      <ChoiceField
        label="Role"
        value={role}
        onChange={(chosen) => setRole(chosen as typeof role)}
        choices={choicesOf(roles)}
        help="A viewer reads; an operator also acts on guests, images and rules; an administrator on everything."
      />
    </Dialog>
  );
}

function JoinTokens() {
  const changed = useChanged();
  const [dialog, setDialog] = useState<'new' | { readonly id: string; readonly name: string } | null>(null);
  return (
    <>
      <Listing
        label="join tokens"
        name="join-tokens"
        read={() => call('join-token.list')}
        keyOf={({ id }) => id}
        actions={<Button onClick={() => setDialog('new')}>Make a join token</Button>}
        columns={[
          { title: 'Begins with', value: ({ prefix }) => prefix },
          { title: 'For', value: ({ description }) => description },
          { title: 'Pool', value: ({ poolName }) => poolName ?? 'any' },
          { title: 'Host', value: ({ hostName, reusable }) => hostName ?? (reusable ? 'any number' : 'one') },
          { title: 'Used', value: ({ usedAt }) => usedAt, show: ({ usedAt }) => when(usedAt, 'not yet') },
          { title: 'Runs out', value: ({ expiresAt }) => expiresAt, show: ({ expiresAt }) => when(expiresAt, 'never') },
          {
            title: 'Revoke',
            value: () => '',
            show: ({ id, prefix }) => (
              <Button
                variant="link"
                isInline
                aria-label={`Revoke ${prefix}`}
                onClick={() => setDialog({ id, name: prefix })}
              >
                Revoke
              </Button>
            ),
          },
        ]}
        empty={
          <Nothing title="No join token">
            A host joins the fleet with one: <code>argosy agent join</code>.
          </Nothing>
        }
      />
      {dialog === 'new' && <NewJoinTokenDialog onClose={() => setDialog(null)} />}
      {dialog !== null && dialog !== 'new' && (
        <Dialog
          title={`Revoke the join token ${dialog.name}…`}
          deed="Revoke"
          isDangerous
          onClose={() => setDialog(null)}
          run={async () => {
            await call('join-token.revoke', { params: { id: dialog.id } });
            await changed();
          }}
        >
          <p>No host joins with it any more. Hosts that have joined stay.</p>
        </Dialog>
      )}
    </>
  );
}

function NewJoinTokenDialog({ onClose }: { readonly onClose: () => void }) {
  const changed = useChanged();
  const pools = useNamed('pool');
  const [pool, setPool] = useState(pools[0]?.id ?? '');
  const [isReusable, setIsReusable] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  if (secret !== null) return <Secret title="The new join token" secret={secret} onClose={onClose} />;
  return (
    <Dialog
      title="Make a join token"
      deed="Make it"
      onClose={onClose}
      run={async () => {
        const token = await call('join-token.create', {
          body: { ...(pool === '' ? {} : { pool }), reusable: isReusable, expiresInMs: dayMs },
        });
        await changed();
        setSecret(token.secret);
        return stays;
      }}
    >
      <ChoiceField
        label="Pool"
        value={pool}
        onChange={setPool}
        choices={pools.map(({ id, name }) => ({ value: id, label: name }))}
      />
      <Checkbox
        id="reusable"
        label="Any number of hosts may join with it"
        isChecked={isReusable}
        onChange={(_event, is) => setIsReusable(is)}
      />
      <p className="quiet">It holds for a day.</p>
    </Dialog>
  );
}

function Audit() {
  const named = useSubject();
  return (
    <Listing
      label="calls"
      name="audit"
      read={() => call('audit.list', { query: { limit: 500 } })}
      keyOf={({ id }) => String(id)}
      columns={[
        { title: 'When', value: ({ at }) => at, show: ({ at }) => wholeInstant(at) },
        { title: 'Who', value: ({ actor }) => actor ?? 'nobody known' },
        { title: 'From', value: ({ address }) => address },
        { title: 'What', value: ({ route }) => route },
        {
          title: 'Of what',
          value: ({ route, subject }) => (subject === null ? null : named(route?.split('.')[0] ?? '', subject).name),
        },
        { title: 'Outcome', value: ({ outcome }) => outcome },
        { title: 'Code', value: ({ code }) => code },
      ]}
      empty={<Nothing title="Nothing yet">Who changed something, and who was denied, appears here.</Nothing>}
    />
  );
}
