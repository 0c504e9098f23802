/**
 * What the measuring guests (guests/) say on their console, and the replay of the content they write. The replay follows
 * guests/common/pattern.c word for word: change both or neither.
 */

export type GuestLine =
  | { readonly kind: 'ready'; readonly memoryKiB: number; readonly boot: number }
  | { readonly kind: 'heartbeat'; readonly count: number; readonly work: number }
  | { readonly kind: 'filled'; readonly areaMiB: number; readonly seed: number }
  | { readonly kind: 'sum'; readonly steps: number; readonly checksum: string }
  | { readonly kind: 'pong'; readonly token: string }
  | { readonly kind: 'work'; readonly work: number }
  | ({ readonly kind: 'stats' } & GuestCounters)
  | { readonly kind: 'diskFilled'; readonly sectors: number }
  | { readonly kind: 'diskSum'; readonly checksum: string }
  | {
      readonly kind: 'network';
      readonly address: string;
      readonly sent: number;
      readonly answered: number;
      readonly served: number;
    }
  | { readonly kind: 'error'; readonly expected: string };

/** Counters since the guest booted (steps: since the last fill), and the settings in force. A boot of 0: no disk to count on. */
export interface GuestCounters {
  readonly count: number;
  readonly work: number;
  readonly steps: number;
  readonly dirtiedKiB: number;
  readonly boot: number;
  readonly tickMs: number;
  readonly loadPermille: number;
  readonly dirtyMBps: number;
  readonly areaMiB: number;
  readonly seed: number;
}

interface LineForm {
  readonly pattern: RegExp;
  readonly read: (fields: readonly string[]) => GuestLine;
}

const number = (text: string | undefined): number => Number(text);
const text = (field: string | undefined): string => field ?? '';

const readCounters = (fields: readonly string[]): GuestLine => {
  const [count, work, steps, dirtiedKiB, boot, tickMs, loadPermille, dirtyMBps, areaMiB, seed] = fields.map(number);
  const counters = { count, work, steps, dirtiedKiB, boot, tickMs, loadPermille, dirtyMBps, areaMiB, seed };
  return { kind: 'stats', ...(counters as GuestCounters) };
};

/**
 * The most frequent first: a guest may tick every millisecond. Of a number at most 15 digits count, which are exact: what
 * is longer no program of ours said, and would be carried into its host's report as a number that no report may hold.
 */
const lineForms: readonly LineForm[] = [
  {
    pattern: /^hb (\d{1,15}) (\d{1,15})$/,
    read: ([count, work]) => ({ kind: 'heartbeat', count: number(count), work: number(work) }),
  },
  { pattern: /^pong (.+)$/, read: ([token]) => ({ kind: 'pong', token: text(token) }) },
  { pattern: /^work (\d{1,15})$/, read: ([work]) => ({ kind: 'work', work: number(work) }) },
  {
    pattern: /^sum (\d{1,15}) ([0-9a-f]{8})$/,
    read: ([steps, checksum]) => ({ kind: 'sum', steps: number(steps), checksum: text(checksum) }),
  },
  {
    pattern: /^filled (\d{1,15}) (\d{1,15})$/,
    read: ([areaMiB, seed]) => ({ kind: 'filled', areaMiB: number(areaMiB), seed: number(seed) }),
  },
  {
    pattern:
      /^stats count=(\d{1,15}) work=(\d{1,15}) steps=(\d{1,15}) dirtied=(\d{1,15}) boot=(\d{1,15}) tick=(\d{1,15}) load=(\d{1,15}) rate=(\d{1,15}) area=(\d{1,15}) seed=(\d{1,15})$/,
    read: readCounters,
  },
  { pattern: /^disk filled (\d{1,15})$/, read: ([sectors]) => ({ kind: 'diskFilled', sectors: number(sectors) }) },
  { pattern: /^disk sum ([0-9a-f]{8})$/, read: ([checksum]) => ({ kind: 'diskSum', checksum: text(checksum) }) },
  {
    pattern: /^ready v1 memory=(\d{1,15}) boot=(\d{1,15})$/,
    read: ([memoryKiB, boot]) => ({ kind: 'ready', memoryKiB: number(memoryKiB), boot: number(boot) }),
  },
  {
    pattern: /^net address=([\d.]{7,15}) sent=(\d{1,15}) answered=(\d{1,15}) served=(\d{1,15})$/,
    read: ([address, sent, answered, served]) => ({
      kind: 'network',
      address: text(address),
      sent: number(sent),
      answered: number(answered),
      served: number(served),
    }),
  },
  { pattern: /^error (.+)$/, read: ([expected]) => ({ kind: 'error', expected: text(expected) }) },
];

/** What that line says, or undefined when it is not the guest program's (a kernel's message, or half a line). */
export function parseGuestLine(line: string): GuestLine | undefined {
  const trimmed = line.trimEnd();
  for (const { pattern, read } of lineForms) {
    const match = pattern.exec(trimmed);
    if (match) return read(match.slice(1));
  }
  return undefined;
}

/** A console that nobody ends a line on must not fill our memory: a longer line than this is cut into pieces. */
const longestLineCharacters = 4096;

/**
 * Turns a console's chunks into its lines, without their line ends. Chunks may end anywhere. A live migration may cut a line
 * in two, begun by the source and ended by the target: the target's splitter starts with what the source's left unfinished.
 */
export class GuestLineSplitter {
  private rest: string;

  constructor(unfinished = '') {
    this.rest = unfinished;
  }

  get unfinished(): string {
    return this.rest;
  }

  push(chunk: string): string[] {
    const pieces = (this.rest + chunk).split('\n');
    const last = pieces.pop() ?? '';
    const isCut = last.length >= longestLineCharacters;
    this.rest = isCut ? '' : last;
    if (isCut) pieces.push(last);
    return pieces.map((piece) => (piece.endsWith('\r') ? piece.slice(0, -1) : piece));
  }
}

const wordsPerMiB = 262144;
const wordsPerPage = 1024;
const wordsPerSector = 128;
const sequenceIncrement = 0x9e3779b9;
const checksumStart = 0x811c9dc5;

/** Names of our own: a global's look-up for each word makes the replay twenty times slower in Jest's sandbox. */
const { imul: multiply, floor } = Math;

function mix(value: number): number {
  let mixed = multiply(value ^ (value >>> 16), 0x7feb352d);
  mixed = multiply(mixed ^ (mixed >>> 15), 0x846ca68b);
  return mixed ^ (mixed >>> 16);
}

/** What a fill from that seed leaves, in memory or on the disk. */
export function filledWords(count: number, seed: number): Int32Array {
  const words = new Int32Array(count);
  let input = mix(seed ^ 0xa5906e5f);
  for (let index = 0; index < count; index++) {
    words[index] = mix(input);
    input = (input + sequenceIncrement) | 0;
  }
  return words;
}

function checksumOf(words: Int32Array): string {
  let sum = checksumStart | 0;
  for (let index = 0; index < words.length; index++) sum = multiply(sum ^ (words[index] as number), 16777619);
  return (sum >>> 0).toString(16).padStart(8, '0');
}

function applySteps(words: Int32Array, seed: number, steps: number): void {
  const pages = words.length / wordsPerPage;
  const base = mix(seed ^ 0x5bd1e995);
  for (let step = 0; step < steps; step++) {
    const choice = mix((base + multiply(step, sequenceIncrement)) | 0);
    // The product stays below 2^53 for any area that a 32-bit guest can have, so the division is exact.
    const page = floor(((choice >>> 0) * pages) / 0x100000000);
    const value = mix(choice ^ step);
    words[page * wordsPerPage + (value & (wordsPerPage - 1))] = value;
  }
}

export interface MemoryReplay {
  readonly areaMiB: number;
  readonly seed: number;
  readonly steps: number;
}

/** The checksum that `sum` must answer for an area filled from that seed and dirtied by that many steps: eight hex digits. */
export function replayChecksum({ areaMiB, seed, steps }: MemoryReplay): string {
  const words = filledWords(areaMiB * wordsPerMiB, seed);
  applySteps(words, seed, steps);
  return checksumOf(words);
}

/** The checksum that `disk sum <sectors>` must answer after `disk fill <sectors> <seed>`: eight hex digits. */
export function replayDiskChecksum({ sectors, seed }: { readonly sectors: number; readonly seed: number }): string {
  return replayDiskPieces([{ to: sectors, seed }]);
}

/** What one fill has left of itself: from where the piece before it ends to that sector, which is not part of it. */
export interface DiskPiece {
  readonly to: number;
  /** null: nothing was ever written there. */
  readonly seed: number | null;
}

/** The same where fills of several seeds were cut short, or were shorter than those before them. */
export function replayDiskPieces(pieces: readonly DiskPiece[]): string {
  const words = new Int32Array((pieces[pieces.length - 1]?.to ?? 0) * wordsPerSector);
  let from = 0;
  for (const { to, seed } of pieces) {
    if (seed !== null) words.set(filledWords(to * wordsPerSector, seed).subarray(from), from);
    from = to * wordsPerSector;
  }
  return checksumOf(words);
}
