import { createRandom } from '../random';
import { type HostType, hostTypes } from './hosts';
import type { FleetPolicy } from './policy';
import { type FleetResult, runFleet, type FleetRunOptions } from './run';
import type { Workload } from './workload';

/** A host that is easy to reckon with: 1000 MHz and 100 W, of which it draws half for doing nothing. */
export const plainHost: HostType = {
  name: 'plain',
  cores: 1,
  coreMHz: 1000,
  memoryMiB: 1000,
  // A guest of 100 MiB is copied in 10 s.
  linkMbps: 160,
  watts: [50, 55, 60, 65, 70, 75, 80, 85, 90, 95, 100],
};

/** Guests of 1000 MHz and 100 MiB each, by what they ask for at each step, in percent. */
export function aWorkload(percent: readonly (readonly number[])[], changes: Partial<Workload> = {}): Workload {
  const samples = percent[0]!.length;
  return {
    names: percent.map((_, guest) => `g${guest}`),
    stepSeconds: 300,
    lastStep: samples - 1,
    reserved: true,
    cores: new Uint16Array(percent.length).fill(1),
    capacityMHz: new Float64Array(percent.length).fill(1000),
    memoryMiB: new Float64Array(percent.length).fill(100),
    arrivesAtStep: new Int32Array(percent.length),
    leavesAtStep: new Int32Array(percent.length).fill(samples),
    demand: Uint16Array.from(percent.flat(), (each) => each * 100),
    firstSample: Int32Array.from(percent, (_, guest) => guest * samples),
    sampleCount: new Int32Array(percent.length).fill(samples),
    ...changes,
  };
}

/** Places guests and moves them as the test says: `moves` by step, from 1. */
export function scripted(
  places: readonly number[],
  moves: Readonly<Record<number, readonly [number, number][]>> = {},
): FleetPolicy {
  let step = 0;
  return {
    name: 'scripted',
    place: (_, guest) => places[guest] ?? -1,
    decide: (_, move) => {
      for (const [guest, host] of moves[++step] ?? []) move(guest, host);
    },
  };
}

export function aRun(options: Pick<FleetRunOptions, 'workload' | 'policy'> & Partial<FleetRunOptions>): FleetResult {
  return runFleet({
    hosts: [plainHost, plainHost],
    memoryEnforced: false,
    idleGuestsEnd: false,
    clock: () => 0,
    ...options,
  });
}

/** A day of guests of which each scatters around a mean of its own, that moves slowly. */
export function noisyDay(guests: number, seed: number): number[][] {
  const random = createRandom(seed);
  return Array.from({ length: guests }, () => {
    const mean = 2 + 25 * random.next() ** 2;
    const phase = random.next() * 2 * Math.PI;
    return Array.from({ length: 289 }, (_, step) => {
      const wave = 1 + 0.4 * Math.sin(phase + (2 * Math.PI * step) / 288);
      return Math.min(
        100,
        Math.max(1, Math.round(mean * wave * (0.5 + random.next()) + (random.next() < 0.02 ? 40 : 0))),
      );
    });
  });
}

export const mixedHosts = (count: number): HostType[] =>
  Array.from({ length: count }, (_, index) => hostTypes[index % 2 === 0 ? 'HP ML110 G4' : 'HP ML110 G5']);
