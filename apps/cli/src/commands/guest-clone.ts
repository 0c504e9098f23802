import type { GuestView as Guest } from '@argosy/contracts/responses';
import { command, given } from '../command';
import { Failure } from '../failure';
import { guestView } from '../output/inventory-views';
import type { Session } from '../session';
import { timeoutFlag, waitFlag } from './common-flags';
import { readCloudInit, settingFlags, settingsOf } from './guest-settings';

const guest = { name: 'guest', names: 'guest' } as const;
/** A disk of many GiB takes as long as it takes. */
const cloneMs = 3_600_000;

/** One that could not be made is not there any more. */
async function waitForClone(session: Session, made: Guest, deadlineMs: number): Promise<Guest> {
  const until = made.desired === 'running' ? 'running' : 'stopped';
  const found = await session.wait({
    what: `${made.name} to be ${until}`,
    deadlineMs,
    read: async () => (await session.api.list('guest.list', { query: {} })).find(({ id }) => id === made.id),
    isDone: (row) =>
      row === undefined
        ? new Failure('failed', `Guest ${made.name} was not made; see argosy event list --subject ${made.clonedFrom}.`)
        : row.state === until,
    describe: (row) => `it is ${row?.state ?? 'gone'}. ${row?.stateReason ?? ''}`.trim(),
  });
  return found ?? made;
}

export const cloneCommands = [
  command({
    path: 'guest clone',
    summary: 'make a guest from the disk of another, which may run on meanwhile',
    parameters: [guest, { name: 'name' }],
    flags: {
      linked: {
        type: 'flag',
        summary: 'share the disk as it is: at once, and small; of a stopped guest or a template',
      },
      full: { type: 'flag', summary: 'of a template: with a disk of its own' },
      snapshot: { type: 'text', placeholder: 'snapshot', summary: 'as it was at that snapshot, instead of now' },
      datastore: { type: 'text', names: 'datastore', summary: 'where its disk is kept (where that of the guest is)' },
      ...settingFlags,
      'cloud-init': {
        type: 'text',
        placeholder: 'file',
        summary: 'user data for cloud-init, instead of that of the guest',
      },
      start: { type: 'flag', summary: 'start it as well; refused as a whole where no host fits' },
      wait: waitFlag,
      timeout: timeoutFlag,
    },
    examples: ['guest clone web web2 --start --wait', 'guest clone web try --snapshot before-upgrade'],
    run: async (session, { parameters, flags }) => {
      const cloudInit = readCloudInit(session, flags['cloud-init']);
      const linked = flags.linked || (flags.full ? false : undefined);
      let row: Guest = await session.api.call('guest.clone', {
        params: { guest: parameters.guest },
        body: {
          name: parameters.name,
          start: flags.start,
          ...settingsOf(flags),
          ...given({ linked, snapshot: flags.snapshot, datastore: flags.datastore, cloudInit }),
        },
      });
      if (flags.wait) row = await waitForClone(session, row, flags.timeout ?? cloneMs);
      session.printDone(guestView, row, `Guest ${row.name} is ${row.state === 'cloning' ? 'being made' : row.state}.`);
      return 'done';
    },
  }),
  command({
    path: 'guest template',
    summary: 'let a stopped guest be a template, from which guests are made and which does not run',
    parameters: [guest],
    flags: { undo: { type: 'flag', summary: 'let it be a guest again' } },
    examples: ['guest template web', 'guest create web3 --template web --start'],
    run: async (session, { parameters, flags }) => {
      const route = flags.undo ? 'guest.undo-template' : 'guest.make-template';
      const row = await session.api.call(route, { params: parameters });
      session.printDone(guestView, row, `${row.name} is ${row.isTemplate ? 'a template' : 'a guest again'}.`);
      return 'done';
    },
  }),
];
