import { accepted, refused, type Result } from '@argosy/domain/refusal';
import { Unreadable } from '../scenario-words';
import { eachLine, type TraceText } from './rows';

/** Processor use of guests at even steps, as the CoMon project measured it on PlanetLab: five minutes apart. */
export interface UtilisationTrace {
  readonly names: readonly string[];
  readonly samples: number;
  /** Guest by guest, 0 to 100. */
  readonly percent: Uint8Array;
}

/** A line a guest: its name, then a whole number of percent for each step. All lines are of one length. */
export function parsePlanetLab(trace: TraceText): Result<UtilisationTrace> {
  const names: string[] = [];
  const known = new Set<string>();
  const rows: Uint8Array[] = [];
  const read = eachLine(trace, (line) => {
    const [name = '', ...cells] = line.split(',');
    if (name.trim() === '') throw new Unreadable("expected a guest's name, found nothing");
    if (known.has(name)) throw new Unreadable(`expected a new name, "${name}" stands above`);
    const samples = rows[0]?.length ?? cells.length;
    if (cells.length !== samples)
      throw new Unreadable(`expected ${samples} percentages, as on the first line, found ${cells.length}`);
    if (samples < 2) throw new Unreadable(`expected a name and at least 2 percentages, found ${samples}`);
    rows.push(Uint8Array.from(cells, percentOf));
    known.add(name);
    names.push(name);
  });
  if (!read.ok) return refused(read.refusal.code, read.refusal.message);
  const samples = rows[0]!.length;
  const percent = new Uint8Array(names.length * samples);
  rows.forEach((row, guest) => percent.set(row, guest * samples));
  return accepted({ names, samples, percent });
}

function percentOf(cell: string, index: number): number {
  const value = /^\d{1,3}$/.test(cell.trim()) ? Number(cell) : NaN;
  if (!(value <= 100))
    throw new Unreadable(`expected a whole number from 0 to 100 as value ${index + 1}, found "${cell}"`);
  return value;
}
