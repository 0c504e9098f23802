import type { User } from '@argosy/domain/access';
import type { RouteResponse } from '@argosy/contracts/routes';
import { createdColumns, idColumn, orNothing, shortIdColumn } from './columns';
import { age, exactTime } from './units';
import type { View } from './view';

type TokenRow = RouteResponse<'token.list'>['items'][number];
type JoinTokenRow = RouteResponse<'join-token.list'>['items'][number];

export const userView: View<User> = {
  kind: 'user',
  needs: [],
  nameOf: ({ name }) => name,
  columns: [
    { title: 'NAME', text: ({ name }) => name },
    { title: 'ROLE', text: ({ role }) => role },
    ...createdColumns<User>(),
    idColumn(),
  ],
};

export const tokenView: View<TokenRow> = {
  kind: 'token',
  needs: [],
  nameOf: ({ id }) => id,
  columns: [
    shortIdColumn(),
    { title: 'BEGINS', text: ({ prefix }) => prefix },
    { title: 'DESCRIPTION', text: ({ description }) => orNothing(description) },
    { title: 'EXPIRES', text: ({ expiresAt }) => (expiresAt === null ? 'never' : exactTime(expiresAt)) },
    {
      title: 'USED',
      text: ({ lastUsedAt }, { now }) => (lastUsedAt === null ? 'never' : `${age(now - lastUsedAt)} ago`),
    },
    ...createdColumns<TokenRow>(),
    { title: 'USER ID', text: ({ userId }) => userId, only: 'wide' },
    { title: 'ID', text: ({ id }) => id, only: 'wide' },
  ],
};

export const joinTokenView: View<JoinTokenRow> = {
  kind: 'join-token',
  needs: [],
  nameOf: ({ id }) => id,
  columns: [
    shortIdColumn(),
    { title: 'BEGINS', text: ({ prefix }) => prefix },
    { title: 'POOL', text: ({ poolName }) => poolName ?? 'any' },
    { title: 'FOR', text: ({ reusable, hostName }) => hostName ?? (reusable ? 'any number of hosts' : 'one host') },
    { title: 'EXPIRES', text: ({ expiresAt }) => (expiresAt === null ? 'never' : exactTime(expiresAt)) },
    { title: 'USED', text: ({ usedAt }, { now }) => (usedAt === null ? 'never' : `${age(now - usedAt)} ago`) },
    { title: 'DESCRIPTION', text: ({ description }) => orNothing(description) },
    ...createdColumns<JoinTokenRow>(),
    { title: 'ID', text: ({ id }) => id, only: 'wide' },
  ],
};
