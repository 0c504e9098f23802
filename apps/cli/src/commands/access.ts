import { roles } from '@argosy/domain/access';
import { command, given } from '../command';
import { fieldLines } from '../output/table';
import { joinTokenView, tokenView, userView } from '../output/access-views';
import { resolveId } from '../resolve';
import type { Session } from '../session';

const expiresFlag = { type: 'duration', summary: 'how long it holds (until it is revoked)' } as const;
const description = { type: 'text', summary: 'what it is for' } as const;
const user = { name: 'user', names: 'user' } as const;

/** The secret alone on the output, so that it can go into a file: it is never shown again. */
function printSecret(session: Session, row: { readonly id: string; readonly secret: string }, kind: string): void {
  if (session.format === 'json' || session.format === 'yaml') return session.printValue(row);
  if (session.format === 'name') return session.print(`${kind}/${row.id}`);
  session.note('This secret is shown this once:');
  session.print(row.secret);
}

export const accessCommands = [
  command({
    path: 'user list',
    summary: 'list the users and their roles',
    run: async (session) => {
      await session.printRows(userView, await session.api.list('user.list'));
      return 'done';
    },
  }),
  command({
    path: 'user create',
    summary: 'create a user; a token lets them in',
    parameters: [{ name: 'name' }],
    flags: {
      role: {
        type: 'text',
        choices: roles,
        required: true,
        summary: 'viewer sees, operator acts on guests, administrator does all',
      },
    },
    run: async (session, { parameters, flags }) => {
      const row = await session.api.call('user.create', { body: { name: parameters.name, role: flags.role } });
      session.printDone(
        userView,
        row,
        `User ${row.name} is made. Give them a token: argosy token create --user ${row.name}`,
      );
      return 'done';
    },
  }),
  command({
    path: 'user set',
    summary: "change a user's role",
    parameters: [user],
    flags: { role: { type: 'text', choices: roles, required: true, summary: 'the new role' } },
    run: async (session, { parameters, flags }) => {
      const row = await session.api.call('user.update', {
        params: { id: parameters.user },
        body: { role: flags.role },
      });
      session.printDone(userView, row, `User ${row.name} is ${row.role} now.`);
      return 'done';
    },
  }),
  command({
    path: 'user delete',
    summary: 'remove a user and their tokens',
    parameters: [user],
    run: async (session, { parameters }) => {
      await session.confirm(parameters.user, `remove user ${parameters.user} and all their tokens`);
      await session.api.call('user.remove', { params: { id: parameters.user } });
      session.printGone('user', parameters.user, `User ${parameters.user} is removed.`);
      return 'done';
    },
  }),
  command({
    path: 'token list',
    summary: 'list your tokens (an administrator: all)',
    run: async (session) => {
      await session.printRows(tokenView, await session.api.list('token.list'));
      return 'done';
    },
  }),
  command({
    path: 'token create',
    summary: 'create a token; its secret is shown this once',
    flags: { user: { type: 'text', names: 'user', summary: 'whose (your own)' }, description, expires: expiresFlag },
    examples: ['token create --user alice --description laptop --expires 30d > alice.token'],
    run: async (session, { flags }) => {
      const body = given({ user: flags.user, description: flags.description, expiresInMs: flags.expires });
      printSecret(session, await session.api.call('token.create', { body }), 'token');
      return 'done';
    },
  }),
  command({
    path: 'token revoke',
    aliases: ['token delete'],
    summary: 'revoke a token',
    parameters: [{ name: 'token' }],
    run: async (session, { parameters }) => {
      const id = await resolveId(session.api, 'token', parameters.token);
      await session.confirm(parameters.token, `revoke token ${id}`);
      await session.api.call('token.revoke', { params: { id } });
      session.printGone('token', id, `Token ${parameters.token} is revoked.`);
      return 'done';
    },
  }),
  command({
    path: 'join-token list',
    summary: 'list the tokens with which hosts may join',
    run: async (session) => {
      await session.printRows(joinTokenView, await session.api.list('join-token.list'));
      return 'done';
    },
  }),
  command({
    path: 'join-token create',
    summary: 'create a token with which a host may join; its secret is shown this once',
    flags: {
      pool: { type: 'text', names: 'pool', summary: 'into one pool only' },
      host: { type: 'text', summary: 'for this host alone, also if it has joined before and lost its state folder' },
      reusable: { type: 'flag', summary: 'for any number of hosts' },
      description,
      expires: expiresFlag,
    },
    run: async (session, { flags }) => {
      const body = given({
        pool: flags.pool,
        host: flags.host,
        description: flags.description,
        reusable: flags.reusable,
        expiresInMs: flags.expires,
      });
      printSecret(session, await session.api.call('join-token.create', { body }), 'join-token');
      return 'done';
    },
  }),
  command({
    path: 'join-token revoke',
    aliases: ['join-token delete'],
    summary: 'revoke a join token',
    parameters: [{ name: 'token' }],
    run: async (session, { parameters }) => {
      const id = await resolveId(session.api, 'join-token', parameters.token);
      await session.confirm(parameters.token, `revoke join token ${id}`);
      await session.api.call('join-token.revoke', { params: { id } });
      session.printGone('join-token', id, `Join token ${parameters.token} is revoked.`);
      return 'done';
    },
  }),
  command({
    path: 'whoami',
    summary: 'say whose token this is',
    run: async (session) => {
      const answer = await session.api.call('whoami');
      if (!session.isForPeople) session.printValue(answer);
      else
        fieldLines(
          [
            ['USER', { text: answer.name }],
            ['ROLE', { text: answer.role }],
            ['SERVER', { text: session.api.server }],
          ],
          session.useColour,
        ).forEach((line) => session.print(line));
      return 'done';
    },
  }),
];
