import type { Caller } from '@argosy/inventory/access-store';
import { refuse, type Handlers } from '../answer';
import type { HttpPorts } from '../ports';
import { findRow } from '../references';

const unknownUser = (reference: string) => refuse('unknown-user', `There is no user ${JSON.stringify(reference)}.`);
const unknownToken = (id: string, whose = '') =>
  refuse('unknown-token', `There is no token ${JSON.stringify(id)}${whose}.`);
const isAdministrator = (caller: Caller) => caller.role === 'administrator';

/** Users and tokens. They are the access store's alone, and the brain knows nothing of them. */
export function accessHandlers({ access, gateway }: Pick<HttpPorts, 'access' | 'gateway'>) {
  return {
    'user.list': async () => ({ ok: true, value: { items: await access.users(), nextCursor: null } }),
    'user.create': ({ body }) => access.createUser(body.name, body.role),
    'user.update': async ({ params, body }) => {
      const changed = await access.setRole(params.id, body.role);
      if (!changed.ok) return changed;
      return changed.value ? { ok: true, value: changed.value } : unknownUser(params.id);
    },
    'user.remove': async ({ params }) => {
      const removed = await access.removeUser(params.id);
      if (!removed.ok) return removed;
      return removed.value ? { ok: true, value: null } : unknownUser(params.id);
    },

    'token.list': async ({ caller }) => {
      const items = await access.tokens(isAdministrator(caller) ? {} : { userId: caller.userId });
      return { ok: true, value: { items, nextCursor: null } };
    },
    'token.create': async ({ caller, body }) => {
      const { user = caller.userId, ...options } = body;
      const isOwn = user === caller.userId || user === caller.name;
      if (!isOwn && !isAdministrator(caller))
        return refuse('forbidden', `Only an administrator makes tokens for others; leave "user" out to make your own.`);
      const token = await access.createToken(user, options);
      return token ? { ok: true, value: token } : unknownUser(user);
    },
    'token.revoke': async ({ caller, params }) => {
      const isRevoked = await access.revokeToken(params.id, isAdministrator(caller) ? {} : { userId: caller.userId });
      if (isRevoked) return { ok: true, value: null };
      return unknownToken(params.id, isAdministrator(caller) ? '' : ' of yours');
    },

    'join-token.list': async () => ({ ok: true, value: { items: await access.joinTokens(), nextCursor: null } }),
    'join-token.create': async ({ body }) => {
      const { pool: reference, host: hostName, ...rest } = body;
      if (hostName !== undefined && rest.reusable)
        return refuse('invalid-request', 'A join token for one host lets it in once; leave "reusable" or "host" out.');
      const options = { ...rest, hostName };
      if (reference === undefined) return { ok: true, value: await access.createJoinToken(options) };
      const pool = findRow(gateway.fleet, 'pool', reference);
      if (!pool.ok) return pool;
      return { ok: true, value: await access.createJoinToken({ ...options, poolName: pool.value.name }) };
    },
    'join-token.revoke': async ({ params }) =>
      (await access.revokeJoinToken(params.id)) ? { ok: true, value: null } : unknownToken(params.id),
    whoami: ({ caller: { name, role, tokenId } }) => ({ ok: true, value: { name, role, tokenId } }),
  } satisfies Partial<Handlers>;
}
