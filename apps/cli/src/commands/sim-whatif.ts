import type { Pool } from '@argosy/domain/entities';
import type { Change } from '@argosy/domain/simulation';
import type { Premises } from '@argosy/simulator/what-if';
import { command, given, type FlagValues } from '../command';
import { Failure, usageFailure } from '../failure';
import { exactTime } from '../output/units';
import { whatIfLines } from '../output/what-if-report';
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
  at: { type: 'instant', summary: 'the fleet as it was at that time, with the loads of then (now)' },
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

async function premisesNow(session: Session, pool: string): Promise<Premises> {
  const { api } = session;
  const [pools, hosts, guests, rules, storage, usage] = await Promise.all([
    api.list('pool.list'),
    api.list('host.list'),
    api.list('guest.list'),
    api.list('rule.list'),
    storageOf(session),
    api.list('usage.list'),
  ]);
  const { demandHeard, factsOfPool } = await import('@argosy/simulator/facts');
  const rows = { pools, hosts, rules, guests: guests.map(({ cloudInitBytes: _, ...guest }) => guest) };
  const facts = factsOfPool({ ...rows, ...storage }, idOf(pools, pool));
  return { facts, demand: demandHeard(usage), notes: [] };
}

/** As it was then, as far as it was kept. */
async function premisesAt(session: Session, pool: string, at: number): Promise<Premises> {
  const { api } = session;
  const [moment, placements, storage] = await Promise.all([
    api.call('moment.get', { query: { at: String(at) } }),
    api.list('placement.list', { query: { at } }),
    storageOf(session),
  ]);
  const { premisesThen } = await import('@argosy/simulator/facts');
  const premises = premisesThen({ moment, placements, storage }, idOf(moment.pools, pool), exactTime);
  if (premises.facts.pools.length === 0)
    throw new Failure('unknown-pool', `There was no pool ${pool} at ${exactTime(at)}. Give a later --at.`);
  return premises;
}

async function storageOf({ api }: Session): Promise<Pick<Premises['facts'], 'images' | 'datastores'>> {
  const [images, datastores] = await Promise.all([api.list('image.list'), api.list('datastore.list')]);
  return { images, datastores };
}

function idOf(pools: readonly Pool[], reference: string): string {
  return pools.find(({ id, name }) => id === reference || name === reference)?.id ?? '';
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
    const pool = await onlyPool(session.api, flags.pool);
    const premises =
      flags.at === undefined ? await premisesNow(session, pool) : await premisesAt(session, pool, flags.at);
    if (premises.facts.hosts.length === 0)
      throw new Failure('unknown-host', 'The pool has no host: there is nothing to simulate.');
    const answer = whatIf(premises, { changes, forMs: flags.for ?? 300_000 });
    if (!answer.ok) throw new Failure(answer.refusal.code, answer.refusal.message);
    if (session.format === 'json' || session.format === 'yaml') session.printValue(answer.value);
    else
      whatIfLines(answer.value, { showLog: flags.log, useColour: session.useColour }).forEach((line) =>
        session.print(line),
      );
    return answer.value.guests.some(({ fate }) => fate === 'down') ? 'missed' : 'done';
  },
});
