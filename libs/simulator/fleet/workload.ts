/**
 * What guests ask for over time, in dense columns by guest. Demand is sampled at even steps and is a straight line between
 * two samples. Step 0 is where guests are placed first; measuring begins with step 1.
 */
export interface Workload {
  readonly names: readonly string[];
  readonly stepSeconds: number;
  /** The last step that is simulated. */
  readonly lastStep: number;
  /** Whether a guest starts only where all the processor time that it may use is free. Otherwise that is preferred, and memory decides. */
  readonly reserved: boolean;
  readonly cores: Uint16Array;
  /** Of all its cores together, when they do nothing but work. */
  readonly capacityMHz: Float64Array;
  readonly memoryMiB: Float64Array;
  /** Guests come and go at steps: there from the first to before the second. */
  readonly arrivesAtStep: Int32Array;
  readonly leavesAtStep: Int32Array;
  /** In ten-thousandths of the guest's capacity: its samples from `firstSample` on, one for each step since its arrival. */
  readonly demand: Uint16Array;
  readonly firstSample: Int32Array;
  /** Its last sample is held until it leaves. */
  readonly sampleCount: Int32Array;
}

/** A share of the guest's capacity, 0 to 1. */
export function demandShare(workload: Workload, guest: number, seconds: number): number {
  const { demand, stepSeconds } = workload;
  const step = Math.floor(seconds / stepSeconds);
  const first = workload.firstSample[guest]!;
  const last = workload.sampleCount[guest]! - 1;
  const before = Math.min(Math.max(step - workload.arrivesAtStep[guest]!, 0), last);
  const after = Math.min(before + 1, last);
  const from = demand[first + before]! / 10_000;
  const to = demand[first + after]! / 10_000;
  return from + ((to - from) / stepSeconds) * (seconds - step * stepSeconds);
}
