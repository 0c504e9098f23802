import { command, given } from '../command';
import { usageFailure } from '../failure';
import { balanceRunView, recommendationView } from '../output/history-views';
import { onlyPool, resolveId } from '../resolve';
import { defaultLimit, limitFlag, watchFlag } from './common-flags';

const inPool = { type: 'text', names: 'pool', summary: 'of one pool' } as const;

export const balanceCommands = [
  command({
    path: 'balance run',
    summary: 'look at the balance of a pool now, and say what would better it',
    flags: { pool: { type: 'text', names: 'pool', summary: 'which (the only pool, if there is one)' } },
    run: async (session, { flags }) => {
      const pool = await onlyPool(session.api, flags.pool);
      const { items } = await session.api.call('balance.run', { body: { pool } });
      const [run] = session.isForPeople ? await session.api.list('balance.list', { query: { pool }, limit: 1 }) : [];
      if (run !== undefined) await session.printRow(balanceRunView, run);
      if (session.isForPeople && items.length === 0) return 'done';
      if (run !== undefined) session.print('');
      await session.printRows(recommendationView, items);
      return 'done';
    },
  }),
  command({
    path: 'balance list',
    summary: 'list the balance runs, newest first',
    flags: { pool: inPool, limit: limitFlag, watch: watchFlag },
    run: async (session, { flags }) => {
      const read = () =>
        session.api.list('balance.list', { query: given({ pool: flags.pool }), limit: flags.limit ?? defaultLimit });
      if (flags.watch) return session.watch(balanceRunView, ['balanceRun'], read);
      await session.printRows(balanceRunView, await read());
      return 'done';
    },
  }),
  command({
    path: 'balance recommendations list',
    aliases: ['balance recommendations'],
    summary: 'list the recommendations, with gain, cost and reason; open ones unless --all',
    flags: {
      pool: inPool,
      all: { type: 'flag', summary: 'applied, refused and withdrawn ones too' },
      limit: limitFlag,
      watch: watchFlag,
    },
    run: async (session, { flags }) => {
      const query = given({ pool: flags.pool, open: flags.all ? undefined : 'true' });
      const read = () => session.api.list('recommendation.list', { query, limit: flags.limit ?? defaultLimit });
      if (flags.watch) return session.watch(recommendationView, ['recommendation'], read);
      await session.printRows(recommendationView, await read());
      return 'done';
    },
  }),
  command({
    path: 'balance apply',
    summary: 'apply recommendations',
    parameters: [{ name: 'recommendation', many: true, optional: true }],
    flags: {
      all: { type: 'flag', summary: 'every open one' },
      pool: { type: 'text', names: 'pool', summary: 'with --all: of one pool' },
    },
    examples: ['balance apply 3f2b91c0', 'balance apply --all'],
    run: async (session, { parameters, flags }) => {
      const named = parameters.recommendation;
      if (flags.all === named.length > 0)
        throw usageFailure(
          'Say which recommendations to apply, or --all, and not both.',
          '"argosy balance recommendations" shows their ids.',
        );
      const recommendations = flags.all
        ? ('all' as const)
        : await Promise.all(named.map((id) => resolveId(session.api, 'recommendation', id)));
      const { items } = await session.api.call('recommendation.apply', {
        body: { recommendations, ...given({ pool: flags.pool }) },
      });
      await session.printRows(recommendationView, items);
      return 'done';
    },
  }),
];
