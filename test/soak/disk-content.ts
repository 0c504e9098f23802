import { type DiskPiece, replayDiskPieces } from '@argosy/domain/guest-console';
import { type Course, endsOf, guesses, seedsAt } from './disk-ledger';

/** The guest's sum of its first sectors. */
export type SumOf = (sectors: number) => Promise<string>;

/** What a disk should not hold, in words. */
export class WrongContent extends Error {}

/**
 * What is on the disk, by the guest's own sums, as far as that may be; anything else is thrown. Mostly two sums tell; where
 * a write was cut short, the place at which it was is looked for by halves.
 */
export async function contentOf(course: Course, sumOf: SumOf): Promise<DiskPiece[]> {
  const holds = async (pieces: readonly DiskPiece[]): Promise<boolean> =>
    (await sumOf(pieces.at(-1)!.to)) === replayDiskPieces(pieces);
  const { whole, known } = guesses(course);
  for (const guess of [whole, known]) if (await holds(guess)) return guess;
  const pieces: DiskPiece[] = [];
  for (const end of endsOf(course)) {
    for (let from = pieces.at(-1)?.to ?? 0; from < end; from = pieces.at(-1)!.to)
      pieces.push(await pieceFrom(from, { end, before: pieces, seeds: seedsAt(course, from), holds }));
  }
  return pieces;
}

interface Place {
  readonly end: number;
  readonly before: readonly DiskPiece[];
  readonly seeds: readonly (number | null)[];
  readonly holds: (pieces: readonly DiskPiece[]) => Promise<boolean>;
}

/** As long as it is of one seed. */
async function pieceFrom(from: number, { end, before, seeds, holds }: Place): Promise<DiskPiece> {
  for (const seed of seeds) {
    const reaches = (to: number) => holds([...before, { to, seed }]);
    if (!(await reaches(from + 1))) continue;
    if (await reaches(end)) return { to: end, seed };
    let [good, bad] = [from + 1, end];
    while (bad - good > 1) {
      const middle = Math.floor((good + bad) / 2);
      if (await reaches(middle)) good = middle;
      else bad = middle;
    }
    return { to: good, seed };
  }
  throw new WrongContent(`sector ${from} holds nothing of ${seeds.map((seed) => seed ?? 'blank').join(', ')}`);
}
