import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Those that end together are one collection. */
const soonMs = 500;
const mostWaits = 20;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/**
 * What guests that have ended leave behind goes when V8 looks for garbage, which it may not do for long, and their memories are the host's.
 * So it is told to, some milliseconds' work: a moment later, and when nobody is being moved who would stand still for it.
 */
export class Garbage {
  private timer: NodeJS.Timeout | null = null;
  private waits = 0;

  constructor(
    private readonly isMoving: () => boolean,
    private readonly run: () => void = collect,
  ) {}

  collectSoon(): void {
    this.timer ??= setTimeout(() => this.look(), soonMs);
  }

  private look(): void {
    this.timer = null;
    if (this.isMoving() && ++this.waits < mostWaits) return this.collectSoon();
    this.waits = 0;
    this.run();
  }
}
