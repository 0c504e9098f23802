import { parseGuestLine } from '@argosy/domain/guest-console';
import { brokenCounts } from '../fleet/console-record';
import type { LabGuest } from '../fleet/lab-guest';
import { contentOf, type SumOf, WrongContent } from './disk-content';
import { type Course, DiskLedger } from './disk-ledger';

const areaMiB = 4;
const dirtyMBps = 1;
/** What a guest is prepared with, as every other fill of its disk, begins at its first sector. */
const preparedSectors = 1_024;

/** The disk's answer to one look at it, which asks each sum once. */
export function sumsOf(guest: LabGuest): SumOf {
  const asked = new Map<number, Promise<string>>();
  return (sectors) => {
    const sum = asked.get(sectors) ?? guest.ask(`disk sum ${sectors}`, 'diskSum').then(({ checksum }) => checksum);
    asked.set(sectors, sum);
    return sum;
  };
}

/** The first of them that the disk's content agrees with. */
export async function courseOf(courses: readonly Course[], sumOf: SumOf) {
  const wrong: string[] = [];
  for (const course of courses) {
    try {
      return { course, pieces: await contentOf(course, sumOf) };
    } catch (error) {
      if (!(error instanceof WrongContent)) throw error;
      wrong.push(error.message);
    }
  }
  throw new WrongContent(wrong.join('; or ') || "it is nobody's copy");
}

/** A guest under soak: what it should do, what may have cost it its memory, and what was last told to it. */
export class SoakGuest {
  wanted: 'running' | 'stopped' = 'running';
  /** Deaths and stops that the soak itself brought about: every boot needs one. */
  ends = 0;
  /** How long it has been silent while it should run and the control plane was whole, and the longest so. */
  silentMs = 0;
  longestSilentMs = 0;
  private lives = 0;
  /** The most that its counter of boots may be, but for what ended it since. */
  private mostBoots = 0;
  private endsBefore = 0;
  /** So much of its console has been gone through. */
  private heardCharacters = 0;
  private disk = new DiskLedger(0, { writes: [], boot: 0 });
  /** When its disk was last looked at, or prepared. */
  private lookedAt = 0;

  constructor(
    readonly guest: LabGuest,
    readonly seed: number,
  ) {}

  get name(): string {
    return this.guest.name;
  }

  /** Its disk once, its memory anew in each life. */
  async prepare(): Promise<void> {
    const { guest, seed } = this;
    await guest.prepare({ areaMiB, dirtyMBps, seed });
    const { boot } = await guest.stats();
    this.mostBoots = boot;
    this.lookedAt = Date.now();
    // Never another guest's seeds: a disk that was taken for another is seen.
    this.disk = new DiskLedger((seed % 4_000) * 1_000_000, {
      writes: [{ seed, sectors: preparedSectors, isKnown: true }],
      boot,
    });
    this.heardCharacters = guest.record.text().lastIndexOf('\n') + 1;
    this.lives = guest.record.lives().length;
  }

  // ---- What is done to its disk ----

  /** A command that fills it anew with what was never there. */
  nextFill(): string {
    this.hear();
    const { sectors, seed } = this.disk.nextWrite();
    return `disk fill ${sectors} ${seed}`;
  }

  /** Before a snapshot or a clone of that name is asked for. */
  isCopied(name: string): void {
    this.hear();
    this.disk.copy(name);
  }

  /** It is there. */
  hasCopy(name: string): void {
    this.disk.isTaken(name);
  }

  copyOf(name: string): readonly Course[] {
    return this.disk.of(name);
  }

  /** It stands still, and was asked to go back to that snapshot. */
  wentBack(name: string, isSure: boolean): void {
    this.hear();
    this.disk.goesBack(name, { isSure });
    // The snapshot may have been taken one boot after it was asked for.
    this.mostBoots = Math.max(this.mostBoots, ...this.disk.of(name).map(({ boot }) => boot + 1));
  }

  /** What it has said of its disk since it was last listened to, whole lines only. */
  private hear(): void {
    const text = this.guest.record.text();
    const end = text.lastIndexOf('\n') + 1;
    const lines = text.slice(this.heardCharacters, end).split('\n');
    this.heardCharacters = Math.max(this.heardCharacters, end);
    for (const line of lines) {
      // One that was cut off by its end has another's beginning behind it.
      const said = line.endsWith('\r') ? parseGuestLine(line) : undefined;
      if (said?.kind === 'ready') this.disk.booted(said.boot);
      if (said?.kind === 'diskFilled') this.disk.isDurable(said.sectors);
    }
  }

  // ---- At rest ----

  /** All that it holds and has said, against what it should. An empty list: all is well. */
  async faults(): Promise<string[]> {
    const { guest, seed } = this;
    const faults: string[] = [];
    const note = (what: string) => (error: unknown) =>
      void faults.push(`${this.name}, ${what}: ${error instanceof Error ? error.message : String(error)}`);
    await this.lookAtDisk().catch(note('its disk'));
    if (await this.knowsItsMemory()) await guest.expectMemory({ areaMiB, seed }).catch(note('its memory'));
    else await this.fillAgain().catch(note('its memory cannot be filled'));
    await guest.expectPlacementsWhole().catch(note('its placements'));
    const broken = guest.record
      .lives()
      .map(brokenCounts)
      .filter((text) => text !== '');
    return [...faults, ...broken.map((text) => `${this.name}, its counts: ${text}`), ...this.doubles()];
  }

  private async lookAtDisk(): Promise<void> {
    // Half of a line may have been typed when an agent died, or when the memory was taken that it has gone back to.
    await this.guest.say('!');
    // It answers in order: what it was told before is done when this is answered.
    const { boot } = await this.guest.stats();
    this.hear();
    const [ends, most] = [this.ends - this.endsBefore, this.mostBoots];
    this.mostBoots = boot;
    this.endsBefore = this.ends;
    const hasFailed = (await this.guest.events('revert-failed', this.lookedAt)).length > 0;
    this.lookedAt = Date.now();
    const { course, pieces } = await courseOf(this.disk.possible({ hasFailed }), sumsOf(this.guest));
    this.disk.holds(pieces, boot);
    if (this.disk.faults.length > 0) throw new WrongContent(this.disk.faults.join('; '));
    if (boot < course.boot) throw new WrongContent(`it counts boot ${boot} after boot ${course.boot}`);
    if (boot > most + ends) throw new Error(`it counts boot ${boot} after ${most}, and only ${ends} reasons are known`);
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
}
