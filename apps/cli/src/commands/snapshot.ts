import type { Snapshot } from '@argosy/domain/storage';
import { command } from '../command';
import { Failure } from '../failure';
import { guestView, snapshotView } from '../output/inventory-views';
import type { Session } from '../session';
import { timeoutFlag, waitFlag } from './common-flags';

const guest = { name: 'guest', names: 'guest' } as const;
const snapshotMs = 600_000;

function snapshots(session: Session, guestName: string): Promise<Snapshot[]> {
  return session.api.list('snapshot.list', { params: { guest: guestName } });
}

/** One that could not be taken is not there any more. */
function waitForSnapshot(
  session: Session,
  { guestName, row }: { guestName: string; row: Snapshot },
  deadlineMs: number,
) {
  return session.wait({
    what: `snapshot ${row.name} of ${guestName}`,
    deadlineMs,
    read: async () => (await snapshots(session, guestName)).find(({ id }) => id === row.id),
    isDone: (found) =>
      found === undefined
        ? new Failure('failed', `Snapshot ${row.name} was not taken; see argosy event list --subject ${guestName}.`)
        : found.state === 'ready',
    describe: (found) => found?.state ?? 'gone',
  });
}

export const snapshotCommands = [
  command({
    path: 'snapshot take',
    summary: 'keep a guest as it is now: its disk and, if it runs, its memory; it runs on',
    parameters: [guest, { name: 'name' }],
    flags: {
      'no-memory': { type: 'flag', summary: 'the disk alone, as after a power cut' },
      wait: waitFlag,
      timeout: timeoutFlag,
    },
    examples: ['snapshot take web before-upgrade --wait'],
    run: async (session, { parameters, flags }) => {
      let row: Snapshot = await session.api.call('snapshot.take', {
        params: { guest: parameters.guest },
        body: { name: parameters.name, memory: !flags['no-memory'] },
      });
      if (flags.wait) {
        const waited = { guestName: parameters.guest, row };
        row = (await waitForSnapshot(session, waited, flags.timeout ?? snapshotMs)) ?? row;
      }
      const stood = row.pauseMs === null ? '' : ` The guest stood still for ${row.pauseMs} ms.`;
      session.printDone(
        snapshotView,
        row,
        `Snapshot ${row.name} is ${row.state === 'ready' ? 'taken' : 'being taken'}.${stood}`,
      );
      return 'done';
    },
  }),
  command({
    path: 'snapshot list',
    summary: "list a guest's snapshots, newest first",
    parameters: [guest],
    run: async (session, { parameters }) => {
      await session.printRows(snapshotView, await snapshots(session, parameters.guest));
      return 'done';
    },
  }),
  command({
    path: 'snapshot revert',
    summary: 'take a stopped guest back to a snapshot; start it, and it goes on from there',
    parameters: [guest, { name: 'snapshot' }],
    run: async (session, { parameters }) => {
      const { guest: name, snapshot } = parameters;
      await session.confirm(name, `take guest ${name} back to ${snapshot}: what it wrote since is lost`);
      const row = await session.api.call('snapshot.revert', { params: parameters });
      session.printDone(guestView, row, `Guest ${row.name} goes back to ${snapshot}; then start it.`);
      return 'done';
    },
  }),
  command({
    path: 'snapshot delete',
    summary: 'delete a snapshot; the guest stays as it is',
    parameters: [guest, { name: 'snapshot' }],
    run: async (session, { parameters }) => {
      const { guest: name, snapshot } = parameters;
      await session.confirm(snapshot, `delete snapshot ${snapshot} of guest ${name}`);
      await session.api.call('snapshot.remove', { params: parameters });
      session.printGone('snapshot', snapshot, `Snapshot ${snapshot} is removed.`);
      return 'done';
    },
  }),
];
