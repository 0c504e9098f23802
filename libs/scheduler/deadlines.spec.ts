import { balance, type BalanceOptions } from './balance';
import { rejection } from './checks';
import { beginMove, type Cluster, setUse, usableHosts } from './cluster';
import { Effort, type IsLate } from './effort';
import { makeRoom } from './make-room';
import { hostToEmpty } from './power-saving';
import { planTogether } from './repacking';
import { fewestRounds } from './rounds';
import { aCluster, aGuest, aHost, seeded } from './testing';
import { tolerance } from './tolerance';

/** Late from the asking of that number on: every moment at which a clock could have said so. */
function lateAfter(asks: number): IsLate {
  let asked = 0;
  return () => asked++ >= asks;
}

const moments = [0, 1, 2, 3, 5, 8, 13, 40, 100, 400];

/** Uneven, and nearly full. */
function crowdedPool(seed: number): Cluster {
  const random = seeded(seed);
  const hosts = Array.from({ length: 12 }, (_, number) =>
    aHost(`h${number}`, { cpuMillicores: 2000, memoryMiB: 1000 }),
  );
  const free = hosts.map(({ memoryMiB }) => memoryMiB);
  const guests = Array.from({ length: 60 }, (_, number) => {
    const memoryMiB = 64 + 32 * Math.floor(random() * 5);
    const host = Math.floor(random() ** 2 * hosts.length);
    free[host]! -= memoryMiB;
    const cpuDemandMillicores = 100 + Math.floor(600 * random());
    return aGuest(`g${number}`, free[host]! >= 0 ? `h${host}` : null, { memoryMiB, cpuDemandMillicores });
  });
  const guestIds = ['g0', 'g1', 'g2'];
  return aCluster(hosts, guests, [{ name: 'r', kind: 'apart', guestIds, hostIds: [] }]);
}

const options: BalanceOptions = {
  cpuSafetyShare: 0.6,
  horizonMs: 300_000,
  bandwidthMiBPerSecond: 1000,
  maximumMoves: 200,
  searchSteps: 20_000,
};

const seeds = [1, 2, 3, 4, 5, 6];

test.each(seeds)('balancing that is cut short at any moment has only moves that may be made (pool %i)', (seed) => {
  const whole = balance(crowdedPool(seed), options);
  expect(whole.isComplete).toBe(true);
  let cut = 0;
  for (const moment of moments) {
    const isLate = lateAfter(moment);
    const answer = balance(crowdedPool(seed), { ...options, isLate });
    const cluster = crowdedPool(seed);
    for (const move of answer.moves) {
      const [guest, host] = [cluster.guestIndex.get(move.guestId)!, cluster.hostIndex.get(move.toHostId)!];
      expect(rejection(cluster, guest, host)).toBeNull();
      expect(move.gain).toBeGreaterThanOrEqual(move.cost);
      beginMove(cluster, guest, host);
    }
    expect(answer.imbalanceAfter).toBeLessThanOrEqual(answer.imbalanceBefore);
    if (answer.isComplete) expect(answer).toEqual(whole);
    else cut++;
  }
  expect(cut).toBeGreaterThan(moments.length / 2);
  expect(balance(crowdedPool(seed), { ...options, isLate: lateAfter(0) }).moves).toEqual([]);
});

test('of a host that is to be emptied as many guests go as there is time for', () => {
  const emptied = (isLate: IsLate): number => {
    const cluster = crowdedPool(1);
    setUse(cluster, 0, 'evacuating');
    return balance(cluster, { ...options, maximumMoves: 0, isLate }).moves.length;
  };
  const all = emptied(() => false);
  expect(all).toBeGreaterThan(3);
  expect([0, 1, 2, 3].map((moment) => emptied(lateAfter(moment)))).toEqual([0, 1, 2, 3]);
});

const stateOf = (cluster: Cluster): number[] => [...cluster.hostOf, ...cluster.useOf, ...cluster.memoryUsed];

test.each(seeds)('losses that there was no time to judge are neither proved nor disproved (pool %i)', (seed) => {
  const exact = tolerance(crowdedPool(seed), { losses: 3 });
  for (const moment of moments) {
    const cluster = crowdedPool(seed);
    const before = stateOf(cluster);
    const answer = tolerance(cluster, { losses: 3, isLate: lateAfter(moment) });
    expect(stateOf(cluster)).toEqual(before);
    expect(answer.proved).toBeLessThanOrEqual(exact.proved);
    if (answer.isExact) expect(answer).toEqual(exact);
  }
});

test('a proof that takes long is left open at its deadline', () => {
  // Each of another size, so that no host stands for another.
  const hosts = Array.from({ length: 14 }, (_, number) => aHost(`h${number}`));
  const guests = hosts.flatMap(({ id }, number) => [
    aGuest(`a${number}`, id, { memoryMiB: 300 + 7 * number }),
    aGuest(`b${number}`, id, { memoryMiB: 310 + 5 * number }),
  ]);
  const asked = { losses: 5, looks: 100_000 };
  let asks = 0;
  const counting = (): boolean => ++asks < 0;
  tolerance(aCluster(hosts, guests), { ...asked, isLate: counting });
  expect(asks).toBeGreaterThan(10);
  const cut = tolerance(aCluster(hosts, guests), { ...asked, isLate: lateAfter(0) });
  expect(cut).toMatchObject({ isExact: false, witness: null });
});

test.each(seeds)('the other questions answer at any moment, and leave the pool as it was (pool %i)', (seed) => {
  for (const moment of moments) {
    const cluster = crowdedPool(seed);
    const before = stateOf(cluster);
    const isLate = lateAfter(moment);
    const homeless = [...cluster.guests.keys()].filter((guest) => cluster.hostOf[guest]! < 0);
    const plan = planTogether(cluster, homeless, isLate);
    for (const [guest, host] of plan ?? []) expect(rejection(cluster, guest, host)).toBeNull();
    for (const { guest, host } of makeRoom(cluster, homeless.slice(0, 3), { seed: 1, steps: 20_000, isLate }))
      expect(rejection(cluster, guest, host)).toBeNull();
    const without = new Set<number>();
    hostToEmpty(cluster, () => true, { offShare: 0.9, onShare: 0.95, losses: 1, without, isLate });
    const hosts = usableHosts(cluster);
    const { rounds, left } = fewestRounds(cluster, { hosts, keepsRoom: () => true, mostAway: null, isLate });
    expect([...rounds.flat(), ...left].sort((a, b) => a - b)).toEqual(hosts);
    expect(stateOf(cluster)).toEqual(before);
  }
});

test('the clock is looked at now and then, and what is spent by then is all', () => {
  let glances = 0;
  const effort = new Effort(1e6, () => ++glances >= 3);
  let looks = 0;
  while (!effort.isSpent) {
    effort.spend(10);
    looks += 10;
  }
  expect(glances).toBe(3);
  expect(looks).toBeLessThan(5_000);
});
