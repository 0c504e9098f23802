import { accepted, refused, type Result } from '@argosy/domain/refusal';
import { Unreadable } from '../scenario-words';

/** A text of comma-separated values, and the name that a complaint about it gives. */
export interface TraceText {
  readonly file: string;
  readonly text: string;
}

/** The cells of a line, by column; each taker says what it expected. */
export class Cells {
  constructor(
    private readonly cells: readonly string[],
    private readonly columns: ReadonlyMap<string, number>,
  ) {}

  text(column: string): string {
    const cell = this.cells[this.columns.get(column)!]!.trim();
    if (cell === '') throw new Unreadable(`expected ${column}, found nothing`);
    return cell;
  }

  /** Not negative; traces have no such thing. */
  number(column: string): number {
    const cell = this.text(column);
    if (!/^\d+(\.\d+)?$/.test(cell)) throw new Unreadable(`expected ${column}, a number from 0 on, found "${cell}"`);
    return Number(cell);
  }

  positive(column: string): number {
    const value = this.number(column);
    if (value === 0) throw new Unreadable(`expected ${column}, a number above 0, found 0`);
    return value;
  }
}

/** Calls `read` for each line that is not empty. The first that it cannot read refuses the whole text. */
export function eachLine({ file, text }: TraceText, read: (line: string, number: number) => void): Result<number> {
  let number = 0;
  let count = 0;
  let begin = 0;
  try {
    while (begin < text.length) {
      const newline = text.indexOf('\n', begin);
      const end = newline < 0 ? text.length : newline;
      number++;
      const line = text.slice(begin, text[end - 1] === '\r' ? end - 1 : end);
      begin = end + 1;
      if (line.trim() === '') continue;
      read(line, number);
      count++;
    }
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return refused('invalid-request', `${file}:${number}: ${error.message}`);
  }
  if (count === 0) return refused('invalid-request', `${file}:1: expected a line of values, found an empty file`);
  return accepted(count);
}

/** A table whose first line names its columns; they may stand in any order, and others beside them. */
export function eachRow(trace: TraceText, columns: readonly string[], read: (cells: Cells) => void): Result<number> {
  let header: readonly string[] | undefined;
  let indices = new Map<string, number>();
  const counted = eachLine(trace, (line) => {
    const cells = line.split(',');
    if (header === undefined) {
      header = cells.map((cell) => cell.trim());
      indices = new Map(header.map((name, index) => [name, index]));
      const missing = columns.filter((column) => !indices.has(column));
      if (missing.length > 0)
        throw new Unreadable(
          `expected a line that names the columns ${columns.join(', ')}, without ${missing.join(', ')} here`,
        );
      return;
    }
    if (cells.length !== header.length) throw new Unreadable(`expected ${header.length} values, found ${cells.length}`);
    read(new Cells(cells, indices));
  });
  if (counted.ok && counted.value === 1)
    return refused('invalid-request', `${trace.file}:2: expected a line of values, found the end of the file`);
  return counted;
}
