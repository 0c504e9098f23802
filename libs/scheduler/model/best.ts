import type { State } from './state';

/**
 * The best placement so far. Copying it at every improvement would cost more than the search: what has moved since is
 * written down, and only that is copied when the state is the best again.
 */
export class Best {
  readonly placement: Int32Array;
  cost: number;
  private readonly changed: Int32Array;
  private readonly isChanged: Uint8Array;
  private count = 0;

  constructor(private readonly state: State) {
    this.placement = state.hostOf.slice();
    this.cost = state.cost;
    this.changed = new Int32Array(state.hostOf.length);
    this.isChanged = new Uint8Array(state.hostOf.length);
  }

  /** To be told of each item that has moved. */
  note(item: number): void {
    if (this.isChanged[item] === 1) return;
    this.isChanged[item] = 1;
    this.changed[this.count++] = item;
  }

  /** To be called when a change is complete. */
  keep(): void {
    if (this.state.cost >= this.cost) return;
    this.cost = this.state.cost;
    for (let place = 0; place < this.count; place++) {
      const item = this.changed[place]!;
      this.isChanged[item] = 0;
      this.placement[item] = this.state.hostOf[item]!;
    }
    this.count = 0;
  }
}
