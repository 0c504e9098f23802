import type { Migration } from '@argosy/domain/entities';
import { formatDuration } from '@argosy/domain/units';
import { command, given } from '../command';
import { Failure } from '../failure';
import type { Lookup } from '../lookup';
import { clock } from '../output/units';
import { migrationProgress, migrationView } from '../output/history-views';
import { resolveMigration } from '../resolve';
import type { Session } from '../session';
import { defaultLimit, limitFlag, timeoutFlag, waitFlag, watchFlag } from './common-flags';

const migrationMs = 600_000;

function verdict({ step, failure }: Migration, guest: string): boolean | Failure {
  if (step === 'done') return true;
  const why = failure === null ? '' : `: ${failure.replace(/\.$/, '')}`;
  if (step === 'refused') return new Failure('migration-failed', `The migration of ${guest} was refused${why}.`);
  if (step === 'cancelled') return new Failure('failed', `The migration of ${guest} was cancelled${why}.`);
  return step === 'failed' ? new Failure('migration-failed', `The migration of ${guest} failed${why}.`) : false;
}

async function waitForMigration(session: Session, migration: Migration, deadlineMs: number): Promise<Migration> {
  const lookup = await session.lookup(['guest', 'host', 'datastore']);
  const guest = lookup.nameOf('guest', migration.guestId);
  return session.wait({
    what: `${whatMoves(migration, guest)} to be on ${whereTo(migration, lookup)}`,
    deadlineMs,
    read: () => session.api.call('migration.get', { params: { id: migration.id } }),
    isDone: (row) => verdict(row, guest),
    describe: (row) => (row.progress === null ? row.step : `${row.step}, ${migrationProgress(row)}`),
  });
}

/** On its host stays a guest whose disk alone moves. */
function staysOnHost({ sourceHostId, targetHostId }: Migration): boolean {
  return sourceHostId === targetHostId;
}

function whatMoves(migration: Migration, guest: string): string {
  return staysOnHost(migration) ? `the disk of ${guest}` : guest;
}

function whereTo(migration: Migration, lookup: Lookup): string {
  const { targetHostId, targetDatastoreId } = migration;
  const datastore = targetDatastoreId === null ? null : lookup.nameOf('datastore', targetDatastoreId);
  if (staysOnHost(migration)) return datastore ?? 'its datastore';
  const host = lookup.nameOf('host', targetHostId);
  return datastore === null ? host : `${host}, with its disk on ${datastore}`;
}

async function report(session: Session, row: Migration): Promise<void> {
  const lookup = await session.lookup(['guest', 'host', 'datastore']);
  const guest = lookup.nameOf('guest', row.guestId);
  const target = whereTo(row, lookup);
  const from = staysOnHost(row)
    ? lookup.nameOf('datastore', row.sourceDatastoreId ?? '')
    : lookup.nameOf('host', row.sourceHostId);
  if (row.endedAt === null)
    return session.printDone(
      migrationView,
      row,
      `${sentenceStart(whatMoves(row, guest))} is on its way from ${from} to ${target}. Watch it: argosy migration watch ${guest}`,
    );
  const figures = [
    `${formatDuration(row.endedAt - row.createdAt)} in all`,
    ...(row.downtimeMs === null ? [] : [`stopped for ${formatDuration(row.downtimeMs)}`]),
    ...(row.guestSeenDowntimeMs === null ? [] : [`${formatDuration(row.guestSeenDowntimeMs)} between its heartbeats`]),
  ];
  const done = staysOnHost(row) ? `The disk of ${guest} is on` : `${guest} runs on`;
  session.printDone(migrationView, row, `${done} ${target}: ${figures.join(', ')}.`);
}

/** A guest's name is written as it is. */
function sentenceStart(text: string): string {
  return text.replace(/^the /, 'The ');
}

export const migrationCommands = [
  command({
    path: 'guest migrate',
    summary: 'move a running guest to another host, its disk to another datastore, or both',
    parameters: [{ name: 'guest', names: 'guest' }],
    flags: {
      to: { type: 'text', names: 'host', summary: 'the host to move it to' },
      datastore: { type: 'text', names: 'datastore', summary: 'the datastore to move its disk to' },
      reason: { type: 'text', summary: 'why, for the record' },
      wait: waitFlag,
      timeout: timeoutFlag,
    },
    examples: [
      'guest migrate web --to h2 --wait',
      'guest migrate web --datastore fast --wait',
      'guest migrate web --to h2 --datastore local-h2',
      'guest migrate web',
    ],
    run: async (session, { parameters, flags }) => {
      let row: Migration = await session.api.call('guest.migrate', {
        params: parameters,
        body: given({ host: flags.to, datastore: flags.datastore, reason: flags.reason }),
      });
      if (flags.wait) row = await waitForMigration(session, row, flags.timeout ?? migrationMs);
      await report(session, row);
      return 'done';
    },
  }),
  command({
    path: 'migration list',
    summary: 'list the migrations, newest first',
    flags: {
      guest: { type: 'text', names: 'guest', summary: 'of one guest' },
      active: { type: 'flag', summary: 'under way only' },
      limit: limitFlag,
      watch: watchFlag,
    },
    run: async (session, { flags }) => {
      const query = given({ guest: flags.guest, active: flags.active ? 'true' : undefined });
      const read = () => session.api.list('migration.list', { query, limit: flags.limit ?? defaultLimit });
      if (flags.watch) return session.watch(migrationView, ['migration'], read);
      await session.printRows(migrationView, await read());
      return 'done';
    },
  }),
  command({
    path: 'migration show',
    summary: 'show a migration, by its id or its guest, with its steps',
    parameters: [{ name: 'migration', names: 'guest' }],
    run: async (session, { parameters }) => {
      const row = await session.api.call('migration.get', {
        params: { id: await resolveMigration(session.api, parameters.migration) },
      });
      await session.printRow(migrationView, row);
      if (!session.isForPeople) return 'done';
      session.print('');
      for (const { step, at } of row.steps) {
        session.print(
          `${clock(at, session.io.now())}  ${`+${formatDuration(at - row.createdAt)}`.padStart(9)}  ${step}`,
        );
      }
      return 'done';
    },
  }),
  command({
    path: 'migration cancel',
    summary: 'cancel a migration until its switch-over, or the move of a disk until the guest has the new one',
    parameters: [{ name: 'migration', names: 'guest' }],
    run: async (session, { parameters }) => {
      const row = await session.api.call('migration.cancel', {
        params: { id: await resolveMigration(session.api, parameters.migration) },
      });
      const stays = staysOnHost(row)
        ? 'the disk stays where it is, unless it has just moved'
        : 'the guest runs on where it is';
      session.printDone(migrationView, row, `The migration is ${row.step}; ${stays}.`);
      return 'done';
    },
  }),
  command({
    path: 'migration watch',
    summary: 'follow a migration to its end',
    parameters: [{ name: 'migration', names: 'guest' }],
    flags: { timeout: timeoutFlag },
    run: async (session, { parameters, flags }) => {
      const row = await session.api.call('migration.get', {
        params: { id: await resolveMigration(session.api, parameters.migration) },
      });
      await report(session, await waitForMigration(session, row, flags.timeout ?? migrationMs));
      return 'done';
    },
  }),
];
