import { consolidationDefaults, type ConsolidationOptions, Consolidator } from './consolidate';
import { DemandEstimate } from './consolidate-estimate';
import type { ConsolidationView } from './consolidate-fill';

/** Hosts of 1000 MHz with cores of 1000; guests of 1000 MHz and 100 MiB. `guests`: host and demand of each. */
function aView(
  hosts: number,
  guests: readonly (readonly [number, number])[],
  changes: Partial<ConsolidationView> = {},
) {
  return {
    capacityMHz: new Float64Array(hosts).fill(1000),
    coreMHz: new Float64Array(hosts).fill(1000),
    hostMemoryMiB: new Float64Array(hosts).fill(1000),
    idleWatts: new Float64Array(hosts).fill(100),
    busyWatts: new Float64Array(hosts).fill(150),
    hostOf: Int32Array.from(guests, ([host]) => host),
    demandMHz: Float64Array.from(guests, ([, demand]) => demand),
    guestCapacityMHz: new Float64Array(guests.length).fill(1000),
    guestCores: new Uint16Array(guests.length).fill(1),
    guestMemoryMiB: new Float64Array(guests.length).fill(100),
    ...changes,
  };
}

/** Decides so many times, and moves guests as decided. */
function decided(view: ReturnType<typeof aView>, options: Partial<ConsolidationOptions> = {}, steps = 1) {
  const consolidator = new Consolidator(view, { ...consolidationDefaults, ...options });
  return Array.from({ length: steps }, () => {
    const moves = consolidator.decide();
    for (const { guest, to } of moves) view.hostOf[guest] = to;
    return moves;
  }).flat();
}

test('hosts that can be done without are emptied, and what is left is left alone', () => {
  const view = aView(4, [[0, 100], [1, 100], [2, 100], [3, 100]]); // prettier-ignore
  const moves = decided(view, {}, 50);
  expect(moves).toHaveLength(3);
  expect(moves.every(({ reason }) => reason === 'empty')).toBe(true);
  expect(new Set(view.hostOf).size).toBe(1);
});

test('a host is emptied only when all of its guests find a place', () => {
  expect(decided(aView(2, [[0, 500], [1, 300], [1, 300]]))).toEqual([]); // prettier-ignore
});

test('a host is not emptied when that is worth less than its moves', () => {
  const guests = [[0, 10], [0, 10], [1, 10], [1, 10]] as const; // prettier-ignore
  expect(decided(aView(2, guests), { wattHoursPerMove: 101 })).toEqual([]);
  expect(decided(aView(2, guests), { wattHoursPerMove: 99 })).toHaveLength(2);
});

test('the kind of host that needs fewer watts for the same work is the one that is kept', () => {
  const view = aView(2, [[0, 100], [1, 100]], { idleWatts: Float64Array.of(100, 80) }); // prettier-ignore
  expect(decided(view)).toEqual([{ guest: 0, from: 0, to: 1, reason: 'empty' }]);
});

test('a host that is too full gives away the one guest whose going is enough, and switches a host on for it', () => {
  const view = aView(3, [[0, 700], [0, 400], [1, 700]]); // prettier-ignore
  expect(decided(view)).toEqual([{ guest: 1, from: 0, to: 2, reason: 'relieve' }]);
});

test('of two guests whose going is enough, the one with less memory goes', () => {
  const guestMemoryMiB = Float64Array.of(100, 200, 100);
  const view = aView(2, [[0, 440], [0, 430], [0, 430]], { guestMemoryMiB }); // prettier-ignore
  expect(decided(view)).toEqual([{ guest: 2, from: 0, to: 1, reason: 'relieve' }]);
});

test('memory that is enforced keeps guests where they are, and not when it is not', () => {
  const guestMemoryMiB = Float64Array.of(600, 600);
  const view = () => aView(2, [[0, 10], [1, 10]], { guestMemoryMiB }); // prettier-ignore
  expect(decided(view())).toEqual([]);
  expect(decided(view(), { memoryEnforced: false })).toHaveLength(1);
});

test('a guest does not go to a host whose cores are too slow for what it asks', () => {
  const idleWatts = Float64Array.of(80, 100);
  const guests = [[0, 30], [1, 60]] as const; // prettier-ignore
  expect(decided(aView(2, guests, { idleWatts }))).toMatchObject([{ guest: 1, to: 0 }]);
  const coreMHz = Float64Array.of(50, 1000);
  expect(decided(aView(2, guests, { idleWatts, coreMHz }))).toMatchObject([{ guest: 0, to: 1 }]);
});

describe('an estimate', () => {
  const observed = (values: readonly number[]): DemandEstimate => {
    const estimate = new DemandEstimate(Float64Array.of(1000), 24);
    for (const value of values) estimate.observe(Float64Array.of(value), Int32Array.of(0));
    return estimate;
  };

  test('before the first observation is all that the guest may use', () => {
    expect(observed([]).meanMHz[0]).toBe(1000);
  });

  test('comes to the mean and the variance of demand that scatters', () => {
    const { meanMHz, variance } = observed(Array.from({ length: 300 }, (_, step) => (step % 2 === 0 ? 100 : 300)));
    expect(meanMHz[0]).toBeCloseTo(200, -1);
    expect(Math.sqrt(variance[0]!)).toBeCloseTo(100, -1);
  });

  test('follows a demand that has changed for good, half of the way in its half-life', () => {
    const values = [...Array.from({ length: 200 }, () => 100), ...Array.from({ length: 24 }, () => 300)];
    expect(observed(values).meanMHz[0]).toBeCloseTo(200, -1);
  });
});

test('of two hosts that can be emptied, the one that has just taken a guest is not', () => {
  const view = aView(2, [[0, 700], [0, 400]]); // prettier-ignore
  const moves = (options: Partial<ConsolidationOptions>) => {
    const { hostOf, demandMHz } = view;
    hostOf.fill(0);
    demandMHz.set([700, 400]);
    // What was asked for last is all that counts.
    const consolidator = new Consolidator(view, { ...consolidationDefaults, halfLifeSteps: 0.1, ...options });
    for (const { guest, to } of consolidator.decide()) hostOf[guest] = to;
    demandMHz[0] = 450;
    return consolidator.decide();
  };
  expect(moves({})).toMatchObject([{ guest: 0, from: 0, to: 1, reason: 'empty' }]);
  expect(moves({ coolDownSteps: 0 })).toMatchObject([{ guest: 1, from: 1, to: 0, reason: 'empty' }]);
});
