import { locate, unknownCommand } from '../arguments';
import { command, type NamedKind } from '../command';
import { complete, completionScript, shells } from '../completion';
import { Failure } from '../failure';
import { helpFor } from '../help';
import { programVersion } from '../program-folder';
import type { Session } from '../session';

const lists = {
  pool: 'pool.list',
  host: 'host.list',
  guest: 'guest.list',
  image: 'image.list',
  datastore: 'datastore.list',
  rule: 'rule.list',
  user: 'user.list',
} as const satisfies Record<NamedKind, string>;

/** Completion is an offer: without a server there are no names to offer. */
async function namesOf(session: Session, kind: NamedKind): Promise<readonly string[]> {
  try {
    const rows: readonly { readonly name: string }[] = await session.api.list(lists[kind]);
    return rows.map(({ name }) => name);
  } catch (error) {
    if (error instanceof Failure) return [];
    throw error;
  }
}

async function serverVersion(session: Session): Promise<string | null> {
  try {
    return (await session.api.call('lab.get')).version;
  } catch (error) {
    if (error instanceof Failure) return null;
    throw error;
  }
}

export const programCommands = [
  command({
    path: 'completion',
    summary: 'print a completion script: source <(argosy completion bash)',
    parameters: [{ name: 'shell', choices: shells }],
    run: async (session, { parameters }) => {
      session.print(completionScript(parameters.shell));
      return 'done';
    },
  }),
  command({
    path: '__complete',
    summary: 'print what may stand where the cursor is',
    hidden: true,
    parameters: [{ name: 'word', many: true, optional: true }],
    run: async (session, { parameters }) => {
      const found = await complete(parameters.word, session.commands, (kind) => namesOf(session, kind));
      if (found.length > 0) session.print(found.join('\n'));
      return 'done';
    },
  }),
  command({
    path: 'version',
    summary: 'print the versions of this command and, where one answers, of its server',
    run: async (session) => {
      const client = programVersion();
      const server = await serverVersion(session);
      if (!session.isForPeople) session.printValue({ client, server });
      else session.print(`argosy ${client}${server === null ? '' : `, server ${server} at ${session.api.server}`}`);
      return 'done';
    },
  }),
  command({
    path: 'help',
    summary: 'say what a command does',
    parameters: [{ name: 'command', many: true, optional: true }],
    run: async (session, { parameters }) => {
      const located = locate(parameters.command, session.commands);
      const text = located.unknown === undefined ? helpFor(located.path, session.commands) : undefined;
      if (text === undefined) throw unknownCommand(located, session.commands);
      session.print(text);
      return 'done';
    },
  }),
];
