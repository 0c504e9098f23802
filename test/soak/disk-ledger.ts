import type { DiskPiece } from '@argosy/domain/guest-console';

/** One `disk fill`: what it fills, from the disk's first sector on, and whether the guest has said that it is durable. */
export interface Write {
  readonly seed: number | null;
  readonly sectors: number;
  readonly isKnown: boolean;
}

/** What may have come of a disk: all that was written to it, oldest first, and the last boot that was counted on it. */
export interface Course {
  readonly writes: readonly Write[];
  readonly boot: number;
  /** Only if going back to a snapshot, which had been accepted, is said to have failed. */
  readonly needsFailure?: boolean;
}

interface Copy {
  courses: readonly Course[];
  /** It may still be being taken: what is written meanwhile may be in it. */
  isOpen: boolean;
}

const appended = (course: Course, write: Write): Course => ({ ...course, writes: [...course.writes, write] });

/** The latest that is known to be durable, and those after it, of which each sector may have something or nothing. */
export function seedsAt({ writes }: Course, sector: number): (number | null)[] {
  const reaching = writes.filter(({ sectors }) => sectors > sector);
  const known = reaching.findLastIndex(({ isKnown }) => isKnown);
  const seeds = reaching.slice(Math.max(0, known)).map(({ seed }) => seed);
  return known === -1 ? [null, ...seeds] : seeds;
}

/** Where another write may begin to show: where one of them ends. */
export function endsOf({ writes }: Course): number[] {
  return [...new Set(writes.map(({ sectors }) => sectors))].sort((left, right) => left - right);
}

/** What the disk holds if all was written, and if nothing was that is not known to be. */
export function guesses(course: Course): { readonly whole: DiskPiece[]; readonly known: DiskPiece[] } {
  const pieces = (place: number) =>
    endsOf(course).map((to): DiskPiece => ({ to, seed: seedsAt(course, to - 1).at(place) ?? null }));
  return { whole: pieces(-1), known: pieces(0) };
}

/** What the disk of one guest may hold, and those of its snapshots and clones: never the same data twice. */
export class DiskLedger {
  private courses: readonly Course[];
  private readonly copies = new Map<string, Copy>();
  private count = 0;
  /** What may not be: a counter on the disk that went back. */
  readonly faults: string[] = [];

  constructor(
    private readonly firstSeed: number,
    course: Course,
  ) {
    this.courses = [course];
  }

  /** One of them is what happened: a request that was not answered may have been heard. */
  possible({ hasFailed }: { readonly hasFailed: boolean }): readonly Course[] {
    return hasFailed ? this.courses : this.courses.filter(({ needsFailure }) => !needsFailure);
  }

  /** How many sectors it fills tells it from the others, for that is all that the guest says of it. */
  nextWrite(): Write & { readonly seed: number } {
    this.count += 1;
    const write = {
      seed: this.firstSeed + this.count,
      sectors: 1_024 + ((this.count * 1_223) % 3_000),
      isKnown: false,
    };
    this.courses = this.courses.map((course) => appended(course, write));
    for (const copy of this.copies.values())
      if (copy.isOpen) copy.courses = copy.courses.map((course) => appended(course, write));
    return write;
  }

  /** The guest has said so, and may lose it no more. */
  isDurable(filledSectors: number): void {
    this.courses = this.courses.map((course) => ({
      ...course,
      writes: course.writes.map((write) => (write.sectors === filledSectors ? { ...write, isKnown: true } : write)),
    }));
  }

  /** The counter lies on the disk and is durable before it is told: one that comes again is that of an older disk. */
  booted(boot: number): void {
    const left = this.courses.filter((course) => course.boot < boot);
    const told = this.courses.map((course) => course.boot).join(' or ');
    if (left.length === 0) this.faults.push(`its disk counted boot ${boot} after boot ${told}`);
    this.courses = (left.length === 0 ? this.courses : left).map((course) => ({ ...course, boot }));
  }

  /** A snapshot or a clone was asked for. */
  copy(name: string): void {
    this.copies.set(name, { courses: this.courses, isOpen: true });
  }

  /** It is there; what is written from now on is not in it. */
  isTaken(name: string): void {
    const copy = this.copies.get(name);
    if (copy) copy.isOpen = false;
  }

  of(name: string): readonly Course[] {
    return this.copies.get(name)?.courses ?? [];
  }

  /** It stands still, and was asked to go back; whether it does is not sure where no answer came. */
  goesBack(name: string, { isSure }: { readonly isSure: boolean }): void {
    const before = isSure ? this.courses.map((course) => ({ ...course, needsFailure: true })) : this.courses;
    this.courses = [...this.of(name), ...before];
  }

  /** Looked at: from here on this is what it holds. */
  holds(pieces: readonly DiskPiece[], boot: number): void {
    // A later piece is what a longer write has left of itself.
    const writes = pieces.map(({ to, seed }) => ({ sectors: to, seed, isKnown: true })).reverse();
    this.courses = [{ writes, boot }];
  }
}
