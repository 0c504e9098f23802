export const colours = { red: 31, green: 32, yellow: 33, blue: 34, cyan: 36, dim: 2, bold: 1 } as const;
export type Colour = keyof typeof colours;

export interface Cell {
  readonly text: string;
  readonly colour?: Colour | undefined;
}

export interface TableOptions {
  readonly titles: readonly string[];
  readonly right?: readonly boolean[];
  readonly useColour?: boolean;
  readonly headers?: boolean;
  /** Of a table that an earlier one is continued by: columns are at least this wide. */
  readonly widths?: readonly number[];
}

export function paint(text: string, colour: Colour | undefined, useColour: boolean): string {
  return colour === undefined || !useColour || text === '' ? text : `\x1b[${colours[colour]}m${text}\x1b[0m`;
}

/** What a guest or a host says of itself must not move the cursor or paint the terminal. */
export function plain(text: string): string {
  // eslint-disable-next-line no-control-regex -- these are what is taken out
  return text.replace(/[\x00-\x1f\x7f-\x9f]+/g, ' ').trim();
}

/** Most of what we print is narrow; East Asian wide characters and emoji take two columns on a terminal. */
export function textWidth(text: string): number {
  let width = 0;
  for (const character of text)
    width +=
      /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60]/u.test(
        character,
      )
        ? 2
        : 1;
  return width;
}

/** At most that many columns; what was cut off ends in "…". */
export function cut(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let kept = '';
  for (const character of text) {
    if (textWidth(kept + character) > width - 1) break;
    kept += character;
  }
  return width < 1 ? '' : `${kept}…`;
}

export function columnWidths(rows: readonly (readonly Cell[])[], { titles, widths = [] }: TableOptions): number[] {
  return titles.map((title, column) =>
    Math.max(textWidth(title), widths[column] ?? 0, ...rows.map((row) => textWidth(row[column]?.text ?? ''))),
  );
}

/** Columns two spaces apart, the last one unpadded, so that a line can be split and copied. */
export function tableLines(rows: readonly (readonly Cell[])[], options: TableOptions): string[] {
  const { titles, right = [], useColour = false, headers = true } = options;
  const widths = columnWidths(rows, options);
  const line = (cells: readonly Cell[]): string =>
    cells
      .map(({ text, colour }, column) => {
        const gap = ' '.repeat(Math.max(0, (widths[column] ?? 0) - textWidth(text)));
        const painted = paint(text, colour, useColour);
        if (right[column]) return gap + painted;
        return column === cells.length - 1 ? painted : painted + gap;
      })
      .join('  ')
      .trimEnd();
  const heading = headers ? [line(titles.map((text) => ({ text, colour: 'bold' })))] : [];
  return [...heading, ...rows.map(line)];
}

/** "STATE  running", one line for each field. */
export function fieldLines(fields: readonly (readonly [string, Cell])[], useColour = false): string[] {
  const width = Math.max(0, ...fields.map(([title]) => title.length));
  return fields.map(([title, { text, colour }]) =>
    `${paint(title.padEnd(width), 'bold', useColour)}  ${paint(text, colour, useColour)}`.trimEnd(),
  );
}
