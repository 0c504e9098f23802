import { type Life, brokenCounts } from '../fleet/console-record';
import { type LabGuest, waitFor } from '../fleet/lab';

const areaMiB = 4;
const dirtyMBps = 1;

/** A guest under soak: what it should do, what may have cost it its memory, and what was last told to it. */
export class SoakGuest {
  wanted: 'running' | 'stopped' = 'running';
  /** Deaths and stops that the soak itself brought about: every boot beyond the first needs one. */
  ends = 0;
  /** How long it has been silent while it should run and the control plane was whole, and the longest so. */
  silentMs = 0;
  longestSilentMs = 0;
  private lives = 0;
  private firstBoot = 0;

  constructor(
    readonly guest: LabGuest,
    readonly seed: number,
  ) {}

  get name(): string {
    return this.guest.name;
  }

  /** Its disk once, its memory anew in each life. */
  async prepare(): Promise<void> {
    await this.guest.prepare({ areaMiB, dirtyMBps, seed: this.seed });
    this.firstBoot = (await this.guest.stats()).boot;
    this.lives = this.guest.record.lives().length;
  }

  /** At rest: all that it holds and has said, against what it should. An empty list: all is well. */
  async faults(): Promise<string[]> {
    const { guest, seed } = this;
    const faults: string[] = [];
    const note = (what: string) => (error: unknown) =>
      void faults.push(`${this.name}, ${what}: ${error instanceof Error ? error.message : String(error)}`);
    await guest.expectDisk({ seed }).catch(note('its disk'));
    if (await this.knowsItsMemory()) await guest.expectMemory({ areaMiB, seed }).catch(note('its memory'));
    else await this.fillAgain().catch(note('its memory cannot be filled'));
    await guest.expectPlacementsWhole().catch(note('its placements'));
    const { boot } = await guest.stats();
    if (boot - this.firstBoot > this.ends)
      faults.push(`${this.name} booted ${boot - this.firstBoot} times again, and only ${this.ends} reasons are known`);
    const broken = guest.record
      .lives()
      .map(brokenLife)
      .filter((text) => text !== '');
    return [...faults, ...broken.map((text) => `${this.name}, its counts: ${text}`), ...this.doubles()];
  }

  doubles(): string[] {
    return this.guest.record.doubles.map((text) => `${this.name} ran twice: ${text}`);
  }

  /** It runs on with what it was filled with, or has gone back to a moment at which it was filled. */
  private async knowsItsMemory(): Promise<boolean> {
    const lives = this.guest.record.lives().length;
    if (lives === this.lives) return true;
    const stats = await this.guest.stats();
    if (stats.areaMiB !== areaMiB || stats.seed !== this.seed) return false;
    this.lives = lives;
    return true;
  }

  private async fillAgain(): Promise<void> {
    const { guest, seed } = this;
    await guest.say('tick 100');
    await guest.ask(`fill ${areaMiB} ${seed}`, 'filled');
    await guest.say(`dirty ${dirtyMBps} ${areaMiB} ${seed}`);
    this.lives = guest.record.lives().length;
  }

  async waitUntilWanted(deadlineMs: number): Promise<void> {
    if (this.wanted === 'running') return this.guest.expectRunsOnce(deadlineMs);
    await waitFor(
      `${this.name} is stopped`,
      async () => (await this.guest.get()).state === 'stopped' && this.guest.vmms().length === 0,
      { deadlineMs, seen: () => this.guest.get() },
    );
  }
}

function brokenLife(life: Life): string {
  return brokenCounts(life);
}
