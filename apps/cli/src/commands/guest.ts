import type { GuestView as Guest } from '@argosy/contracts/responses';
import { command, given } from '../command';
import { usageFailure } from '../failure';
import { placementView } from '../output/history-views';
import { guestDatastoreView, guestHostView, guestView, shownGuestView } from '../output/inventory-views';
import { onlyPool } from '../resolve';
import { defaultLimit, limitFlag, timeoutFlag, waitFlag, watchFlag } from './common-flags';
import { cloneCommands } from './guest-clone';
import { powerCommands, waitForGuest } from './guest-power';
import { recoverCommand } from './guest-recover';
import { readCloudInit, settingFlags, settingsOf } from './guest-settings';

const guest = { name: 'guest', names: 'guest' } as const;
const startMs = 60_000;

export const guestCommands = [
  command({
    path: 'guest list',
    summary: 'list the guests, where they are and what they use',
    flags: {
      pool: { type: 'text', names: 'pool', summary: 'of one pool' },
      host: { type: 'text', names: 'host', summary: 'on one host' },
      watch: watchFlag,
    },
    examples: ['guest list -o wide', 'guest list --host h2 -o name | xargs -n1 argosy guest migrate'],
    run: async (session, { flags }) => {
      const read = () => session.api.list('guest.list', { query: given({ pool: flags.pool, host: flags.host }) });
      if (flags.watch) return session.watch(guestView, ['guest'], read);
      await session.printRows(guestView, await read());
      return 'done';
    },
  }),
  command({
    path: 'guest show',
    summary: 'show a guest, with what it asks of processors, what it is entitled to and what of that is met',
    parameters: [guest],
    run: async (session, { parameters }) => {
      const { api } = session;
      const [row, processors] = await Promise.all([
        api.call('guest.get', { params: parameters }),
        api.call('guest.processors', { params: parameters }),
      ]);
      await session.printRow(shownGuestView, { ...row, processors });
      return 'done';
    },
  }),
  command({
    path: 'guest create',
    summary: 'create a guest of an image, or from a template',
    parameters: [{ name: 'name' }],
    flags: {
      image: { type: 'text', names: 'image', summary: 'what it boots' },
      template: { type: 'text', names: 'guest', summary: 'what it is made from; it shares the disk of the template' },
      full: { type: 'flag', summary: 'from a template, with a disk of its own' },
      pool: { type: 'text', names: 'pool', summary: 'where (the only pool, if there is one)' },
      ...settingFlags,
      disk: { type: 'memory', summary: "its own disk's size" },
      datastore: {
        type: 'text',
        names: 'datastore',
        summary: 'where its disk is kept (where its image or its template is)',
      },
      'cloud-init': { type: 'text', placeholder: 'file', summary: 'user data for cloud-init' },
      start: { type: 'flag', summary: 'start it as well; refused as a whole where no host fits' },
      wait: waitFlag,
      timeout: timeoutFlag,
    },
    examples: [
      'guest create web --image tiny --memory 64M --start --wait',
      'guest create db --image debian --memory 1G --cloud-init user-data.yaml --start',
      'guest create web3 --template web --start',
    ],
    run: async (session, { parameters, flags }) => {
      const cloudInit = readCloudInit(session, flags['cloud-init']);
      const { template } = flags;
      if ((flags.image === undefined) === (template === undefined))
        throw usageFailure('A guest is made of an image or from a template.', 'Give --image, or --template.');
      const from = template === undefined ? null : await session.api.call('guest.get', { params: { guest: template } });
      const pool = flags.pool ?? from?.poolId ?? (await onlyPool(session.api, undefined));
      const start = flags.start || flags.wait;
      const body = {
        name: parameters.name,
        pool,
        start,
        ...settingsOf(flags),
        ...given({ image: flags.image, template, datastore: flags.datastore }),
        ...given({ full: flags.full || undefined, diskMiB: flags.disk, cloudInit }),
      };
      let row: Guest = await session.api.call('guest.create', { body });
      if (flags.wait)
        row = await waitForGuest(session, { guest: row, until: 'running', deadlineMs: flags.timeout ?? startMs });
      session.printDone(
        guestView,
        row,
        `Guest ${row.name} is ${row.state === 'cloning' ? 'being made' : 'made'}${start ? ` and is ${row.state}` : `; start it: argosy guest start ${row.name}`}${start ? '.' : ''}`,
      );
      return 'done';
    },
  }),
  command({
    path: 'guest set',
    summary: "change a guest's settings; memory, vcpus and display while it is stopped",
    parameters: [guest],
    flags: { name: { type: 'text', summary: 'its new name' }, ...settingFlags },
    examples: ['guest set web --cpu-limit 300m', 'guest set web --cpu-limit none --priority high'],
    run: async (session, { parameters, flags }) => {
      const body = { ...given({ name: flags.name }), ...settingsOf(flags) };
      if (Object.keys(body).length === 0)
        throw usageFailure('Nothing to change was given.', 'See "argosy guest set --help".');
      const row = await session.api.call('guest.update', { params: parameters, body });
      session.printDone(guestView, row, `Guest ${row.name} is changed.`);
      return 'done';
    },
  }),
  command({
    path: 'guest delete',
    aliases: ['guest remove'],
    summary: 'remove stopped guests with their disks',
    parameters: [{ name: 'guest', names: 'guest', many: true }],
    flags: { 'keep-disk': { type: 'flag', summary: 'leave their files on the datastore' } },
    run: async (session, { parameters, flags }) => {
      const keepDisk = flags['keep-disk'];
      for (const name of parameters.guest) {
        await session.confirm(
          name,
          keepDisk
            ? `remove guest ${name} from the inventory (its disk stays on the datastore)`
            : `remove guest ${name} and delete its disk`,
        );
        await session.api.call('guest.remove', {
          params: { guest: name },
          query: { keepDisk: keepDisk ? 'true' : 'false' },
        });
        session.printGone('guest', name, `Guest ${name} is removed.`);
      }
      return 'done';
    },
  }),
  command({
    path: 'guest placements',
    aliases: ['guest history'],
    summary: 'list where a guest has been, newest first',
    parameters: [guest],
    flags: { limit: limitFlag },
    run: async (session, { parameters, flags }) => {
      await session.printRows(
        placementView,
        await session.api.list('guest.placements', { params: parameters, limit: flags.limit ?? defaultLimit }),
      );
      return 'done';
    },
  }),
  command({
    path: 'guest hosts',
    summary: 'say which hosts would take a guest now, and why the others would not',
    parameters: [guest],
    flags: {},
    run: async (session, { parameters }) => {
      const { items } = await session.api.call('guest.hosts', { params: parameters, query: {} });
      await session.printRows(guestHostView, items);
      return 'done';
    },
  }),
  command({
    path: 'guest datastores',
    summary: 'say to which datastores its disk could be moved now, and why not to the others',
    parameters: [guest],
    flags: {},
    run: async (session, { parameters }) => {
      const { items } = await session.api.call('guest.datastores', { params: parameters });
      await session.printRows(guestDatastoreView, items);
      return 'done';
    },
  }),
  recoverCommand,
  ...cloneCommands,
  ...powerCommands,
];
