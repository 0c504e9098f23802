import { command, given } from '../command';
import { usageFailure } from '../failure';
import { datastoreView } from '../output/inventory-views';
import type { Session } from '../session';

const datastore = { name: 'datastore', names: 'datastore' } as const;
const alarmFlag = {
  type: 'count',
  placeholder: 'percent',
  summary: 'an alarm when more of it than this is used (85)',
} as const;

/** "90" of a hundred. */
function shareOf(percent: number | undefined): number | undefined {
  return percent === undefined ? undefined : percent / 100;
}

export const datastoreCommands = [
  command({
    path: 'datastore list',
    summary: 'list the datastores, with their room',
    run: async (session) => {
      await session.printRows(datastoreView, await session.api.list('datastore.list'));
      return 'done';
    },
  }),
  command({
    path: 'datastore show',
    summary: 'show a datastore',
    parameters: [datastore],
    run: async (session, { parameters }) => {
      await session.printRow(
        datastoreView,
        await session.api.call('datastore.get', { params: { id: parameters.datastore } }),
      );
      return 'done';
    },
  }),
  command({
    path: 'datastore create',
    summary: 'tell of a folder where images and disks are kept',
    parameters: [{ name: 'name' }],
    flags: {
      path: { type: 'text', placeholder: 'folder', required: true, summary: 'the folder, the same on every host' },
      shared: { type: 'flag', summary: 'every host sees the same files there' },
      host: { type: 'text', names: 'host', summary: 'the one host that has it' },
      'alarm-at': alarmFlag,
    },
    examples: [
      'datastore create main --path /datastore --shared',
      'datastore create local-h2 --path /var/lib/argosy/disks --host h2',
    ],
    run: async (session, { parameters, flags }) => {
      if (flags.shared === (flags.host !== undefined))
        throw usageFailure('Say either --shared, or with --host which host alone has the folder.');
      const row = await session.api.call('datastore.create', {
        body: {
          name: parameters.name,
          path: flags.path,
          shared: flags.shared,
          ...given({ host: flags.host, alarmUsedShare: shareOf(flags['alarm-at']) }),
        },
      });
      session.printDone(datastoreView, row, `Datastore ${row.name} is made.`);
      return 'done';
    },
  }),
  command({
    path: 'datastore set',
    summary: "change a datastore's name or alarm",
    parameters: [datastore],
    flags: { name: { type: 'text', summary: 'its new name' }, 'alarm-at': alarmFlag },
    run: async (session, { parameters, flags }) => {
      const body = given({ name: flags.name, alarmUsedShare: shareOf(flags['alarm-at']) });
      if (Object.keys(body).length === 0)
        throw usageFailure('Nothing to change was given.', 'See "argosy datastore set --help".');
      const row = await session.api.call('datastore.update', { params: { id: parameters.datastore }, body });
      session.printDone(datastoreView, row, `Datastore ${row.name} is changed.`);
      return 'done';
    },
  }),
  command({
    path: 'datastore remove',
    aliases: ['datastore delete'],
    summary: 'forget a datastore that holds no guest and no image; its files stay',
    parameters: [datastore],
    run: async (session, { parameters }) => {
      await removeOne(session, parameters.datastore);
      return 'done';
    },
  }),
];

async function removeOne(session: Session, name: string): Promise<void> {
  await session.confirm(name, `remove datastore ${name} from the inventory (its files stay)`);
  await session.api.call('datastore.remove', { params: { id: name } });
  session.printGone('datastore', name, `Datastore ${name} is removed.`);
}
