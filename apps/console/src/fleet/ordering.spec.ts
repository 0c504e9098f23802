import { type Ordered, ordered, type Sorting, withText } from './ordering';

interface Row {
  readonly name: string;
  readonly load: number | null;
}
const row = (name: string, load: number | null = null): Row => ({ name, load });
const byName: Sorting<Row> = { title: 'Name', descending: false, value: ({ name }) => name };
const names = ({ rows }: Ordered<Row>) => rows.map(({ name }) => name).join(' ');

test('names as people count, figures by their size, and those without one at an end', () => {
  expect(names(ordered([row('h10'), row('h2'), row('a')], byName, null))).toBe('a h2 h10');
  expect(names(ordered([row('h10'), row('h2')], { ...byName, descending: true }, null))).toBe('h10 h2');
  const byLoad: Sorting<Row> = { title: 'Load', descending: true, value: ({ load }) => load };
  expect(names(ordered([row('a', 9), row('b', 10), row('c')], byLoad, null))).toBe('b a c');
});

test('rows that change in something else stay where they are without a comparison, and show what changed', () => {
  const first = ordered([row('b', 1), row('a', 1)], byName, null);
  const second = ordered([row('b', 2), row('a', 1)], byName, first);
  expect(second.places).toBe(first.places);
  expect(second.rows).toEqual([row('a', 1), row('b', 2)]);
});

test('who comes, goes, is renamed or is sorted otherwise is put in order anew', () => {
  const first = ordered([row('b'), row('a')], byName, null);
  expect(names(ordered([row('b'), row('a'), row('aa')], byName, first))).toBe('a aa b');
  expect(names(ordered([row('b')], byName, first))).toBe('b');
  expect(names(ordered([row('b'), row('c')], byName, first))).toBe('b c');
  expect(names(ordered([row('b'), row('a')], { ...byName, descending: true }, first))).toBe('b a');
});

test('a text is looked for in every value', () => {
  const rows = [row('Web', 12), row('db', 3)];
  const values = [(each: Row) => each.name, (each: Row) => each.load];
  expect(withText(rows, 'we', values)).toEqual([rows[0]]);
  expect(withText(rows, '3', values)).toEqual([rows[1]]);
  expect(withText(rows, '', values)).toBe(rows);
});
