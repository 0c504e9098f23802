import type { Change } from '@argosy/domain/simulation';
import type { Facts } from '@argosy/simulator/what-if';
import { command, given, type FlagValues } from '../command';
import { Failure, usageFailure } from '../failure';
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
    flags.at === undefined ? null : api.list('placement.list', { query: { at: flags.at } }),
  ]);
  const poolId = pools.find(({ id, name }) => id === pool || name === pool)?.id ?? '';
  const withoutShown = guests.map(({ cloudInitBytes: _, ...guest }) => ({ ...guest, cloudInit: null }));
  const { factsOfPool } = await import('@argosy/simulator/facts');
  return factsOfPool({ pools, hosts, guests: withoutShown, images, datastores, rules }, poolId, placements);
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
    const { demandHeard } = await import('@argosy/simulator/facts');
    const demand = demandHeard(await session.api.list('usage.list'));
    const answer = whatIf(facts, demand, { changes, forMs: flags.for ?? 300_000 });
    if (!answer.ok) throw new Failure(answer.refusal.code, answer.refusal.message);
    if (session.format === 'json' || session.format === 'yaml') session.printValue(answer.value);
    else
      whatIfLines(answer.value, { showLog: flags.log, useColour: session.useColour }).forEach((line) =>
        session.print(line),
      );
    return answer.value.guests.some(({ fate }) => fate === 'down') ? 'missed' : 'done';
  },
});
