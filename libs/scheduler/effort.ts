/** Whether the time that a question may take is over: then the best that has been found is its answer. */
export type IsLate = () => boolean;

export const unhurried: IsLate = () => false;

/** A glance at the clock costs about as much as some looks. */
const looksPerGlance = 1_024;

/**
 * How much may still be looked at, shared by all searches of a question: one look is a host looked at for a guest. It is counted, so
 * that the answer is the same wherever it is asked, and ends early only where somebody has a deadline and it has passed.
 */
export class Effort {
  private glanceAt: number;

  constructor(
    private looks: number,
    private readonly isLate: IsLate = unhurried,
  ) {
    this.glanceAt = looks - looksPerGlance;
  }

  get isSpent(): boolean {
    return this.looks <= 0;
  }

  spend(looks: number): void {
    this.looks -= looks;
    if (this.looks <= this.glanceAt) this.glance();
  }

  /** Also before something that takes long and looks at no host. True: it is late. */
  glance(): boolean {
    this.glanceAt = this.looks - looksPerGlance;
    const isLate = this.isLate();
    if (isLate) this.looks = 0;
    return isLate;
  }
}
