import type { Instant } from './units';

/** A clock that is wrong by less is brought right without a jump. */
const jumpFromMs = 5_000;
/** How much faster or slower than the machine's own clock this one goes meanwhile. */
const slewShare = 0.01;

/**
 * The one time of a fleet: the database's, which each controller hears with its lease and each agent from a controller.
 * Machines' own clocks may differ by minutes, and still an order's deadline means the same moment to the one who set it
 * and to the one who looks at it, and an outage is measured between two moments of one clock.
 *
 * An answer that took long says less: it was given at some moment between question and answer, and as long as the own
 * time lies between the two as well, nothing is known to be wrong (F. Cristian, Probabilistic clock synchronization, 1989).
 */
export class FleetClock {
  private heard = false;
  private offsetMs = 0;
  private targetMs = 0;
  private slewedAt: Instant = 0;
  private jumps = 0;

  /** `own` never goes back and never jumps: it is not the wall clock, which an administrator may set. */
  constructor(private readonly own: () => Instant) {}

  now(): Instant {
    const own = this.own();
    const mostMs = slewShare * Math.max(0, own - this.slewedAt);
    this.offsetMs += Math.max(-mostMs, Math.min(mostMs, this.targetMs - this.offsetMs));
    this.slewedAt = own;
    return own + Math.round(this.offsetMs);
  }

  /** How far the time has jumped in all, ms: less this it only ever goes on, and measures what has really passed. */
  get jumpedMs(): number {
    return this.jumps;
  }

  /** The own time, for the moment a question is asked. */
  ask(): Instant {
    return this.own();
  }

  /** The reference said `at`, to a question that was asked at `askedAt` of the own time. */
  hear(askedAt: Instant, at: Instant): void {
    const heardAt = this.own();
    const offsetMs = Math.round(at - (askedAt + heardAt) / 2);
    const doubtMs = (heardAt - askedAt) / 2;
    const wrongMs = Math.abs(offsetMs - this.targetMs);
    if (this.heard && wrongMs <= doubtMs) return;
    if (!this.heard && Math.abs(offsetMs) <= doubtMs) {
      this.heard = true;
      return;
    }
    this.targetMs = offsetMs;
    if (this.heard && wrongMs < jumpFromMs) return;
    this.heard = true;
    this.jumps += Math.round(offsetMs - this.offsetMs);
    this.offsetMs = offsetMs;
    this.slewedAt = heardAt;
  }
}
