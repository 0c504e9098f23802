/** As many frames as a slow way holds; what finds no room is dropped, as it is by a card's queue. */
const mostWaiting = 10_000;

/** One direction of a slow way: what goes over it comes late, in the order in which it went. */
export class DelayLine {
  /** @type {{ due: number, deliver: () => void }[]} */
  waiting = [];

  /**
   * @param {number} delayMs that of the frames before it is not undercut
   * @param {() => void} deliver
   */
  carry(delayMs, deliver) {
    if (this.waiting.length === 0 && delayMs <= 0) return deliver();
    if (this.waiting.length === mostWaiting) return;
    this.waiting.push({ due: performance.now() + delayMs, deliver });
    if (this.waiting.length === 1) this.deliver();
  }

  deliver() {
    const now = performance.now();
    let due = this.waiting.findIndex((frame) => frame.due > now);
    if (due < 0) due = this.waiting.length;
    for (const { deliver } of this.waiting.splice(0, due)) deliver();
    const [next] = this.waiting;
    if (next) setTimeout(() => this.deliver(), next.due - performance.now());
  }
}
