import { compareNames } from './rows';

type Value = string | number | null;

/** Rows in the order of one of their values, and what is needed to find that nothing of it has changed. */
export interface Ordered<Row> {
  readonly rows: readonly Row[];
  /** Of the rows as they were given. */
  readonly values: readonly Value[];
  /** Where each stood among the rows as they were given, in order. */
  readonly places: readonly number[];
  readonly sorting: Sorting<Row> | null;
}

export interface Sorting<Row> {
  readonly title: string;
  readonly descending: boolean;
  readonly value: (row: Row) => Value;
}

function compare(one: Value, other: Value): number {
  if (typeof one === 'number' && typeof other === 'number') return one - other;
  return compareNames(String(one ?? ''), String(other ?? ''));
}

/**
 * Of 20,000 rows a few change at a time, and seldom in what they are sorted by: then all stay where they were, which is seen in a
 * hundredth of the time that comparing names takes.
 */
export function ordered<Row>(
  rows: readonly Row[],
  sorting: Sorting<Row> | null,
  before: Ordered<Row> | null,
): Ordered<Row> {
  if (sorting === null) return { rows, values: [], places: [], sorting };
  const values = rows.map(sorting.value);
  const isSame =
    before?.sorting?.title === sorting.title &&
    before.sorting.descending === sorting.descending &&
    before.values.length === values.length &&
    values.every((value, index) => value === before.values[index]);
  const places = isSame ? before.places : sortedPlaces(values, sorting.descending);
  return { rows: places.map((place) => rows[place]!), values, places, sorting };
}

function sortedPlaces(values: readonly Value[], descending: boolean): readonly number[] {
  const direction = descending ? -1 : 1;
  return values
    .map((_, index) => index)
    .sort((one, other) => direction * compare(values[one]!, values[other]!) || one - other);
}

/** Those of which a value has the text in it, in capitals or not. */
export function withText<Row>(
  rows: readonly Row[],
  text: string,
  values: readonly ((row: Row) => Value)[],
): readonly Row[] {
  const wanted = text.toLowerCase();
  if (wanted === '') return rows;
  return rows.filter((row) =>
    values.some((value) =>
      String(value(row) ?? '')
        .toLowerCase()
        .includes(wanted),
    ),
  );
}
