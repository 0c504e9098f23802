import type { Workload } from './workload';

export interface WorkloadGuest {
  readonly name: string;
  readonly cores: number;
  readonly capacityMHz: number;
  readonly memoryMiB: number;
  readonly arrivesAtStep: number;
  readonly leavesAtStep: number;
  /** Shares of its capacity, 0 to 1, one for each step from its arrival; the last one holds until it leaves. */
  readonly demand: ArrayLike<number>;
}

/** Puts guests into the columns of a workload. */
export function buildWorkload(
  guests: readonly WorkloadGuest[],
  { stepSeconds, lastStep, reserved }: Pick<Workload, 'stepSeconds' | 'lastStep' | 'reserved'>,
): Workload {
  const sampleCount = Int32Array.from(guests, ({ demand }) => demand.length);
  const firstSample = new Int32Array(guests.length);
  for (let guest = 1; guest < guests.length; guest++)
    firstSample[guest] = firstSample[guest - 1]! + sampleCount[guest - 1]!;
  const demand = new Uint16Array(sampleCount.reduce((sum, count) => sum + count, 0));
  guests.forEach((guest, index) => {
    const first = firstSample[index]!;
    for (let sample = 0; sample < guest.demand.length; sample++)
      demand[first + sample] = Math.round(Math.min(Math.max(guest.demand[sample]!, 0), 1) * 10_000);
  });
  return {
    names: guests.map(({ name }) => name),
    stepSeconds,
    lastStep,
    reserved,
    cores: Uint16Array.from(guests, ({ cores }) => cores),
    capacityMHz: Float64Array.from(guests, ({ capacityMHz }) => capacityMHz),
    memoryMiB: Float64Array.from(guests, ({ memoryMiB }) => memoryMiB),
    arrivesAtStep: Int32Array.from(guests, ({ arrivesAtStep }) => arrivesAtStep),
    leavesAtStep: Int32Array.from(guests, ({ leavesAtStep }) => leavesAtStep),
    demand,
    firstSample,
    sampleCount,
  };
}
