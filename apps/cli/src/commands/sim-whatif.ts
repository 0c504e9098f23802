import type { Guest } from '@argosy/domain/entities';
import type { Change, Demand, Facts, HostOutlook, WhatIf } from '@argosy/simulator/what-if';
import { command, given, type FlagValues } from '../command';
import { Failure, usageFailure } from '../failure';
import { paint, tableLines } from '../output/table';
import { cpu, duration, memory, nothing, percent } from '../output/units';
import { onlyPool } from '../resolve';
import type { Session } from '../session';
import { valueTypes } from '../values';

const flags = {
  lose: { type: 'texts', names: 'host', placeholder: 'host,…', summary: 'these hosts lose their power' },
  add: { type: 'texts', placeholder: 'name:cpu:memory,…', summary: 'hosts that are bought, like h9:4:16G' },
  empty: { type: 'texts', names: 'host', placeholder: 'host,…', summary: 'these hosts enter maintenance' },
  automation: { type: 'text', choices: ['manual', 'partial', 'full'], summary: 'how far balancing goes by itself' },
  threshold: { type: 'count', summary: 'which recommendations it makes, 1 (few) to 5' },
  for: { type: 'duration', summary: 'how long the fleet is watched (default 5m)' },
  at: { type: 'instant', summary: 'with every guest where it was at that time (now)' },
  pool: { type: 'text', names: 'pool', summary: 'of which pool (the only one, if there is one)' },
  log: { type: 'flag', summary: 'everything that would happen, in its order' },
} as const;
type Flags = FlagValues<typeof flags>;

function addedHost(text: string): Change {
  const [host = '', cpuText = '', memoryText = '', ...more] = text.split(':');
  const cpuMillicores = valueTypes.cpu.parse(cpuText);
  const memoryMiB = valueTypes.memory.parse(memoryText);
  if (host === '' || cpuMillicores === undefined || memoryMiB === undefined || more.length > 0)
    throw usageFailure(`--add takes a name, processors and memory, like h9:4:16G, and not "${text}".`);
  return { kind: 'host-added', host, cpuMillicores, memoryMiB };
}

function changesOf({ lose = [], add = [], empty = [], automation, threshold }: Flags): Change[] {
  const settings = given({ automation, threshold });
  const changes: Change[] = [
    ...add.map(addedHost),
    ...(Object.keys(settings).length === 0 ? [] : [{ kind: 'balance', settings } as const]),
    ...lose.map((host) => ({ kind: 'host-lost', host }) as const),
    ...empty.map((host) => ({ kind: 'maintenance', host }) as const),
  ];
  if (changes.length === 0)
    throw usageFailure(
      'Say what is to be changed: --lose h2, --add h9:4:16G, --empty h1, --automation full or --threshold 5.',
    );
  return changes;
}

async function factsOf(session: Session, flags: Flags): Promise<Facts> {
  const { api } = session;
  const pool = await onlyPool(api, flags.pool);
  const [pools, hosts, guests, images, datastores, rules, placements] = await Promise.all([
    api.list('pool.list'),
    api.list('host.list'),
    api.list('guest.list'),
    api.list('image.list'),
    api.list('datastore.list'),
    api.list('rule.list'),
    flags.at === undefined ? [] : api.list('placement.list', { query: { at: flags.at } }),
  ]);
  const ofPool = <Row extends { readonly poolId: string }>(rows: readonly Row[]): Row[] =>
    rows.filter(({ poolId }) => poolId === pool || pools.find(({ id }) => id === poolId)?.name === pool);
  const whereThen = new Map(placements.map(({ guestId, hostId, epoch }) => [guestId, { hostId, epoch }]));
  const then = (guest: Guest): Guest => {
    if (flags.at === undefined) return guest;
    const placed = whereThen.get(guest.id);
    if (!placed) return { ...guest, state: 'stopped', desired: 'stopped', hostId: null };
    const reservedEpoch = placed.epoch;
    return { ...guest, ...placed, reservedEpoch, state: 'running', desired: 'running', memoryPath: null };
  };
  const there = new Set([...whereThen.values()].map(({ hostId }) => hostId));
  return {
    pools: pools.filter(({ id, name }) => id === pool || name === pool),
    hosts: ofPool(hosts).map((host) => (there.has(host.id) ? { ...host, state: 'online', maintenance: 'none' } : host)),
    guests: ofPool(guests).map(({ cloudInitBytes: _, ...guest }) => then({ ...guest, cloudInit: null })),
    images,
    datastores,
    rules: ofPool(rules),
  };
}

async function demandOf(session: Session): Promise<Map<string, Demand>> {
  const hosts = await session.api.list('usage.list');
  return new Map(
    hosts.flatMap(({ guests }) =>
      guests.flatMap(({ guestId, usage }): [string, Demand][] =>
        usage === null
          ? []
          : [
              [
                guestId,
                { cpuMillicores: usage.cpuDemandMillicores, dirtyBytesPerSecond: usage.dirtyBytesPerSecond ?? 0 },
              ],
            ],
      ),
    ),
  );
}

export const simWhatIfCommand = command({
  path: 'sim whatif',
  summary: 'say what would become of the fleet as it is, if hosts were lost, added or emptied, or balanced otherwise',
  flags,
  examples: [
    'sim whatif --lose h2',
    'sim whatif --lose h2,h3 --at 14:05',
    'sim whatif --add h9:4:16G --threshold 5 --for 1h',
  ],
  run: async (session, { flags }) => {
    const { whatIf } = await import('@argosy/simulator/what-if');
    const changes = changesOf(flags);
    const facts = await factsOf(session, flags);
    if (facts.hosts.length === 0)
      throw new Failure('unknown-host', 'The pool has no host: there is nothing to simulate.');
    const answer = whatIf(facts, await demandOf(session), { changes, forMs: flags.for ?? 300_000 });
    if (!answer.ok) throw new Failure(answer.refusal.code, answer.refusal.message);
    if (session.format === 'json' || session.format === 'yaml') session.printValue(answer.value);
    else print(session, answer.value, flags.log);
    return answer.value.guests.some(({ fate }) => fate === 'down') ? 'missed' : 'done';
  },
});

const fateColour = { moved: 'green', restarted: 'yellow', down: 'red' } as const;

function print(session: Session, { before, after, guests, refused, alarms, log }: WhatIf, showLog: boolean): void {
  const { useColour } = session;
  const lines = [
    ...(showLog ? [...log, ''] : []),
    ...tableLines(hostCells(before, after), {
      titles: ['HOST', 'STATE', 'GUESTS', 'CPU DEMAND', 'MEMORY'],
      right: [false, false, true, true, true],
      useColour,
    }),
    '',
    ...(guests.length === 0
      ? ['Every guest stays where it is.']
      : tableLines(
          guests.map(({ guest, fate, from, to, outageMs, reason }) => [
            { text: guest },
            { text: fate, colour: fateColour[fate] },
            { text: from ?? nothing },
            { text: to ?? nothing },
            { text: fate === 'moved' ? nothing : duration(outageMs) },
            { text: reason },
          ]),
          {
            titles: ['GUEST', 'FATE', 'FROM', 'TO', 'OUTAGE', 'WHY'],
            right: [false, false, false, false, true, false],
            useColour,
          },
        )),
    ...refused.map((message) => paint(`refused: ${message}`, 'red', useColour)),
    ...alarms.map((message) => paint(`alarm: ${message}`, 'yellow', useColour)),
  ];
  for (const line of lines) session.print(line);
}

function hostCells(before: readonly HostOutlook[], after: readonly HostOutlook[]): { text: string }[][] {
  const change = (was: string | undefined, is: string): string =>
    was === undefined || was === is ? is : `${was} → ${is}`;
  return after.map((now) => {
    const then = before.find(({ host }) => host === now.host);
    const share = (each: HostOutlook): string => percent(each.cpuDemandMillicores / each.cpuMillicores);
    return [
      { text: now.host },
      { text: change(then?.state, now.state) },
      { text: change(then && `${then.guests}`, `${now.guests}`) },
      { text: `${change(then && share(then), share(now))} of ${cpu(now.cpuMillicores)}` },
      { text: `${change(then && memory(then.memoryUsedMiB), memory(now.memoryUsedMiB))} of ${memory(now.memoryMiB)}` },
    ];
  });
}
