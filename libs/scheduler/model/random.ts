/** Marsaglia's xorshift with 32 bits of state: a few cycles a number, and as good as a search needs. */
export class Random {
  private state: number;

  constructor(seed: number) {
    // Seeds that are near each other must not begin with numbers that are; zero would stay zero.
    let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b);
    state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
    this.state = state ^ (state >>> 16) || 1;
  }

  /** An integer from 0 to below the bound. */
  below(bound: number): number {
    let state = this.state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.state = state;
    return ((state >>> 0) * (bound / 4294967296)) | 0;
  }
}
