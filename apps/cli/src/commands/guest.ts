import type { GuestView as Guest } from '@argosy/contracts/responses';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { restartPriorities, type GuestProbe } from '@argosy/domain/entities';
import { command, given, type Flag, type FlagValues } from '../command';
import { Failure, usageFailure } from '../failure';
import { placementView } from '../output/history-views';
import { guestView } from '../output/inventory-views';
import { onlyPool } from '../resolve';
import type { Session } from '../session';
import { defaultLimit, limitFlag, timeoutFlag, waitFlag, watchFlag } from './common-flags';
import { powerCommands, waitForGuest } from './guest-power';

const guest = { name: 'guest', names: 'guest' } as const;
const startMs = 60_000;

const settingFlags = {
  vcpus: { type: 'count', summary: 'virtual processors' },
  memory: { type: 'memory', summary: 'memory' },
  'cpu-reservation': { type: 'cpu', summary: 'what it is always given' },
  'cpu-limit': { type: 'cpuLimit', summary: 'what it is never given more of' },
  'cpu-shares': { type: 'count', summary: 'its weight where processors are scarce (1000 is usual)' },
  priority: { type: 'text', choices: restartPriorities, summary: 'its turn when a host is lost' },
  probe: {
    type: 'text',
    placeholder: 'probe',
    summary: 'how it is seen to serve: tcp:5432, http:80/health=200, or none (its heartbeat)',
  },
} as const satisfies Record<string, Flag>;

/** tcp:PORT, http:PORT/PATH or http:PORT/PATH=STATUS. */
function probeOf(text: string | undefined): GuestProbe | null | undefined {
  if (text === undefined || text === 'none') return text === 'none' ? null : undefined;
  const [, kind, port, path = '/', status = '200'] = /^(tcp|http):(\d+)(\/[^=]*)?(?:=(\d{3}))?$/.exec(text) ?? [];
  if (kind !== 'tcp' && kind !== 'http')
    throw usageFailure(
      `${JSON.stringify(text)} is no probe.`,
      'Give tcp:5432, http:80/health, http:80/health=204 or none.',
    );
  return { kind, port: Number(port), path, status: Number(status) };
}

function settingsOf(flags: FlagValues<typeof settingFlags>) {
  return given({
    vcpus: flags.vcpus,
    memoryMiB: flags.memory,
    cpuReservationMillicores: flags['cpu-reservation'],
    cpuLimitMillicores: flags['cpu-limit'],
    cpuShares: flags['cpu-shares'],
    restartPriority: flags.priority,
    probe: probeOf(flags.probe),
  });
}

function readCloudInit(session: Session, file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    const text = readFileSync(resolve(session.io.currentFolder, file), 'utf8');
    if (text.trimStart().startsWith('#')) return text;
    throw usageFailure(`${file} is no cloud-init user data: its first line must be like #cloud-config or #!/bin/sh.`);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure('no-file', `${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}

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
    summary: 'show a guest',
    parameters: [guest],
    run: async (session, { parameters }) => {
      await session.printRow(guestView, await session.api.call('guest.get', { params: parameters }));
      return 'done';
    },
  }),
  command({
    path: 'guest create',
    summary: 'create a guest of an image',
    parameters: [{ name: 'name' }],
    flags: {
      image: { type: 'text', names: 'image', required: true, summary: 'what it boots' },
      pool: { type: 'text', names: 'pool', summary: 'where (the only pool, if there is one)' },
      ...settingFlags,
      disk: { type: 'memory', summary: "its own disk's size" },
      datastore: { type: 'text', names: 'datastore', summary: 'where its disk is kept (where its image is)' },
      'cloud-init': { type: 'text', placeholder: 'file', summary: 'user data for cloud-init' },
      start: { type: 'flag', summary: 'start it as well; refused as a whole where no host fits' },
      wait: waitFlag,
      timeout: timeoutFlag,
    },
    examples: [
      'guest create web --image tiny --memory 64M --start --wait',
      'guest create db --image debian --memory 1G --cloud-init user-data.yaml --start',
    ],
    run: async (session, { parameters, flags }) => {
      const cloudInit = readCloudInit(session, flags['cloud-init']);
      const pool = await onlyPool(session.api, flags.pool);
      const start = flags.start || flags.wait;
      const body = {
        name: parameters.name,
        pool,
        image: flags.image,
        start,
        ...settingsOf(flags),
        ...given({ diskMiB: flags.disk, datastore: flags.datastore, cloudInit }),
      };
      let row: Guest = await session.api.call('guest.create', { body });
      if (flags.wait)
        row = await waitForGuest(session, { guest: row, until: 'running', deadlineMs: flags.timeout ?? startMs });
      session.printDone(
        guestView,
        row,
        `Guest ${row.name} is made${start ? ` and is ${row.state}` : `; start it: argosy guest start ${row.name}`}${start ? '.' : ''}`,
      );
      return 'done';
    },
  }),
  command({
    path: 'guest set',
    summary: "change a guest's settings; memory and vcpus while it is stopped",
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
  ...powerCommands,
];
