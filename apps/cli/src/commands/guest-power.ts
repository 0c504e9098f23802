import type { GuestView as Guest } from '@argosy/contracts/responses';
import { command, type Command } from '../command';
import { Failure } from '../failure';
import { guestView } from '../output/inventory-views';
import type { Session } from '../session';
import { timeoutFlag, waitFlag } from './common-flags';

type Settled = 'running' | 'stopped' | 'paused' | 'suspended';

export interface GuestWait {
  readonly guest: Guest;
  readonly until: Settled;
  readonly deadlineMs: number;
  /** A restart has happened only when the guest runs under a later epoch. */
  readonly afterEpoch?: number | undefined;
}

function verdict({ until, afterEpoch = -1 }: GuestWait, now: Guest): boolean | Failure {
  const reason = now.stateReason === '' ? '' : `: ${now.stateReason.replace(/\.$/, '')}`;
  if (now.state === 'failed' && until !== 'stopped') return new Failure('failed', `${now.name} has failed${reason}.`);
  if (now.desired !== until)
    return new Failure('failed', `${now.name} is no longer wanted ${until}: somebody asked for ${now.desired}.`);
  return now.state === until && now.epoch > afterEpoch;
}

export function waitForGuest(session: Session, wanted: GuestWait): Promise<Guest> {
  const { guest, until, deadlineMs } = wanted;
  return session.wait({
    what: `${guest.name} to be ${until}`,
    deadlineMs,
    read: () => session.api.call('guest.get', { params: { guest: guest.id } }),
    isDone: (row) => verdict(wanted, row),
    describe: ({ state, stateReason }) => `it is ${state}. ${stateReason}`.trim(),
  });
}

interface PowerCommand {
  readonly verb: 'start' | 'stop' | 'restart' | 'pause' | 'resume' | 'suspend';
  readonly summary: string;
  readonly until: Settled;
  readonly deadlineMs: number;
}

const verbs: readonly PowerCommand[] = [
  { verb: 'start', summary: 'start guests', until: 'running', deadlineMs: 60_000 },
  {
    verb: 'stop',
    summary: 'stop guests in order, or with --force by pulling the plug',
    until: 'stopped',
    deadlineMs: 60_000,
  },
  { verb: 'restart', summary: 'stop guests and start them again', until: 'running', deadlineMs: 120_000 },
  { verb: 'pause', summary: 'pause running guests', until: 'paused', deadlineMs: 30_000 },
  {
    verb: 'suspend',
    summary: 'write the memory of guests to a file and free their place; a start goes on from there',
    until: 'suspended',
    deadlineMs: 600_000,
  },
  { verb: 'resume', summary: 'let paused or suspended guests run on', until: 'running', deadlineMs: 30_000 },
];

function ask(session: Session, verb: PowerCommand['verb'], guest: string, force: boolean): Promise<Guest> {
  const params = { guest };
  return verb === 'stop'
    ? session.api.call('guest.stop', { params, body: { force } })
    : session.api.call(`guest.${verb}`, { params });
}

function powerCommand({ verb, summary, until, deadlineMs }: PowerCommand): Command {
  const forceFlag = { type: 'flag', short: 'f', summary: 'pull the plug: what is not on its disk is lost' } as const;
  return command({
    path: `guest ${verb}`,
    summary,
    parameters: [{ name: 'guest', names: 'guest', many: true }],
    flags: { wait: waitFlag, timeout: timeoutFlag, ...(verb === 'stop' ? { force: forceFlag } : {}) },
    run: async (session, { parameters, flags }) => {
      const force = 'force' in flags && flags.force === true;
      const asked: { readonly row: Guest; readonly afterEpoch: number | undefined }[] = [];
      for (const name of parameters.guest) {
        if (force) await session.confirm(name, `pull the plug of guest ${name}`);
        const before =
          verb === 'restart' ? await session.api.call('guest.get', { params: { guest: name } }) : undefined;
        asked.push({ row: await ask(session, verb, name, force), afterEpoch: before?.epoch });
      }
      for (const { row, afterEpoch } of asked) {
        const now = flags.wait
          ? await waitForGuest(session, { guest: row, until, deadlineMs: flags.timeout ?? deadlineMs, afterEpoch })
          : row;
        const goes =
          now.state === until && (flags.wait || verb !== 'restart')
            ? `is ${until}`
            : `is ${now.state} and will be ${until}`;
        session.printDone(guestView, now, `Guest ${now.name} ${goes}.`);
      }
      return 'done';
    },
  });
}

export const powerCommands = verbs.map(powerCommand);
