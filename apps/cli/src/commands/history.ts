import { eventSeverities, subjectKinds } from '@argosy/domain/entities';
import { auditOutcomes } from '@argosy/domain/access';
import { command, given } from '../command';
import { alarmView, auditView, eventView, placementView, taskView } from '../output/history-views';
import { resolveId } from '../resolve';
import { defaultLimit, limitFlag, watchFlag } from './common-flags';

const severityFlag = { type: 'text', choices: eventSeverities, summary: 'this one and graver ones' } as const;

export const historyCommands = [
  command({
    path: 'event list',
    summary: 'list what happened, newest first; with --follow, as it happens',
    flags: {
      subject: { type: 'text', placeholder: 'name', summary: 'about one guest, host, pool …' },
      kind: { type: 'text', choices: subjectKinds, summary: 'about things of one kind' },
      code: { type: 'text', summary: 'of one code, like guest-restarted' },
      severity: severityFlag,
      since: { type: 'instant', summary: 'from then on' },
      until: { type: 'instant', summary: 'up to then' },
      limit: limitFlag,
      follow: { type: 'flag', short: 'f', summary: 'go on, oldest first' },
      watch: watchFlag,
    },
    examples: ['event list --since -1h --severity warning', 'event list --subject web --follow'],
    run: async (session, { flags }) => {
      const { kind, subject, code, severity, since, until } = flags;
      const query = given({ subjectKind: kind, subject, code, severity, since, until });
      const read = () => session.api.list('event.list', { query, limit: flags.limit ?? defaultLimit });
      // A record in the stream has no number yet, and no filter: the list says what is new.
      if (flags.follow || flags.watch) return session.watch(eventView, ['event'], async () => (await read()).reverse());
      await session.printRows(eventView, await read());
      return 'done';
    },
  }),
  command({
    path: 'audit list',
    summary: 'list who did what over the API, and who was denied, newest first',
    flags: {
      actor: { type: 'text', placeholder: 'user', summary: 'by one user, or a host: "host h1"' },
      route: { type: 'text', summary: 'of one route, like guest.stop' },
      outcome: { type: 'text', choices: auditOutcomes, summary: 'what came out like this' },
      since: { type: 'instant', summary: 'from then on' },
      until: { type: 'instant', summary: 'up to then' },
      limit: limitFlag,
    },
    examples: ['audit list --actor olga --since -1d', 'audit list --outcome denied'],
    run: async (session, { flags }) => {
      const { actor, route, outcome, since, until } = flags;
      const query = given({ actor, route, outcome, since, until });
      await session.printRows(
        auditView,
        await session.api.list('audit.list', { query, limit: flags.limit ?? defaultLimit }),
      );
      return 'done';
    },
  }),
  command({
    path: 'task list',
    summary: 'list the tasks, newest first',
    flags: { active: { type: 'flag', summary: 'under way only' }, limit: limitFlag, watch: watchFlag },
    run: async (session, { flags }) => {
      const query = given({ active: flags.active ? 'true' : undefined });
      const read = () => session.api.list('task.list', { query, limit: flags.limit ?? defaultLimit });
      if (flags.watch) return session.watch(taskView, ['task'], read);
      await session.printRows(taskView, await read());
      return 'done';
    },
  }),
  command({
    path: 'task show',
    summary: 'show a task',
    parameters: [{ name: 'task' }],
    run: async (session, { parameters }) => {
      const id = await resolveId(session.api, 'task', parameters.task);
      await session.printRow(taskView, await session.api.call('task.get', { params: { id } }));
      return 'done';
    },
  }),
  command({
    path: 'alarm list',
    summary: 'list what needs attention; with --all, what is over too',
    flags: { all: { type: 'flag', summary: 'cleared ones too' }, limit: limitFlag, watch: watchFlag },
    run: async (session, { flags }) => {
      const query = given({ open: flags.all ? undefined : 'true' });
      const read = () => session.api.list('alarm.list', { query, limit: flags.limit ?? defaultLimit });
      if (flags.watch) return session.watch(alarmView, ['alarm'], read);
      await session.printRows(alarmView, await read());
      return 'done';
    },
  }),
  command({
    path: 'alarm acknowledge',
    summary: 'say that an alarm of something that has happened (record-behind, term-behind) was seen',
    parameters: [{ name: 'alarm' }],
    run: async (session, { parameters }) => {
      const row = await session.api.call('alarm.acknowledge', { params: { id: parameters.alarm } });
      session.printDone(alarmView, row, `Alarm ${row.code} is acknowledged.`);
      return 'done';
    },
  }),
  command({
    path: 'placement list',
    summary: 'say where every guest was at a time, or is now',
    flags: {
      at: { type: 'instant', summary: 'when (now)' },
      guest: { type: 'text', names: 'guest', summary: 'one guest' },
      host: { type: 'text', names: 'host', summary: 'one host' },
    },
    examples: [
      'placement list --at 14:05',
      'placement list --at -10m --host h2',
      'placement list --at "2026-03-01 14:05"',
    ],
    run: async (session, { flags }) => {
      await session.printRows(
        placementView,
        await session.api.list('placement.list', {
          query: given({ at: flags.at, guest: flags.guest, host: flags.host }),
        }),
      );
      return 'done';
    },
  }),
];
