import type { Fleet } from './fleet';

const kept = 30;
const fitted = 10;

/**
 * Each guest's last demands, and the straight line through ten of them, read one step ahead: CloudSim's local regression, which gives all ten the
 * same weight. A line through sums is the sum of the lines, so what a host is in for is the sum over its guests.
 */
export class Trend {
  private readonly demandMHz: Float64Array;
  private observed = 0;

  constructor(private readonly guests: number) {
    this.demandMHz = new Float64Array(guests * kept);
  }

  /** CloudSim takes only steps whose time is so many intervals and a tenth of a second to the last bit. */
  observe(fleet: Fleet): void {
    if ((fleet.seconds - 0.1) % fleet.workload.stepSeconds !== 0) return;
    const slot = this.observed++ % kept;
    for (let guest = 0; guest < this.guests; guest++)
      this.demandMHz[slot * this.guests + guest] = fleet.hostOf[guest]! < 0 ? 0 : fleet.demandMHz[guest]!;
  }

  aheadMHz(guest: number): number {
    const middle = (fitted + 1) / 2;
    const spread = (fitted * (fitted * fitted - 1)) / 12;
    let ahead = 0;
    for (let age = 0; age < fitted; age++)
      ahead += this.past(guest, age) * (1 / fitted + ((fitted + 1 - middle) * (fitted - age - middle)) / spread);
    return ahead;
  }

  /** Whether there are enough demands of it: zeros do not count at the far end. */
  isKnown(guest: number): boolean {
    for (let age = fitted - 1; age < Math.min(kept, this.observed); age++) if (this.past(guest, age) !== 0) return true;
    return false;
  }

  private past(guest: number, age: number): number {
    return age < this.observed ? this.demandMHz[((this.observed - 1 - age) % kept) * this.guests + guest]! : 0;
  }
}
