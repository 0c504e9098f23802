import { balance, type BalanceOptions } from './balance';
import { rejection } from './checks';
import { beginMove, type Cluster, type RuleFigures } from './cluster';
import { aCluster, aGuest, aHost, seeded } from './testing';
import { moveCost, overloadOf } from './worth';

const alone: BalanceOptions = {
  cpuSafetyShare: 0.85,
  horizonMs: 300_000,
  bandwidthMiBPerSecond: 1000,
  maximumMoves: 200,
};
const searching: BalanceOptions = { ...alone, searchSteps: 20_000 };

const host = (name: string): ReturnType<typeof aHost> => aHost(name, { cpuMillicores: 1000, memoryMiB: 1024 });

/** h1 is asked for 150 millicores too much, h2 has 150 to spare: no guest of h1 is as small, and two change places. */
function exchange(): Cluster {
  const guests = { a: 500, b: 500, c: 300, d: 400 };
  return aCluster(
    [host('h1'), host('h2')],
    Object.entries(guests).map(([name, cpuDemandMillicores], index) =>
      aGuest(name, index < 2 ? 'h1' : 'h2', { cpuDemandMillicores, memoryMiB: 128 }),
    ),
  );
}

test('where no single move brings anything, guests change places, each told with whom', () => {
  expect(balance(exchange(), alone).moves).toEqual([]);
  const cluster = exchange();
  const { moves } = balance(cluster, searching);
  expect(moves.map(({ fromHostId, toHostId }) => `${fromHostId} ${toHostId}`).sort()).toEqual(['h1 h2', 'h2 h1']);
  expect(unmet(cluster)).toBe(50);
  const [one, other] = moves;
  expect(one!.priority).toBe(other!.priority);
  expect(one!.reason).toBe(
    `together with what moves for it (${other!.guestId}), 100 millicores more of the demand are met; by itself it is not worth it`,
  );
  expect(one!.gain + other!.gain).toBeCloseTo(0.1 * 300 * 1000, -4);
  for (const { gain, cost } of moves) expect(gain).toBeGreaterThan(cost);
});

test('nobody changes places when that costs more than it brings', () => {
  const { moves } = balance(exchange(), { ...searching, horizonMs: 100 });
  expect(moves).toEqual([]);
});

test('a guest does not come to a host from which one that it must be apart from has not left yet', () => {
  const at = (name: string, hostId: string, cpuDemandMillicores: number, pinned: boolean): ReturnType<typeof aGuest> =>
    aGuest(name, hostId, { cpuDemandMillicores, pinned, memoryMiB: 128 });
  const guests = [
    ...[at('a', 'h1', 600, false), at('x', 'h1', 400, true)],
    ...[at('b', 'h2', 450, false), at('y', 'h2', 550, true)],
    at('z', 'h3', 200, true),
  ];
  const hosts = [host('h1'), host('h2'), host('h3')];
  const stays = { name: 's', kind: 'must-not-run-on' as const, guestIds: ['b'], hostIds: ['h3'] };
  const movesUnder = (rules: readonly RuleFigures[]): string[] =>
    balance(aCluster(hosts, guests, [stays, ...rules]), searching).moves.map(
      ({ guestId, toHostId }) => `${guestId} ${toHostId}`,
    );
  expect(movesUnder([])).toEqual(['a h3', 'b h1']);
  expect(movesUnder([{ name: 'r', kind: 'apart', guestIds: ['a', 'b'], hostIds: [] }])).toEqual(['a h3']);
});

test('as long as there are single moves that are worth it, nothing else is looked for', () => {
  const guests = Array.from({ length: 12 }, (_, index) => aGuest(`g${index}`, 'h1', { cpuDemandMillicores: 100 }));
  const hosts = [host('h1'), host('h2'), host('h3')];
  const few = { ...alone, maximumMoves: 2 };
  expect(balance(aCluster(hosts, guests), { ...few, searchSteps: 20_000 })).toEqual(
    balance(aCluster(hosts, guests), few),
  );
});

function unmet(cluster: Cluster): number {
  return cluster.hosts.reduce((sum, _, index) => sum + overloadOf(cluster, index, alone), 0);
}

/** Full enough that something is unmet, under rules. */
function crowded(seed: number): Cluster {
  const random = seeded(seed);
  const upTo = (limit: number): number => Math.floor(random() * limit);
  const hosts = Array.from({ length: 5 }, (_, number) => aHost(`h${number}`, { cpuMillicores: 2000, memoryMiB: 1000 }));
  const guests = Array.from({ length: 25 }, (_, number) =>
    aGuest(`g${number}`, `h${number % 5}`, {
      memoryMiB: 50 + 10 * upTo(10),
      cpuDemandMillicores: 50 + upTo(500),
      pinned: upTo(12) === 0,
    }),
  );
  const pick = (): string[] => [...new Set([0, 1, 2].map(() => `g${upTo(25)}`))];
  const rule = (kind: 'apart' | 'together' | 'should-run-on' | 'must-not-run-on') => ({
    name: kind,
    kind,
    guestIds: pick(),
    hostIds: kind === 'apart' || kind === 'together' ? [] : [`h${upTo(5)}`],
  });
  return aCluster(hosts, guests, [rule('apart'), rule('together'), rule('should-run-on'), rule('must-not-run-on')]);
}

/** Demand that is unmet over the horizon, and what the moves cost. */
function loss(seed: number, options: BalanceOptions): number {
  const cluster = crowded(seed);
  const costs = cluster.guests.map((_, guest) => moveCost(cluster, guest, options));
  const { moves } = balance(cluster, options);
  return moves.reduce(
    (sum, { guestId }) => sum + costs[cluster.guestIndex.get(guestId)!]!,
    (unmet(cluster) * options.horizonMs) / 1000,
  );
}

const seeds = Array.from({ length: 60 }, (_, number) => number + 1);

test('over many pools much less is left unmet than by single moves', () => {
  const sum = (options: BalanceOptions): number => seeds.reduce((total, seed) => total + loss(seed, options), 0);
  expect(sum(searching)).toBeLessThan(0.75 * sum(alone));
});

test('every move passes every check with all before it under way, and the same pool gets the same answer', () => {
  let together = 0;
  for (const seed of seeds) {
    const answer = balance(crowded(seed), searching);
    expect(balance(crowded(seed), searching)).toEqual(answer);
    const onTheWay = crowded(seed);
    for (const { guestId, toHostId, priority, reason } of answer.moves) {
      const guest = onTheWay.guestIndex.get(guestId)!;
      const to = onTheWay.hostIndex.get(toHostId)!;
      // A group that is gathered goes where the first of it is not yet.
      if (priority > 1) expect([seed, rejection(onTheWay, guest, to)]).toEqual([seed, null]);
      beginMove(onTheWay, guest, to);
      if (reason.startsWith('together with')) together++;
    }
  }
  expect(together).toBeGreaterThan(20);
});
