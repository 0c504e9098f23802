import type { Host } from '@argosy/domain/entities';
import { command, given } from '../command';
import { Failure, usageFailure } from '../failure';
import { fieldLines, plain } from '../output/table';
import { guestsOn, hostView } from '../output/inventory-views';
import type { Session } from '../session';
import type { RouteResponse } from '@argosy/contracts/routes';
import { timeoutFlag, waitFlag, watchFlag } from './common-flags';

const host = { name: 'host', names: 'host' } as const;
const evacuationMs = 600_000;
const fenceMs = 30_000;

function waitForHost(
  session: Session,
  wanted: {
    readonly name: string;
    readonly what: string;
    readonly deadlineMs: number;
    readonly isDone: (row: Host) => boolean | Failure;
  },
): Promise<Host> {
  return session.wait({
    what: wanted.what,
    deadlineMs: wanted.deadlineMs,
    read: () => session.api.call('host.get', { params: { host: wanted.name } }),
    isDone: wanted.isDone,
    describe: ({ state, maintenance, stateReason }) =>
      `it is ${state}, maintenance ${maintenance}. ${stateReason}`.trim(),
  });
}

async function enterMaintenance(
  session: Session,
  name: string,
  wait: { readonly wanted: boolean; readonly deadlineMs: number },
): Promise<void> {
  let row: Host = await session.api.call('host.enter-maintenance', { params: { host: name } });
  if (wait.wanted) {
    row = await waitForHost(session, {
      name,
      what: `${row.name} to be empty`,
      deadlineMs: wait.deadlineMs,
      isDone: ({ maintenance }) =>
        maintenance === 'none' ? new Failure('failed', `Maintenance of ${name} was called off.`) : maintenance === 'in',
    });
  }
  const isIn = row.maintenance === 'in';
  session.printDone(
    hostView,
    row,
    isIn
      ? `Host ${row.name} is in maintenance: it has no guests and gets none.`
      : `Host ${row.name} is being evacuated.`,
  );
}

async function enterStandby(
  session: Session,
  name: string,
  wait: { readonly wanted: boolean; readonly deadlineMs: number },
): Promise<void> {
  let row: Host = await session.api.call('host.enter-standby', { params: { host: name } });
  if (wait.wanted) {
    row = await waitForHost(session, {
      name,
      what: `${row.name} to be off`,
      deadlineMs: wait.deadlineMs,
      isDone: ({ standby }) =>
        standby === 'none' ? new Failure('failed', `${name} stays on: see argosy events.`) : standby === 'in',
    });
  }
  const isOff = row.standby === 'in';
  session.printDone(
    hostView,
    row,
    isOff ? `Host ${row.name} is off to save power.` : `Host ${row.name} is emptied, and then switched off.`,
  );
}

function quarantineLifted(quarantined: boolean | undefined): false | undefined {
  if (quarantined === true)
    throw usageFailure(
      'A host is put into quarantine by its failures; it can only be let out.',
      'Give --quarantined false, or keep guests off it with "argosy host maintenance enter".',
    );
  return quarantined;
}

function printCapabilities(session: Session, answer: RouteResponse<'host.capabilities'>): void {
  const { hostName, drivers } = answer;
  session.print(
    session.paint(
      `${hostName}: ${drivers.length === 0 ? 'no VMM driver has reported yet' : drivers.map(({ driver }) => driver).join(', ')}`,
      'bold',
    ),
  );
  for (const driver of drivers) {
    const fields: [string, string][] = [
      ['VMM', `${driver.driver} ${driver.version}`],
      ['ACCELERATOR', `${driver.accelerator}: ${driver.acceleratorReason}`],
      ['MACHINE', `${driver.machineType}, processor ${driver.cpuModel}`],
      ['ARCHITECTURES', driver.guestArchitectures.join(', ')],
      ['LIVE MIGRATION', driver.liveMigration ? `yes, ${driver.postCopy ? 'with' : 'without'} post-copy` : 'no'],
      ...driver.facts.map(({ name, value, reason }): [string, string] => [
        name.toUpperCase(),
        reason === '' ? value : `${value}: ${reason}`,
      ]),
    ];
    session.print('');
    fieldLines(
      fields.map(([title, text]) => [title, { text: plain(text) }] as const),
      session.useColour,
    ).forEach((line) => session.print(line));
  }
}

export const hostCommands = [
  command({
    path: 'host list',
    summary: 'list the hosts, with their state and load',
    flags: { pool: { type: 'text', names: 'pool', summary: 'of one pool' }, watch: watchFlag },
    run: async (session, { flags }) => {
      const read = () => session.api.list('host.list', { query: given({ pool: flags.pool }) });
      if (flags.watch) return session.watch(hostView, ['host'], read);
      await session.printRows(hostView, await read());
      return 'done';
    },
  }),
  command({
    path: 'host show',
    summary: 'show a host',
    parameters: [host],
    run: async (session, { parameters }) => {
      const row = await session.api.call('host.get', { params: parameters });
      await session.printRow(hostView, row);
      if (!session.isForPeople) return 'done';
      const names = guestsOn(row.id, await session.lookup(['guest'])).map(({ name }) => name);
      session.print(`\n${names.length === 0 ? 'No guests.' : `Guests: ${names.join(', ')}`}`);
      return 'done';
    },
  }),
  command({
    path: 'host capabilities',
    summary: 'say what a host can run, on what, and why',
    parameters: [host],
    run: async (session, { parameters }) => {
      const answer = await session.api.call('host.capabilities', { params: parameters });
      if (session.isForPeople) printCapabilities(session, answer);
      else if (session.format === 'name') session.print(`host/${answer.hostName}`);
      else session.printValue(answer);
      return 'done';
    },
  }),
  command({
    path: 'host set',
    summary: "change a host's settings",
    parameters: [host],
    flags: {
      'failure-domain': { type: 'text', summary: 'what fails as one with others, like rack-1; none: the host alone' },
      degraded: {
        type: 'text',
        placeholder: 'reason',
        summary: 'it is ailing: empty it before it fails; none: it is well again',
      },
      quarantined: { type: 'truth', summary: 'false: it may have guests again' },
      'failover-only': { type: 'truth', summary: 'keep it for guests that lost their host' },
    },
    examples: ['host set h1 --failure-domain rack-1'],
    run: async (session, { parameters, flags }) => {
      const domain = flags['failure-domain'];
      const body = given({
        failureDomain: domain === 'none' ? null : domain,
        failoverOnly: flags['failover-only'],
        degraded: flags.degraded === 'none' ? null : flags.degraded,
        quarantined: quarantineLifted(flags.quarantined),
      });
      if (Object.keys(body).length === 0)
        throw usageFailure('Nothing to change was given.', 'See "argosy host set --help".');
      const row = await session.api.call('host.update', { params: parameters, body });
      session.printDone(hostView, row, `Host ${row.name} is changed.`);
      return 'done';
    },
  }),
  command({
    path: 'host maintenance enter',
    summary: 'move all guests off a host and keep them off',
    parameters: [host],
    flags: { wait: waitFlag, timeout: timeoutFlag },
    run: async (session, { parameters, flags }) => {
      await enterMaintenance(session, parameters.host, {
        wanted: flags.wait,
        deadlineMs: flags.timeout ?? evacuationMs,
      });
      return 'done';
    },
  }),
  command({
    path: 'host maintenance exit',
    summary: 'let guests onto a host again',
    parameters: [host],
    run: async (session, { parameters }) => {
      const row = await session.api.call('host.exit-maintenance', { params: parameters });
      session.printDone(hostView, row, `Host ${row.name} takes guests again.`);
      return 'done';
    },
  }),
  command({
    path: 'host standby enter',
    summary: 'move all guests off a host and switch it off, to save power',
    parameters: [host],
    flags: { wait: waitFlag, timeout: timeoutFlag },
    run: async (session, { parameters, flags }) => {
      await enterStandby(session, parameters.host, {
        wanted: flags.wait,
        deadlineMs: flags.timeout ?? evacuationMs,
      });
      return 'done';
    },
  }),
  command({
    path: 'host standby exit',
    summary: 'switch a host on again that is off to save power',
    parameters: [host],
    run: async (session, { parameters }) => {
      const row = await session.api.call('host.exit-standby', { params: parameters });
      const isOn = row.standby === 'none';
      session.printDone(hostView, row, `Host ${row.name} ${isOn ? 'stays on' : 'is switched on'}.`);
      return 'done';
    },
  }),
  command({
    path: 'host fence',
    summary: "cut a host's power, and prove it",
    parameters: [host],
    flags: { wait: waitFlag, timeout: timeoutFlag },
    run: async (session, { parameters, flags }) => {
      await session.confirm(parameters.host, `cut the power of host ${parameters.host} under its guests`);
      let row: Host = await session.api.call('host.fence', { params: parameters });
      if (flags.wait) {
        const name = row.name;
        row = await waitForHost(session, {
          name,
          what: `${name} to be fenced`,
          deadlineMs: flags.timeout ?? fenceMs,
          isDone: ({ state, stateReason }) =>
            state === 'failed'
              ? new Failure('fence-failed', `The fence of ${name} failed: ${stateReason || 'no reason was given'}.`)
              : state === 'fenced',
        });
      }
      session.printDone(
        hostView,
        row,
        row.state === 'fenced'
          ? `Host ${row.name} is fenced: its power is proved cut.`
          : `Host ${row.name} is being fenced.`,
      );
      return 'done';
    },
  }),
  command({
    path: 'host delete',
    summary: 'forget a host that has no guests',
    parameters: [host],
    run: async (session, { parameters }) => {
      await session.confirm(parameters.host, `forget host ${parameters.host}`);
      await session.api.call('host.remove', { params: parameters });
      session.printGone('host', parameters.host, `Host ${parameters.host} is forgotten.`);
      return 'done';
    },
  }),
];
