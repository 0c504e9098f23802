import { dailyDemand } from '../demand-pattern';
import { createRandom, type Random } from '../random';
import { type HostType, hostTypes } from './hosts';
import type { Workload } from './workload';
import { buildWorkload, type WorkloadGuest } from './workload-builder';

export interface SyntheticFleet {
  readonly hosts: number;
  readonly guests: number;
  readonly days: number;
  readonly seed: number;
}

const stepSeconds = 300;
const stepsADay = 86_400 / stepSeconds;

/** How often each size is asked for: mostly small. */
const sizes = [
  { weight: 50, cores: 1, memoryMiB: 2048 },
  { weight: 25, cores: 1, memoryMiB: 4096 },
  { weight: 20, cores: 2, memoryMiB: 4096 },
  { weight: 5, cores: 4, memoryMiB: 8192 },
] as const;
const guestCoreMHz = 2000;

/** This share of the guests comes and goes; the others are there all the time. */
const passingShare = 0.2;

export function syntheticHosts({ hosts }: SyntheticFleet): readonly HostType[] {
  return Array.from(
    { length: hosts },
    (_, index) => hostTypes[index % 2 === 0 ? 'IBM x3550 X5670' : 'IBM x3550 X5675'],
  );
}

/**
 * Guests that follow the day, each in its time zone and around a mean of its own, with noise that lasts a little and bursts that last
 * longer. The same seed gives the same guests.
 */
export function syntheticWorkload({ guests, days, seed }: SyntheticFleet): Workload {
  const random = createRandom(seed);
  const lastStep = Math.round(days * stepsADay) - 1;
  const made = Array.from({ length: guests }, (_, index) => aGuest(index, lastStep, random));
  return buildWorkload(made, { stepSeconds, lastStep, reserved: false });
}

function aGuest(index: number, lastStep: number, random: Random): WorkloadGuest {
  const { cores, memoryMiB } = pickSize(random);
  const isPassing = random.next() < passingShare;
  const arrivesAtStep = isPassing ? random.below(lastStep) : 0;
  // Lifetimes of guests that pass are mostly short: exponential, four hours in the mean.
  const stay = isPassing ? Math.ceil(-Math.log(1 - random.next()) * (stepsADay / 6)) : lastStep + 1;
  const leavesAtStep = Math.min(lastStep + 1, arrivesAtStep + Math.max(1, stay));
  return {
    name: `g${index}`,
    cores,
    memoryMiB,
    capacityMHz: cores * guestCoreMHz,
    arrivesAtStep,
    leavesAtStep,
    demand: dailyDemand(leavesAtStep - arrivesAtStep + 1, random, arrivesAtStep),
  };
}

function pickSize(random: Random): (typeof sizes)[number] {
  let left = random.below(sizes.reduce((sum, { weight }) => sum + weight, 0));
  return sizes.find(({ weight }) => (left -= weight) < 0)!;
}
