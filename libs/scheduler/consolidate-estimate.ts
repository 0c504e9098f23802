/** What is known of each guest's demand: its slow mean, and the variance around it. */
export class DemandEstimate {
  readonly meanMHz: Float64Array;
  readonly variance: Float64Array;
  /** How many observations the mean is worth; 0: the guest has not been seen yet. */
  private readonly weight: Float64Array;
  private readonly keep: number;

  constructor(
    private readonly capacityMHz: Float64Array,
    halfLifeSteps: number,
  ) {
    this.keep = 0.5 ** (1 / halfLifeSteps);
    // A guest that has not been seen is taken to need all that it may.
    this.meanMHz = capacityMHz.slice();
    this.variance = new Float64Array(capacityMHz.length);
    this.weight = new Float64Array(capacityMHz.length);
  }

  /**
   * Takes in one more observation of each guest that has a host. One observation says little of a guest whose demand
   * scatters, so a guest begins with what the fleet as a whole does, which counts as `priorWeight` observations of its own.
   */
  observe(demandMHz: Float64Array, hostOf: Int32Array): void {
    const prior = this.fleetShare(demandMHz, hostOf);
    for (let guest = 0; guest < hostOf.length; guest++) {
      if (hostOf[guest]! < 0) continue;
      if (this.weight[guest] === 0) this.begin(guest, prior);
      const weight = this.weight[guest]! * this.keep + 1;
      const gain = 1 / weight;
      const surprise = demandMHz[guest]! - this.meanMHz[guest]!;
      this.meanMHz[guest]! += gain * surprise;
      this.variance[guest] = (1 - gain) * (this.variance[guest]! + gain * surprise * surprise);
      this.weight[guest] = weight;
    }
  }

  private begin(guest: number, { mean, variance }: { readonly mean: number; readonly variance: number }): void {
    const capacity = this.capacityMHz[guest]!;
    this.meanMHz[guest] = mean * capacity;
    this.variance[guest] = variance * capacity * capacity;
    this.weight[guest] = priorWeight;
  }

  /** Of demand as a share of what each guest may use. */
  private fleetShare(demandMHz: Float64Array, hostOf: Int32Array): { mean: number; variance: number } {
    let count = 0;
    let sum = 0;
    let squares = 0;
    for (let guest = 0; guest < hostOf.length; guest++) {
      if (hostOf[guest]! < 0) continue;
      const share = demandMHz[guest]! / this.capacityMHz[guest]!;
      count++;
      sum += share;
      squares += share * share;
    }
    const mean = count === 0 ? 1 : sum / count;
    return { mean, variance: count === 0 ? 0 : Math.max(0, squares / count - mean * mean) };
  }
}

const priorWeight = 2;
