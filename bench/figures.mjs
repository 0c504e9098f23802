// What a benchmark finds, and how it is told.

/**
 * @typedef {object} Figure
 * @property {string} name
 * @property {number | null} value null: it could not be measured
 * @property {string} unit
 * @property {number | null} reference what it is compared with: measured beside it, predicted, or null
 * @property {number | null} target null: it is told for what it explains
 * @property {boolean} met
 * @property {string} remark what the reference is, and how the values spread
 */

/** @typedef {{ root: string, quick: boolean, data: string, note: (text: string) => void }} Context */
/** @typedef {{ name: string, title: string, needsData?: true, measure: (context: Context) => Promise<Figure[]> }} Benchmark */

/**
 * A figure that must not be above its target.
 * @param {Omit<Figure, 'met'>} figure
 * @returns {Figure}
 */
export function atMost(figure) {
  const { value, target } = figure;
  return { ...figure, met: value !== null && (target === null || value <= target) };
}

/**
 * @param {Omit<Figure, 'met'>} figure
 * @returns {Figure}
 */
export function atLeast(figure) {
  const { value, target } = figure;
  return { ...figure, met: value !== null && (target === null || value >= target) };
}

/**
 * @param {readonly number[]} values
 * @param {number} share 0.5 is the median
 * @returns {number}
 */
export function quantile(values, share) {
  // It has no place in an order: what was not measured would make the others look finished.
  if (values.some(Number.isNaN)) throw new Error('one of the values was not measured');
  const sorted = [...values].sort((left, right) => left - right);
  const place = (sorted.length - 1) * share;
  const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  if (below === undefined || above === undefined) throw new Error('there are no values');
  return below + (above - below) * (place - Math.floor(place));
}

/**
 * Where each run counts, and not most of them: null as soon as one was not measured, or none.
 * @param {readonly (number | null)[]} values
 * @returns {number | null}
 */
export function longest(values) {
  const measured = values.flatMap((value) => value ?? []);
  return measured.length === values.length && measured.length > 0 ? Math.max(...measured) : null;
}

/** @param {readonly number[]} values */
export const median = (values) => quantile(values, 0.5);

/**
 * @param {readonly number[]} values
 * @returns {string}
 */
export function spread(values) {
  const shown = [0, 0.5, 0.9, 1].map((share) => round(quantile(values, share)));
  return `${shown[0]} to ${shown[3]}, median ${shown[1]}, 90 % within ${shown[2]}, n = ${values.length}`;
}

/** @param {number} value */
export function round(value) {
  return Math.abs(value) >= 100 ? Math.round(value) : Math.round(value * 100) / 100;
}

/** @param {number | null} value */
const roundOrNull = (value) => (value === null ? null : round(value));

/** @param {Figure} figure */
export function jsonLine({ name, value, unit, reference, target, met }) {
  return JSON.stringify({
    name,
    value: roundOrNull(value),
    unit,
    reference: roundOrNull(reference),
    target: roundOrNull(target),
    met,
  });
}

/**
 * @param {readonly Figure[]} figures
 * @returns {string}
 */
export function table(figures) {
  const head = ['figure', 'value', 'unit', 'reference', 'target', 'met'];
  const text = (/** @type {number | null} */ value) => (value === null ? '–' : String(round(value)));
  const rows = figures.map(({ name, value, unit, reference, target, met }) => {
    const verdict = target === null && met ? '–' : met ? 'yes' : 'NO';
    return [name, text(value), unit, text(reference), text(target), verdict];
  });
  const widths = head.map((title, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? title).length)));
  const line = (/** @type {string[]} */ cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  const remarks = figures.map(({ name, remark }) => `  ${name}: ${remark}`);
  return [line(head), ...rows.map(line), '', ...remarks].join('\n');
}
