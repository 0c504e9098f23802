import { command } from '../command';
import { Failure } from '../failure';
import {
  findLabDomain,
  findLabHost,
  powerRequest,
  readLab,
  someNames,
  type LabHost,
  type PowerAnswer,
} from '../power-client';
import { fieldLines, tableLines, type Cell } from '../output/table';
import { age, nothing } from '../output/units';
import type { Session } from '../session';

const operations = ['status', 'on', 'off', 'reset'] as const;

interface Switched {
  readonly host: string;
  readonly answer: PowerAnswer;
}

async function ask(hosts: readonly LabHost[], op: string): Promise<Switched[]> {
  return Promise.all(
    hosts.map(async (host) => {
      try {
        return { host: host.host, answer: await powerRequest(host, op) };
      } catch (error) {
        if (op !== 'status' || !(error instanceof Failure)) throw error;
        return { host: host.host, answer: { ok: false as const, code: error.code, message: error.message } };
      }
    }),
  );
}

function powerCells({ host, answer }: Switched): Cell[] {
  if (!answer.ok)
    return [
      { text: host },
      { text: 'unknown', colour: 'red' },
      { text: nothing },
      { text: nothing },
      { text: answer.message },
    ];
  const text = (field: string): Cell => ({
    text: typeof answer[field] === 'number' || typeof answer[field] === 'string' ? String(answer[field]) : nothing,
  });
  const power = String(answer.power ?? 'unknown');
  return [
    { text: host },
    { text: power, colour: power === 'on' ? 'green' : 'dim' },
    text('processes'),
    text('incarnation'),
    { text: '' },
  ];
}

function printPower(session: Session, switched: readonly Switched[]): void {
  if (session.format === 'name') return switched.forEach(({ host }) => session.print(`host/${host}`));
  if (!session.isForPeople) return session.printValue(switched.map(({ host, answer }) => ({ host, ...answer })));
  const titles = ['HOST', 'POWER', 'PROCESSES', 'INCARNATION', 'REMARK'];
  tableLines(switched.map(powerCells), {
    titles,
    useColour: session.useColour,
    headers: !session.flags['no-headers'],
  }).forEach((line) => session.print(line));
}

function printSwitched(session: Session, { host, answer }: Switched, op: string): void {
  if (!answer.ok)
    throw new Failure(
      'power-refused',
      `The power switch of ${host} refused "${op}" (${answer.code}): ${answer.message}.`,
    );
  if (!session.isForPeople) return printPower(session, [{ host, answer }]);
  const confirmed = typeof answer['confirmedInMs'] !== 'number' ? '' : `, confirmed in ${answer['confirmedInMs']} ms`;
  session.print(`Host ${host} is ${answer.power ?? op}${confirmed}.`);
}

/** As a rack loses its power: all of it in one moment. */
async function switchDomain(
  session: Session,
  hosts: readonly LabHost[],
  { domain, operation }: { readonly domain: string; readonly operation: string },
): Promise<void> {
  if (operation !== 'on')
    await session.confirm(domain, `cut the power of all ${hosts.length} hosts of ${domain} under their guests`);
  const switched = await ask(hosts, operation);
  const refused = switched.find(({ answer }) => !answer.ok);
  if (refused) printSwitched(session, refused, operation);
  if (session.isForPeople)
    session.print(`${hosts.length} hosts of ${domain} are ${operation === 'off' ? 'off' : 'on'}.`);
  else printPower(session, switched);
}

/** More of them are told by those that are not as they should be, and by their number. */
const listedHosts = 50;

async function printAllPower(session: Session, hosts: readonly LabHost[]): Promise<void> {
  const all = await ask(hosts, 'status');
  if (all.length <= listedHosts || !session.isForPeople) return printPower(session, all);
  const others = all.filter(({ answer }) => !(answer.ok && answer.power === 'on'));
  session.print(`${all.length - others.length} of ${all.length} hosts have power.`);
  if (others.length > 0) printPower(session, others.slice(0, listedHosts));
  if (others.length > listedHosts) session.print(`and ${others.length - listedHosts} more without`);
}

export const labCommands = [
  command({
    path: 'lab status',
    summary: 'say what the controller is, who leads, what it depends on, and which hosts have power',
    run: async (session) => {
      const answer = await session.api.call('lab.get');
      if (!session.isForPeople) {
        session.printValue(answer);
        return 'done';
      }
      const { version, controller, startedAt, leader, database, redis, lab } = answer;
      const up = (state: string): Cell => ({ text: state, colour: state === 'up' ? 'green' : 'red' });
      const leads =
        leader === null
          ? { text: 'nobody', colour: 'red' as const }
          : { text: `${leader.holder}, term ${leader.term}, ${leader.url}${leader.held ? '' : ' (run out)'}` };
      fieldLines(
        [
          ['SERVER', { text: session.api.server }],
          ['VERSION', { text: version }],
          ['CONTROLLER', { text: `${controller}, up ${age(session.io.now() - startedAt)}` }],
          ['LEADER', leads],
          ['DATABASE', up(database)],
          ['REDIS', up(redis)],
          ['LAB', { text: lab === null ? 'none' : lab.folder }],
        ],
        session.useColour,
      ).forEach((line) => session.print(line));
      if (lab === null) return 'done';
      session.print('');
      await printAllPower(session, readLab(session.flags.lab === undefined ? lab.folder : session.labFolder).hosts);
      return 'done';
    },
  }),
  command({
    path: 'lab power',
    aliases: ['host power'],
    summary: "switch a lab host's power, or say which hosts have it; needs no controller",
    parameters: [
      { name: 'operation', choices: operations },
      { name: 'host', names: 'host', many: true, optional: true },
    ],
    flags: {
      'failure-domain': { type: 'text', summary: 'all hosts of this failure domain, at once' },
    },
    examples: [
      'lab power status',
      'lab power off h2 --yes',
      'lab power on h2',
      'lab power off --failure-domain domain-1',
    ],
    run: async (session, { parameters, flags }) => {
      const { operation, host: names } = parameters;
      const { hosts } = readLab(session.labFolder);
      const domain = flags['failure-domain'];
      const chosen =
        domain === undefined ? names.map((name) => findLabHost(hosts, name)) : findLabDomain(hosts, domain);
      if (domain !== undefined && names.length > 0)
        throw new Failure('usage', 'Name hosts, or a failure domain, and not both.');
      if (operation === 'status') {
        printPower(session, await ask(chosen.length === 0 ? hosts : chosen, 'status'));
        return 'done';
      }
      if (chosen.length === 0)
        throw new Failure('usage', `Say which host: argosy lab power ${operation} <host>.`, {
          advice: `The lab has ${someNames(hosts)}.`,
        });
      if (domain !== undefined) {
        await switchDomain(session, chosen, { domain, operation });
        return 'done';
      }
      for (const host of chosen) {
        if (operation !== 'on') await session.confirm(host.host, `cut the power of host ${host.host} under its guests`);
        for (const switched of await ask([host], operation)) printSwitched(session, switched, operation);
      }
      return 'done';
    },
  }),
];
