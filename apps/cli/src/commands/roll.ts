import type { Roll } from '@argosy/domain/roll';
import { command } from '../command';
import { Failure, usageFailure } from '../failure';
import { rollHostView, rollView } from '../output/roll-views';
import { onlyPool } from '../resolve';
import { defaultLimit, limitFlag, timeoutFlag, waitFlag } from './common-flags';

/** Without it: the only pool, if there is one. */
const pool = { name: 'pool', names: 'pool', optional: true } as const;
const rollMs = 24 * 3_600_000;

export const rollCommands = [
  command({
    path: 'pool roll start',
    aliases: ['pool roll'],
    summary: 'take the hosts of a pool through maintenance in rounds, with a command on each',
    parameters: [pool],
    flags: {
      command: {
        type: 'text',
        placeholder: 'program …',
        summary: 'a program that the hosts provide for this (ARGOSY_ROLL_PROGRAMS), and its arguments',
      },
      plan: { type: 'flag', summary: 'show the rounds, and begin nothing' },
      wait: waitFlag,
      timeout: timeoutFlag,
    },
    examples: ['pool roll prod --command "upgrade --reboot" --plan', 'pool roll prod --command upgrade --wait'],
    run: async (session, { parameters: given, flags }) => {
      const parameters = { pool: await onlyPool(session.api, given.pool) };
      if (flags.command === undefined)
        throw usageFailure('--command is missing.', 'See "argosy pool roll start --help".');
      const ask = (planOnly: boolean): Promise<Roll> =>
        session.api.call('pool.roll', { params: parameters, body: { command: flags.command!, planOnly } });
      if (flags.plan) {
        await session.printRows(rollHostView, (await ask(true)).hosts);
        return 'done';
      }
      // Nobody should say yes to rounds that were not shown; what a program reads is the roll that was begun.
      if (!session.flags.yes && session.isForPeople) await session.printRows(rollHostView, (await ask(true)).hosts);
      await session.confirm(
        parameters.pool,
        `empty every host of pool ${parameters.pool} in turn and run ${flags.command} on it`,
      );
      const begun = await ask(false);
      if (!flags.wait) {
        session.printDone(
          rollView,
          begun,
          `Pool ${parameters.pool} is being rolled: argosy pool roll show ${parameters.pool}`,
        );
        return 'done';
      }
      const ended = await session.wait({
        what: `the roll of ${parameters.pool} to end`,
        deadlineMs: flags.timeout ?? rollMs,
        read: async () =>
          (await session.api.list('pool.roll-list', { params: parameters, limit: 10 })).find(
            ({ id }) => id === begun.id,
          ) ?? begun,
        isDone: (roll) =>
          roll.state === 'failed'
            ? new Failure('failed', `The roll was given up at ${roll.failure}`)
            : roll.endedAt !== null,
        describe: (roll) =>
          `${roll.hosts.filter(({ step }) => step === 'done').length} of ${roll.hosts.length} hosts are done`,
      });
      session.printDone(rollView, ended, `The roll of pool ${parameters.pool} is ${ended.state}.`);
      return 'done';
    },
  }),
  command({
    path: 'pool roll show',
    summary: 'show how far the latest roll of a pool has come',
    parameters: [pool],
    run: async (session, { parameters: given }) => {
      const parameters = { pool: await onlyPool(session.api, given.pool) };
      const [latest] = await session.api.list('pool.roll-list', { params: parameters, limit: 1 });
      if (!latest) throw new Failure('no-roll', `Pool ${parameters.pool} was never rolled.`);
      await session.printRow(rollView, latest);
      if (session.isForPeople) await session.printRows(rollHostView, latest.hosts);
      return 'done';
    },
  }),
  command({
    path: 'pool roll list',
    summary: 'list the rolls of a pool, newest first',
    parameters: [pool],
    flags: { limit: limitFlag },
    run: async (session, { parameters: given, flags }) => {
      const parameters = { pool: await onlyPool(session.api, given.pool) };
      await session.printRows(
        rollView,
        await session.api.list('pool.roll-list', { params: parameters, limit: flags.limit ?? defaultLimit }),
      );
      return 'done';
    },
  }),
  command({
    path: 'pool roll stop',
    summary: 'finish the hosts that are begun, and begin no others',
    parameters: [pool],
    run: async (session, { parameters: given }) => {
      const parameters = { pool: await onlyPool(session.api, given.pool) };
      const row = await session.api.call('pool.roll-stop', { params: parameters });
      session.printDone(rollView, row, `The roll of pool ${parameters.pool} stops after the hosts that are begun.`);
      return 'done';
    },
  }),
];
