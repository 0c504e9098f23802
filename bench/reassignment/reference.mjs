// What others reached, and the table that sets it beside ours.

import { existsSync, readFileSync } from 'node:fs';

/**
 * @typedef {object} Reference
 * @property {number} initial
 * @property {number} best the smallest that is known
 * @property {ReadonlyMap<string, number>} reached by the name of the column
 */

/** Columns that are not what somebody reached. */
const notReached = ['instance', 'initial', 'lower_bound'];

/**
 * @param {string} file comma-separated, with the columns' names in the first line; what is empty or zero was not measured
 * @returns {Map<string, Reference>} by instance; empty, where there is no such file
 */
export function readReference(file) {
  if (!existsSync(file)) return new Map();
  const [heading = '', ...lines] = readFileSync(file, 'utf8').trim().split(/\r?\n/);
  const columns = heading.split(',');
  return new Map(
    lines.map((line) => {
      const cells = new Map(line.split(',').map((cell, index) => [columns[index] ?? '', cell]));
      const reached = new Map(
        [...cells]
          .filter(([column, cell]) => !notReached.includes(column) && Number(cell) > 0)
          .map(([column, cell]) => [column, Number(cell)]),
      );
      const best = Math.min(...reached.values());
      return [cells.get('instance') ?? '', { initial: Number(cells.get('initial')), best, reached }];
    }),
  );
}

/**
 * @param {number} cost
 * @param {Reference | undefined} reference
 * @returns {number | undefined} in per cent of the initial cost, as the challenge scored
 */
export function gapOf(cost, reference) {
  return reference && (100 * (cost - reference.best)) / reference.initial;
}

/** @typedef {{ name: string, initial: number, cost: number, violations: string[], seconds: number, steps: number }} Row */

/**
 * @param {readonly Row[]} rows
 * @param {ReadonlyMap<string, Reference>} reference
 */
export function table(rows, reference) {
  const columns = [...new Set([...reference.values()].flatMap(({ reached }) => [...reached.keys()]))];
  const gap = (/** @type {number | undefined} */ value) => (value === undefined ? '-' : value.toFixed(3));
  const lines = rows.map((row) => {
    const known = reference.get(row.name);
    const others = columns.map((column) => gap(gapOf(known?.reached.get(column) ?? NaN, known)).replace('NaN', '-'));
    return [
      row.name,
      String(row.initial),
      String(row.cost),
      gap(gapOf(row.cost, known)),
      row.seconds.toFixed(2),
      ...others,
    ];
  });
  const heading = ['instance', 'initial', 'cost', 'gap %', 'seconds', ...columns];
  const sums = totals(rows, columns, reference);
  const widths = heading.map((_title, index) =>
    Math.max(...[heading, ...lines, ...sums].map((line) => line[index]?.length ?? 0)),
  );
  const printed = [heading, ...lines, ...sums].map((line) =>
    line
      .map((cell, index) => (index === 0 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0)))
      .join('  '),
  );
  return `${printed.join('\n')}\ngap: 100 · (cost − best known) / initial`;
}

/**
 * The sums of the gaps, by set, which is what a name begins with: those of another column over the same instances.
 * @param {readonly Row[]} rows
 * @param {readonly string[]} columns
 * @param {ReadonlyMap<string, Reference>} reference
 */
function totals(rows, columns, reference) {
  const sets = [...new Set(rows.map(({ name }) => name.split('_')[0] ?? name))];
  return sets.map((set) => {
    const known = rows.flatMap((row) => {
      const found = reference.get(row.name);
      return row.name.split('_')[0] === set && found ? [{ row, found }] : [];
    });
    const sum = (/** @type {(each: { row: Row, found: Reference }) => number | undefined} */ costOf) => {
      const gaps = known.map((each) => gapOf(costOf(each) ?? NaN, each.found) ?? NaN);
      const total = gaps.reduce((left, right) => left + right, 0);
      return Number.isNaN(total) || gaps.length === 0 ? '-' : total.toFixed(3);
    };
    return [
      `sum ${set}`,
      '',
      '',
      sum(({ row }) => row.cost),
      '',
      ...columns.map((column) => sum(({ found }) => found.reached.get(column))),
    ];
  });
}
