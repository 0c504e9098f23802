import { Button, Checkbox } from '@patternfly/react-core';
import { useState } from 'react';
import { useParams } from 'react-router';
import { call } from '../api/client';
import { useMay, useSession } from '../api/session';
import { useNamed, useSubject } from '../fleet/use-fleet';
import { Dialog, stays } from '../ui/dialog';
import { ChoiceField } from '../ui/field';
import { wholeInstant } from '../ui/format';
import { Nothing, Page, PageTabs } from '../ui/page';
import { Listing, Secret, useChanged, useUserNames, when } from './access-listing';
import { NewTokenDialog } from './access-new-token';
import { Users } from './access-users';

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

function Tokens() {
  const changed = useChanged();
  const users = useUserNames();
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
          { title: 'Of', value: ({ userId }) => users.get(userId) ?? who?.name ?? '' },
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
