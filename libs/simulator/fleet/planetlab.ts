import type { UtilisationTrace } from '../traces/planetlab';
import { type HostType, hostTypes } from './hosts';
import type { Workload } from './workload';

/** Kinds of guests, in the order in which the rows of a trace are shared out among them. */
const guestKinds = [
  { capacityMHz: 2500, memoryMiB: 870 },
  { capacityMHz: 2000, memoryMiB: 1740 },
  { capacityMHz: 1000, memoryMiB: 1740 },
  { capacityMHz: 500, memoryMiB: 613 },
] as const;

/** The hosts of CloudSim's set-up: every other one of each kind. */
export function planetLabHosts(count = 800): readonly HostType[] {
  return Array.from({ length: count }, (_, index) => hostTypes[index % 2 === 0 ? 'HP ML110 G4' : 'HP ML110 G5']);
}

/** The guests of CloudSim's set-up: a quarter of the rows of each kind, one core each, there all day. */
export function planetLabWorkload({ names, samples, percent }: UtilisationTrace): Workload {
  const kindOf = (guest: number) => guestKinds[Math.floor(guest / Math.ceil(names.length / guestKinds.length))]!;
  const guests = names.map((_, guest) => guest);
  return {
    names,
    stepSeconds: 300,
    // The day ends just before the step of its last sample is due.
    lastStep: samples - 1,
    reserved: true,
    cores: new Uint16Array(names.length).fill(1),
    capacityMHz: Float64Array.from(guests, (guest) => kindOf(guest).capacityMHz),
    memoryMiB: Float64Array.from(guests, (guest) => kindOf(guest).memoryMiB),
    arrivesAtStep: new Int32Array(names.length),
    leavesAtStep: new Int32Array(names.length).fill(samples),
    demand: Uint16Array.from(percent, (each) => each * 100),
    firstSample: Int32Array.from(guests, (guest) => guest * samples),
    sampleCount: new Int32Array(names.length).fill(samples),
  };
}
